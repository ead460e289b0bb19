/* SPDX-License-Identifier: MPL-2.0 */
/* Content codings: which one a client wants, and packing whole or as it comes. */
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "http_parts.h"

#define GZIP_LEVEL 4 /* of 9: most of the gain for a third of the time of the default */
#define ZSTD_LEVEL 3
#define WINDOW_LOG 18 /* 256 KiB: constant memory per stream, and well under RFC 9659's 8 MiB */
#define PIECE      KIB(16) /* bytes of room to pack into at a time */

const char *http_coding_name(enum http_coding coding)
{
	static const char *const names[HTTP_CODINGS] = {"identity", "gzip", "zstd"};

	return names[coding];
}

/* "1", "0.5", "0.123": thousandths; -1 when it is none (RFC 9110 section 12.4.2). */
static int weight_parse(struct slice text)
{
	int value, scale = 100;

	if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
		(text.len > 1 && text.data[1] != '.'))
		return -1;
	value = (text.data[0] - '0') * 1000;
	for (size_t i = 2; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		value += (text.data[i] - '0') * scale;
		scale /= 10;
	}
	return value > 1000 ? -1 : value;
}

enum http_coding http_coding_choose(struct slice accept_encoding)
{
	int weights[HTTP_CODINGS] = {-1, -1, -1}; /* -1: not named */
	int others = 0;                           /* what "*" says */
	enum http_coding best = HTTP_IDENTITY;
	struct slice rest = accept_encoding, item;

	while (slice_next(&rest, ',', &item)) {
		size_t semicolon = slice_find(item, ';', 0);
		struct slice name = slice_trim(slice_cut(item, 0, semicolon));
		struct slice parameter = slice_trim(slice_cut(item, semicolon + 1, item.len));
		int weight = 1000;

		if (parameter.len != 0) {
			if (!slice_equal_nocase(slice_cut(parameter, 0, 2), SLICE("q=")))
				continue;
			weight = weight_parse(slice_cut(parameter, 2, parameter.len));
			if (weight < 0)
				continue;
		}
		if (slice_is(name, "*"))
			others = weight;
		else if (slice_equal_nocase(name, SLICE("x-gzip"))) /* RFC 9110 section 8.4.1.3 */
			weights[HTTP_GZIP] = weight;
		for (unsigned c = 0; c < HTTP_CODINGS; c++)
			if (slice_equal_nocase(
				    name, slice_of(http_coding_name((enum http_coding)c))))
				weights[c] = weight;
	}
	for (unsigned c = HTTP_GZIP; c < HTTP_CODINGS; c++) {
		int weight = weights[c] >= 0 ? weights[c] : others;
		int least = best == HTTP_IDENTITY ? 1 : weights[best] >= 0 ? weights[best] : others;

		if (weight >= least)
			best = (enum http_coding)c;
	}
	/* A client that names plain bytes as better than ours gets them. */
	if (best != HTTP_IDENTITY &&
		weights[HTTP_IDENTITY] > (weights[best] >= 0 ? weights[best] : others))
		best = HTTP_IDENTITY;
	return best;
}

bool http_type_packs(struct slice content_type)
{
	static const struct slice words[] = {
		{"text/",      5 },
                {"json",       4 },
                {"xml",        3 },
                {"javascript", 10},
                {"csv",        3 }
        };
	struct slice type = slice_cut(content_type, 0, slice_find(content_type, ';', 0));

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (slice_find_text(type, words[i]) < type.len)
			return true;
	return false;
}

struct http_encoder {
	enum http_coding coding;
	z_stream gzip;
	ZSTD_CCtx *zstd;
};

static struct http_encoder *encoder_new(enum http_coding coding, uint64_t bytes)
{
	struct http_encoder *enc = calloc(1, sizeof(*enc));
	bool good = enc != NULL;

	if (!good)
		return NULL;
	enc->coding = coding;
	if (coding == HTTP_GZIP) {
		/* 15 bits of window, plus 16 for the gzip wrapping. */
		good = deflateInit2(&enc->gzip, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8,
			       Z_DEFAULT_STRATEGY) == Z_OK;
	} else if (coding == HTTP_ZSTD) {
		enc->zstd = ZSTD_createCCtx();
		good = enc->zstd != NULL &&
		       !ZSTD_isError(ZSTD_CCtx_setParameter(
			       enc->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
		       !ZSTD_isError(
			       ZSTD_CCtx_setParameter(enc->zstd, ZSTD_c_windowLog, WINDOW_LOG)) &&
		       (bytes == 0 || !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(enc->zstd, bytes)));
	}
	if (!good) {
		enc->coding = HTTP_IDENTITY; /* nothing of zlib's to end */
		http_encoder_free(enc);
		return NULL;
	}
	return enc;
}

struct http_encoder *http_encoder_new(enum http_coding coding)
{
	return encoder_new(coding, 0);
}

void http_encoder_free(struct http_encoder *enc)
{
	if (enc == NULL)
		return;
	if (enc->coding == HTTP_GZIP)
		deflateEnd(&enc->gzip);
	ZSTD_freeCCtx(enc->zstd);
	free(enc);
}

static enum err_kind gzip_push(
	struct http_encoder *enc, struct slice in, bool end, struct buf *out, struct err *e)
{
	z_stream *z = &enc->gzip;
	size_t left = in.len;
	int rc = Z_OK;

	z->next_in = (Bytef *)(uintptr_t)in.data;
	z->avail_in = 0;
	for (;;) {
		char *to = buf_reserve(out, PIECE);

		if (to == NULL)
			return err_set(e, ERR_NOMEM, "gzip: no room for what is packed");
		if (z->avail_in == 0 && left != 0) {
			z->avail_in = left > MIB(64) ? (uInt)MIB(64) : (uInt)left;
			left -= z->avail_in;
		}
		z->next_out = (Bytef *)to;
		z->avail_out = (uInt)PIECE;
		rc = deflate(z, end && left == 0 ? Z_FINISH : Z_NO_FLUSH);
		out->len += PIECE - z->avail_out;
		if (rc == Z_STREAM_END)
			return OK;
		if (rc != Z_OK && rc != Z_BUF_ERROR)
			return err_set(
				e, ERR_NOMEM, "gzip: %s", z->msg == NULL ? "failed" : z->msg);
		if (!end && z->avail_in == 0 && left == 0 && z->avail_out != 0)
			return OK;
	}
}

static enum err_kind zstd_push(
	struct http_encoder *enc, struct slice in, bool end, struct buf *out, struct err *e)
{
	ZSTD_inBuffer from = {in.data, in.len, 0};

	for (;;) {
		char *to = buf_reserve(out, PIECE);
		ZSTD_outBuffer room = {to, PIECE, 0};
		size_t left;

		if (to == NULL)
			return err_set(e, ERR_NOMEM, "zstd: no room for what is packed");
		left = ZSTD_compressStream2(
			enc->zstd, &room, &from, end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return err_set(e, ERR_NOMEM, "zstd: %s", ZSTD_getErrorName(left));
		out->len += room.pos;
		if (end ? left == 0 : from.pos == from.size)
			return OK;
	}
}

enum err_kind http_encoder_push(
	struct http_encoder *enc, struct slice in, bool end, struct buf *out, struct err *e)
{
	switch (enc->coding) {
	case HTTP_GZIP:
		return gzip_push(enc, in, end, out, e);
	case HTTP_ZSTD:
		return zstd_push(enc, in, end, out, e);
	default:
		buf_slice_append(out, in);
		return out->bad ? err_set(e, ERR_NOMEM, "reply: out of memory") : OK;
	}
}

enum err_kind http_encode_whole(
	enum http_coding coding, struct slice in, struct buf *out, struct err *e)
{
	struct http_encoder *enc = encoder_new(coding, in.len);
	enum err_kind kind;

	if (enc == NULL)
		return err_set(e, ERR_NOMEM, "%s: out of memory", http_coding_name(coding));
	kind = http_encoder_push(enc, in, true, out, e);
	http_encoder_free(enc);
	return kind;
}
