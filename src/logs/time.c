/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Times as logs write them. A time without a zone is taken as UTC: the reader cannot know where the
 * log was written, and a guess by the sensor's own zone would be wrong for every collected log.
 */
#include "lines.h"

#define YEAR_UNSAID    (-1)
#define YEAR_MIN       1
#define YEAR_MAX       9999
#define US_PER_DAY     (INT64_C(86400) * US_PER_SECOND)
#define TEXT_MAX       64                    /* bytes; no form of a time is longer */
#define FUTURE_MAX_US  (2 * US_PER_DAY)      /* a time without year this far ahead is last year's */
#define ZONE_MAX_HOURS 26                    /* beyond any civil zone */
#define EPOCH_MAX_S    INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* ---- from parts to microseconds -------------------------------------------------------------- */

struct parts {
	int64_t year; /* YEAR_UNSAID: not said */
	int64_t month, day, hour, minute, second, us;
	int64_t zone_s;
	int64_t epoch_us; /* when has_epoch */
	bool has_epoch, has_zone, afternoon, has_half;
};

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_in(int64_t year, int64_t month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar; the year begins in March so that the
 * leap day is its last. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static int64_t year_of(int64_t us)
{
	int64_t days = us / US_PER_DAY, year = 1970 + days / 366;

	while (days_from_civil(year + 1, 1, 1) <= days)
		year++;
	return year;
}

static int64_t to_us(const struct parts *p)
{
	int64_t hour = p->hour;

	if (p->has_epoch)
		return p->epoch_us;
	if (p->has_half) {
		if (hour < 1 || hour > 12)
			return TIME_UNKNOWN;
		hour = hour % 12 + (p->afternoon ? 12 : 0);
	}
	if (p->year < YEAR_MIN || p->year > YEAR_MAX || p->month < 1 || p->month > 12 ||
		p->day < 1 || p->day > days_in(p->year, p->month) || hour > 23 || p->minute > 59 ||
		p->second > 60)
		return TIME_UNKNOWN;
	return ((days_from_civil(p->year, p->month, p->day) * 86400) + hour * 3600 +
		       p->minute * 60 + p->second - p->zone_s) *
		       US_PER_SECOND +
	       p->us;
}

/* RFC 3164 has no year: this one, or the last when that would lie in the future (or has no such
 * day). */
static int64_t with_year(struct parts *p, const struct world *world)
{
	int64_t now, t;

	if (p->year != YEAR_UNSAID || p->has_epoch)
		return to_us(p);
	if (world == NULL)
		return TIME_UNKNOWN;
	now = world_now(world);
	if (now < 0)
		return TIME_UNKNOWN;
	p->year = year_of(now);
	t = to_us(p);
	if (t != TIME_UNKNOWN && t <= now + FUTURE_MAX_US)
		return t;
	p->year--;
	return to_us(p);
}

/* ---- scanning -------------------------------------------------------------------------------- */

/* 1 to `most` digits, at most 19. */
static bool number(struct slice *s, size_t most, int64_t *ret_value, size_t *ret_digits)
{
	uint64_t value = 0; /* 19 digits fit */
	size_t n = 0;

	for (; n < s->len && n < most && is_digit(s->data[n]); n++)
		value = value * 10 + (uint64_t)(s->data[n] - '0');
	*s = slice_cut(*s, n, s->len);
	*ret_value = (int64_t)value;
	if (ret_digits != NULL)
		*ret_digits = n;
	return n != 0 && value <= INT64_MAX;
}

static bool take(struct slice *s, char c)
{
	if (s->len == 0 || s->data[0] != c)
		return false;
	*s = slice_cut(*s, 1, s->len);
	return true;
}

static bool take_any(struct slice *s, const char *set, char *ret_c)
{
	if (s->len == 0 || s->data[0] == 0 || strchr(set, s->data[0]) == NULL)
		return false;
	*ret_c = s->data[0];
	*s = slice_cut(*s, 1, s->len);
	return true;
}

static void blanks(struct slice *s)
{
	while (take(s, ' '))
		;
}

/* Digits behind the point, as microseconds; past the sixth they are cut. */
static bool fraction(struct slice *s, int64_t *ret_us)
{
	int64_t us = 0, unit = 100000;
	size_t n = 0;

	for (; n < s->len && is_digit(s->data[n]); n++) {
		us += (s->data[n] - '0') * unit;
		unit /= 10;
	}
	*s = slice_cut(*s, n, s->len);
	*ret_us = us;
	return n != 0;
}

static bool word_of(struct slice *s, const char *const *words, size_t count, int64_t *ret_index)
{
	for (size_t i = 0; i < count; i++) {
		struct slice word = slice_of(words[i]);

		if (!slice_equal_nocase(slice_cut(*s, 0, word.len), word))
			continue;
		*s = slice_cut(*s, word.len, s->len);
		*ret_index = (int64_t)i;
		return true;
	}
	return false;
}

static bool month_name(struct slice *s, int64_t *ret_month)
{
	static const char *const months[] = {
		"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};

	if (!word_of(s, months, COUNT_OF(months), ret_month))
		return false;
	(*ret_month)++;
	return true;
}

/* "Mon", "Mon,", "Monday": whatever follows is passed over up to the blank. */
static bool weekday(struct slice *s)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	int64_t unused;

	if (!word_of(s, days, COUNT_OF(days), &unused))
		return false;
	while (s->len != 0 && (is_alpha(s->data[0]) || s->data[0] == ','))
		*s = slice_cut(*s, 1, s->len);
	blanks(s);
	return true;
}

/* Z, UTC, GMT, +01:00, +0100, +01; nothing is UTC. */
static bool zone(struct slice *s, struct parts *p)
{
	static const char *const zulu[] = {"utc", "gmt", "z"};
	int64_t hours, minutes = 0, unused;
	size_t digits;
	char sign;

	blanks(s);
	if (s->len == 0)
		return true;
	p->has_zone = true;
	if (word_of(s, zulu, COUNT_OF(zulu), &unused))
		return true;
	if (!take_any(s, "+-", &sign) || !number(s, 2, &hours, &digits) || digits != 2)
		return false;
	(void)take(s, ':');
	if (s->len != 0 && is_digit(s->data[0]) &&
		(!number(s, 2, &minutes, &digits) || digits != 2))
		return false;
	if (hours > ZONE_MAX_HOURS || minutes > 59)
		return false;
	p->zone_s = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
	return true;
}

/* hh:mm[:ss[.fraction]] */
static bool clock_of(struct slice *s, struct parts *p)
{
	char point;

	if (!number(s, 2, &p->hour, NULL) || !take(s, ':') || !number(s, 2, &p->minute, NULL))
		return false;
	if (!take(s, ':'))
		return true;
	if (!number(s, 2, &p->second, NULL))
		return false;
	return !take_any(s, ".,", &point) || fraction(s, &p->us);
}

/* ---- forms ----------------------------------------------------------------------------------- */

static int64_t epoch_scaled(int64_t value, size_t digits)
{
	if (digits <= 11)
		return value <= EPOCH_MAX_S ? value * US_PER_SECOND : TIME_UNKNOWN;
	if (digits <= 13)
		return value * 1000;
	if (digits == 15 || digits == 16)
		return value;
	return digits >= 18 && digits <= 19 ? value / 1000 : TIME_UNKNOWN;
}

/* Seconds with a fraction; milli-, micro- and nanoseconds by their length; 20261123061800. */
static bool form_digits(struct slice s, struct parts *p)
{
	struct slice all = s;
	int64_t value, us = 0;
	size_t digits;
	char point;

	if (!number(&s, 19, &value, &digits))
		return false;
	if (digits == 14 && s.len == 0) {
		p->year = value / INT64_C(10000000000);
		p->month = value / 100000000 % 100;
		p->day = value / 1000000 % 100;
		p->hour = value / 10000 % 100;
		p->minute = value / 100 % 100;
		p->second = value % 100;
		return all.data[0] != '0';
	}
	if (take_any(&s, ".,", &point) && (!fraction(&s, &us) || digits > 13))
		return false;
	if (s.len != 0)
		return false;
	if (digits > 11)
		us /= 1000;
	p->epoch_us = epoch_scaled(value, digits);
	if (p->epoch_us == TIME_UNKNOWN)
		return false;
	p->epoch_us += us;
	p->has_epoch = true;
	return true;
}

/* 2026-11-23T06:18:00.123+01:00, with '/' and blanks too, or the day alone; 20261123T061800Z. */
static bool form_year_first(struct slice s, struct parts *p)
{
	size_t digits;
	char between, unused;

	if (!number(&s, 8, &p->year, &digits))
		return false;
	if (digits == 8) {
		p->day = p->year % 100;
		p->month = p->year / 100 % 100;
		p->year /= 10000;
		if (!take_any(&s, "Tt", &unused) || !number(&s, 6, &p->hour, &digits) ||
			digits != 6)
			return false;
		p->second = p->hour % 100;
		p->minute = p->hour / 100 % 100;
		p->hour /= 10000;
		return (!take(&s, '.') || fraction(&s, &p->us)) && zone(&s, p) && s.len == 0;
	}
	if (digits != 4 || !take_any(&s, "-/", &between) || !number(&s, 2, &p->month, NULL) ||
		!take(&s, between) || !number(&s, 2, &p->day, NULL))
		return false;
	if (s.len == 0)
		return true;
	return take_any(&s, "Tt _", &unused) && clock_of(&s, p) && zone(&s, p) && s.len == 0;
}

/* 23/Nov/2026:06:18:00 +0100 (Apache), 23-Nov-2026 06:18:00.710 (BIND), 23 Nov 2026 06:18:00 +0100
 * (RFC 5322 section 3.3). */
static bool form_day_first(struct slice s, struct parts *p)
{
	char between, unused;
	size_t digits;

	if (!number(&s, 2, &p->day, NULL) || !take_any(&s, "/- ", &between) ||
		!month_name(&s, &p->month) || !take(&s, between) ||
		!number(&s, 4, &p->year, &digits) || digits != 4)
		return false;
	return take_any(&s, ": ", &unused) && clock_of(&s, p) && zone(&s, p) && s.len == 0;
}

/* Nov 23 06:18:00 (RFC 3164 section 4.1.2); Nov 23 2026 06:18:00; Nov 23 06:18:00 2026 (asctime).
 */
static bool form_month_first(struct slice s, struct parts *p)
{
	struct slice ahead;
	size_t digits;
	int64_t year;

	if (!month_name(&s, &p->month) || !take(&s, ' '))
		return false;
	blanks(&s);
	if (!number(&s, 2, &p->day, NULL))
		return false;
	(void)take(&s, ',');
	blanks(&s);
	ahead = s;
	if (number(&ahead, 4, &year, &digits) && digits == 4 && take(&ahead, ' ')) {
		p->year = year;
		s = ahead;
		blanks(&s);
	}
	if (!clock_of(&s, p))
		return false;
	blanks(&s);
	ahead = s;
	if (p->year == YEAR_UNSAID && number(&ahead, 4, &year, &digits) && digits == 4) {
		p->year = year;
		s = ahead;
	}
	return zone(&s, p) && s.len == 0;
}

int64_t logs_time(struct slice text, const struct world *world)
{
	static bool (*const forms[])(struct slice, struct parts *) = {
		form_digits, form_year_first, form_day_first, form_month_first};

	text = slice_trim(text);
	if (text.len >= 2 && ((text.data[0] == '[' && text.data[text.len - 1] == ']') ||
				     (text.data[0] == '"' && text.data[text.len - 1] == '"')))
		text = slice_trim(slice_cut(text, 1, text.len - 1));
	if (text.len == 0 || text.len > TEXT_MAX)
		return TIME_UNKNOWN;
	(void)weekday(&text);
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct parts p = {.year = YEAR_UNSAID};

		if (forms[i](text, &p))
			return with_year(&p, world);
	}
	return TIME_UNKNOWN;
}

/* ---- a mapping's own format ------------------------------------------------------------------ */

static const struct {
	const char *name;
	int64_t per_second;
} epochs[] = {
	{"epoch",    1                  },
	{"epoch-ms", 1000               },
	{"epoch-us", 1000000            },
	{"epoch-ns", INT64_C(1000000000)},
};

static bool epoch_by_name(struct slice s, int64_t per_second, struct parts *p)
{
	int64_t value, us = 0;
	char point;

	if (!number(&s, 19, &value, NULL) || (take_any(&s, ".,", &point) && !fraction(&s, &us)) ||
		s.len != 0 || value / per_second > EPOCH_MAX_S)
		return false;
	p->has_epoch = true;
	p->epoch_us = value / per_second * US_PER_SECOND;
	value %= per_second;
	p->epoch_us += per_second <= US_PER_SECOND ? value * (US_PER_SECOND / per_second)
						   : value / (per_second / US_PER_SECOND);
	p->epoch_us += us / (per_second <= US_PER_SECOND ? per_second : US_PER_SECOND);
	return true;
}

static bool directive(char c, struct slice *s, struct parts *p)
{
	static const char *const halves[] = {"am", "pm"};
	int64_t value;
	size_t digits;

	switch (c) {
	case 'Y':
		return number(s, 4, &p->year, &digits) && digits == 4;
	case 'y': /* as POSIX: 69 to 99 are of the last century */
		if (!number(s, 2, &value, NULL))
			return false;
		p->year = value + (value < 69 ? 2000 : 1900);
		return true;
	case 'm':
		return number(s, 2, &p->month, NULL);
	case 'b':
		return month_name(s, &p->month);
	case 'a':
		return weekday(s);
	case 'e':
	case 'd':
		blanks(s);
		return number(s, 2, &p->day, NULL);
	case 'H':
		return number(s, 2, &p->hour, NULL);
	case 'I':
		p->has_half = true;
		return number(s, 2, &p->hour, NULL);
	case 'p':
		if (!word_of(s, halves, COUNT_OF(halves), &value))
			return false;
		p->has_half = true;
		p->afternoon = value == 1;
		return true;
	case 'M':
		return number(s, 2, &p->minute, NULL);
	case 'S':
		return number(s, 2, &p->second, NULL);
	case 'f':
		return fraction(s, &p->us);
	case 'z':
		return zone(s, p);
	case '%':
		return take(s, '%');
	default:
		return false;
	}
}

bool time_format_known(struct slice format)
{
	for (size_t i = 0; i < COUNT_OF(epochs); i++)
		if (slice_is(format, epochs[i].name))
			return true;
	if (slice_find(format, '%', 0) == format.len)
		return false;
	for (size_t i = 0; i < format.len; i++) {
		if (format.data[i] != '%')
			continue;
		if (++i == format.len || format.data[i] == 0 ||
			strchr("YymbaedHIpMSfz%", format.data[i]) == NULL)
			return false;
	}
	return true;
}

int64_t time_by_format(struct slice text, struct slice format, const struct world *world)
{
	struct parts p = {.year = YEAR_UNSAID};

	text = slice_trim(text);
	for (size_t i = 0; i < COUNT_OF(epochs); i++)
		if (slice_is(format, epochs[i].name))
			return epoch_by_name(text, epochs[i].per_second, &p) ? p.epoch_us
									     : TIME_UNKNOWN;
	for (size_t i = 0; i < format.len; i++) {
		char c = format.data[i];
		bool good = true;

		if (c == ' ')
			blanks(&text);
		else if (c == '%' && i + 1 < format.len)
			good = directive(format.data[++i], &text, &p);
		else
			good = take(&text, c);
		if (!good)
			return TIME_UNKNOWN;
	}
	return text.len == 0 ? with_year(&p, world) : TIME_UNKNOWN;
}
