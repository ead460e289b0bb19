/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The quality gate. Public feeds against a real DNS log: 1,941 of 53,615 lines hit, and nearly all
 * of them were root servers, top-level name servers, resolvers and update hosts. A class of noise
 * raises the bar; a producer who is certain of the match (its confidence) still gets it through,
 * and what is held back is counted and can be seen.
 */
#include "gate.h"

#include <libpsl.h>
#include <stdlib.h>

#define GATE_LIST_BYTES MIB(64) /* of one list; the largest of MISP's has 20 MB */
/* A network of at least 65,536 IPv4 addresses, or of an IPv6 provider: nobody's alone. */
#define WIDE_FOUR_PREFIX 16
#define WIDE_SIX_PREFIX  32
#define WEIGHT_UNKNOWN   50  /* of an indicator whose producer gave no confidence */
#define NAME_MAX_BYTES   255 /* RFC 1035 section 2.3.4, with room for the last dot */

/* What the weight must reach, by class: of an exact match, and of a match by parent or network. */
static const struct gate_bar {
	const char *name;
	unsigned exact, wide;
} bars[GATE_CLASSES] = {
	[GATE_CLEAR] = {"clear",     0,   0  },
	[GATE_SPECIAL] = {"special",   100, 100},
	[GATE_ROOT] = {"root",      95,  95 },
	[GATE_SUFFIX] = {"suffix",    90,  95 },
	[GATE_RESOLVER] = {"resolver",  90,  90 },
	[GATE_UPDATE] = {"update",    85,  90 },
	[GATE_SHARED] = {"shared",    75,  85 },
	[GATE_TOP] = {"top",       80,  90 },
	[GATE_LISTED] = {"listed",    80,  90 },
	[GATE_RANGE] = {"range",     50,  80 },
	[GATE_WIDE] = {"wide",      60,  60 },
	[GATE_PREVALENT] = {"prevalent", 80,  80 },
};

const char *gate_class_name(enum gate_class class)
{
	return (unsigned)class < GATE_CLASSES ? bars[class].name : "?";
}

/* ---- the table: normal form of a value -> class ---------------------------------------------- */

/*
 * Keys: 'n' name ("below" says whether it covers what is under it); 'a' prefix length, address
 * bytes with host bits cleared, IPv4 as four; 'v' any other value as it stands, lower case.
 */
struct slot {
	uint64_t hash; /* 0: free. Two values with one 64-bit keyed hash are taken for one. */
	const char *what;
	uint8_t class;
	bool below;
	bool listed_below; /* a list says so of a built-in row */
};

struct gate {
	uint8_t key[16];
	struct slot *slots;
	size_t capacity, used;   /* capacity is a power of two */
	bool four[33], six[129]; /* prefix lengths that occur */
	const psl_ctx_t *suffixes;
	char **owned; /* names of lists that were read */
	size_t owned_count;
};

static uint64_t key_hash(const struct gate *g, char kind, uint8_t prefix, struct slice s)
{
	char bytes[2 + 16];
	uint64_t hash;

	if (kind == 'a') {
		bytes[0] = kind;
		bytes[1] = (char)prefix;
		memcpy(bytes + 2, s.data, s.len);
		hash = hash_table(g->key, (struct slice){bytes, 2 + s.len});
	} else {
		hash = hash_table(g->key, s) ^ (uint64_t)(unsigned char)kind << 56;
	}
	return hash == 0 ? 1 : hash;
}

static const struct slot *slot_find(const struct gate *g, uint64_t hash)
{
	for (size_t at = hash & (g->capacity - 1);; at = (at + 1) & (g->capacity - 1)) {
		if (g->slots[at].hash == hash)
			return &g->slots[at];
		if (g->slots[at].hash == 0)
			return NULL;
	}
}

static bool grow(struct gate *g)
{
	size_t capacity = g->capacity == 0 ? 1024 : 2 * g->capacity;
	struct slot *slots = calloc(capacity, sizeof(*slots));

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < g->capacity; i++) {
		size_t at = g->slots[i].hash & (capacity - 1);

		if (g->slots[i].hash == 0)
			continue;
		while (slots[at].hash != 0)
			at = (at + 1) & (capacity - 1);
		slots[at] = g->slots[i];
	}
	free(g->slots);
	g->slots = slots;
	g->capacity = capacity;
	return true;
}

/* The built-in rows come first and stay: they say more than "listed". */
static bool put(struct gate *g, uint64_t hash, enum gate_class class, bool below, const char *what)
{
	size_t at;

	if (2 * (g->used + 1) > g->capacity && !grow(g))
		return false;
	at = hash & (g->capacity - 1);
	while (g->slots[at].hash != 0 && g->slots[at].hash != hash)
		at = (at + 1) & (g->capacity - 1);
	if (g->slots[at].hash == hash) {
		/* What a list says of all below a name is the list's word, not the built-in row's.
		 */
		if (g->slots[at].class == class)
			g->slots[at].below |= below;
		else
			g->slots[at].listed_below |= below;
		return true;
	}
	g->slots[at] =
		(struct slot){.hash = hash, .what = what, .class = (uint8_t) class, .below = below};
	g->used++;
	return true;
}

/* Lower case, without the last dot; 0 when it is too long. */
static size_t name_normal(struct slice name, char ret_name[NAME_MAX_BYTES])
{
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > NAME_MAX_BYTES)
		return 0;
	for (size_t i = 0; i < name.len; i++)
		ret_name[i] =
			(char)(name.data[i] >= 'A' && name.data[i] <= 'Z' ? name.data[i] | 0x20
									  : name.data[i]);
	return name.len;
}

/* "192.0.2.0/24" or one address; false when it is neither. */
static bool network_parse(
	struct slice text, uint8_t ret_bytes[16], size_t *ret_len, unsigned *ret_prefix)
{
	size_t slash = slice_find(text, '/', 0);
	size_t len = event_address_parse(slice_cut(text, 0, slash), ret_bytes);
	uint64_t prefix = 8 * len;

	if (len == 0)
		return false;
	if (slash < text.len &&
		(!slice_to_u64(slice_cut(text, slash + 1, text.len), &prefix) || prefix > 8 * len))
		return false;
	*ret_len = len;
	*ret_prefix = (unsigned)prefix;
	return true;
}

static void host_bits_clear(uint8_t *bytes, size_t len, unsigned prefix)
{
	for (size_t k = 0; k < len; k++) {
		unsigned fixed = prefix >= 8 * (k + 1) ? 8
				 : prefix <= 8 * k     ? 0
						       : prefix - 8 * (unsigned)k;

		bytes[k] = (uint8_t)(bytes[k] & ~(0xff >> fixed));
	}
}

static bool value_put(
	struct gate *g, struct slice text, enum gate_class class, bool below, const char *what)
{
	char name[NAME_MAX_BYTES];
	uint8_t bytes[16];
	size_t len;
	unsigned prefix;

	if (network_parse(text, bytes, &len, &prefix)) {
		host_bits_clear(bytes, len, prefix);
		if (len == 4)
			g->four[prefix] = true;
		else
			g->six[prefix] = true;
		return put(g, key_hash(g, 'a', (uint8_t)prefix, (struct slice){(char *)bytes, len}),
			class, true, what);
	}
	if (text.len > 0 && text.data[0] == '.') {
		below = true;
		text = slice_cut(text, 1, text.len);
	}
	len = name_normal(text, name);
	if (len == 0)
		return true;
	return put(g,
		key_hash(g, slice_find(text, '.', 0) < text.len ? 'n' : 'v', 0,
			(struct slice){name, len}),
		class, below, what);
}

struct gate *gate_new(const struct world *world)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	world->random(world->context, g->key, sizeof(g->key));
	g->suffixes = psl_builtin();
	for (size_t i = 0; i < gate_rows_count; i++) {
		const struct gate_row *row = &gate_rows[i];

		if (!value_put(g, slice_of(row->value), row->class, false, row->what)) {
			gate_free(g);
			return NULL;
		}
	}
	return g;
}

void gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->owned_count; i++)
		free(g->owned[i]);
	free(g->owned);
	free(g->slots);
	free(g);
}

/* ---- lists that the operator gives ----------------------------------------------------------- */

static char *own_name(struct gate *g, struct slice text)
{
	char **more = realloc(g->owned, (g->owned_count + 1) * sizeof(*more));
	char *name;

	if (more == NULL)
		return NULL;
	g->owned = more;
	name = strndup(text.len > 0 ? text.data : "a list", text.len > 0 ? text.len : 6);
	if (name != NULL)
		g->owned[g->owned_count++] = name;
	return name;
}

/* Published lists of networks speak of providers, whose addresses have many owners. */
static bool is_network(struct slice text)
{
	uint8_t bytes[16];
	size_t len;
	unsigned prefix;

	return network_parse(text, bytes, &len, &prefix);
}

/* A warninglist's `list`; of type "hostname" it covers what is below, the others only themselves.
 */
static enum err_kind warninglist_put(
	struct gate *g, struct json_value root, const char *path, size_t *ret_values, struct err *e)
{
	struct json_value list, value;
	bool below = slice_is(json_get_string(root, "type"), "hostname");
	char *what = own_name(g, json_get_string(root, "name"));

	if (what == NULL)
		return err_set(e, ERR_NOMEM, "noise list \"%s\": out of memory", path);
	if (!json_get(root, "list", &list) || !json_is_array(list))
		return err_set(e, ERR_INVALID,
			"noise list \"%s\": a JSON object without an array \"list\" is no "
			"warninglist",
			path);
	for (struct json_iter it = json_iter(list); json_array_next(&it, &value);) {
		if (!json_is_string(value) || json_string(value).len == 0)
			continue;
		if (g->used >= SENSOR_NOISE_MAX)
			return err_set(e, ERR_LIMIT,
				"noise list \"%s\": more than %d values in all lists", path,
				SENSOR_NOISE_MAX);
		if (!value_put(g, json_string(value),
			    is_network(json_string(value)) ? GATE_RANGE : GATE_LISTED, below, what))
			return err_set(e, ERR_NOMEM, "noise list \"%s\": out of memory", path);
		++*ret_values;
	}
	return OK;
}

static enum err_kind lines_put(
	struct gate *g, struct slice text, const char *path, size_t *ret_values, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *what = own_name(g, slice_of(slash == NULL ? path : slash + 1));
	struct slice line;

	if (what == NULL)
		return err_set(e, ERR_NOMEM, "noise list \"%s\": out of memory", path);
	for (uint64_t number = 1; slice_next(&text, '\n', &line); number++) {
		line = slice_trim(slice_cut(line, 0, slice_find(line, '#', 0)));
		if (line.len == 0)
			continue;
		if (!utf8_valid(line) || memchr(line.data, '\t', line.len) != NULL)
			return err_set(e, ERR_INVALID,
				"noise list \"%s\", line %llu: expected one value, found \"%.*s\"",
				path, (unsigned long long)number,
				SLICE_ARG(slice_cut(line, 0, 80)));
		if (g->used >= SENSOR_NOISE_MAX)
			return err_set(e, ERR_LIMIT,
				"noise list \"%s\": more than %d values in all lists", path,
				SENSOR_NOISE_MAX);
		if (!value_put(g, line, GATE_LISTED, false, what))
			return err_set(e, ERR_NOMEM, "noise list \"%s\": out of memory", path);
		++*ret_values;
	}
	return OK;
}

static enum err_kind list_unpack(const char *path, struct buf *content, struct err *e)
{
	struct input *in = NULL;
	enum err_kind kind = input_open(path, &in, e);
	size_t got = 1;

	while (kind == OK && got > 0) {
		char *to = buf_reserve(content, KIB(64));

		if (to == NULL) {
			kind = err_set(e, ERR_LIMIT,
				"noise list \"%s\": more than %llu MiB unpacked, or out of memory",
				path, (unsigned long long)(GATE_LIST_BYTES >> 20));
			break;
		}
		kind = input_read(in, to, KIB(64), &got, e);
		if (kind == OK)
			content->len += got;
	}
	input_free(in);
	return kind;
}

enum err_kind gate_list_read(struct gate *g, const char *path, size_t *ret_values, struct err *e)
{
	struct buf content = BUF_MAX(GATE_LIST_BYTES);
	size_t values = 0;
	enum err_kind kind = list_unpack(path, &content, e);
	struct slice text = slice_trim(buf_slice(&content));

	if (kind == OK && text.len > 0 && text.data[0] == '{') {
		struct json_parser *parser = json_parser_new(GATE_LIST_BYTES);
		struct json_doc doc;

		kind = parser == NULL
			       ? err_set(e, ERR_NOMEM, "noise list \"%s\": out of memory", path)
			       : json_parse(parser, text, &doc, e);
		if (kind == OK)
			kind = warninglist_put(g, json_root(&doc), path, &values, e);
		else if (parser != NULL)
			err_wrap(e, "noise list \"%s\"", path);
		json_parser_free(parser);
	} else if (kind == OK) {
		kind = lines_put(g, text, path, &values, e);
	}
	buf_fini(&content);
	if (kind == OK)
		*ret_values = values;
	return kind;
}

/* ---- judging --------------------------------------------------------------------------------- */

struct found {
	enum gate_class class;
	const char *what;
	struct slice value;
};

static bool class_higher(enum gate_class a, enum gate_class b)
{
	return bars[a].wide > bars[b].wide;
}

static void take_as(
	struct found *f, const struct slot *slot, enum gate_class class, struct slice value)
{
	if (slot != NULL && class_higher(class, f->class))
		*f = (struct found){class, slot->what, value};
}

static void take(struct found *f, const struct slot *slot, struct slice value)
{
	if (slot != NULL)
		take_as(f, slot, (enum gate_class)slot->class, value);
}

static void address_find(const struct gate *g, struct slice text, struct found *f)
{
	uint8_t bytes[16], masked[16];
	size_t len;
	unsigned prefix;

	if (!network_parse(text, bytes, &len, &prefix))
		return;
	for (unsigned p = 0; p <= prefix; p++) {
		const struct slot *slot;

		if (!(len == 4 ? g->four[p] : g->six[p]))
			continue;
		memcpy(masked, bytes, len);
		host_bits_clear(masked, len, p);
		slot = slot_find(
			g, key_hash(g, 'a', (uint8_t)p, (struct slice){(char *)masked, len}));
		/* A published network as an indicator is noise; an address in it is who has it now.
		 */
		if (slot != NULL && slot->class == GATE_RANGE && p == prefix)
			take_as(f, slot, GATE_LISTED, text);
		else
			take(f, slot, text);
	}
}

static void network_find(struct slice text, struct found *f)
{
	uint8_t bytes[16];
	size_t len;
	unsigned prefix;

	if (network_parse(text, bytes, &len, &prefix) &&
		prefix <= (len == 4 ? WIDE_FOUR_PREFIX : WIDE_SIX_PREFIX) &&
		class_higher(GATE_WIDE, f->class))
		*f = (struct found){GATE_WIDE, "a network of very many", text};
}

/* Whether the part of the name from `at` on is at least what somebody registered, also below a name
 * under which anybody may publish. Asked only of parts that the table has: few names have one. */
static bool is_theirs(const struct gate *g, const char *name, size_t at)
{
	const char *own = g->suffixes == NULL ? NULL : psl_registrable_domain(g->suffixes, name);

	return own == NULL || name + at <= own;
}

/* The name itself, what covers it, and whether it is a suffix under which everybody registers. */
static void name_find(const struct gate *g, struct slice text, bool indicator, struct found *f)
{
	char name[NAME_MAX_BYTES + 1];
	size_t len = name_normal(text, name);
	struct slice all = {name, len};

	if (len == 0)
		return;
	name[len] = 0;
	for (size_t at = 0;;) {
		struct slice part = slice_cut(all, at, len);
		size_t dot = slice_find(part, '.', 0);
		const struct slot *slot =
			slot_find(g, key_hash(g, dot < part.len ? 'n' : 'v', 0, part));

		if (slot != NULL && (at == 0 || (slot->below && (slot->class != GATE_LISTED ||
									is_theirs(g, name, at)))))
			take(f, slot, text);
		else if (slot != NULL && slot->listed_below && is_theirs(g, name, at))
			take_as(f, slot, GATE_LISTED, text);
		/* Registries name their servers nic.TLD; they turn up in every resolver's log. */
		if (slice_is(slice_cut(part, 0, dot), "nic") &&
			slice_find(part, '.', 4) == part.len && class_higher(GATE_ROOT, f->class))
			*f = (struct found){GATE_ROOT, "a top-level registry", text};
		if (dot == part.len)
			break;
		at += dot + 1;
	}
	/* asked of all rules at once, for nearly no indicator is a suffix */
	if (!indicator || g->suffixes == NULL || !psl_is_public_suffix(g->suffixes, name))
		return;
	if (psl_is_public_suffix2(g->suffixes, name, PSL_TYPE_ICANN)) {
		if (class_higher(GATE_SUFFIX, f->class))
			*f = (struct found){GATE_SUFFIX, "a public suffix", text};
	} else if (psl_is_public_suffix2(
			   g->suffixes, name, PSL_TYPE_PRIVATE | PSL_TYPE_NO_STAR_RULE) &&
		   class_higher(GATE_SHARED, f->class)) {
		*f = (struct found){GATE_SHARED, "a suffix under which anybody may publish", text};
	}
}

/* Host of a URL without a path of its own, which stands for the whole host; empty for the others.
 */
static struct slice url_bare_host(struct slice url)
{
	size_t scheme = slice_find_text(url, SLICE("://"));
	struct slice rest = scheme < url.len ? slice_cut(url, scheme + 3, url.len) : url;
	size_t slash = slice_find(rest, '/', 0);
	struct slice host = slice_cut(rest, 0, slash);

	if (slash + 1 < rest.len)
		return (struct slice){0};
	/* The port goes, behind the bracket of an IPv6 address (RFC 3986 section 3.2). */
	if (host.len > 0 && host.data[0] == '[')
		return slice_cut(host, 0, slice_find(host, ']', 0) + 1);
	return slice_cut(host, 0, slice_find(host, ':', 0));
}

static void value_find(const struct gate *g, struct slice text, struct found *f)
{
	char lower[NAME_MAX_BYTES];
	size_t len = name_normal(text, lower);

	if (len > 0)
		take(f, slot_find(g, key_hash(g, 'v', 0, (struct slice){lower, len})), text);
}

static struct found noise_find(const struct gate *g, const struct gate_case *c)
{
	struct found f = {0};
	struct slice host;

	switch (c->kind) {
	case FIELD_ADDRESS:
		address_find(g, c->indicator, &f);
		if (!slice_equal(c->value, c->indicator))
			address_find(g, c->value, &f);
		network_find(c->indicator, &f);
		break;
	case FIELD_NAME:
		name_find(g, c->indicator, true, &f);
		if (c->how == INDEX_PARENT)
			name_find(g, c->value, false, &f);
		break;
	case FIELD_URL:
		host = url_bare_host(c->indicator);
		if (event_looks_like_address(host))
			address_find(g, host, &f);
		else
			name_find(g, host, true, &f);
		break;
	case FIELD_EMAIL:
		name_find(g,
			slice_cut(c->indicator, slice_find(c->indicator, '@', 0) + 1,
				c->indicator.len),
			false, &f);
		/* An address at a large mail provider is one person, not the provider. */
		if (f.class == GATE_TOP || f.class == GATE_SHARED)
			f = (struct found){0};
		break;
	default:
		value_find(g, c->indicator, &f);
	}
	return f;
}

void gate_lists_judge(
	const struct gate *g, const struct gate_case *c, struct gate_verdict *ret_verdict)
{
	struct found f = noise_find(g, c);
	struct gate_verdict *v = ret_verdict;

	v->class = f.class;
	v->weight = c->confidence < 0 ? WEIGHT_UNKNOWN : (unsigned)c->confidence;
	v->bar = c->how != INDEX_EXACT ? bars[f.class].wide : bars[f.class].exact;
	v->held = v->weight < v->bar;
	v->reason[0] = 0;
	if (f.class != GATE_CLEAR)
		snprintf(v->reason, sizeof(v->reason), "%.*s is %s",
			SLICE_ARG(slice_cut(f.value, 0, 100)), f.what);
}

void gate_prevalence_judge(unsigned prevalent_days, struct gate_verdict *verdict)
{
	if (prevalent_days < PREVALENCE_DAYS_MIN || bars[GATE_PREVALENT].exact <= verdict->bar)
		return;
	verdict->class = GATE_PREVALENT;
	verdict->bar = bars[GATE_PREVALENT].exact;
	verdict->held = verdict->weight < verdict->bar;
	snprintf(verdict->reason, sizeof(verdict->reason),
		"on %u days at least half of the site's hosts had it", prevalent_days);
}

void gate_judge(const struct gate *g, const struct gate_case *c, struct gate_verdict *ret_verdict)
{
	gate_lists_judge(g, c, ret_verdict);
	gate_prevalence_judge(c->prevalent_days, ret_verdict);
}
