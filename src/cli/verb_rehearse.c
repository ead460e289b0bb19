/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai rehearse: a whole coalition on one machine, with real processes, real TLS and real
 * intelligence, in under a minute. Every sentence of its account is a claim that was checked by
 * asking the nodes; one that does not hold ends it with status 1.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verb_rehearse.h"

#define ANSWER_MAX MIB(64) /* bytes of one answer in JSON */

const char *const rehearse_names[REHEARSE_MEMBERS] = {"north", "south", "east", "west"};

static bool (*const steps[])(struct rehearsal *r) = {rehearse_step_nodes, rehearse_step_data,
	rehearse_step_charter, rehearse_step_meet, rehearse_step_policy, rehearse_step_withheld,
	rehearse_step_amendment, rehearse_step_withdrawal, rehearse_step_partition,
	rehearse_step_files, rehearse_step_outsider, rehearse_step_refusals};

static enum err_kind place_make(struct rehearsal *r, struct err *e)
{
	const char *dir = cli_text(r->cli, "folder"), *tmp = getenv("TMPDIR");
	ssize_t len = readlink("/proc/self/exe", r->program, sizeof(r->program) - 1);
	struct slice made = {0};

	if (len <= 0)
		return err_set(e, ERR_IO, "could not find this program: %s", strerror(errno));
	r->program[len] = '\0';
	if (dir == NULL) {
		made = arena_printf(r->cli->arena, "%s/serai-rehearse-XXXXXX",
			tmp == NULL || tmp[0] != '/' ? "/tmp" : tmp);
		dir = made.data == NULL ? NULL : mkdtemp((char *)(uintptr_t)made.data);
	} else if (mkdir(dir, 0700) != 0) {
		dir = NULL;
	}
	if (dir != NULL && dir[0] != '/') {
		char whole[REHEARSE_TEXT];

		made = slice_of(realpath(dir, whole));
		dir = made.data == NULL ? NULL : arena_string(r->cli->arena, made);
	}
	if (dir == NULL)
		return err_set(e, err_kind_of_errno(errno), "could not make a folder: %s",
			strerror(errno));
	r->dir = dir;
	return OK;
}

static void ending(struct rehearsal *r)
{
	double seconds =
		(double)(world_monotonic(r->cli->world) - r->began_us) / (double)US_PER_SECOND;

	if (r->cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_bool(&w, "holds", !r->broken);
		json_member_i64(&w, "steps", r->steps);
		json_member_i64(&w, "claims", r->claims);
		json_write_name(&w, "seconds");
		json_write_double(&w, seconds);
		if (r->broken)
			json_member_text(&w, "reason", r->why);
		json_write_end(&w, '}');
		cli_print_line(&out);
	} else if (!r->broken) {
		printf("%s%u steps, %u claims, all of them hold; %.1f seconds\n",
			r->cli->quiet ? "" : "\n", r->steps, r->claims, seconds);
	}
	if (r->broken)
		cli_warn(r->cli, "step %u: %s", r->steps, r->why);
	if (cli_flag(r->cli, "keep"))
		cli_warn(r->cli, "kept: %s", r->dir);
}

static enum cli_status rehearse_all(struct cli *cli)
{
	struct rehearsal *r = ARENA_NEW(cli->arena, struct rehearsal);
	struct err e;

	if (r == NULL)
		return CLI_FAILED;
	r->cli = cli;
	r->began_us = world_monotonic(cli->world);
	r->parser = json_parser_new(ANSWER_MAX);
	if (r->parser == NULL)
		return CLI_FAILED;
	rehearse_catch_signals();
	if (place_make(r, &e) != OK) {
		json_parser_free(r->parser);
		return cli_fail(cli, &e);
	}
	if (rehearse_ports(r)) {
		for (size_t i = 0; i < COUNT_OF(steps) && !r->broken; i++) {
			if (!steps[i](r))
				rehearse_fail(r, "it could not be done");
		}
	}
	rehearse_clean(r);
	ending(r);
	return r->broken ? CLI_NO : CLI_OK;
}

static const struct option_row rehearse_options[] = {
	{"folder", 'd', OPTION_TEXT, "DIR", "a new folder to do it in (else a temporary one)"},
	{"keep",   'k', OPTION_FLAG, NULL,  "leave the folder as it is at the end"           },
};

const struct verb verb_rehearse = {"rehearse", "",
	"rehearse a whole coalition on this machine, in under a minute",
	"Four members with nodes of their own, as real processes: a charter signed offline, a "
	"policy decided, intelligence\n"
	"exchanged over mutual TLS and by files, an amendment tried and adopted, a withdrawal, a "
	"partition, a proof for an\n"
	"outsider, and what must fail. Each line of the account was checked by asking the nodes. "
	"Intelligence is taken from\n"
	"$SERAI_DATA, else ../shared/data, else the samples of a checkout. Exit status 1: "
	"something did not hold.",
	0, 0, OPTIONS(rehearse_options), rehearse_all};
