/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a policy may look at in an object, by the rules of docs/labels.md. What the rules cannot
 * tell is unknown, and an object's own statement makes it known; a statement never makes it less
 * strict than what the object itself shows.
 */
#include "traits.h"

static const char *const pii_names[PII_KINDS] = {"unknown", "none", "pseudonymous", "personal"};
static const char *const content_names[CONTENT_KINDS] = {
	"unknown", "technical", "mixed", "expression"};

const char *traits_pii_name(enum traits_pii pii)
{
	return (unsigned)pii < PII_KINDS ? pii_names[pii] : pii_names[PII_UNKNOWN];
}

const char *traits_content_name(enum traits_content content)
{
	return (unsigned)content < CONTENT_KINDS ? content_names[content]
						 : content_names[CONTENT_UNKNOWN];
}

/* ---- personal data --------------------------------------------------------------------------- */

/* The worse of two parts of one object. A part that is unknown does not hide one that is not. */
static enum traits_pii pii_worse(enum traits_pii a, enum traits_pii b)
{
	if (a == PII_PERSONAL || b == PII_PERSONAL)
		return PII_PERSONAL;
	if (a == PII_UNKNOWN || b == PII_UNKNOWN)
		return PII_UNKNOWN;
	return a > b ? a : b;
}

static bool is_local(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-' || c == '+' || c == '%';
}

/* Is there a person's e-mail address in the text: word, '@', a name with a dot in it? */
static bool has_mail_address(struct slice text)
{
	text = slice_cut(text, 0, TRAITS_TEXT_SCAN_MAX);
	for (size_t at = slice_find(text, '@', 0); at < text.len;
		at = slice_find(text, '@', at + 1)) {
		size_t from = at, to = at + 1;
		bool dot = false;

		while (from > 0 && is_local(text.data[from - 1]))
			from--;
		while (to < text.len && is_local(text.data[to])) {
			dot = dot ||
			      (text.data[to] == '.' && to > at + 1 && to + 1 < text.len &&
				      is_local(text.data[to + 1]) && text.data[to + 1] != '.');
			to++;
		}
		if (from < at && dot && !traits_is_role(slice_cut(text, from, at)))
			return true;
	}
	return false;
}

static enum traits_pii pii_of_address(struct slice address)
{
	size_t at = slice_find(address, '@', 0);

	return at < address.len && traits_is_role(slice_cut(address, 0, at)) ? PII_NONE
									     : PII_PERSONAL;
}

static enum traits_pii look_identity(struct json_value object)
{
	struct slice class = json_get_string(object, "identity_class");
	struct json_value v;

	if (slice_is(class, "individual"))
		return PII_PERSONAL;
	if (!slice_is(class, "organization") && !slice_is(class, "group") &&
		!slice_is(class, "system") && !slice_is(class, "class"))
		return PII_UNKNOWN;
	/* Who is to be asked there may well be somebody. */
	return json_get(object, "contact_information", &v) ? PII_UNKNOWN : PII_NONE;
}

static enum traits_pii look_indicator(
	struct json_value object, const struct stix_value *values, size_t count)
{
	struct slice pattern = json_get_string(object, "pattern");
	struct slice language = json_get_string(object, "pattern_type");
	enum traits_pii pii = PII_NONE;
	size_t addresses = 0;

	if (!slice_is(language, "stix")) /* rules of other engines: only what stands out */
		return slice_find(pattern, '@', 0) < pattern.len ? PII_UNKNOWN : PII_NONE;
	if (slice_find_text(pattern, SLICE("user-account:")) < pattern.len)
		return PII_PERSONAL;
	for (size_t i = 0; i < count; i++) {
		if (values[i].kind != STIX_VALUE_EMAIL)
			continue;
		addresses++;
		pii = pii_worse(pii, pii_of_address(values[i].text));
	}
	/* An address or message that is not compared with one plain value. */
	if (addresses == 0 && slice_find_text(pattern, SLICE("email-")) < pattern.len)
		return PII_UNKNOWN;
	return pii;
}

/* A type among what was observed. */
static void observed_type(
	struct slice type, size_t *count, enum traits_pii *pii, enum traits_content *content)
{
	const struct traits_row *row = traits_row_of(type);
	enum traits_pii its = row == NULL ? PII_UNKNOWN : row->pii;

	if (row != NULL && row->look == LOOK_EMAIL)
		its = PII_PERSONAL; /* whose, only the address would say */
	if (slice_is(type, "relationship") || slice_is(type, "sighting"))
		return;
	*pii = *count == 0 ? its : pii_worse(*pii, its);
	if (row == NULL || row->content == CONTENT_UNKNOWN)
		*content = *content == CONTENT_MIXED ? CONTENT_MIXED : CONTENT_UNKNOWN;
	else if (row->content != CONTENT_TECHNICAL)
		*content = CONTENT_MIXED;
	else if (*count == 0)
		*content = CONTENT_TECHNICAL;
	++*count;
}

static void look_observed(struct json_value object, const struct stix_facts *facts,
	enum traits_pii *ret_pii, enum traits_content *ret_content)
{
	enum traits_pii pii = PII_UNKNOWN;
	enum traits_content content = CONTENT_UNKNOWN;
	struct json_value objects, one;
	struct slice name;
	size_t count = 0;

	for (size_t i = 0; i < facts->references_count; i++)
		if (slice_is(facts->references[i].property, "object_refs"))
			observed_type(facts->references[i].target.type, &count, &pii, &content);
	if (json_get(object, "objects", &objects)) {
		struct json_iter it = json_iter(objects);

		while (json_object_next(&it, &name, &one))
			observed_type(json_get_string(one, "type"), &count, &pii, &content);
	}
	*ret_pii = pii;
	*ret_content = content;
}

/* ---- content --------------------------------------------------------------------------------- */

/* Reports and groupings of which all types are those of the standard's vocabularies. */
static enum traits_content look_report(struct json_value object)
{
	static const char *const types[] = {"attack-pattern", "campaign", "identity", "incident",
		"indicator", "intrusion-set", "malware", "observed-data", "threat-actor",
		"threat-report", "tool", "vulnerability"};
	struct slice context = json_get_string(object, "context");
	struct json_value list, one;
	size_t count = 0;

	if (slice_is(context, "suspicious-activity") || slice_is(context, "malware-analysis"))
		return CONTENT_TECHNICAL;
	if (!json_get(object, "report_types", &list))
		return CONTENT_UNKNOWN;
	for (struct json_iter it = json_iter(list); json_array_next(&it, &one); count++) {
		bool found = false;

		for (size_t i = 0; i < COUNT_OF(types) && !found; i++)
			found = slice_is(json_string(one), types[i]);
		if (!found)
			return CONTENT_UNKNOWN;
	}
	return count > 0 ? CONTENT_TECHNICAL : CONTENT_UNKNOWN;
}

/* ---- what an object says of itself ----------------------------------------------------------- */

struct saying {
	enum traits_pii pii;
	enum traits_content content;
	bool expression; /* a word that says so */
	struct slice affected[TRAITS_AFFECTED_MAX];
	size_t affected_count; /* past the limit: one more */
};

static bool affected_fits(struct slice name)
{
	if (name.len == 0 || name.len > TRAITS_MEMBER_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' &&
			c != '-')
			return false;
	}
	return true;
}

static void say_affected(struct saying *s, struct slice name)
{
	size_t at = 0;

	if (!affected_fits(name) || s->affected_count > TRAITS_AFFECTED_MAX)
		return;
	while (at < s->affected_count && slice_compare(s->affected[at], name) < 0)
		at++;
	if (at < s->affected_count && slice_equal(s->affected[at], name))
		return;
	if (s->affected_count == TRAITS_AFFECTED_MAX) {
		s->affected_count++; /* too many: as if nothing was said */
		return;
	}
	memmove(&s->affected[at + 1], &s->affected[at],
		(s->affected_count - at) * sizeof(s->affected[0]));
	s->affected[at] = name;
	s->affected_count++;
}

static void say_pii(struct saying *s, struct slice word)
{
	for (unsigned i = PII_NONE; i < PII_KINDS; i++)
		if (slice_is(word, pii_names[i]) && s->pii < (enum traits_pii)i)
			s->pii = (enum traits_pii)i;
}

static void say_content(struct saying *s, struct slice word)
{
	for (unsigned i = CONTENT_TECHNICAL; i < CONTENT_KINDS; i++)
		if (slice_is(word, content_names[i]) && s->content < (enum traits_content)i)
			s->content = (enum traits_content)i;
}

/* "misp-galaxy:sector=\"Energy\"": the quotes off. */
static struct slice unquoted(struct slice text)
{
	if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"')
		return slice_cut(text, 1, text.len - 1);
	return text;
}

/* What comes behind the prefix; empty: it is not there. */
static struct slice behind(struct slice label, const char *prefix)
{
	return slice_starts(label, slice_of(prefix)) ? slice_cut(label, strlen(prefix), label.len)
						     : (struct slice){0};
}

static void label_take(struct saying *s, struct slice label, uint32_t *sectors)
{
	struct slice named = behind(label, "sector:");
	int sector = traits_sector_of(label);

	if (named.len == 0)
		named = unquoted(behind(label, "misp-galaxy:sector="));
	if (named.len > 0) {
		sector = traits_sector_of(named);
		if (sector < 0)
			sector = traits_sector_of(SLICE("other"));
	}
	if (sector >= 0)
		*sectors |= UINT32_C(1) << sector;
	s->expression = s->expression || traits_is_expression(label);
	say_pii(s, behind(label, "pii:"));
	say_content(s, behind(label, "content:"));
	say_affected(s, behind(label, "affected:"));
}

static uint32_t sectors_of(
	struct json_value object, const struct stix_facts *facts, struct saying *s)
{
	struct json_value list, one;
	uint32_t sectors = 0;

	if (facts->labels.doc != NULL) {
		struct json_iter it = json_iter(facts->labels);

		while (json_array_next(&it, &one))
			label_take(s, json_string(one), &sectors);
	}
	/* Those of an identity (section 4.5); the vocabulary is open, so there are other words. */
	if (slice_is(facts->key.type, "identity") && json_get(object, "sectors", &list)) {
		struct json_iter it = json_iter(list);

		while (json_array_next(&it, &one)) {
			int sector = traits_sector_of(json_string(one));

			if (sector < 0)
				sector = traits_sector_of(SLICE("other"));
			sectors |= UINT32_C(1) << sector;
		}
	}
	return sectors;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static enum traits_pii pii_of(const struct traits_row *row, struct json_value object,
	const struct stix_facts *facts, const struct stix_value *values, size_t count)
{
	enum traits_pii pii = row->pii;
	struct json_value v;

	switch (row->look) {
	case LOOK_IDENTITY:
		pii = look_identity(object);
		break;
	case LOOK_INDICATOR:
		pii = look_indicator(object, values, count);
		break;
	case LOOK_ACTOR:
		if (slice_is(json_get_string(object, "resource_level"), "individual"))
			pii = PII_PERSONAL;
		break;
	case LOOK_LOCATION:
		if (json_get(object, "street_address", &v) || json_get(object, "latitude", &v))
			pii = PII_UNKNOWN;
		break;
	case LOOK_EMAIL:
		pii = pii_of_address(json_get_string(object, "value"));
		if (json_get(object, "display_name", &v) || json_get(object, "belongs_to_ref", &v))
			pii = PII_PERSONAL;
		break;
	case LOOK_TEXT:
		for (size_t i = 0; i < count; i++)
			if (slice_find(values[i].text, '@', 0) < values[i].text.len)
				pii = PII_UNKNOWN;
		break;
	default:
		break;
	}
	if (has_mail_address(facts->name) || has_mail_address(facts->description))
		pii = row->look == LOOK_EMAIL ? pii : pii_worse(pii, PII_PERSONAL);
	return pii;
}

static void names_append(struct buf *out, uint32_t sectors)
{
	bool any = false;

	for (unsigned i = 0; traits_sector_name(i) != NULL; i++) {
		if ((sectors >> i & 1) == 0)
			continue;
		if (any)
			buf_char(out, ',');
		buf_text(out, traits_sector_name(i));
		any = true;
	}
	if (!any)
		buf_char(out, '-');
}

/* Those affected; none when they do not all fit, for part of them would say that the others are
 * not. */
static void affected_append(struct buf *out, const struct saying *s, size_t room)
{
	size_t len = 0;

	for (size_t i = 0; i < s->affected_count && i < TRAITS_AFFECTED_MAX; i++)
		len += s->affected[i].len + (i > 0);
	if (s->affected_count == 0 || s->affected_count > TRAITS_AFFECTED_MAX || len > room) {
		buf_char(out, '-');
		return;
	}
	for (size_t i = 0; i < s->affected_count; i++) {
		if (i > 0)
			buf_char(out, ',');
		buf_slice_append(out, s->affected[i]);
	}
}

void traits_append(struct json_value object, const struct stix_facts *facts,
	const struct stix_value *values, size_t values_count, struct buf *out)
{
	static const struct traits_row custom = {"other", PII_UNKNOWN, CONTENT_UNKNOWN, LOOK_NO};
	const struct traits_row *row = traits_row_of(facts->key.type);
	struct saying s = {0};
	enum traits_pii pii;
	enum traits_content content;
	uint32_t sectors;
	size_t start = out->len;
	struct json_value v;

	if (row == NULL)
		row = &custom;
	sectors = sectors_of(object, facts, &s);
	pii = pii_of(row, object, facts, values, values_count);
	content = row->content;
	if (row->look == LOOK_OBSERVED) {
		enum traits_pii seen;

		look_observed(object, facts, &seen, &content);
		pii = has_mail_address(facts->name) ? PII_PERSONAL : seen;
	}
	if (row->look == LOOK_REPORT)
		content = look_report(object);
	if (row->look == LOOK_FILE && json_get(object, "content_ref", &v))
		content = CONTENT_UNKNOWN;
	if (s.pii != PII_UNKNOWN && (pii == PII_UNKNOWN || s.pii > pii))
		pii = s.pii;
	if (s.content != CONTENT_UNKNOWN && (content == CONTENT_UNKNOWN || s.content > content))
		content = s.content;
	if (s.expression && content != CONTENT_EXPRESSION)
		content = CONTENT_MIXED;
	buf_printf(out, "%d %s ", TRAITS_RULES, row->type);
	if (facts->confidence >= 0 && facts->confidence <= 100)
		buf_printf(out, "%d ", facts->confidence);
	else
		buf_text(out, "- ");
	names_append(out, sectors);
	buf_printf(out, " %s %s ", pii_names[pii], content_names[content]);
	affected_append(out, &s, STORE_TRAITS_BYTES - (out->len - start));
}

/* ---- and back -------------------------------------------------------------------------------- */

static int name_find(struct slice word, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(word, names[i]))
			return (int)i;
	return -1;
}

static bool sectors_parse(struct slice text, uint32_t *ret_sectors)
{
	struct slice word;

	*ret_sectors = 0;
	if (slice_is(text, "-"))
		return true;
	while (slice_next(&text, ',', &word)) {
		unsigned at = 0;

		while (traits_sector_name(at) != NULL && !slice_is(word, traits_sector_name(at)))
			at++;
		if (traits_sector_name(at) == NULL)
			return false;
		*ret_sectors |= UINT32_C(1) << at;
	}
	return true;
}

bool traits_parse(struct slice text, struct traits *ret_traits)
{
	enum { RULES, KIND, CONFIDENCE, SECTORS, PII, CONTENT, AFFECTED, PARTS };
	struct slice parts[PARTS], part;
	struct traits t = {.confidence = -1};
	uint64_t number;
	size_t count = 0;
	int pii, content;

	while (slice_next(&text, ' ', &part)) {
		if (count == PARTS)
			return false;
		parts[count++] = part;
	}
	if (count != PARTS || !slice_to_u64(parts[RULES], &number) || number != TRAITS_RULES)
		return false;
	t.kind = parts[KIND];
	if (!slice_is(parts[CONFIDENCE], "-")) {
		if (!slice_to_u64(parts[CONFIDENCE], &number) || number > 100)
			return false;
		t.confidence = (int)number;
	}
	pii = name_find(parts[PII], pii_names, PII_KINDS);
	content = name_find(parts[CONTENT], content_names, CONTENT_KINDS);
	if (pii < 0 || content < 0 || t.kind.len == 0 || !sectors_parse(parts[SECTORS], &t.sectors))
		return false;
	t.pii = (enum traits_pii)pii;
	t.content = (enum traits_content)content;
	if (!slice_is(parts[AFFECTED], "-"))
		t.affected = parts[AFFECTED];
	*ret_traits = t;
	return true;
}
