/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Media types as real clients write them: with and without blanks, with quoted versions, several
 * ranges with weights, wildcards.
 */
#include "media.h"

#define TAXII_MEDIA "application/taxii+json"

/* Cut the part before the next `separator` that stands outside of quotes off *rest. */
static bool part_next(struct slice *rest, char separator, struct slice *ret_part)
{
	bool quoted = false;
	size_t end = 0;

	if (rest->data == NULL)
		return false;
	for (; end < rest->len; end++) {
		char c = rest->data[end];

		if (quoted && c == '\\')
			end++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == separator && !quoted)
			break;
	}
	if (end > rest->len)
		end = rest->len;
	*ret_part = slice_trim(slice_cut(*rest, 0, end));
	if (end >= rest->len)
		*rest = (struct slice){0};
	else
		*rest = (struct slice){rest->data + end + 1, rest->len - end - 1};
	return true;
}

static struct slice unquoted(struct slice value)
{
	if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
		return slice_cut(value, 1, value.len - 1);
	return value;
}

/* qvalue, RFC 9110 section 12.4.2: is it zero? What is no qvalue counts as 1, the default. */
static bool weight_is_zero(struct slice q)
{
	if (q.len == 0 || q.data[0] != '0')
		return false;
	if (q.len > 1 && q.data[1] != '.')
		return false;
	for (size_t i = 2; i < q.len; i++) {
		if (q.data[i] != '0')
			return false;
	}
	return true;
}

struct media_range {
	struct slice type;    /* "application/taxii+json" */
	struct slice version; /* unquoted; empty when there is none */
	bool refused;         /* weight zero */
};

static struct media_range range_parse(struct slice text)
{
	struct media_range range = {0};
	struct slice part;

	if (!part_next(&text, ';', &range.type))
		return range;
	while (part_next(&text, ';', &part)) {
		size_t equals = slice_find(part, '=', 0);
		struct slice name = slice_trim(slice_cut(part, 0, equals));
		struct slice value = unquoted(slice_trim(slice_cut(part, equals + 1, part.len)));

		if (slice_equal_nocase(name, SLICE("version")))
			range.version = value;
		else if (slice_equal_nocase(name, SLICE("q")))
			range.refused = weight_is_zero(value);
	}
	return range;
}

/* How closely a range names TAXII 2.1; 0 when it does not fit. */
static int range_fit(const struct media_range *range)
{
	if (slice_equal_nocase(range->type, SLICE(TAXII_MEDIA))) {
		if (range->version.len == 0)
			return 3;
		return slice_is(range->version, "2.1") ? 4 : 0;
	}
	if (slice_equal_nocase(range->type, SLICE("application/*")))
		return 2;
	return slice_is(range->type, "*/*") ? 1 : 0;
}

bool media_accepts_taxii(struct slice accept)
{
	struct slice text;
	bool accepts = false;
	int best = 0;

	accept = slice_trim(accept);
	if (accept.len == 0)
		return true;
	while (part_next(&accept, ',', &text)) {
		struct media_range range = range_parse(text);
		int fit = range_fit(&range);

		if (fit > best) {
			best = fit;
			accepts = !range.refused;
		} else if (fit == best && fit > 0) {
			accepts = accepts || !range.refused;
		}
	}
	return accepts;
}

bool media_taxii_version(struct slice content_type, struct slice *ret_version)
{
	struct media_range range = range_parse(slice_trim(content_type));

	if (!slice_equal_nocase(range.type, SLICE(TAXII_MEDIA)))
		return false;
	*ret_version = range.version;
	return true;
}

bool media_is_taxii(struct slice content_type)
{
	struct slice version;

	return media_taxii_version(content_type, &version) &&
	       (version.len == 0 || slice_is(version, "2.1"));
}
