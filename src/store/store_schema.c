/* SPDX-License-Identifier: MPL-2.0 */
/* The tables, and moving between their versions, each step in one transaction. */
#include "inside.h"

/* clang-format off */
static const char schema_1_up[] =
	/* One row of counters, written with every transaction. */
	"CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), store BLOB NOT NULL,"
	" serial_last INTEGER NOT NULL DEFAULT 0, ident_last INTEGER NOT NULL DEFAULT 0,"
	" added_last_us INTEGER NOT NULL DEFAULT 0, objects INTEGER NOT NULL DEFAULT 0,"
	" things INTEGER NOT NULL DEFAULT 0, refs INTEGER NOT NULL DEFAULT 0,"
	" vals INTEGER NOT NULL DEFAULT 0, body_bytes INTEGER NOT NULL DEFAULT 0,"
	" packed_bytes INTEGER NOT NULL DEFAULT 0, label_epoch INTEGER NOT NULL DEFAULT 1,"
	" access_epoch INTEGER NOT NULL DEFAULT 1, values_last INTEGER NOT NULL DEFAULT 0) STRICT;"
	"INSERT INTO state (one, store) VALUES (1, randomblob(16));"

	/* Names as numbers. */
	"CREATE TABLE type (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" objects INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE property (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
	/* Every id met, also of what is only referred to: the one index over random keys. */
	"CREATE TABLE ident (uuid BLOB, type INTEGER, number INTEGER, own INTEGER,"
	" PRIMARY KEY (uuid, type)) WITHOUT ROWID;"
	"CREATE TABLE ident_tail (number INTEGER PRIMARY KEY, uuid BLOB, type INTEGER, own INTEGER);"
	"CREATE TABLE label (number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE,"
	" markings BLOB NOT NULL) STRICT;"
	"CREATE TABLE marking (uuid BLOB PRIMARY KEY, kind INTEGER NOT NULL, here INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"

	/* The objects, in order of arrival. */
	"CREATE TABLE object (serial INTEGER PRIMARY KEY, ident INTEGER, version_us INTEGER,"
	" type INTEGER, uuid BLOB, created_us INTEGER, flags INTEGER, added_us INTEGER,"
	" label INTEGER, own INTEGER, member INTEGER, origin INTEGER, body_bytes INTEGER,"
	" dictionary INTEGER, refs BLOB, body BLOB);"
	"CREATE UNIQUE INDEX object_version ON object (ident, version_us);"
	"CREATE INDEX object_type ON object (type);"
	"CREATE UNIQUE INDEX object_origin ON object (member, origin);"
	"CREATE TABLE gone (member INTEGER, origin INTEGER, serial INTEGER NOT NULL,"
	" removed_us INTEGER NOT NULL, PRIMARY KEY (member, origin)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE reference (target INTEGER, property INTEGER, first INTEGER, serials BLOB,"
	" PRIMARY KEY (target, property, first)) WITHOUT ROWID;"
	"CREATE TABLE value (kind INTEGER, key BLOB, serial INTEGER,"
	" PRIMARY KEY (kind, key, serial)) WITHOUT ROWID;"
	"CREATE TABLE value_of (kind INTEGER, serial INTEGER, key BLOB,"
	" PRIMARY KEY (kind, serial, key)) WITHOUT ROWID;"

	/* Collections; sweep: those deleted whose entries are not all gone yet. */
	"CREATE TABLE collection (number INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB NOT NULL UNIQUE,"
	" title TEXT NOT NULL, description TEXT NOT NULL, alias TEXT UNIQUE,"
	" tlp_max INTEGER NOT NULL, public_read INTEGER NOT NULL, created_us INTEGER NOT NULL,"
	" clock_us INTEGER NOT NULL DEFAULT 0, last_added_us INTEGER NOT NULL DEFAULT 0,"
	" entries INTEGER NOT NULL DEFAULT 0, change INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE sweep (collection INTEGER PRIMARY KEY) STRICT;"
	"CREATE TABLE entry (collection INTEGER, added_us INTEGER, serial INTEGER, type INTEGER,"
	" flags INTEGER, PRIMARY KEY (collection, added_us)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX entry_serial ON entry (collection, serial);"

	/* Where objects came from. */
	"CREATE TABLE member (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" origin_last INTEGER NOT NULL DEFAULT 0, evidence_count INTEGER NOT NULL DEFAULT 0,"
	" evidence_bytes INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE evidence (number INTEGER PRIMARY KEY, type INTEGER NOT NULL,"
	" uuid BLOB NOT NULL, version_us INTEGER NOT NULL, member INTEGER NOT NULL,"
	" received_us INTEGER NOT NULL, digest BLOB NOT NULL, body_bytes INTEGER NOT NULL,"
	" dictionary INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (member, digest)) STRICT;"

	"CREATE TABLE dictionary (number INTEGER PRIMARY KEY, trained_us INTEGER NOT NULL,"
	" bytes BLOB NOT NULL) STRICT;"
	/* Removed objects whose words the text index has yet to forget. */
	"CREATE TABLE text_gone (number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" serial INTEGER NOT NULL, type INTEGER NOT NULL,"
	" body_bytes INTEGER NOT NULL, dictionary INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
	"CREATE TABLE note (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE original (number INTEGER PRIMARY KEY, kind BLOB NOT NULL, key BLOB NOT NULL,"
	" body_bytes INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (kind, key)) STRICT;"
	"CREATE TABLE status (uuid BLOB PRIMARY KEY, account TEXT NOT NULL,"
	" created_us INTEGER NOT NULL, json BLOB NOT NULL) STRICT;"
	"CREATE INDEX status_created ON status (created_us);"

	"CREATE TABLE account (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
	" role INTEGER NOT NULL, password TEXT NOT NULL, token BLOB UNIQUE, pin BLOB UNIQUE,"
	" disabled INTEGER NOT NULL, created_us INTEGER NOT NULL) STRICT;"
	"CREATE TABLE access_right (account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
	" collection INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,"
	" rights INTEGER NOT NULL, PRIMARY KEY (account, collection)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX access_right_collection ON access_right (collection);";

/* What a policy decides by. Rows that are here have traits 0: not worked out yet, and so nothing is
 * known of them until they are. */
static const char schema_2_up[] =
	"CREATE TABLE traits (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;"
	"ALTER TABLE object ADD COLUMN traits INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE account ADD COLUMN member TEXT NOT NULL DEFAULT '';"
	/* total: versions in this record and all before it; serials: ascending differences as
	 * varints. */
	"CREATE TABLE released (number INTEGER PRIMARY KEY AUTOINCREMENT, at_us INTEGER NOT NULL,"
	" recipient TEXT NOT NULL, rule TEXT NOT NULL, policy BLOB NOT NULL,"
	" first INTEGER NOT NULL, last INTEGER NOT NULL, total INTEGER NOT NULL,"
	" serials BLOB NOT NULL) STRICT;";
static const char schema_2_down[] =
	"DROP TABLE released;"
	"ALTER TABLE account DROP COLUMN member;"
	"ALTER TABLE object DROP COLUMN traits;"
	"DROP TABLE traits;";

/* erased, purged: store_purge.c; what an older program took out is purged once. vouch: further
 * members that vouch for an object. due: when it has to be gone, and by which rule; deleted: what
 * is gone so. */
static const char schema_3_up[] =
	"ALTER TABLE state ADD COLUMN erased INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE state ADD COLUMN purged INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE state ADD COLUMN purge_page INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE state ADD COLUMN purge_target INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE vouch (number INTEGER PRIMARY KEY AUTOINCREMENT, member INTEGER NOT NULL,"
	" leaf INTEGER NOT NULL, serial INTEGER NOT NULL, added_us INTEGER NOT NULL,"
	" holds INTEGER NOT NULL DEFAULT 0,"
	" UNIQUE (member, leaf)) STRICT;"
	"CREATE INDEX vouch_serial ON vouch (serial);"
	"CREATE TABLE due (serial INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, rule TEXT NOT NULL)"
	" STRICT;"
	"CREATE INDEX due_at ON due (at_us);"
	"CREATE TABLE deleted (number INTEGER PRIMARY KEY AUTOINCREMENT, at_us INTEGER NOT NULL,"
	" serial INTEGER NOT NULL, due_us INTEGER NOT NULL, member TEXT NOT NULL, rule TEXT NOT NULL,"
	" policy BLOB NOT NULL) STRICT;";
static const char schema_3_down[] =
	"DROP TABLE deleted;"
	"DROP TABLE due;"
	"DROP TABLE vouch;"
	"ALTER TABLE state DROP COLUMN purge_target;"
	"ALTER TABLE state DROP COLUMN purge_page;"
	"ALTER TABLE state DROP COLUMN purged;"
	"ALTER TABLE state DROP COLUMN erased;";

/* Records of what is gone are asked for by their time. */
static const char schema_4_up[] = "CREATE INDEX deleted_at ON deleted (at_us);";
static const char schema_4_down[] = "DROP INDEX deleted_at;";

/* Version 0 is an empty file: there is no older program, and going there would drop everything. */
const struct schema_step store_schema[STORE_SCHEMA] = {
	{1, schema_1_up, NULL},
	{2, schema_2_up, schema_2_down},
	{3, schema_3_up, schema_3_down},
	{4, schema_4_up, schema_4_down},
};

/* Words only, without positions: the bodies have those, for the few words that are several tokens.
 * Contentless, as the bodies are in the store. */
const char text_schema[] =
	"CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), store BLOB NOT NULL,"
	" serial_last INTEGER NOT NULL, gone_last INTEGER NOT NULL, extraction INTEGER NOT NULL) STRICT;"
	"CREATE VIRTUAL TABLE text USING fts5 (words, content = '', columnsize = 0, detail = none,"
	" tokenize = 'unicode61 remove_diacritics 2');";
/* clang-format on */

enum err_kind schema_version(struct conn *c, int *ret_version, struct err *e)
{
	sqlite3_stmt *st;
	int application, version, code;

	if (sqlite3_prepare_v2(c->db,
		    "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
		    " FROM pragma_application_id, pragma_user_version",
		    -1, &st, NULL) != SQLITE_OK)
		return conn_fail(c, e, "could not read its version");
	code = sqlite3_step(st);
	if (code != SQLITE_ROW) {
		enum err_kind kind = conn_fail(c, e, "could not read its version");

		sqlite3_finalize(st);
		return kind;
	}
	application = sqlite3_column_int(st, 0);
	version = sqlite3_column_int(st, 1);
	if (application == 0 && version == 0 && sqlite3_column_int(st, 2) == 0)
		application = STORE_APPLICATION; /* empty: killed before its first transaction */
	sqlite3_finalize(st);
	if (application != STORE_APPLICATION)
		return err_set(e, ERR_INVALID,
			"\"%s\" is a database of another program (application id %d)", c->path,
			application);
	*ret_version = version;
	return OK;
}

static enum err_kind step_run(struct conn *c, const char *sql, int version, struct err *e)
{
	char mark[96];
	enum err_kind kind;

	snprintf(mark, sizeof(mark), "PRAGMA user_version = %d; PRAGMA application_id = %d",
		version, STORE_APPLICATION);
	kind = conn_exec(c, "BEGIN EXCLUSIVE", e);
	if (kind != OK)
		return kind;
	kind = conn_exec(c, sql, e);
	if (kind == OK)
		kind = conn_exec(c, mark, e);
	if (kind == OK)
		kind = conn_exec(c, "COMMIT", e);
	if (kind != OK)
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return kind;
}

enum err_kind schema_move(
	struct conn *c, const struct schema_step *steps, size_t count, int to, struct err *e)
{
	int version;
	enum err_kind kind = schema_version(c, &version, e);

	if (kind != OK)
		return kind;
	if (version < 0 || (size_t)version > count)
		return err_set(e, ERR_INVALID,
			"\"%s\" was written by a newer program: schema %d, this one knows 1 to %zu",
			c->path, version, count);
	if (to < 1 || (size_t)to > count)
		return err_set(e, ERR_USAGE, "no schema %d: there are 1 to %zu", to, count);
	for (; version < to; version++) {
		kind = step_run(c, steps[version].up, version + 1, e);
		if (kind != OK)
			return err_wrap(e, "to schema %d", version + 1);
	}
	for (; version > to; version--) {
		kind = step_run(c, steps[version - 1].down, version - 1, e);
		if (kind != OK)
			return err_wrap(e, "back to schema %d", version - 1);
	}
	return OK;
}
