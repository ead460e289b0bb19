/* SPDX-License-Identifier: MPL-2.0 */
/* Founding four members, ending and restarting them. */
#include <stdlib.h>

#include "release_league.h"

void sign_all(const struct league *l, struct slice text, struct buf *ret_note)
{
	struct buf lines = BUF_INIT;

	for (unsigned i = 0; i < MEMBERS; i++)
		note_sign(&l->roots[i], text, &lines);
	note_write(text, buf_slice(&lines), ret_note);
	buf_fini(&lines);
}

static void row_make(struct league *l, unsigned i)
{
	struct charter_member *m = &l->rows[i];
	struct signer_public keys;
	char name[32];
	struct err e;

	snprintf(name, sizeof(name), "%s/root", members[i]);
	must_be(note_secret_new(&l->clock.world, slice_of(name), NOTE_ED25519, &l->roots[i], &e),
		&e, "root key");
	must_be(signer_secrets_new(
			&l->clock.world, slice_of(members[i]), &l->parties[i].secrets, &e),
		&e, "keys");
	signer_secrets_public(&l->parties[i].secrets, &keys);
	memcpy(m->name, members[i], strlen(members[i]) + 1);
	m->title = slice_of(members[i]);
	m->root = l->roots[i].key;
	m->log = keys.keys[SIGNER_LOG];
	m->witness = keys.keys[SIGNER_WITNESS];
	m->mirror = keys.keys[SIGNER_MIRROR];
	memcpy(m->box, keys.box, SIGNER_BOX_LEN);
	hash_sha256(slice_of(m->name), m->pin);
}

static void party_accounts(struct party *p)
{
	const struct store_account ann = {.name = SLICE("ann"), .role = STORE_READER};
	const struct store_account joe = {.name = SLICE("joe"),
		.role = STORE_READER,
		.member = slice_of(members[(p->number + 1) % MEMBERS])};
	struct err e;

	must_be(store_account_put(p->t.store, &ann, &e), &e, "account");
	must_be(store_account_put(p->t.store, &joe, &e), &e, "account");
}

/* Some lay a policy of their own over it, which takes effect with the next one. */
static void party_overlay(struct party *p)
{
	char path[128];
	struct buf text = BUF_INIT;
	FILE *file;

	if (!chance(40))
		return;
	make_overlay(&p->overlay, &text);
	p->overlaid = true;
	snprintf(path, sizeof(path), "%s/overlay.json", p->t.folder);
	file = fopen(path, "w");
	if (file == NULL || fwrite(text.data, 1, text.len, file) != text.len || fclose(file) != 0)
		broken("could not write an overlay");
	buf_fini(&text);
}

/* Sink, signer and coalition over the store and the disks that are there. */
static void party_start(struct party *p)
{
	struct league *l = p->league;
	struct err e;

	p->node = (struct node){
		.config = {.folder = p->t.folder, .member = members[p->number], .received = "c"},
		.store = p->t.store,
		.intel = p->t.intel
        };
	must_be(sink_open(&p->node, &l->clock.world, &p->sink, &p->real, &e), &e, "sink");
	p->ours = sink_watched(p);
	must_be(signer_open(&(struct signer_options){.secrets = &p->secrets,
				    .disk = &p->keys_disk,
				    .world = &l->clock.world,
				    .answers_needed = 2},
			&p->signer, &e),
		&e, "signer");
	p->link = signer_link_of(p->signer);
	must_be(coalition_open(&(struct coalition_options){.disk = &p->disk,
				       .folder = "c",
				       .self = slice_of(members[p->number]),
				       .world = &l->clock.world,
				       .signer = &p->link,
				       .sink = &p->ours,
				       .log = &l->log},
			&p->coalition, &e),
		&e, "coalition");
	p->waiting = true;
}

static void party_stop(struct party *p)
{
	coalition_close(p->coalition);
	signer_close(p->signer);
	sink_free(p->sink);
}

void party_again(struct party *p)
{
	party_stop(p);
	testing_restart(&p->t);
	party_start(p);
}

static void party_open(struct league *l, unsigned i, struct slice charter)
{
	struct party *p = &l->parties[i];
	struct err e;

	testing_open(&p->t, &l->clock.world);
	p->collection = testing_collection(&p->t, "c", STIX_TLP_RED, false);
	party_accounts(p);
	party_overlay(p);
	p->fake = ledger_disk_fake_new(i);
	p->keys_fake = ledger_disk_fake_new(i);
	p->disk = ledger_disk_of_fake(p->fake);
	p->keys_disk = ledger_disk_of_fake(p->keys_fake);
	party_start(p);
	must_be(coalition_charter_take(p->coalition, charter, &e), &e, "charter");
}

static void party_close(struct party *p)
{
	party_stop(p);
	ledger_disk_fake_free(p->fake);
	ledger_disk_fake_free(p->keys_fake);
	testing_close(&p->t);
}

void league_found(struct league *l, uint64_t seed)
{
	struct charter c = {.name = SLICE("a coalition"),
		.version = 1,
		.expires_us = NOW_US + 400 * DAY_US,
		.threshold = 3,
		.members = l->rows,
		.members_count = MEMBERS};
	struct buf text = BUF_INIT, note = BUF_INIT;

	world_real(); /* starts libsodium */
	world_fake_init(&l->clock, seed, NOW_US);
	l->log = (struct log){.world = &l->clock.world};
	l->things.things_count = THINGS;
	make_things(&l->things);
	for (unsigned k = 0; k < NAMED; k++) {
		unsigned mark = k < DEFINITIONS    ? MARK_DEFINED + k
				: k == DEFINITIONS ? MARK_STATEMENT
						   : MARK_EXTENSION;

		l->things.things[THINGS + k] = (struct thing){.flavour = FLAVOUR_DEFINITION};
		definition_id(mark, l->things.things[THINGS + k].id);
	}
	for (unsigned i = 0; i < MEMBERS; i++) {
		struct party *p = &l->parties[i];

		p->league = l;
		p->number = i;
		p->view = l->things;
		for (unsigned k = 0; k < THINGS + NAMED; k++)
			p->view.things[k].count = VERSIONS_MAX;
		row_make(l, i);
	}
	charter_write(&c, &text);
	sign_all(l, buf_slice(&text), &note);
	for (unsigned i = 0; i < MEMBERS; i++)
		party_open(l, i, buf_slice(&note));
	buf_fini(&text);
	buf_fini(&note);
}

void league_free(struct league *l)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		party_close(&l->parties[i]);
	for (unsigned i = 0; i < l->items_count; i++)
		buf_fini(&l->items[i].text);
	for (unsigned i = 0; i < l->policies_count; i++)
		buf_fini(&l->policies[i].text);
	free(l);
}
