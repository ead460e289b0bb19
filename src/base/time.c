/* SPDX-License-Identifier: MPL-2.0 */
/* Time as STIX and TAXII write it: RFC 3339 in UTC, kept as microseconds since 1970. */
#include "base.h"

/* Days since 1970-01-01 of a civil date, years 1 and later: count from 1 March of year 0, so that
 * the leap day is the last day of a year. */
static int64_t days_of_date(int64_t year, unsigned month, unsigned day)
{
	int64_t era, year_of_era;
	unsigned day_of_year;

	if (month <= 2)
		year--;
	era = year / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       (int64_t)day_of_year - 719468;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

/* `count` digits at p as a number; -1 when one of them is none. */
static inline int digits(const char *p, unsigned count)
{
	int value = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned digit = (unsigned)(unsigned char)p[i] - '0';

		if (digit > 9)
			return -1;
		value = value * 10 + (int)digit;
	}
	return value;
}

bool time_parse(struct slice text, int64_t *ret_us, unsigned *ret_digits)
{
	const char *p = text.data;
	int year, month, day, hour, minute, second;
	int64_t us = 0;
	size_t fraction = 0;

	/* 2026-11-23T06:18:00Z */
	if (text.len < 20 || p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' ||
		p[16] != ':' || p[text.len - 1] != 'Z')
		return false;
	year = digits(p, 4);
	month = digits(p + 5, 2);
	day = digits(p + 8, 2);
	hour = digits(p + 11, 2);
	minute = digits(p + 14, 2);
	second = digits(p + 17, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 ||
		minute > 59 || second < 0 || second > 60)
		return false;
	if ((unsigned)day > days_of_month((unsigned)year, (unsigned)month))
		return false;
	if (second == 60 && (hour != 23 || minute != 59))
		return false;
	if (text.len > 20) {
		int64_t scale = US_PER_SECOND / 10;

		fraction = text.len - 21;
		if (p[19] != '.' || fraction == 0)
			return false;
		for (size_t i = 0; i < fraction; i++) {
			unsigned digit = (unsigned)(unsigned char)p[20 + i] - '0';

			if (digit > 9)
				return false;
			us += (int64_t)digit * scale;
			scale /= 10;
		}
	}
	*ret_us = (days_of_date(year, (unsigned)month, (unsigned)day) * 86400 + hour * 3600 +
			  minute * 60 + second) *
			  US_PER_SECOND +
		  us;
	if (ret_digits != NULL)
		*ret_digits = (unsigned)fraction;
	return true;
}

static void put_digits(char *to, uint64_t value, unsigned count)
{
	while (count-- > 0) {
		to[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

size_t time_format(int64_t us, unsigned fraction, char ret_text[TIME_TEXT_MAX])
{
	const int64_t us_per_day = 86400 * US_PER_SECOND;
	int64_t days, era, year;
	uint64_t in_day, seconds;
	unsigned day_of_era, year_of_era, day_of_year, month, day;
	char *p = ret_text;
	size_t len = 20;

	/* Clamp to the years that RFC 3339 can write. */
	if (us < INT64_C(-62135596800000000))
		us = INT64_C(-62135596800000000);
	if (us > INT64_C(253402300799999999))
		us = INT64_C(253402300799999999);
	days = us / us_per_day;
	if (us % us_per_day < 0)
		days--;
	in_day = (uint64_t)(us - days * us_per_day);
	days += 719468;
	era = days / 146097;
	day_of_era = (unsigned)(days - era * 146097);
	year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * day_of_year + 2) / 153;
	day = day_of_year - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 3 : month - 9;
	year = (int64_t)year_of_era + era * 400 + (month <= 2);

	seconds = in_day / (uint64_t)US_PER_SECOND;
	memcpy(p, "0000-00-00T00:00:00", 19);
	put_digits(p, (uint64_t)year, 4);
	put_digits(p + 5, month, 2);
	put_digits(p + 8, day, 2);
	put_digits(p + 11, seconds / 3600, 2);
	put_digits(p + 14, seconds / 60 % 60, 2);
	put_digits(p + 17, seconds % 60, 2);
	if (fraction > 6)
		fraction = 6;
	if (fraction > 0) {
		uint64_t part = in_day % (uint64_t)US_PER_SECOND;

		for (unsigned i = fraction; i < 6; i++)
			part /= 10;
		p[19] = '.';
		put_digits(p + 20, part, fraction);
		len += fraction + 1;
	}
	p[len - 1] = 'Z';
	p[len] = '\0';
	return len;
}
