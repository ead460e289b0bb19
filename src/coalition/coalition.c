/* SPDX-License-Identifier: MPL-2.0 */
/* A member's side of the coalition: what is opened, and how it follows from the charter. */
#include <stdlib.h>

#include "inside.h"

#define SCAN_LEAVES        4096 /* leaves read at a time when looking for special ones */
#define CHARTERS_ARENA_MAX MIB(64)

/* ---- small things ---------------------------------------------------------------------------- */

bool index_set_has(const struct index_set *s, uint64_t index)
{
	uint64_t byte = index / 8;

	return byte < s->bytes && (s->bits[byte] >> (index % 8) & 1) != 0;
}

uint64_t index_set_gap(const struct index_set *s, uint64_t from, uint64_t to)
{
	while (from < to && index_set_has(s, from))
		from += from % 8 == 0 && s->bits[from / 8] == 0xff ? 8 : 1;
	return from < to ? from : to;
}

enum err_kind index_set_add(struct index_set *s, uint64_t index, struct err *e)
{
	uint64_t byte = index / 8;

	if (index >= LEDGER_SIZE_MAX)
		return err_set(
			e, ERR_LIMIT, "index %llu is past the limit", (unsigned long long)index);
	if (byte >= s->bytes) {
		size_t bytes = (size_t)(byte + 1) * 2 + 64;
		uint8_t *bits = realloc(s->bits, bytes);

		if (bits == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		memset(bits + s->bytes, 0, bytes - s->bytes);
		s->bits = bits;
		s->bytes = bytes;
	}
	s->bits[byte] = (uint8_t)(s->bits[byte] | 1u << (index % 8));
	return OK;
}

bool path_make(char to[PATH_MAX_BYTES], const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(to, PATH_MAX_BYTES, format, args);
	va_end(args);
	return len > 0 && len < PATH_MAX_BYTES;
}

enum err_kind file_get(struct coalition *c, const char *path, struct buf *out, struct err *e)
{
	uint64_t bytes = 0;
	enum err_kind kind = c->disk.size(c->disk.context, path, &bytes, e);
	char *to;

	buf_clear(out);
	if (kind != OK || bytes == 0)
		return kind;
	if (bytes > COALITION_ANSWER_MAX)
		return err_set(e, ERR_CORRUPT, "%s: %llu bytes", path, (unsigned long long)bytes);
	to = buf_reserve(out, (size_t)bytes);
	if (to == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = c->disk.read(c->disk.context, path, 0, to, (size_t)bytes, e);
	if (kind == OK)
		out->len += (size_t)bytes;
	return kind;
}

enum err_kind kept_get(struct coalition *c, const char *path, struct buf *out, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	enum err_kind kind = file_get(c, path, out, e);

	if (kind != OK || out->len == 0)
		return kind;
	if (out->len >= SHA256_LEN)
		hash_sha256(slice_cut(buf_slice(out), SHA256_LEN, out->len), digest);
	if (out->len < SHA256_LEN || memcmp(digest, out->data, SHA256_LEN) != 0)
		return err_set(
			e, ERR_CORRUPT, "%s: its bytes are not those that were written", path);
	out->len -= SHA256_LEN;
	memmove(out->data, out->data + SHA256_LEN, out->len);
	return OK;
}

enum err_kind kept_put(struct coalition *c, const char *path, struct slice bytes, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	struct buf all = BUF_INIT;
	enum err_kind kind;

	hash_sha256(bytes, digest);
	buf_append(&all, digest, sizeof(digest));
	buf_slice_append(&all, bytes);
	kind = all.bad ? err_set(e, ERR_NOMEM, "out of memory")
		       : c->disk.replace(c->disk.context, path, buf_slice(&all), e);
	buf_fini(&all);
	return kind;
}

struct origin *origin_find(struct coalition *c, struct slice name)
{
	for (size_t i = 0; i < c->origins_count; i++) {
		if (slice_is(name, c->origins[i]->key.name))
			return c->origins[i];
	}
	return NULL;
}

struct origin *origin_of_member(struct coalition *c, struct slice member)
{
	for (size_t i = 0; i < c->origins_count; i++) {
		if (!c->origins[i]->gone && slice_is(member, c->origins[i]->member))
			return c->origins[i];
	}
	return NULL;
}

unsigned origin_number(const struct coalition *c, const struct origin *o)
{
	for (unsigned i = 0; i < c->origins_count; i++) {
		if (c->origins[i] == o)
			return i;
	}
	return ORIGINS_MAX;
}

struct peer *peer_find(struct coalition *c, struct slice member)
{
	for (size_t i = 0; i < c->peers_count; i++) {
		if (slice_is(member, c->peers[i]->member))
			return c->peers[i];
	}
	return NULL;
}

uint64_t origin_valid(const struct origin *o)
{
	uint64_t size = ledger_size(o->log);

	return size < o->frozen_size ? size : o->frozen_size;
}

/* ---- origins --------------------------------------------------------------------------------- */

static enum err_kind special_add(
	struct origin *o, uint64_t index, enum ledger_class class, struct err *e)
{
	if (o->specials_count == o->specials_capacity) {
		size_t capacity = o->specials_capacity * 2 + 64;
		struct special *more = realloc(o->specials, capacity * sizeof(*more));

		if (more == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		o->specials = more;
		o->specials_capacity = capacity;
	}
	o->specials[o->specials_count++] = (struct special){.index = index, .class = class};
	return OK;
}

static enum err_kind leaves_scan(
	struct origin *o, struct slice leaves, const struct ledger_place *places, struct err *e)
{
	struct ledger_leaf leaf;

	for (size_t i = 0; i < leaves.len / LEDGER_LEAF_LEN; i++) {
		uint64_t index = o->scanned;
		bool open = places[i].where == LEDGER_STORED || places[i].where == LEDGER_HELD;
		enum err_kind kind = ledger_leaf_parse(
			slice_cut(leaves, i * LEDGER_LEAF_LEN, (i + 1) * LEDGER_LEAF_LEN), &leaf,
			e);

		if (kind != OK)
			return err_wrap(e, "%s: leaf %llu", o->key.name, (unsigned long long)index);
		if (leaf.class >= LEDGER_DECISION) {
			kind = special_add(o, index, leaf.class, e);
			if (kind != OK)
				return kind;
			o->specials[o->specials_count - 1].opened = open;
		}
		if (open)
			o->opened++;
		if (places[i].where != LEDGER_NOWHERE) {
			kind = index_set_add(&o->known, index, e);
			if (kind != OK)
				return kind;
		}
		o->scanned++;
	}
	return OK;
}

enum err_kind origin_scan(struct origin *o, struct err *e)
{
	static const size_t places_bytes = SCAN_LEAVES * sizeof(struct ledger_place);
	struct ledger_place *places = malloc(places_bytes);
	uint64_t size = origin_valid(o);
	struct buf leaves = BUF_INIT;
	enum err_kind kind = OK;

	if (places == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (kind == OK && o->scanned < size) {
		uint64_t count = size - o->scanned;

		if (count > SCAN_LEAVES)
			count = SCAN_LEAVES;
		buf_clear(&leaves);
		kind = ledger_leaves(o->log, o->scanned, count, &leaves, e);
		if (kind == OK)
			kind = ledger_places(o->log, o->scanned, count, places, e);
		if (kind == OK)
			kind = leaves_scan(o, buf_slice(&leaves), places, e);
	}
	buf_fini(&leaves);
	free(places);
	return kind;
}

static void origin_free(struct origin *o)
{
	if (o == NULL)
		return;
	ledger_close(o->log);
	head_fini(&o->head);
	head_fini(&o->quorum);
	head_fini(&o->led[0].head);
	head_fini(&o->led[1].head);
	free(o->specials);
	free(o->known.bits);
	free(o->withdrawn.bits);
	free(o->lost.bits);
	free(o->acknowledged.bits);
	free(o->held.bits);
	free(o);
}

static enum err_kind origin_open(struct coalition *c, const struct note_key *key,
	struct slice member, struct origin **ret_origin, struct err *e)
{
	struct origin *o;
	uint8_t digest[SHA256_LEN];
	struct buf hex = BUF_INIT;
	enum err_kind kind;

	if (c->origins_count == ORIGINS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d logs", ORIGINS_MAX);
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	o->key = *key;
	o->frozen_size = UINT64_MAX;
	memcpy(o->member, member.data, member.len);
	hash_sha256(slice_of(key->name), digest);
	hex_append(&hex, digest, 8);
	if (hex.bad ||
		!path_make(o->folder, "%s/logs/%.*s", c->folder, SLICE_ARG(buf_slice(&hex)))) {
		buf_fini(&hex);
		origin_free(o);
		return err_set(e, ERR_LIMIT, "path too long");
	}
	buf_fini(&hex);
	kind = ledger_open(
		&(struct ledger_options){&c->disk, o->folder, slice_of(o->key.name), c->world},
		&o->log, e);
	if (kind != OK) {
		origin_free(o);
		return kind;
	}
	c->origins[c->origins_count++] = o;
	*ret_origin = o;
	return OK;
}

/* What is stored about an origin, read under the charter that is in force now. */
static enum err_kind origin_heads(struct coalition *c, struct origin *o, struct err *e)
{
	struct buf note = BUF_INIT;
	char path[PATH_MAX_BYTES];
	enum err_kind kind = ledger_checkpoint_get(o->log, &note, e);

	head_fini(&o->head);
	head_fini(&o->quorum);
	if (kind == OK && note.len != 0)
		kind = head_read(c, o, buf_slice(&note), &o->head, e);
	if (kind == OK)
		kind = path_make(path, "%s/quorum", o->folder)
			       ? file_get(c, path, &note, e)
			       : err_set(e, ERR_LIMIT, "path too long");
	if (kind == OK && note.len != 0)
		kind = head_read(c, o, buf_slice(&note), &o->quorum, e);
	if (kind == OK && path_make(path, "%s/guilty", o->folder)) {
		kind = file_get(c, path, &note, e);
		o->guilty = note.len != 0;
	}
	if (kind == OK)
		kind = led_load(c, o, e);
	buf_fini(&note);
	return kind;
}

/* ---- the charter ----------------------------------------------------------------------------- */

static enum err_kind origins_fit(struct coalition *c, const struct charter *charter, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t i = 0; i < charter->members_count && kind == OK; i++) {
		const struct charter_member *m = &charter->members[i];
		struct origin *o = origin_find(c, slice_of(m->log.name));

		if (o == NULL)
			kind = origin_open(c, &m->log, slice_of(m->name), &o, e);
	}
	/* A key that is revoked counts up to a size; a log of nobody's is kept for its proofs. */
	for (size_t i = 0; i < charter->revoked_count && kind == OK; i++) {
		const struct charter_revoked *r = &charter->revoked[i];
		struct slice name = slice_of(r->key.name);
		struct origin *o = origin_find(c, name);

		if (r->key.type != NOTE_ED25519)
			continue;
		if (o == NULL)
			kind = origin_open(
				c, &r->key, slice_cut(name, 0, slice_find(name, '/', 0)), &o, e);
		if (kind == OK && r->size < o->frozen_size) {
			o->frozen_size = r->size;
			memcpy(o->frozen_root, r->root, LEDGER_HASH_LEN);
			o->gone = true;
		}
	}
	return kind;
}

enum err_kind frozen_check(struct coalition *c, struct origin *o, struct err *e)
{
	uint8_t root[LEDGER_HASH_LEN];
	enum err_kind kind;

	if (!o->gone || o->frozen_size == 0 || ledger_size(o->log) < o->frozen_size)
		return OK;
	kind = ledger_root(o->log, o->frozen_size, root, e);
	if (kind != OK || memcmp(root, o->frozen_root, LEDGER_HASH_LEN) == 0)
		return kind;
	log_line(c->log, LOG_ERROR, "void", "log", o->key.name, "error",
		"what is held of it is not what the charter names", NULL);
	o->frozen_size = 0;
	return origin_void(c, o, e);
}

static enum err_kind peers_fit(struct coalition *c, const struct charter *charter, struct err *e)
{
	for (size_t i = 0; i < charter->members_count; i++) {
		struct slice name = slice_of(charter->members[i].name);
		struct peer *p;

		if (slice_is(name, c->self) || peer_find(c, name) != NULL)
			continue;
		if (c->peers_count == COALITION_MEMBERS_MAX)
			return err_set(e, ERR_LIMIT, "more than %d peers", COALITION_MEMBERS_MAX);
		p = calloc(1, sizeof(*p));
		if (p == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		memcpy(p->member, name.data, name.len);
		memcpy(p->status.member, name.data, name.len);
		c->peers[c->peers_count++] = p;
	}
	return OK;
}

static void offers_free(struct peer *p)
{
	for (size_t i = 0; i < ORIGINS_MAX; i++) {
		head_fini(&p->offers[i].head);
		head_fini(&p->offers[i].quorum);
	}
}

void peers_leave(struct coalition *c, const struct charter *charter)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->peers_count; i++) {
		struct peer *p = c->peers[i];

		if (charter_member_find(charter, slice_of(p->member)) != NULL || p->busy) {
			c->peers[kept++] = p;
		} else {
			offers_free(p);
			free(p);
		}
	}
	c->peers_count = kept;
}

static enum err_kind own_keys_check(
	const struct coalition *c, const struct charter_member *own, struct err *e)
{
	if (own == NULL)
		return err_set(e, ERR_INVALID,
			"charter: \"%s\", which is this member, is not in it", c->self);
	if (!note_key_equal(&own->log, &c->keys.keys[SIGNER_LOG]) ||
		!note_key_equal(&own->witness, &c->keys.keys[SIGNER_WITNESS]) ||
		!note_key_equal(&own->mirror, &c->keys.keys[SIGNER_MIRROR]) ||
		memcmp(own->box, c->keys.box, SIGNER_BOX_LEN) != 0)
		return err_set(e, ERR_INVALID,
			"charter: the keys of \"%s\" are not those of this node", c->self);
	return OK;
}

enum err_kind charter_apply(struct coalition *c, const struct charter *charter, struct err *e)
{
	const struct charter_member *own = charter_member_find(charter, slice_of(c->self));
	enum err_kind kind = origins_fit(c, charter, e);

	if (kind == OK)
		kind = peers_fit(c, charter, e);
	if (kind != OK)
		return kind;
	if (c->charter != NULL && c->charter->version < charter->version)
		c->former = c->charter;
	c->charter = charter;
	peers_leave(c, charter);
	c->withdrawals_done = 0;
	c->own = own == NULL ? NULL : origin_find(c, slice_of(own->log.name));
	for (size_t i = 0; i < c->origins_count && kind == OK; i++) {
		struct origin *o = c->origins[i];

		o->ours = o == c->own;
		kind = origin_heads(c, o, e);
		if (kind == OK)
			kind = origin_scan(o, e);
		if (kind == OK)
			kind = specials_apply(c, o, e);
		if (kind == OK)
			kind = frozen_check(c, o, e);
		if (kind == OK && o->frozen_size < ledger_size(o->log))
			kind = origin_void(c, o, e);
	}
	c->news++;
	return kind;
}

static enum err_kind charter_read(
	struct coalition *c, struct slice note, const struct charter **ret_charter, struct err *e)
{
	struct charter *charter = ARENA_NEW(c->charters, struct charter);
	enum err_kind kind;

	if (charter == NULL)
		return err_set(e, ERR_LIMIT, "charter: too many versions since the start");
	kind = charter_parse(note, c->charters, charter, e);
	if (kind == OK)
		*ret_charter = charter;
	return kind;
}

static enum err_kind charter_store(
	struct coalition *c, const struct charter *charter, struct err *e)
{
	uint8_t version[8];
	char path[PATH_MAX_BYTES];
	enum err_kind kind;

	if (!path_make(path, "%s/charter/%llu", c->folder, (unsigned long long)charter->version))
		return err_set(e, ERR_LIMIT, "path too long");
	kind = c->disk.replace(c->disk.context, path, charter->bytes, e);
	if (kind != OK || !path_make(path, "%s/charters", c->folder))
		return kind;
	put_u64(version, charter->version);
	return kept_put(c, path, (struct slice){(const char *)version, sizeof(version)}, e);
}

/* In memory of its own: what anybody may put into a log must not use up that of the charters. */
static enum err_kind charter_check(
	struct coalition *c, struct slice note, bool *ret_same, struct err *e)
{
	struct arena *a = arena_new(NOTE_ARENA_MAX);
	struct charter charter;
	enum err_kind kind = a == NULL ? err_set(e, ERR_NOMEM, "out of memory")
				       : charter_parse(note, a, &charter, e);

	*ret_same = kind == OK && c->charter != NULL && charter.version == c->charter->version &&
		    memcmp(charter.digest, c->charter->digest, SHA256_LEN) == 0;
	if (kind == OK && !*ret_same) {
		kind = charter_verify(&charter, c->charter, world_now(c->world), e);
		if (kind == OK && (c->charter == NULL ||
					  charter_member_find(&charter, slice_of(c->self)) != NULL))
			kind = own_keys_check(
				c, charter_member_find(&charter, slice_of(c->self)), e);
	}
	arena_free(a);
	return kind;
}

enum err_kind charter_take(struct coalition *c, struct slice note, struct err *e)
{
	const struct charter *charter = NULL;
	bool same;
	enum err_kind kind = charter_check(c, note, &same, e);

	if (kind != OK || same)
		return kind;
	kind = charter_read(c, note, &charter, e);
	if (kind == OK)
		kind = charter_store(c, charter, e);
	if (kind == OK)
		kind = charter_apply(c, charter, e);
	if (kind == OK)
		kind = decisions_tell(c, e);
	if (kind == OK) {
		char version[24];

		snprintf(version, sizeof(version), "%llu", (unsigned long long)charter->version);
		log_line(c->log, LOG_INFO, "charter", "version", version, NULL);
	}
	return kind;
}

enum err_kind coalition_charter_take(struct coalition *c, struct slice note, struct err *e)
{
	enum err_kind kind;

	pthread_mutex_lock(&c->lock);
	kind = charter_take(c, note, e);
	pthread_mutex_unlock(&c->lock);
	return kind;
}

const struct charter *coalition_charter(struct coalition *c)
{
	const struct charter *charter;

	pthread_mutex_lock(&c->lock);
	charter = c->charter;
	pthread_mutex_unlock(&c->lock);
	return charter;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Does any log of this member, older ones too, know of what the store has? */
static enum err_kind kept_anywhere(struct coalition *c, const struct origin *of, uint64_t index,
	uint64_t serial, bool *ret_known, struct err *e)
{
	enum err_kind kind = OK;

	*ret_known = false;
	for (size_t i = 0; i < c->origins_count && kind == OK && !*ret_known; i++) {
		struct origin *o = c->origins[i];
		struct ledger_place place = {.where = LEDGER_NOWHERE};

		if (strcmp(o->member, of->member) != 0 || index >= ledger_size(o->log))
			continue;
		kind = ledger_places(o->log, index, 1, &place, e);
		*ret_known = o == of ? place.where != LEDGER_NOWHERE
				     : place.where == LEDGER_STORED && place.serial == serial;
	}
	return kind;
}

/* Objects that reached the store, but not the log, when the power went. */
static enum err_kind orphans_forget(struct coalition *c, struct origin *o, struct err *e)
{
	struct arena *a = arena_new(MIB(4));
	uint64_t *indices, *serials;
	size_t count = 0;
	bool known;
	enum err_kind kind;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = c->sink->accepted(
		c->sink->context, slice_of(o->member), a, &indices, &serials, &count, e);
	for (size_t i = 0; i < count && kind == OK; i++) {
		kind = kept_anywhere(c, o, indices[i], serials[i], &known, e);
		if (kind == OK && !known)
			kind = c->sink->forget(c->sink->context, serials[i], e);
	}
	arena_free(a);
	return kind;
}

/* Nobody's word is taken for it: a line of a key that is only here counts for nothing. */
static enum err_kind former_charter(struct coalition *c, uint64_t version, struct err *e)
{
	struct buf bytes = BUF_INIT;
	char path[PATH_MAX_BYTES];
	enum err_kind kind;

	if (version < 2)
		return OK;
	kind = path_make(path, "%s/charter/%llu", c->folder, (unsigned long long)version - 1)
		       ? file_get(c, path, &bytes, e)
		       : err_set(e, ERR_LIMIT, "path too long");
	if (kind == OK && bytes.len != 0)
		kind = charter_read(c, buf_slice(&bytes), &c->former, e);
	buf_fini(&bytes);
	return kind;
}

static enum err_kind stored_charter(struct coalition *c, struct err *e)
{
	struct buf bytes = BUF_INIT;
	const struct charter *charter = NULL;
	struct reader r;
	uint64_t version;
	char path[PATH_MAX_BYTES];
	enum err_kind kind;

	if (!path_make(path, "%s/charters", c->folder))
		return err_set(e, ERR_LIMIT, "path too long");
	kind = kept_get(c, path, &bytes, e);
	if (kind != OK || bytes.len == 0)
		goto out;
	r = (struct reader){.rest = buf_slice(&bytes)};
	version = read_u64(&r);
	kind = path_make(path, "%s/charter/%llu", c->folder, (unsigned long long)version)
		       ? file_get(c, path, &bytes, e)
		       : err_set(e, ERR_LIMIT, "path too long");
	if (kind == OK)
		kind = charter_read(c, buf_slice(&bytes), &charter, e);
	/* Its disk is believed no more than its bytes are signed. */
	if (kind == OK)
		kind = charter_carried(charter, charter->bytes, e);
	if (kind == OK && charter->version != version)
		kind = err_set(e, ERR_CORRUPT, "%s holds version %llu", path,
			(unsigned long long)charter->version);
	if (kind == OK)
		kind = former_charter(c, version, e);
	/* What was in force comes first: what led to it is then no news. */
	if (kind == OK) {
		c->charter = charter;
		kind = decisions_load(c, e);
	}
	if (kind == OK)
		kind = charter_apply(c, charter, e);
out:
	buf_fini(&bytes);
	return kind;
}

enum err_kind coalition_open(
	const struct coalition_options *options, struct coalition **ret_coalition, struct err *e)
{
	struct coalition *c;
	enum err_kind kind;

	if (!charter_name_valid(options->self))
		return err_set(e, ERR_USAGE,
			"member \"%.*s\": expected a name of a-z, 0-9, '-' and '.'",
			SLICE_ARG(options->self));
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	c->disk = *options->disk;
	c->world = options->world;
	c->opened_us = world_monotonic(options->world);
	c->started_us = world_now(options->world);
	c->signer = *options->signer;
	c->sink = options->sink;
	c->log = options->log;
	c->news = 1;
	memcpy(c->self, options->self.data, options->self.len);
	c->charters = arena_new(CHARTERS_ARENA_MAX);
	kind = c->charters == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;
	if (kind == OK && !path_make(c->folder, "%s", options->folder))
		kind = err_set(e, ERR_LIMIT, "path too long");
	if (kind == OK)
		kind = signer_public_get(&c->signer, &c->keys, e);
	if (kind == OK)
		kind = signer_signed_size(&c->signer, &c->signed_size, e);
	if (kind == OK)
		kind = stored_charter(c, e);
	for (size_t i = 0; i < c->origins_count && kind == OK; i++) {
		if (!c->origins[i]->gone)
			kind = orphans_forget(c, c->origins[i], e);
	}
	if (kind == OK)
		kind = expiring_finish(c, e);
	if (kind == OK)
		kind = candidates_settle(c, e);
	if (kind != OK) {
		coalition_close(c);
		return kind;
	}
	*ret_coalition = c;
	return OK;
}

void coalition_close(struct coalition *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->peers_count; i++) {
		offers_free(c->peers[i]);
		free(c->peers[i]);
	}
	specials_free(c);
	for (size_t i = 0; i < c->origins_count; i++)
		origin_free(c->origins[i]);
	arena_free(c->charters);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

uint64_t coalition_news(struct coalition *c)
{
	uint64_t news;

	pthread_mutex_lock(&c->lock);
	news = c->news;
	pthread_mutex_unlock(&c->lock);
	return news;
}

struct ledger *coalition_ledger(struct coalition *c, struct slice member)
{
	struct origin *o;

	pthread_mutex_lock(&c->lock);
	o = origin_of_member(c, member);
	if (o == NULL)
		o = origin_find(c, member);
	pthread_mutex_unlock(&c->lock);
	return o == NULL ? NULL : o->log;
}
