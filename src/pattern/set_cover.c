/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a record must hold before an expression can be true of it: for each comparison the values
 * of the roles that event_stix makes its path from; of an OR all sides, of an AND the rarest.
 *
 * equality, IN   the value itself, by hash
 * ISSUBSET       the network's bits, by hash, one look for each length in use
 * LIKE, MATCHES  four bytes that every value it takes must hold, the rarest, by hash
 * others         the comparison itself on each value of these roles (a side), or only that a role
 *                is there; no more than PATTERN_SIDE_MAX of them
 */
#include <math.h>
#include <stdlib.h>

#include "set.h"

#define R(role) (UINT64_C(1) << ROLE_##role)

#define COST_SIDE     20000
#define COST_PRESENCE 200000
#define COST_DEAD     UINT32_MAX

#define ROLES_ADDRESS                                                                              \
	(R(SOURCE_ADDRESS) | R(DESTINATION_ADDRESS) | R(ADDRESS) | R(ANSWER) | R(HOST) |           \
		R(CERTIFICATE_NAME))
#define ROLES_NAME    (R(QUERY) | R(ANSWER) | R(HOST) | R(SNI) | R(CERTIFICATE_NAME))
#define ROLES_TRAFFIC (R(SOURCE_ADDRESS) | R(DESTINATION_ADDRESS) | R(SNI) | R(HOST))
#define ROLES_FILE    (R(FILE_NAME) | R(FILE_HASH) | R(SSDEEP) | R(PROCESS))
#define ROLES_MAIL    (R(EMAIL_FROM) | R(EMAIL_TO) | R(SUBJECT))
#define ROLES_HTTP    (R(METHOD) | R(USER_AGENT) | R(REFERRER))
#define ROLES_PLANT                                                                                \
	(R(PLANT_PROTOCOL) | R(PLANT_FUNCTION) | R(PLANT_OPERATION) | R(PLANT_UNIT) |              \
		R(PLANT_OBJECT) | R(PLANT_VALUE))

enum row_kind {
	ROW_TEXT,
	ROW_NUMBER,
	ROW_ADDRESS,
	ROW_PARTLY, /* some of its values are made up: only equality with others is sure */
	ROW_MADE    /* made of several fields: only that they are there is sure */
};

/* Which objects event_stix makes, and from what: an object is there only if one of the roles is. */
static const struct {
	const char *type;
	uint64_t roles;
} types[] = {
	{"ipv4-addr",               ROLES_ADDRESS                         },
	{"ipv6-addr",               ROLES_ADDRESS                         },
	{"domain-name",             ROLES_NAME                            },
	{"network-traffic",         ROLES_TRAFFIC                         },
	{"url",		     R(URL)				},
	{"file",		    ROLES_FILE			    },
	{"x509-certificate",        R(CERTIFICATE_HASH)                   },
	{"email-message",           ROLES_MAIL                            },
	{"email-addr",              R(EMAIL) | R(EMAIL_FROM) | R(EMAIL_TO)},
	{"mac-addr",                R(MAC)				},
	{"autonomous-system",       R(ASN)                                },
	{"user-account",            R(USER)                               },
	{"process",                 R(COMMAND) | R(PROCESS)               },
	{"windows-registry-key",    R(REGISTRY_KEY)                       },
	{"mutex",		   R(MUTEX)			      },
	{"x-serai-plant-operation", ROLES_PLANT                           },
};

/* Paths, with * for any index; what a value costs: how often records hold one that is sought. */
static const struct row {
	const char *type, *path;
	uint64_t roles;
	enum row_kind kind;
	uint32_t cost;
} rows[] = {
	{"ipv4-addr",               "value",						   ROLES_ADDRESS,                             ROW_ADDRESS, 2   },
	{"ipv6-addr",               "value",						   ROLES_ADDRESS,                             ROW_ADDRESS, 2   },
	{"domain-name",             "value",						   ROLES_NAME,                                ROW_TEXT,    2   },
	{"domain-name",             "resolves_to_refs.*.value",                                R(ANSWER),                                 ROW_ADDRESS, 3   },
	{"network-traffic",         "src_ref.value",                                           R(SOURCE_ADDRESS),                         ROW_ADDRESS, 3   },
	{"network-traffic",         "dst_ref.value",                                           R(DESTINATION_ADDRESS) | R(SNI) | R(HOST), ROW_ADDRESS,
         3																		 },
	{"network-traffic",         "src_port",						R(SOURCE_PORT),                            ROW_NUMBER,  100 },
	{"network-traffic",         "dst_port",						R(DESTINATION_PORT),                       ROW_NUMBER,  1000},
	{"network-traffic",         "src_byte_count",                                          R(SOURCE_BYTES),                           ROW_NUMBER,  100 },
	{"network-traffic",         "dst_byte_count",                                          R(DESTINATION_BYTES),                      ROW_NUMBER,  100 },
	{"network-traffic",         "protocols.*",					     R(TRANSPORT) | R(SERVICE),                 ROW_PARTLY,  9000},
	{"network-traffic",         "x_ja3_hash",					      R(JA3),                                    ROW_TEXT,    2   },
	{"network-traffic",         "x_ja3s_hash",					     R(JA3S),                                   ROW_TEXT,    2   },
	{"network-traffic",         "x_ja4",						   R(JA4),                                    ROW_TEXT,    2   },
	{"network-traffic",         "start",						   ROLES_TRAFFIC,                             ROW_MADE,    0   },
	{"network-traffic",         "extensions.http-request-ext.request_method",              R(METHOD),                                 ROW_PARTLY,
         5000																	      },
	{"network-traffic",         "extensions.http-request-ext.request_value",               ROLES_HTTP,                                ROW_MADE,    0   },
	{"network-traffic",         "extensions.http-request-ext.request_header.Host.*",       R(HOST),                                   ROW_TEXT,
         3																		 },
	{"network-traffic",         "extensions.http-request-ext.request_header.Referer.*",    R(REFERRER),
         ROW_TEXT,																     5   },
	{"network-traffic",         "extensions.http-request-ext.request_header.User-Agent.*",
         R(USER_AGENT),														   ROW_TEXT,    10  },
	{"url",		     "value",						   R(URL),				    ROW_TEXT,    2   },
	{"file",		    "name",						    R(FILE_NAME) | R(PROCESS),                 ROW_TEXT,    5   },
	{"file",		    "hashes.MD5",					      R(FILE_HASH),                              ROW_TEXT,    1   },
	{"file",		    "hashes.SHA-1",					    R(FILE_HASH),                              ROW_TEXT,    1   },
	{"file",		    "hashes.SHA-256",					  R(FILE_HASH),                              ROW_TEXT,    1   },
	{"file",		    "hashes.SHA-512",					  R(FILE_HASH),                              ROW_TEXT,    1   },
	{"file",		    "hashes.SSDEEP",					   R(SSDEEP),                                 ROW_TEXT,    1   },
	{"file",		    "mime_type",					       R(MIME),                                   ROW_TEXT,    500 },
	{"file",		    "extensions.windows-pebinary-ext.imphash",                 R(IMPHASH),                                ROW_TEXT,    1   },
	{"file",		    "extensions.windows-pebinary-ext.pe_type",                 R(IMPHASH),                                ROW_MADE,    0   },
	{"x509-certificate",        "hashes.MD5",					      R(CERTIFICATE_HASH),                       ROW_TEXT,    1   },
	{"x509-certificate",        "hashes.SHA-1",                                            R(CERTIFICATE_HASH),                       ROW_TEXT,    1   },
	{"x509-certificate",        "hashes.SHA-256",                                          R(CERTIFICATE_HASH),                       ROW_TEXT,    1   },
	{"x509-certificate",        "hashes.SHA-512",                                          R(CERTIFICATE_HASH),                       ROW_TEXT,    1   },
	{"x509-certificate",        "subject",						 R(CERTIFICATE_NAME),                       ROW_MADE,    0   },
	{"email-message",           "from_ref.value",                                          R(EMAIL_FROM),                             ROW_TEXT,    2   },
	{"email-message",           "to_refs.*.value",                                         R(EMAIL_TO),                               ROW_TEXT,    5   },
	{"email-message",           "subject",						 R(SUBJECT),                                ROW_TEXT,    3   },
	{"email-message",           "is_multipart",					    ROLES_MAIL,                                ROW_MADE,    0   },
	{"email-addr",              "value",						   R(EMAIL) | R(EMAIL_FROM) | R(EMAIL_TO),    ROW_TEXT,    2   },
	{"mac-addr",                "value",						   R(MAC),                                    ROW_TEXT,    2   },
	{"autonomous-system",       "number",						  R(ASN),                                    ROW_NUMBER,  5   },
	{"user-account",            "account_login",					   R(USER),                                   ROW_TEXT,    5   },
	{"process",                 "command_line",					    R(COMMAND),                                ROW_TEXT,    2   },
	{"process",                 "image_ref.name",					  R(PROCESS),                                ROW_TEXT,    10  },
	{"windows-registry-key",    "key",						     R(REGISTRY_KEY),                           ROW_TEXT,    2   },
	{"mutex",		   "name",						    R(MUTEX),                                  ROW_TEXT,    2   },
	{"x-serai-plant-operation", "protocol",						R(PLANT_PROTOCOL),                         ROW_TEXT,    9000},
	{"x-serai-plant-operation", "function",						R(PLANT_FUNCTION),                         ROW_TEXT,    500 },
	{"x-serai-plant-operation", "operation",                                               R(PLANT_OPERATION),                        ROW_TEXT,    500 },
	{"x-serai-plant-operation", "unit",						    R(PLANT_UNIT),                             ROW_TEXT,    500 },
	{"x-serai-plant-operation", "object",						  R(PLANT_OBJECT),                           ROW_TEXT,    50  },
	{"x-serai-plant-operation", "value",						   R(PLANT_VALUE),                            ROW_TEXT,    500 },
	{"x-serai-plant-operation", "traffic_ref.src_ref.value",                               R(SOURCE_ADDRESS),                         ROW_ADDRESS, 3   },
	{"x-serai-plant-operation", "traffic_ref.dst_ref.value",
         R(DESTINATION_ADDRESS) | R(SNI) | R(HOST),										       ROW_ADDRESS, 3   },
	{"x-serai-plant-operation", "traffic_ref.dst_port",                                    R(DESTINATION_PORT),                       ROW_NUMBER,  1000},
};

/* Where a comparison's candidates come from. */
struct source {
	uint64_t type_roles; /* 0: no such object on a stream */
	const struct row
		*row; /* NULL: no row; then `known` tells whether the property can be there */
	bool known;
};

/* ---- paths
 * ---------------------------------------------------------------------------------------------------
 */

/* "a.*.b" cut after its first name. */
static struct slice first_name(const char *path)
{
	struct slice all = slice_of(path);

	return slice_cut(all, 0, slice_find(all, '.', 0));
}

static bool path_equal(const struct stix_node *node, const char *path)
{
	struct slice rest = slice_of(path), part;

	for (size_t k = 0; k < node->steps_count; k++) {
		struct slice name = node->steps[k].kind == STIX_STEP_PROPERTY ? node->steps[k].name
									      : SLICE("*");

		if (!slice_next(&rest, '.', &part) || !slice_equal(part, name))
			return false;
	}
	return !slice_next(&rest, '.', &part);
}

static struct source source_of(const struct stix_node *node)
{
	static const char *const common[] = {"type", "id", "spec_version"};
	struct slice first = node->steps[0].name;
	struct source s = {0};

	for (size_t k = 0; k < COUNT_OF(types); k++) {
		if (slice_is(node->object_type, types[k].type))
			s.type_roles = types[k].roles;
	}
	for (size_t k = 0; k < COUNT_OF(common); k++)
		s.known |= slice_is(first, common[k]);
	for (size_t k = 0; k < COUNT_OF(rows); k++) {
		if (!slice_is(node->object_type, rows[k].type))
			continue;
		s.known |= slice_equal(first, first_name(rows[k].path));
		if (path_equal(node, rows[k].path))
			s.row = &rows[k];
	}
	return s;
}

/* ---- literals
 * ------------------------------------------------------------------------------------------------
 */

/* Longest run without wildcards. */
static struct slice like_literal(struct slice like)
{
	struct slice best = {0};
	size_t from = 0;

	for (size_t k = 0; k <= like.len; k++) {
		if (k < like.len && like.data[k] != '%' && like.data[k] != '_')
			continue;
		if (k - from > best.len)
			best = slice_cut(like, from, k);
		from = k + 1;
	}
	return best;
}

static bool is_quantifier(char c)
{
	return c == '?' || c == '*' || c == '{';
}

/*
 * Longest run of bytes that every match of a regular expression holds, written to *out. Only what
 * is plain: nothing when there are alternatives, groups with options, quotes or verbs anywhere.
 */
static struct slice regex_literal(struct slice text, struct buf *out)
{
	static const char plain_escapes[] = ".\\/-:@_+*?()[]{}|^$#%&,;=!~\"'<> ";
	size_t best = 0, best_len = 0, from = 0, depth = 0;

	buf_clear(out);
	if (slice_find(text, '|', 0) < text.len || slice_find_text(text, SLICE("(?")) < text.len ||
		slice_find_text(text, SLICE("(*")) < text.len ||
		slice_find_text(text, SLICE("\\Q")) < text.len ||
		slice_find_text(text, SLICE("\\c")) < text.len)
		return (struct slice){0};
	for (size_t k = 0; k <= text.len; k++) {
		char c = k < text.len ? text.data[k] : '\0';
		bool literal = false;

		if (k == text.len) {
			/* the end closes the run */
		} else if (c == '\\' && k + 1 < text.len) {
			c = text.data[++k];
			literal = strchr(plain_escapes, c) != NULL;
			/* \x41, \123, \p{..}: what follows is part of it */
			if (!literal && strchr("bBdDwWsSnrtAzZGhHvVNR", c) == NULL)
				return (struct slice){0};
		} else if (c == '[') {
			k++;
			if (k < text.len && text.data[k] == '^')
				k++;
			if (k < text.len && text.data[k] == ']')
				k++;
			for (; k < text.len && text.data[k] != ']'; k++) {
				if (text.data[k] == '[') /* [:alpha:] */
					return (struct slice){0};
				if (text.data[k] == '\\')
					k++;
			}
		} else if (c == '(') {
			depth++;
		} else if (c == ')') {
			depth -= depth > 0;
		} else if (c == '{') {
			while (k < text.len && text.data[k] != '}')
				k++;
		} else {
			literal = strchr(".^$*+?", c) == NULL;
		}
		if (literal && depth == 0) {
			char next = k + 1 < text.len ? text.data[k + 1] : '\0';

			/* a quantifier may take back one character, of several bytes perhaps */
			if ((unsigned char)c < 0x80 && !is_quantifier(next)) {
				buf_char(out, c);
				if (next != '+')
					continue;
			}
		}
		if (out->len - from > best_len) {
			best = from;
			best_len = out->len - from;
		}
		from = out->len;
	}
	return out->bad ? (struct slice){0} : slice_cut(buf_slice(out), best, best + best_len);
}

static struct slice comparison_literal(const struct comparison *c, struct buf *out)
{
	struct buf normal = BUF_INIT;
	struct slice literal;

	if (c->node->comparator == STIX_LIKE)
		return like_literal(c->like);
	literal = regex_literal(text_normal(c->node->constants[0].text, &normal), out);
	buf_fini(&normal);
	return literal;
}

/* ---- comparisons
 * -----------------------------------------------------------------------------------------------
 */

enum way { WAY_DEAD, WAY_EQUAL, WAY_NETWORK, WAY_GRAM, WAY_SIDE, WAY_ROW, WAY_TYPE };

/* The text that a record's value must have for equality; false when none can. */
static bool equal_text(const struct stix_constant *c, const struct row *row, struct buf *out)
{
	struct slice bytes = c->text;

	buf_clear(out);
	switch (c->kind) {
	case STIX_CONSTANT_STRING:
		buf_slice_append(out, c->text);
		return row->kind != ROW_NUMBER;
	case STIX_CONSTANT_INTEGER:
	case STIX_CONSTANT_FLOAT:
		if (row->kind != ROW_NUMBER || c->number < 0 || c->number > 1e16 ||
			floor(c->number) < c->number)
			return false;
		buf_u64(out, (uint64_t)c->number);
		return true;
	case STIX_CONSTANT_HEX:
	case STIX_CONSTANT_BINARY:
		for (size_t k = 0; k < bytes.len; k++)
			utf8_append(out, (unsigned char)bytes.data[k]);
		return row->kind != ROW_NUMBER;
	default:
		return false;
	}
}

/* The values of ROW_PARTLY that no field holds. */
static bool is_made_up(const struct stix_constant *c)
{
	return c->kind != STIX_CONSTANT_STRING || c->text.len == 0 || slice_is(c->text, "ip") ||
	       slice_is(c->text, "ipv4") || slice_is(c->text, "ipv6");
}

static enum way equal_way(const struct comparison *c, const struct row *row)
{
	struct buf text = BUF_INIT;
	bool any = false;

	for (size_t k = 0; k < c->node->constants_count; k++) {
		if (row->kind == ROW_PARTLY && is_made_up(&c->constants[k])) {
			buf_fini(&text);
			return WAY_TYPE;
		}
		if (c->constants[k].kind == STIX_CONSTANT_TIMESTAMP) { /* spelt in several ways */
			buf_fini(&text);
			return WAY_SIDE;
		}
		any |= equal_text(&c->constants[k], row, &text);
	}
	buf_fini(&text);
	return any ? WAY_EQUAL : WAY_DEAD;
}

static enum way comparison_way(const struct comparison *c, const struct source *from)
{
	const struct stix_node *node = c->node;
	struct buf text = BUF_INIT;
	bool gram;

	if (from->type_roles == 0)
		return WAY_DEAD;
	if (node->comparator == STIX_EXISTS && node->negated)
		return WAY_TYPE;
	if (!from->known)
		return WAY_DEAD;
	if (from->row == NULL)
		return WAY_TYPE;
	if (from->row->kind == ROW_MADE)
		return WAY_ROW;
	if (node->comparator == STIX_EXISTS)
		return from->row->kind == ROW_PARTLY ? WAY_TYPE : WAY_ROW;
	if (!node->negated && (node->comparator == STIX_EQUAL || node->comparator == STIX_IN))
		return equal_way(c, from->row);
	if (from->row->kind == ROW_PARTLY)
		return WAY_TYPE;
	if (node->negated)
		return WAY_SIDE;
	switch (node->comparator) {
	case STIX_ISSUBSET:
		return from->row->kind == ROW_ADDRESS  ? WAY_NETWORK
		       : from->row->kind == ROW_NUMBER ? WAY_DEAD
						       : WAY_SIDE;
	case STIX_LIKE:
	case STIX_MATCHES:
		if (from->row->kind == ROW_NUMBER)
			return WAY_DEAD;
		gram = comparison_literal(c, &text).len >= GRAM_LEN;
		buf_fini(&text);
		return gram ? WAY_GRAM : WAY_SIDE;
	default:
		return WAY_SIDE;
	}
}

static uint32_t add_cost(uint32_t a, uint64_t b)
{
	return a + b >= COST_DEAD ? COST_DEAD - 1 : (uint32_t)(a + b);
}

static uint32_t comparison_cost(const struct comparison *c, const char **why)
{
	struct source from = source_of(c->node);

	switch (comparison_way(c, &from)) {
	case WAY_DEAD:
		*why = from.type_roles == 0 ? "events have no such object"
		       : !from.known        ? "events have no such property"
					    : "no event has a value of that kind there";
		return COST_DEAD;
	case WAY_EQUAL:
		return add_cost(0, (uint64_t)from.row->cost * c->node->constants_count);
	case WAY_NETWORK:
		return add_cost(from.row->cost, 100);
	case WAY_GRAM:
		return add_cost(from.row->cost, 50);
	case WAY_SIDE:
		return COST_SIDE;
	case WAY_ROW:
		return COST_PRESENCE / 2;
	default:
		return COST_PRESENCE;
	}
}

bool cover_cost(const struct pattern_set *s, struct test *t, const char **why)
{
	uint32_t cost = t->kind == TEST_OR ? COST_DEAD : COST_DEAD - 1;

	if (t->kind == TEST_COMPARISON) {
		t->cost = comparison_cost(t->comparison, why);
		return t->cost != COST_DEAD;
	}
	for (size_t k = 0; k < t->count; k++) {
		bool alive = cover_cost(s, t->children[k], why);

		if (t->kind == TEST_AND && !alive)
			cost = COST_DEAD;
		else if (t->kind == TEST_AND && cost != COST_DEAD && t->children[k]->cost < cost)
			cost = t->children[k]->cost;
		else if (t->kind == TEST_OR && alive)
			cost = add_cost(cost == COST_DEAD ? 0 : cost, t->children[k]->cost);
	}
	t->cost = cost;
	return cost != COST_DEAD;
}

/* ---- writing
 * ------------------------------------------------------------------------------------------------------
 */

uint64_t set_hash(const struct pattern_set *s, enum atom_kind kind, struct slice value)
{
	return hash_table(s->key, value) ^ ((uint64_t)kind << 56);
}

void set_network_key(const uint8_t address[16], unsigned bits, char ret_key[17])
{
	memset(ret_key, 0, 17);
	memcpy(ret_key, address, bits / 8);
	if (bits % 8 != 0)
		ret_key[bits / 8] = (char)(address[bits / 8] & (0xff << (8 - bits % 8)));
	ret_key[16] = (char)bits;
}

static void atom_add(struct pattern_set *s, enum atom_kind kind, struct slice value, uint64_t roles,
	uint32_t leaf, const struct comparison *c)
{
	struct atom atom = {set_hash(s, kind, value), roles, c, leaf};

	buf_append(&s->atoms, &atom, sizeof(atom));
	s->roles |= roles;
}

static enum err_kind side_add(struct pattern_set *s, const struct comparison *c, bool number,
	uint64_t roles, uint32_t leaf, struct err *e)
{
	struct side side = {c, roles, leaf, number};

	if (s->sides.len / sizeof(side) == PATTERN_SIDE_MAX)
		return err_set(e, ERR_LIMIT,
			"more than %d comparisons that must be tried on every event; give each a "
			"value to look for",
			PATTERN_SIDE_MAX);
	buf_append(&s->sides, &side, sizeof(side));
	s->side_roles |= roles;
	s->roles |= roles;
	return OK;
}

static void network_write(
	struct pattern_set *s, const struct comparison *c, uint64_t roles, uint32_t leaf)
{
	const uint8_t *first = c->network, *last = c->network + 16;
	bool v4 = memcmp(first, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
	unsigned bits = 0;
	char key[17];

	while (bits < 128 && ((first[bits / 8] ^ last[bits / 8]) & (0x80 >> (bits % 8))) == 0)
		bits++;
	set_network_key(first, bits, key);
	atom_add(s, ATOM_NETWORK, (struct slice){key, sizeof(key)}, roles, leaf, NULL);
	if (v4 && bits >= 96)
		s->v4_lengths |= UINT64_C(1) << (bits - 96);
	else
		s->v6_lengths[bits / 64] |= UINT64_C(1) << (bits % 64);
	s->network_roles |= roles;
}

/* How many literals hold each gram, roughly: grams share counters. */
#define GRAM_COUNTERS 65536

static size_t gram_len(struct slice literal)
{
	return literal.len >= WIDE_LEN ? WIDE_LEN : GRAM_LEN;
}

static uint32_t *gram_counter(const struct pattern_set *s, uint32_t *counters, struct slice gram)
{
	return &counters[set_hash(s, ATOM_GRAM, gram) % GRAM_COUNTERS];
}

/* The gram of the literal that the fewest others have. */
static struct slice gram_choose(
	const struct pattern_set *s, uint32_t *counters, struct slice literal)
{
	size_t len = gram_len(literal);
	struct slice best = slice_cut(literal, 0, len);

	for (size_t k = 1; k + len <= literal.len; k++) {
		struct slice gram = slice_cut(literal, k, k + len);

		if (*gram_counter(s, counters, gram) < *gram_counter(s, counters, best))
			best = gram;
	}
	return best;
}

static void gram_take(struct pattern_set *s, const struct wish *wish, struct slice gram)
{
	bool wide = gram.len == WIDE_LEN;
	uint64_t word = 0, bit;

	memcpy(&word, gram.data, gram.len);
	bit = set_gram_bit(s, word);
	(wide ? s->wides : s->grams)[bit / 64] |= UINT64_C(1) << (bit % 64);
	if (wide)
		s->wide_roles |= wish->roles;
	else
		s->gram_roles |= wish->roles;
	atom_add(s, wide ? ATOM_WIDE : ATOM_GRAM, gram, wish->roles, wish->leaf, wish->comparison);
}

enum err_kind cover_grams(struct pattern_set *s, struct err *e)
{
	const struct wish *wishes = (const struct wish *)(const void *)s->wishes.data;
	size_t count = s->wishes.len / sizeof(*wishes);
	uint32_t *counters = calloc(GRAM_COUNTERS, sizeof(*counters));
	struct buf text = BUF_INIT;
	struct slice literal;

	if (counters == NULL)
		return err_set(e, ERR_NOMEM, "patterns: out of memory");
	for (size_t w = 0; w < count; w++) {
		literal = comparison_literal(wishes[w].comparison, &text);
		for (size_t k = 0; k + gram_len(literal) <= literal.len; k++)
			++*gram_counter(s, counters, slice_cut(literal, k, k + gram_len(literal)));
	}
	for (size_t w = 0; w < count; w++) {
		literal = comparison_literal(wishes[w].comparison, &text);
		gram_take(s, &wishes[w], gram_choose(s, counters, literal));
	}
	buf_fini(&text);
	free(counters);
	return s->atoms.bad ? err_set(e, ERR_NOMEM, "patterns: out of memory") : OK;
}

/* Which gram is known when all patterns are. */
static void gram_write(
	struct pattern_set *s, const struct comparison *c, uint64_t roles, uint32_t leaf)
{
	struct wish wish = {c, roles, leaf};

	buf_append(&s->wishes, &wish, sizeof(wish));
	s->roles |= roles;
}

static enum err_kind comparison_write(
	struct pattern_set *s, const struct comparison *c, uint32_t leaf, struct err *e)
{
	struct source from = source_of(c->node);
	uint64_t roles = from.row != NULL ? from.row->roles : from.type_roles;
	struct buf text = BUF_INIT;

	switch (comparison_way(c, &from)) {
	case WAY_EQUAL:
		for (size_t k = 0; k < c->node->constants_count; k++) {
			if (equal_text(&c->constants[k], from.row, &text))
				atom_add(s, ATOM_EQUAL, buf_slice(&text), roles, leaf, NULL);
		}
		buf_fini(&text);
		s->equal_roles |= roles;
		return OK;
	case WAY_NETWORK:
		network_write(s, c, roles, leaf);
		return OK;
	case WAY_GRAM:
		gram_write(s, c, roles, leaf);
		return OK;
	case WAY_SIDE:
		return side_add(s, c, from.row->kind == ROW_NUMBER, roles, leaf, e);
	case WAY_ROW:
		return side_add(s, NULL, false, roles, leaf, e);
	case WAY_TYPE:
		return side_add(s, NULL, false, from.type_roles, leaf, e);
	default:
		return OK;
	}
}

enum err_kind cover_write(struct pattern_set *s, const struct test *t, uint32_t leaf, struct err *e)
{
	enum err_kind kind = OK;

	if (t->kind == TEST_COMPARISON)
		return comparison_write(s, t->comparison, leaf, e);
	for (size_t k = 0; k < t->count && kind == OK; k++) {
		if (t->kind == TEST_OR && t->children[k]->cost != COST_DEAD)
			kind = cover_write(s, t->children[k], leaf, e);
		if (t->kind == TEST_AND && t->children[k]->cost == t->cost)
			return cover_write(s, t->children[k], leaf, e);
	}
	return kind;
}
