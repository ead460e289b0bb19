/* SPDX-License-Identifier: MPL-2.0 */
/* Transparency logs by their folders, and the check of a proof that anybody can make offline. */
#include <limits.h>
#include <stdlib.h>

#include "cli.h"
#include "ledger/ledger.h"
#include "json/json.h"

#define PROOF_BYTES_MAX  KIB(256) /* a note and 63 hashes fit twice */
#define QUORUM_BYTES_MAX KIB(256)

/* ---- serai verify PROOF ---------------------------------------------------------------------- */

static void verified_say(struct cli *cli, const struct ledger_verified *v, const struct err *why)
{
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	if (cli->json) {
		json_write_object(&w);
		json_member_bool(&w, "verified", why == NULL);
		if (why == NULL) {
			json_member_text(&w, "origin", v->origin);
			json_member_i64(&w, "index", (int64_t)v->index);
			json_member_i64(&w, "size", (int64_t)v->size);
			json_member_i64(&w, "cosignatures", (int64_t)v->cosignatures);
			if (v->cosigned_s != 0)
				json_member_time(&w, "cosigned", v->cosigned_s * US_PER_SECOND, 0);
		} else {
			json_member_text(&w, "reason", why->text);
		}
		json_write_end(&w, '}');
		printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
	} else if (why != NULL) {
		printf("not verified: %s\n", why->text);
	} else if (!cli->quiet) {
		fputs("verified: entry ", stdout);
		printf("%s of the log \"", cli_count(cli, v->index));
		cli_print_safe(slice_of(v->origin), 0);
		printf("\", among its first %s; cosigned by %s", cli_count(cli, v->size),
			cli_count(cli, v->cosignatures));
		if (v->cosigned_s != 0)
			printf(", last at %s", cli_time(cli, v->cosigned_s * US_PER_SECOND));
		putchar('\n');
	}
	buf_fini(&out);
}

/* The kinds that answer the question with no; all others leave it open. */
static bool is_no(enum err_kind kind)
{
	return kind == ERR_PARSE || kind == ERR_INVALID || kind == ERR_LIMIT;
}

static enum cli_status proof_check(
	struct cli *cli, struct slice proof, struct slice content, struct slice quorum)
{
	struct ledger_verified v;
	struct ledger_quorum *q;
	struct ledger_proof p;
	enum err_kind kind;
	struct err e;

	/* A bad quorum file says nothing about the proof. */
	if (ledger_quorum_parse(quorum, cli->arena, &q, &e) != OK)
		return cli_fail(cli, &e);
	kind = ledger_proof_parse(proof, &p, &e);
	if (kind == OK)
		kind = ledger_proof_verify(&p, q, content, cli->arena, &v, &e);
	if (kind != OK && !is_no(kind))
		return cli_fail(cli, &e);
	verified_say(cli, &v, kind == OK ? NULL : &e);
	return kind == OK ? CLI_OK : CLI_NO;
}

enum cli_status cli_proof_verify(struct cli *cli)
{
	const char *content_path = cli_text(cli, "content"), *quorum_path = cli_text(cli, "quorum");
	struct buf proof = BUF_INIT, content = BUF_INIT, quorum = BUF_INIT;
	enum cli_status status;
	enum err_kind kind;
	struct err e;

	if (content_path == NULL || quorum_path == NULL)
		return cli_usage(cli, "expected: serai verify PROOF --content FILE --quorum FILE");
	kind = file_read(cli->args[0], PROOF_BYTES_MAX, &proof, &e);
	if (kind == OK)
		kind = file_read(content_path, LEDGER_CONTENT_MAX, &content, &e);
	if (kind == OK)
		kind = file_read(quorum_path, QUORUM_BYTES_MAX, &quorum, &e);
	status = kind == OK ? proof_check(cli, buf_slice(&proof), buf_slice(&content),
				      buf_slice(&quorum))
			    : cli_fail(cli, &e);
	buf_fini(&proof);
	buf_fini(&content);
	buf_fini(&quorum);
	return status;
}

/* ---- a log by its folder --------------------------------------------------------------------- */

struct opened {
	struct ledger_disk disk;
	struct ledger *log;
};

/* For reading: a node may be writing there. */
static enum err_kind opened_open(struct cli *cli, struct opened *o, struct err *e)
{
	struct ledger_options options = {.disk = &o->disk, .folder = "", .world = cli->world};
	enum err_kind kind = ledger_disk_open(cli->args[0], true, &o->disk, e);

	if (kind != OK)
		return kind;
	kind = ledger_open(&options, &o->log, e);
	if (kind == ERR_USAGE)
		(void)err_set(e, ERR_USAGE, "\"%s\" is no folder of a log", cli->args[0]);
	if (kind != OK)
		ledger_disk_close(&o->disk);
	return kind;
}

static void opened_close(struct opened *o)
{
	ledger_close(o->log);
	ledger_disk_close(&o->disk);
}

static const char *where_name(enum ledger_where where)
{
	static const char *const names[] = {
		[LEDGER_NOWHERE] = "only the leaf",
		[LEDGER_STORED] = "in the store",
		[LEDGER_HELD] = "held",
		[LEDGER_ERASED] = "erased",
	};

	return names[where];
}

static void leaf_json(uint64_t index, const struct ledger_leaf *leaf, const struct ledger_place *p)
{
	struct buf out = BUF_INIT, commitment = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	hex_append(&commitment, leaf->commitment, sizeof(leaf->commitment));
	json_write_object(&w);
	json_member_i64(&w, "index", (int64_t)index);
	json_member_text(&w, "class", ledger_class_name(leaf->class));
	json_member_time(&w, "time", leaf->time_us, 6);
	json_member_string(&w, "commitment", buf_slice(&commitment));
	json_member_text(&w, "content", where_name(p->where));
	json_member_bool(&w, "opened", p->where == LEDGER_STORED || p->where == LEDGER_HELD);
	json_write_end(&w, '}');
	cli_print_line(&out);
	buf_fini(&commitment);
}

static enum err_kind leaves_show(
	struct cli *cli, struct ledger *log, uint64_t from, uint64_t count, struct err *e)
{
	static const char *const heads[] = {"index", "class", "time", "content"};
	enum err_kind kind = OK;
	struct table table;

	table_start(&table, cli, heads, COUNT_OF(heads));
	for (uint64_t i = from; kind == OK && i < from + count; i++) {
		uint8_t salt[LEDGER_SALT_LEN];
		struct ledger_place place;
		struct ledger_leaf leaf;

		kind = ledger_leaf_get(log, i, &leaf, e);
		if (kind == OK)
			kind = ledger_opening_get(log, i, salt, &place, NULL, e);
		secret_wipe(salt, sizeof(salt));
		if (kind != OK)
			break;
		if (cli->json) {
			leaf_json(i, &leaf, &place);
			continue;
		}
		struct slice cells[] = {arena_printf(cli->arena, "%llu", (unsigned long long)i),
			slice_of(ledger_class_name(leaf.class)),
			slice_of(cli_time(cli, leaf.time_us)), slice_of(where_name(place.where))};

		if (!table_row(&table, cells))
			kind = err_set(e, ERR_NOMEM, "too many leaves at once: use --count");
	}
	if (kind == OK && !cli->json)
		table_print(&table);
	return kind;
}

static void checkpoint_show(struct cli *cli, struct ledger *log)
{
	uint8_t root[LEDGER_HASH_LEN];
	struct buf hex = BUF_INIT;
	uint64_t size = ledger_size(log);

	if (cli->json || cli->quiet || ledger_root(log, size, root, NULL) != OK)
		return;
	hex_append(&hex, root, sizeof(root));
	fputs("log   ", stdout);
	cli_print_safe(ledger_origin(log), 0);
	printf("\nsize  %s\nroot  %.*s\n", cli_count(cli, size), SLICE_ARG(buf_slice(&hex)));
	buf_fini(&hex);
}

static enum cli_status show_run(struct cli *cli)
{
	struct opened o;
	uint64_t from, count, size;
	enum err_kind kind;
	struct err e;

	if (!cli_number(cli, "from", 0, 0, LEDGER_SIZE_MAX, &from) ||
		!cli_number(cli, "count", UINT64_MAX, 1, LEDGER_SIZE_MAX, &count))
		return CLI_USAGE;
	if (opened_open(cli, &o, &e) != OK)
		return cli_fail(cli, &e);
	size = ledger_size(o.log);
	if (from > size)
		from = size;
	if (count > size - from)
		count = size - from;
	checkpoint_show(cli, o.log);
	kind = leaves_show(cli, o.log, from, count, &e);
	opened_close(&o);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

static const struct option_row show_options[] = {
	{"from",  'f', OPTION_TEXT, "INDEX",  "the first leaf shown (else 0)"      },
	{"count", 'n', OPTION_TEXT, "NUMBER", "leaves shown at the most (else all)"},
};

const struct verb verb_log_show = {"log show", "FOLDER", "list the leaves of a log",
	"FOLDER is that of the log itself, with the files \"state\" and \"entries\". A log tells "
	"of each entry only its\n"
	"class and time; whether its content is here stands in the last column.",
	1, 1, OPTIONS(show_options), show_run};

/* ---- log prove ------------------------------------------------------------------------------- */

static enum err_kind proof_make(struct ledger *log, uint64_t index, const struct buf *note,
	struct arena *a, struct buf *content, struct buf *out, struct err *e)
{
	struct ledger_proof p = {.index = index, .checkpoint = buf_slice(note)};
	struct note_checkpoint checkpoint;
	struct ledger_place place;
	struct note parsed;
	enum err_kind kind;

	if (note->len == 0)
		return err_set(e, ERR_USAGE, "this log has no signed checkpoint yet");
	kind = note_parse(p.checkpoint, a, &parsed, e);
	if (kind == OK)
		kind = note_checkpoint_parse(parsed.text, &checkpoint, e);
	if (kind == OK && index >= checkpoint.size)
		kind = err_set(e, ERR_USAGE, "there is no leaf %llu among the %llu that are signed",
			(unsigned long long)index, (unsigned long long)checkpoint.size);
	if (kind == OK)
		kind = ledger_inclusion(log, index, checkpoint.size, &p.path, e);
	if (kind == OK)
		kind = ledger_leaf_get(log, index, &p.leaf, e);
	if (kind == OK)
		kind = ledger_opening_get(log, index, p.salt, &place, content, e);
	if (kind != OK)
		return kind;
	p.has_opening = place.where == LEDGER_STORED || place.where == LEDGER_HELD;
	if (!p.has_opening) { /* the leaf itself is then what is proved */
		kind = ledger_leaves(log, index, 1, content, e);
	} else if (place.where == LEDGER_STORED) {
		content->bad = true; /* it is elsewhere */
	}
	ledger_proof_write(&p, out);
	secret_wipe(p.salt, sizeof(p.salt));
	return kind;
}

static enum err_kind proof_put(
	struct cli *cli, const struct buf *proof, const struct buf *content, struct err *e)
{
	const char *proof_path = cli_text(cli, "output"), *content_path = cli_text(cli, "content");

	if (content_path != NULL && content->bad)
		return err_set(e, ERR_USAGE,
			"the content is in the node's store, not in the log: serai show prints it");
	if (content_path != NULL &&
		file_write_atomic(content_path, buf_slice(content), 0600, e) != OK)
		return e->kind;
	if (proof_path != NULL)
		return file_write_atomic(proof_path, buf_slice(proof), 0600, e);
	(void)fwrite(proof->data, 1, proof->len, stdout);
	return OK;
}

static enum cli_status prove_run(struct cli *cli)
{
	struct buf note = BUF_INIT, content = BUF_INIT, proof = BUF_INIT;
	struct opened o;
	uint64_t index;
	enum err_kind kind;
	struct err e;

	if (!slice_to_u64(slice_of(cli->args[1]), &index))
		return cli_usage(cli, "\"%s\" is no index of a leaf", cli->args[1]);
	if (opened_open(cli, &o, &e) != OK)
		return cli_fail(cli, &e);
	kind = ledger_checkpoint_get(o.log, &note, &e);
	if (kind == OK)
		kind = proof_make(o.log, index, &note, cli->arena, &content, &proof, &e);
	if (kind == OK)
		kind = proof_put(cli, &proof, &content, &e);
	opened_close(&o);
	buf_fini(&note);
	buf_fini(&content);
	buf_fini(&proof);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

static const struct option_row prove_options[] = {
	{"output",  'o', OPTION_TEXT, "FILE", "where the proof goes (else standard output)"},
	{"content", 'c', OPTION_TEXT, "FILE",
         "write the entry's content there too, when the log holds it"                      },
};

const struct verb verb_log_prove = {"log prove", "FOLDER INDEX",
	"write the proof that an entry is in a log",
	"The proof (c2sp.org/tlog-proof@v1) stands on the log's stored checkpoint and its "
	"cosignatures. Whoever has it,\n"
	"the content and a quorum file checks it offline: serai verify. It carries the entry's "
	"salt, so give it only to\n"
	"who may see the content. Of an erased or withheld entry it proves the leaf alone.",
	2, 2, OPTIONS(prove_options), prove_run};

/* ---- log verify, log tiles ------------------------------------------------------------------- */

static void fault_print(void *context, const char *text)
{
	struct cli *cli = context;

	if (cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "fault", text);
		json_write_end(&w, '}');
		cli_print_line(&out);
		return;
	}
	cli_print_safe(slice_of(text), 0);
	putchar('\n');
}

static enum cli_status log_verify_run(struct cli *cli)
{
	enum err_kind kind;
	struct opened o;
	uint64_t size;
	struct err e;

	kind = opened_open(cli, &o, &e);
	if (kind == ERR_CORRUPT) {
		fault_print(cli, e.text);
		return CLI_NO;
	}
	if (kind != OK)
		return cli_fail(cli, &e);
	kind = ledger_verify(o.log, fault_print, cli, &e);
	size = ledger_size(o.log);
	opened_close(&o);
	if (kind == ERR_CORRUPT) {
		cli_warn(cli, "%s", e.text);
		return CLI_NO;
	}
	if (kind != OK)
		return cli_fail(cli, &e);
	if (cli->json)
		printf("{\"whole\":true,\"size\":%llu}\n", (unsigned long long)size);
	else if (!cli->quiet)
		printf("the log is whole: %s leaves\n", cli_count(cli, size));
	return CLI_OK;
}

const struct verb verb_log_verify = {"log verify", "FOLDER",
	"read a log again and check that everything in it follows from the rest",
	"Every leaf is hashed, every stored hash, the root, the checkpoint's root and every held "
	"content compared. Exit\n"
	"status 1 and one line for each damaged place. Signatures need keys: serai verify.",
	1, 1, NULL, 0, log_verify_run};

static enum cli_status tiles_run(struct cli *cli)
{
	struct ledger_disk to;
	struct opened o;
	enum err_kind kind;
	struct err e;

	if (opened_open(cli, &o, &e) != OK)
		return cli_fail(cli, &e);
	kind = ledger_disk_open(cli->args[1], false, &to, &e);
	if (kind == OK) {
		kind = ledger_tiles_export(o.log, &to, "", &e);
		ledger_disk_close(&to);
	}
	opened_close(&o);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

const struct verb verb_log_tiles = {"log tiles", "FOLDER DIR",
	"write a log as static files that C2SP tools read over HTTP",
	"DIR gets checkpoint, tile/LEVEL/... and tile/entries/... (c2sp.org/tlog-tiles) up to the "
	"stored checkpoint. Again,\n"
	"it writes only what is new. Any web server serves it; salts and contents are not in it.",
	2, 2, NULL, 0, tiles_run};
