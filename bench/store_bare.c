/* SPDX-License-Identifier: MPL-2.0 */
/* The yardstick: a bare SQLite program that inserts the same objects into the same tables. */
#include <sqlite3.h>

#include "store_bench.h"

struct bare {
	sqlite3 *db, *text;
	sqlite3_stmt *ident, *object, *entry, *reference, *value, *value_of, *words;
};

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) {
		fprintf(stderr, "store_bench: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
	return st;
}

static void run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "store_bench: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
}

static void step(sqlite3 *db, sqlite3_stmt *st)
{
	if (sqlite3_step(st) != SQLITE_DONE) {
		fprintf(stderr, "store_bench: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
	sqlite3_reset(st);
}

/* Numbers for ids and types, found before the clock starts. */
struct numbers {
	int64_t ident;
	int64_t type;
	int64_t *targets;
	int64_t *properties;
};

struct name_slot {
	struct slice name;
	int64_t number;
};

static int64_t number_of(struct name_slot *slots, size_t slots_count, int64_t *last,
	struct slice name, struct arena *a, bool *ret_new)
{
	static const uint8_t key[16];
	size_t at = (size_t)hash_table(key, name) % slots_count;

	while (slots[at].number != 0 && !slice_equal(slots[at].name, name))
		at = (at + 1) % slots_count;
	*ret_new = slots[at].number == 0;
	if (*ret_new) {
		slots[at].name = arena_copy(a, name);
		slots[at].number = ++*last;
	}
	return slots[at].number;
}

struct numbering {
	struct name_slot *ids, *names;
	size_t ids_count, names_count;
	int64_t ids_last, names_last;
	struct arena *a;
};

static int64_t ident_of(
	struct numbering *k, struct slice type, const struct uuid *uuid, bool *ret_new)
{
	char text[STIX_ID_MAX + 1];

	stix_id_format(type, uuid, text);
	return number_of(k->ids, k->ids_count, &k->ids_last, slice_of(text), k->a, ret_new);
}

static struct numbers *numbers_make(const struct objects *o, struct numbering *k)
{
	struct numbers *list = calloc(o->count, sizeof(*list));
	bool is_new;

	for (size_t i = 0; list != NULL && i < o->count; i++) {
		const struct store_object *x = &o->list[i];

		list[i].ident = ident_of(k, x->type, &x->uuid, &is_new);
		list[i].type =
			number_of(k->names, k->names_count, &k->names_last, x->type, k->a, &is_new);
		list[i].targets = ARENA_ARRAY(k->a, int64_t, x->references_count + 1);
		list[i].properties = ARENA_ARRAY(k->a, int64_t, x->references_count + 1);
		for (size_t j = 0; j < x->references_count; j++) {
			list[i].targets[j] = ident_of(k, x->references[j].target.type,
				&x->references[j].target.uuid, &is_new);
			list[i].properties[j] = number_of(k->names, k->names_count, &k->names_last,
				x->references[j].property, k->a, &is_new);
		}
	}
	return list;
}

static void bare_object(struct bare *b, const struct store_object *x, const struct numbers *n,
	int64_t serial, struct slice text)
{
	sqlite3_bind_blob(b->ident, 1, x->uuid.bytes, 16, SQLITE_STATIC);
	sqlite3_bind_int64(b->ident, 2, n->type);
	sqlite3_bind_int64(b->ident, 3, n->ident);
	step(b->db, b->ident);
	sqlite3_bind_int64(b->object, 1, serial);
	sqlite3_bind_int64(b->object, 2, n->ident);
	sqlite3_bind_int64(b->object, 3, x->version_us);
	sqlite3_bind_int64(b->object, 4, n->type);
	sqlite3_bind_blob(b->object, 5, x->uuid.bytes, 16, SQLITE_STATIC);
	sqlite3_bind_int64(b->object, 6, x->created_us);
	sqlite3_bind_int64(b->object, 7, INT64_C(1700000000000000) + serial);
	sqlite3_bind_int64(b->object, 8, (int64_t)x->body.len);
	sqlite3_bind_blob64(b->object, 9, x->body.data, x->body.len, SQLITE_STATIC);
	step(b->db, b->object);
	sqlite3_bind_int64(b->entry, 1, INT64_C(1700000000000000) + serial);
	sqlite3_bind_int64(b->entry, 2, serial);
	sqlite3_bind_int64(b->entry, 3, n->type);
	step(b->db, b->entry);
	for (size_t j = 0; j < x->references_count; j++) {
		sqlite3_bind_int64(b->reference, 1, n->targets[j]);
		sqlite3_bind_int64(b->reference, 2, n->properties[j]);
		sqlite3_bind_int64(b->reference, 3, serial);
		step(b->db, b->reference);
	}
	for (size_t j = 0; j < x->values_count; j++) {
		const struct stix_value *v = &x->values[j];

		sqlite3_bind_int(b->value, 1, (int)v->kind);
		sqlite3_bind_blob64(b->value, 2, v->key.data, v->key.len, SQLITE_STATIC);
		sqlite3_bind_int64(b->value, 3, serial);
		step(b->db, b->value);
		sqlite3_bind_int(b->value_of, 1, (int)v->kind);
		sqlite3_bind_int64(b->value_of, 2, serial);
		sqlite3_bind_blob64(b->value_of, 3, v->key.data, v->key.len, SQLITE_STATIC);
		step(b->db, b->value_of);
	}
	if (b->words != NULL) {
		sqlite3_bind_int64(b->words, 1, serial);
		sqlite3_bind_text64(b->words, 2, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
		step(b->text, b->words);
	}
}

static const char bare_setup[] = "PRAGMA cache_size = -32768; PRAGMA synchronous = FULL;"
				 "PRAGMA wal_autocheckpoint = 10000; PRAGMA secure_delete = OFF;"
				 "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY";

static enum err_kind bare_open(struct bare *b, const char *folder, bool text, struct err *e)
{
	char path[512];
	struct store *s;
	/* the store makes its own tables; then it leaves, and we write into them */
	enum err_kind kind = folder_open(folder, STORE_CREATE, &s, e);

	if (kind == OK)
		kind = store_index_text(s, e);
	if (kind != OK)
		return kind;
	store_close(s);
	snprintf(path, sizeof(path), "%s/store.db", folder);
	if (sqlite3_open(path, &b->db) != SQLITE_OK)
		return err_set(e, ERR_IO, "%s", sqlite3_errmsg(b->db));
	snprintf(path, sizeof(path), "%s/text.db", folder);
	if (sqlite3_open(path, &b->text) != SQLITE_OK)
		return err_set(e, ERR_IO, "%s", sqlite3_errmsg(b->text));
	run(b->db, bare_setup);
	run(b->text, bare_setup);
	run(b->text, "PRAGMA synchronous = NORMAL");
	b->ident = prepare(b->db, "INSERT OR IGNORE INTO ident (uuid, type, number, own)"
				  " VALUES (?1, ?2, ?3, 0)");
	b->object = prepare(b->db,
		"INSERT INTO object (serial, ident, version_us, type, uuid, created_us, flags,"
		" added_us, label, own, member, origin, body_bytes, dictionary, refs, body)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, 5, ?7, 0, 0, 1, ?1, ?8, 0, x'', ?9)");
	b->entry = prepare(b->db, "INSERT INTO entry (collection, added_us, serial, type, flags)"
				  " VALUES (1, ?1, ?2, ?3, 7)");
	b->reference =
		prepare(b->db, "INSERT OR IGNORE INTO reference (target, property, first, serials)"
			       " VALUES (?1, ?2, ?3, x'')");
	b->value = prepare(
		b->db, "INSERT OR IGNORE INTO value (kind, key, serial) VALUES (?1, ?2, ?3)");
	b->value_of = prepare(
		b->db, "INSERT OR IGNORE INTO value_of (kind, serial, key) VALUES (?1, ?2, ?3)");
	if (text)
		b->words = prepare(b->text, "INSERT INTO text (rowid, words) VALUES (?1, ?2)");
	return OK;
}

static void bare_close(struct bare *b)
{
	sqlite3_finalize(b->ident);
	sqlite3_finalize(b->object);
	sqlite3_finalize(b->entry);
	sqlite3_finalize(b->reference);
	sqlite3_finalize(b->value);
	sqlite3_finalize(b->value_of);
	sqlite3_finalize(b->words);
	sqlite3_close(b->db);
	sqlite3_close(b->text);
}

int verb_bare(char **args, bool text)
{
	struct numbering k = {.ids_count = 4000037, .names_count = 4099};
	struct numbers *numbers;
	struct objects o;
	struct bare b = {0};
	struct err e;
	struct lap began;

	if (objects_new(LIST_BYTES, &o, &e) != OK || objects_read(&o, args[0], &e) != OK)
		return fail(&e);
	k.ids = calloc(k.ids_count, sizeof(*k.ids));
	k.names = calloc(k.names_count, sizeof(*k.names));
	k.a = arena_new(LIST_BYTES);
	if (k.ids == NULL || k.names == NULL || k.a == NULL)
		return 1;
	numbers = numbers_make(&o, &k);
	if (bare_open(&b, args[1], text, &e) != OK)
		return fail(&e);
	/* sequences as another program would have them: objects that come twice come once */
	began = lap_begin();
	for (size_t i = 0; i < o.count; i += BATCH) {
		run(b.db, "BEGIN IMMEDIATE");
		run(b.text, "BEGIN IMMEDIATE");
		for (size_t j = i; j < o.count && j < i + BATCH; j++)
			bare_object(&b, &o.list[j], &numbers[j], (int64_t)j + 1, o.texts[j]);
		run(b.text, "COMMIT");
		run(b.db, "COMMIT");
	}
	rate_print(text ? "bare SQLite" : "bare SQLite without text", &o, lap_since(began));
	bare_close(&b);
	free(numbers);
	free(k.ids);
	free(k.names);
	arena_free(k.a);
	objects_free(&o);
	return 0;
}
