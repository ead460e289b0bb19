/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Certificates as a server shows them up to TLS 1.2 (later they are encrypted): digests of the DER,
 * and the names in it (RFC 5280 4.1, 4.2.1.6). The reader goes down a fixed path, never by itself
 * deeper, and every element must lie in the one around it.
 */
#include "app_parts.h"

#define TAG_BOOLEAN   0x01
#define TAG_OCTETS    0x04
#define TAG_OID       0x06
#define TAG_UTF8      0x0c
#define TAG_PRINTABLE 0x13
#define TAG_T61       0x14
#define TAG_IA5       0x16
#define TAG_SEQUENCE  0x30
#define TAG_SET       0x31
#define TAG_VERSION   0xa0 /* [0] of TBSCertificate */
#define TAG_MORE      0xa3 /* [3]: extensions */
#define TAG_DNS       0x82 /* [2] of GeneralName */
#define TAG_ADDRESS   0x87 /* [7] */

#define CERTIFICATE_PARTS_MAX 256 /* attributes of a subject, extensions; real ones have 10 */
#define NAME_BYTES_MAX        255 /* longer is no host name */

/* The next element; r is bad when it does not fit or its length is not of definite form (X.690
 * 8.1.3), of at most 4 bytes. */
static uint8_t element(struct reader *r, struct slice *ret_value)
{
	uint8_t tag = read_u8(r), first = read_u8(r);
	size_t len = first;

	*ret_value = (struct slice){0};
	if ((tag & 0x1f) == 0x1f || first == 0x80 || first > 0x84)
		r->bad = true;
	if (r->bad)
		return 0;
	if (first > 0x80) {
		len = 0;
		for (unsigned i = 0x80; i < first; i++)
			len = len << 8 | read_u8(r);
	}
	*ret_value = read_bytes(r, len);
	return r->bad ? 0 : tag;
}

static struct slice expect(struct reader *r, uint8_t tag)
{
	struct slice value;

	if (element(r, &value) != tag)
		r->bad = true;
	return r->bad ? (struct slice){0} : value;
}

static bool text_tag(uint8_t tag)
{
	return tag == TAG_UTF8 || tag == TAG_PRINTABLE || tag == TAG_IA5 || tag == TAG_T61;
}

/* RDNSequence: sets of type and value; id-at-commonName is 2.5.4.3. */
static void subject_tell(struct slice subject, struct packet_out *out)
{
	struct reader sets = {.rest = subject};

	for (unsigned i = 0; i < CERTIFICATE_PARTS_MAX && sets.rest.len > 0; i++) {
		struct reader set = {.rest = expect(&sets, TAG_SET)};

		for (unsigned k = 0; k < CERTIFICATE_PARTS_MAX && set.rest.len > 0; k++) {
			struct reader pair = {.rest = expect(&set, TAG_SEQUENCE)};
			struct slice type = expect(&pair, TAG_OID), value;
			uint8_t tag = element(&pair, &value);

			if (!set.bad && !pair.bad && text_tag(tag) && value.len <= NAME_BYTES_MAX &&
				slice_equal(type, SLICE("\x55\x04\x03")))
				app_text(out, ROLE_CERTIFICATE_NAME, value);
		}
	}
}

static void alternatives_tell(struct slice octets, struct packet_out *out)
{
	struct reader outer = {.rest = octets};
	struct reader names = {.rest = expect(&outer, TAG_SEQUENCE)};

	for (unsigned i = 0; i < CERTIFICATE_NAMES_MAX && names.rest.len > 0; i++) {
		struct slice value;
		uint8_t tag = element(&names, &value);

		if (tag == TAG_DNS && value.len <= NAME_BYTES_MAX)
			app_text(out, ROLE_CERTIFICATE_NAME, value);
		else if (tag == TAG_ADDRESS && (value.len == 4 || value.len == 16))
			packet_out_field(out, ROLE_CERTIFICATE_NAME, value, true);
	}
}

/* id-ce-subjectAltName is 2.5.29.17. */
static void extensions_tell(struct slice wrapped, struct packet_out *out)
{
	struct reader outer = {.rest = wrapped};
	struct reader all = {.rest = expect(&outer, TAG_SEQUENCE)};

	for (unsigned i = 0; i < CERTIFICATE_PARTS_MAX && all.rest.len > 0; i++) {
		struct reader one = {.rest = expect(&all, TAG_SEQUENCE)};
		struct slice type = expect(&one, TAG_OID), value;
		uint8_t tag = element(&one, &value);

		if (tag == TAG_BOOLEAN)
			tag = element(&one, &value);
		if (!one.bad && tag == TAG_OCTETS && slice_equal(type, SLICE("\x55\x1d\x11")))
			alternatives_tell(value, out);
	}
}

static void digests_tell(struct slice der, struct packet_out *out)
{
	uint8_t digest[SHA256_LEN];

	hash_sha256(der, digest);
	packet_out_field(
		out, ROLE_CERTIFICATE_HASH, (struct slice){(const char *)digest, SHA256_LEN}, true);
	hash_sha1(der, digest);
	packet_out_field(
		out, ROLE_CERTIFICATE_HASH, (struct slice){(const char *)digest, SHA1_LEN}, true);
	hash_md5(der, digest);
	packet_out_field(
		out, ROLE_CERTIFICATE_HASH, (struct slice){(const char *)digest, MD5_LEN}, true);
}

bool app_certificate(struct slice der, struct packet_out *out)
{
	struct reader top = {.rest = der}, certificate, tbs;
	struct slice value, subject;
	uint8_t tag;

	if (packet_out_wants(out, ROLE_CERTIFICATE_HASH))
		digests_tell(der, out);
	if (!packet_out_wants(out, ROLE_CERTIFICATE_NAME))
		return true;
	certificate = (struct reader){.rest = expect(&top, TAG_SEQUENCE)};
	tbs = (struct reader){.rest = expect(&certificate, TAG_SEQUENCE)};
	/* version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo */
	tag = element(&tbs, &value);
	if (tag == TAG_VERSION)
		element(&tbs, &value);
	expect(&tbs, TAG_SEQUENCE);
	expect(&tbs, TAG_SEQUENCE);
	expect(&tbs, TAG_SEQUENCE);
	subject = expect(&tbs, TAG_SEQUENCE);
	expect(&tbs, TAG_SEQUENCE);
	if (top.bad || certificate.bad || tbs.bad)
		return false;
	subject_tell(subject, out);
	while (tbs.rest.len > 0) {
		tag = element(&tbs, &value);
		if (tbs.bad)
			return false;
		if (tag == TAG_MORE)
			extensions_tell(value, out);
	}
	return true;
}

bool app_certificates(struct slice body, struct packet_out *out)
{
	struct reader r = {.rest = body}, all;
	uint32_t len = (uint32_t)read_u8(&r) << 16;
	bool good = true;

	len |= read_u16(&r);
	all = (struct reader){.rest = read_bytes(&r, len)};
	if (r.bad || r.rest.len > 0)
		return false;
	if (all.rest.len == 0)
		return true; /* a client that has none (RFC 5246 7.4.6) */
	packet_out_record(out);
	app_text(out, ROLE_SERVICE, SLICE("tls"));
	for (unsigned i = 0; i < CERTIFICATES_MAX && all.rest.len > 0; i++) {
		struct slice der;

		len = (uint32_t)read_u8(&all) << 16;
		len |= read_u16(&all);
		der = read_bytes(&all, len);
		if (all.bad)
			return false;
		good &= app_certificate(der, out);
	}
	return good;
}
