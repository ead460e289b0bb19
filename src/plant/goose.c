/* SPDX-License-Identifier: MPL-2.0 */
/*
 * GOOSE (IEC 61850-8-1, 18.1 and annex C): what protection devices tell each other in Ethernet
 * frames, again and again, at once when something changes.
 *
 *   offset  size  field       (big-endian)
 *        0     2  APPID
 *        2     2  length      with these eight octets
 *        4     2  reserved 1  its first bit: simulated
 *        6     2  reserved 2
 *        8        goosePdu    APPLICATION 1
 */
#include "ber.h"
#include "iso.h"

#define GOOSE_HEAD       8
#define GOOSE_SIMULATED  0x8000
#define GOOSE_FIELDS_MAX 32 /* the standard has twelve */

enum goose_tag {
	GOOSE_GOCB_REF = 0,
	GOOSE_TIME_ALLOWED = 1,
	GOOSE_DATASET = 2,
	GOOSE_ID = 3,
	GOOSE_TIME = 4,
	GOOSE_ST_NUM = 5,
	GOOSE_SQ_NUM = 6,
	GOOSE_TEST = 7,
	GOOSE_CONF_REV = 8,
	GOOSE_NEEDS_COMMISSIONING = 9,
	GOOSE_ENTRIES = 10,
	GOOSE_DATA = 11,
	GOOSE_TAGS
};

static bool set(struct slice boolean)
{
	return boolean.len == 1 && boolean.data[0] != 0;
}

bool plant_goose(struct slice bytes, plant_message_fn message, void *context)
{
	struct reader r = {.rest = bytes};
	struct plant_message m = {
		.protocol = PLANT_GOOSE, .operation = PLANT_REPORT, .direction = PLANT_UNSOLICITED};
	uint16_t appid = read_u16(&r), len = read_u16(&r), reserved = read_u16(&r);
	struct slice fields[GOOSE_TAGS] = {0};
	struct slice rest;
	struct ber pdu, field;
	int64_t state, sequence, revision;

	if (r.bad || len < GOOSE_HEAD || len > bytes.len)
		return false;
	rest = slice_cut(bytes, GOOSE_HEAD, len);
	if (!ber_next(&rest, &pdu) || !ber_is(&pdu, BER_APPLICATION, 1) || !pdu.constructed)
		return false;
	rest = pdu.content;
	for (unsigned i = 0; i < GOOSE_FIELDS_MAX && rest.len > 0; i++) {
		if (!ber_next(&rest, &field))
			return false;
		if (field.class == BER_CONTEXT && field.tag < GOOSE_TAGS)
			fields[field.tag] = field.content;
	}
	if (fields[GOOSE_GOCB_REF].len == 0 || !ber_integer(fields[GOOSE_ST_NUM], &state) ||
		!ber_integer(fields[GOOSE_SQ_NUM], &sequence))
		return false;

	/* Every change of state counts stNum up and begins sqNum at 0; repeats count sqNum (and
	 * skip 0 when it comes round: 18.1.2.5). */
	m.function = sequence == 0 ? "state change" : "state repeated";
	plant_put(m.unit, "0x%04x", appid);
	plant_put_text(m.object, fields[GOOSE_GOCB_REF]);
	plant_put(m.value, "stNum %lld sqNum %lld", (long long)state, (long long)sequence);
	if (set(fields[GOOSE_TEST]))
		plant_put(m.value, " test");
	if ((reserved & GOOSE_SIMULATED) != 0)
		plant_put(m.value, " simulated");
	if (ber_integer(fields[GOOSE_CONF_REV], &revision))
		plant_put(m.value, " confRev %lld", (long long)revision);
	if (set(fields[GOOSE_NEEDS_COMMISSIONING]))
		plant_put(m.value, " needs commissioning");
	plant_put(m.value, ": ");
	mms_put_data(m.value, fields[GOOSE_DATA]);
	plant_put(m.value, " of ");
	plant_put_text(m.value, fields[GOOSE_DATASET]);
	if (fields[GOOSE_ID].len != 0 && !slice_equal(fields[GOOSE_ID], fields[GOOSE_GOCB_REF])) {
		plant_put(m.value, " id ");
		plant_put_text(m.value, fields[GOOSE_ID]);
	}
	message(context, &m);
	return true;
}
