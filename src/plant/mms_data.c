/* SPDX-License-Identifier: MPL-2.0 */
/* Values as MMS and GOOSE write them (ISO 9506-2 Data), as text short enough to be read. */
#include "ber.h"
#include "iso.h"

#define DATA_DEPTH_MAX 8   /* structures in structures; IEC 61850 nests five deep */
#define DATA_SHOWN_MAX 160 /* values looked at; more would not fit the text */

enum data_tag {
	DATA_ARRAY = 1,
	DATA_STRUCTURE = 2,
	DATA_BOOLEAN = 3,
	DATA_BITS = 4,
	DATA_INTEGER = 5,
	DATA_UNSIGNED = 6,
	DATA_FLOAT = 7,
	DATA_OCTETS = 9,
	DATA_TEXT = 10,
	DATA_TIME = 12, /* of day: milliseconds, perhaps days since 1984 */
	DATA_BCD = 13,
	DATA_UTF8 = 16,
	DATA_UTC = 17,
};

/* First octet: width of the exponent; then IEEE 754 (ISO 9506-2, FloatingPoint). */
static void put_float(char text[PLANT_TEXT_MAX], struct slice content)
{
	struct reader r = {.rest = content};

	read_u8(&r);
	if (content.len == 5)
		plant_put(text, "%g", (double)plant_f32(read_u32(&r)));
	else if (content.len == 9)
		plant_put(text, "%g", plant_f64(read_u64(&r)));
	else
		plant_put_hex(text, content);
}

/* First octet: how many bits of the last one are not used (X.690, 8.6). */
static void put_bits(char text[PLANT_TEXT_MAX], struct slice content)
{
	size_t bits;

	if (content.len < 2 || (uint8_t)content.data[0] > 7)
		return;
	bits = (content.len - 1) * 8 - (uint8_t)content.data[0];
	if (bits > 64) {
		plant_put_hex(text, slice_cut(content, 1, content.len));
		return;
	}
	for (size_t i = 0; i < bits; i++)
		plant_put(text, "%d", (content.data[1 + i / 8] >> (7 - i % 8)) & 1);
}

/* Seconds since 1970, a fraction of 24 bits, an octet of quality (IEC 61850-8-1, 8.1.3.6). */
static void put_utc(char text[PLANT_TEXT_MAX], struct slice content)
{
	struct reader r = {.rest = content};
	char time[TIME_TEXT_MAX];
	int64_t seconds = read_u32(&r);
	uint32_t fraction = (uint32_t)read_u8(&r) << 16;

	fraction |= read_u16(&r);
	if (r.bad)
		return;
	time_format(
		seconds * US_PER_SECOND + (int64_t)((uint64_t)fraction * 1000000 >> 24), 3, time);
	plant_put(text, "%s", time);
}

static void put_value(char text[PLANT_TEXT_MAX], const struct ber *element)
{
	struct slice content = element->content;
	int64_t number;

	switch (element->tag) {
	case DATA_BOOLEAN:
		plant_put(text, "%s", content.len == 1 && content.data[0] != 0 ? "true" : "false");
		break;
	case DATA_BITS:
		put_bits(text, content);
		break;
	case DATA_INTEGER:
	case DATA_UNSIGNED:
		if (ber_integer(content, &number))
			plant_put(text, "%lld", (long long)number);
		else
			plant_put_hex(text, content);
		break;
	case DATA_FLOAT:
		put_float(text, content);
		break;
	case DATA_TEXT:
	case DATA_UTF8:
		plant_put(text, "\"");
		plant_put_text(text, content);
		plant_put(text, "\"");
		break;
	case DATA_UTC:
		put_utc(text, content);
		break;
	default:
		plant_put_hex(text, content);
		break;
	}
}

void mms_put_data(char text[PLANT_TEXT_MAX], struct slice sequence)
{
	struct slice stack[DATA_DEPTH_MAX];
	unsigned depth = 0;
	bool first = true;

	stack[0] = sequence;
	for (unsigned shown = 0; shown < DATA_SHOWN_MAX && !plant_full(text);) {
		struct ber element;

		if (!ber_next(&stack[depth], &element)) {
			if (depth == 0)
				return;
			depth--;
			plant_put(text, "}");
			first = false;
			continue;
		}
		shown++;
		if (!first)
			plant_put(text, ", ");
		first = false;
		if (element.class == BER_CONTEXT && element.constructed &&
			(element.tag == DATA_STRUCTURE || element.tag == DATA_ARRAY)) {
			if (depth + 1 == DATA_DEPTH_MAX) {
				plant_put(text, "{...}");
				continue;
			}
			plant_put(text, "{");
			stack[++depth] = element.content;
			first = true;
		} else {
			put_value(text, &element);
		}
	}
}
