/* SPDX-License-Identifier: MPL-2.0 */
/* What converters share: identifiers of their own, markings, times, and telling what went wrong. */
#include <stdlib.h>

#include "import.h"

/* ac0c36f5-e320-4f62-bf38-80cb4f495c93, drawn once; never changes, or lists would come in twice. */
const struct uuid import_namespace = {
	{0xac, 0x0c, 0x36, 0xf5, 0xe3, 0x20, 0x4f, 0x62, 0xbf, 0x38, 0x80, 0xcb, 0x4f, 0x49, 0x5c,
         0x93}
};

void import_uuid(const struct slice *parts, size_t count, struct uuid *ret_uuid)
{
	/* A chain of hashes: its input is the list of parts, wherever they are cut. */
	uint8_t chain[2 * SHA256_LEN] = {0};

	for (size_t k = 0; k < count; k++) {
		uint8_t link[SHA256_LEN];

		hash_sha256(parts[k], chain + SHA256_LEN);
		hash_sha256((struct slice){(const char *)chain, sizeof(chain)}, link);
		memcpy(chain, link, sizeof(link));
	}
	uuid_v5(&import_namespace, (struct slice){(const char *)chain, SHA256_LEN}, ret_uuid);
}

bool import_tlp_uuid(enum stix_tlp tlp, struct uuid *ret_uuid)
{
	/* The ids of FIRST's TLP 2.0 as a STIX extension; a level's TLP 1 id means the same. */
	static const char *const ids[] = {
		[STIX_TLP_CLEAR] = "94868c89-83c2-464b-929b-a1a8aa3c8487",
		[STIX_TLP_GREEN] = "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
		[STIX_TLP_AMBER] = "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
		[STIX_TLP_AMBER_STRICT] = "939a9414-2ddd-4d32-a0cd-375ea402b003",
		[STIX_TLP_RED] = "e828b379-4e03-4974-9ac4-e53a884c97c1",
	};

	if ((unsigned)tlp >= COUNT_OF(ids) || ids[tlp] == NULL)
		return false;
	return uuid_parse(slice_of(ids[tlp]), ret_uuid);
}

enum err_kind import_tlp_emit(
	struct import_job *job, enum stix_tlp tlp, const struct intel_place *place, struct err *e)
{
	struct import_sink *sink = job->sink;
	struct uuid uuid;
	struct slice object;

	if (!import_tlp_uuid(tlp, &uuid) || (job->tlps_emitted & (1u << tlp)) != 0)
		return OK;
	job->tlps_emitted |= 1u << tlp;
	if (sink->known(sink->context, SLICE("marking-definition"), &uuid))
		return OK;
	object = stix_tlp_object(&uuid);
	return object.len == 0 ? OK : sink->emit(sink->context, object, place, e);
}

/* ---- times ---------------------------------------------------------------------------------- */

#define TIME_FIRST_S INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define TIME_LAST_S  INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* "+hh:mm", "-hh:mm" at the end of a time: seconds to take away to be in UTC. */
static bool offset_parse(struct slice text, int64_t *ret_s)
{
	int hours, minutes;

	if (text.len != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':')
		return false;
	if (text.data[1] < '0' || text.data[1] > '9' || text.data[2] < '0' || text.data[2] > '9' ||
		text.data[4] < '0' || text.data[4] > '9' || text.data[5] < '0' ||
		text.data[5] > '9')
		return false;
	hours = (text.data[1] - '0') * 10 + (text.data[2] - '0');
	minutes = (text.data[4] - '0') * 10 + (text.data[5] - '0');
	if (hours > 23 || minutes > 59)
		return false;
	*ret_s = (hours * 3600 + minutes * 60) * (text.data[0] == '-' ? -1 : 1);
	return true;
}

bool import_time(struct slice text, int64_t *ret_us)
{
	static const char midnight[] = {'T', '0', '0', ':', '0', '0', ':', '0', '0'};
	char utc[TIME_TEXT_MAX];
	int64_t offset_s = 0, us;
	uint64_t seconds;
	size_t len;

	text = slice_trim(text);
	if (slice_to_u64(text, &seconds)) {
		if (seconds > (uint64_t)TIME_LAST_S)
			return false;
		*ret_us = (int64_t)seconds * US_PER_SECOND;
		return true;
	}
	if (text.len > 16 && offset_parse(slice_cut(text, text.len - 6, text.len), &offset_s))
		text.len -= 6;
	else if (text.len > 1 && (text.data[text.len - 1] == 'Z' || text.data[text.len - 1] == 'z'))
		text.len--;
	if (text.len > sizeof(utc) - 12)
		return false;
	memcpy(utc, text.data == NULL ? "" : text.data, text.len);
	len = text.len;
	if (len == 10) {
		memcpy(utc + len, midnight, sizeof(midnight));
		len += sizeof(midnight);
	}
	if (len < 19)
		return false;
	utc[10] = utc[10] == ' ' || utc[10] == 't' ? 'T' : utc[10];
	utc[len++] = 'Z';
	if (!time_parse((struct slice){utc, len}, &us, NULL))
		return false;
	us -= offset_s * US_PER_SECOND;
	/* The offset may have moved it out of the years that can be written. */
	if (us < TIME_FIRST_S * US_PER_SECOND || us >= (TIME_LAST_S + 1) * US_PER_SECOND)
		return false;
	*ret_us = us;
	return true;
}

/* ---- telling -------------------------------------------------------------------------------- */

/* Foreign text may stand in it: err_set takes out what could draw on a terminal. */
PRINTF(2, 0) static void tell(struct err *text, const char *format, va_list args)
{
	char message[ERR_TEXT_MAX];

	vsnprintf(message, sizeof(message), format, args);
	err_set(text, ERR_PARSE, "%s", message);
}

void import_lose(struct import_job *job, const struct intel_place *place, const char *format, ...)
{
	struct err text;
	va_list args;

	va_start(args, format);
	tell(&text, format, args);
	va_end(args);
	job->sink->lose(job->sink->context, place, slice_of(text.text));
}

enum err_kind import_refuse(struct import_job *job, const struct intel_place *place,
	struct slice id, struct err *e, const char *format, ...)
{
	struct err text;
	va_list args;

	va_start(args, format);
	tell(&text, format, args);
	va_end(args);
	return job->sink->refuse(job->sink->context, place, id, slice_of(text.text), e);
}
