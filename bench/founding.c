/* SPDX-License-Identifier: MPL-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "founding.h"

_Noreturn void founding_fail(const char *what, const struct err *e)
{
	fprintf(stderr, "%s: %s\n", what, e->text);
	exit(1);
}

/* ---- members --------------------------------------------------------------------------------- */

static void folder_open(
	const char *folder, const char *name, const char *more, struct ledger_disk *disk)
{
	char path[512];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, more);
	if (folder_make(path, 0700, &e) != OK || ledger_disk_open(path, false, disk, &e) != OK)
		founding_fail("disk", &e);
}

void founding_open(struct member *m, const char *folder)
{
	static struct log silent;
	char name[NOTE_NAME_MAX];
	struct err e;

	silent = (struct log){world_real(), NULL, LOG_ERROR};
	snprintf(name, sizeof(name), "%s/root", m->name);
	if (note_secret_new(world_real(), slice_of(name), NOTE_ED25519, &m->root, &e) != OK ||
		signer_secrets_new(world_real(), slice_of(m->name), &m->secrets, &e) != OK)
		founding_fail("keys", &e);
	folder_open(folder, m->name, "", &m->disk);
	folder_open(folder, m->name, "-keys", &m->keys_disk);
	if (signer_open(&(struct signer_options){&m->secrets, &m->keys_disk, world_real(), 1},
		    &m->signer, &e) != OK)
		founding_fail("signer", &e);
	m->link = signer_link_of(m->signer);
	if (coalition_open(&(struct coalition_options){&m->disk, "c", slice_of(m->name),
				   world_real(), &m->link, &m->sink, &silent},
		    &m->coalition, &e) != OK)
		founding_fail("coalition", &e);
}

static void row_fill(const struct member *m, struct charter_member *row)
{
	struct signer_public keys;

	signer_secrets_public(&m->secrets, &keys);
	memcpy(row->name, m->name, sizeof(m->name));
	row->title = slice_of(m->name);
	row->root = m->root.key;
	row->log = keys.keys[SIGNER_LOG];
	row->witness = keys.keys[SIGNER_WITNESS];
	row->mirror = keys.keys[SIGNER_MIRROR];
	memcpy(row->box, keys.box, SIGNER_BOX_LEN);
	hash_sha256(slice_of(m->name), row->pin);
}

void founding_charter(struct member *const *members, size_t count)
{
	struct charter_member rows[FOUNDING_MEMBERS_MAX] = {0};
	struct charter c = {.name = SLICE("bench"),
		.version = 1,
		.expires_us = world_now(world_real()) + 86400 * US_PER_SECOND,
		.threshold = (unsigned)count,
		.members = rows,
		.members_count = count};
	struct buf text = BUF_INIT, lines = BUF_INIT, note = BUF_INIT;
	struct err e;

	for (size_t i = 0; i < count; i++)
		row_fill(members[i], &rows[i]);
	charter_write(&c, &text);
	for (size_t i = 0; i < count; i++)
		note_sign(&members[i]->root, buf_slice(&text), &lines);
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	for (size_t i = 0; i < count; i++) {
		if (coalition_charter_take(members[i]->coalition, buf_slice(&note), &e) != OK)
			founding_fail("charter", &e);
	}
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&note);
}

void founding_close(struct member *m)
{
	coalition_close(m->coalition);
	signer_close(m->signer);
	ledger_disk_close(&m->disk);
	ledger_disk_close(&m->keys_disk);
}
