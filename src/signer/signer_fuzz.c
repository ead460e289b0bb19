/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Frames from a hijacked node, and answers from a hijacked signer. The first byte says which:
 *   'Q'  frames, each behind its length as u16be, handled one after another by one signer
 *   else an answer to each of the questions
 * No mark ever goes back, and every answer has its shape.
 */
#include <stdlib.h>

#include "ledger_testing.h"
#include "mutate_frames.h"
#include "parts.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

/* The keys of the corpus. */
static const struct signer_secrets *secrets_get(const struct world *w)
{
	static struct signer_secrets s;

	if (s.notes[0].key.name[0] == '\0')
		must(signer_secrets_new(w, SLICE("kz"), &s, NULL) == OK);
	return &s;
}

static uint64_t signed_size(struct signer *s)
{
	struct signer_link l = signer_link_of(s);
	uint64_t size;

	must(signer_signed_size(&l, &size, NULL) == OK);
	return size;
}

static void frames_run(struct signer *s, struct slice bytes)
{
	struct reader r = {bytes, false};
	uint64_t last = 0;

	for (unsigned i = 0; i < 16 && r.rest.len > 0; i++) {
		struct slice frame = read_bytes(&r, read_u16(&r));
		struct buf answer = BUF_INIT;
		uint64_t now;

		if (r.bad)
			return;
		signer_handle(s, frame, &answer);
		must(answer.len >= FRAME_HEAD && answer.len <= SIGNER_FRAME_MAX);
		must(memcmp(answer.data, TELL_MAGIC, 4) == 0);
		must((unsigned char)answer.data[5] < ERR_KINDS);
		now = signed_size(s);
		must(now >= last);
		PLANTED(i > 1 && now != last && now >> 32 != 0);
		last = now;
		buf_fini(&answer);
	}
}

static void fuzz_frames(struct slice bytes)
{
	struct world_fake w;
	struct ledger_disk_fake *fake = ledger_disk_fake_new(1);
	struct ledger_disk disk = ledger_disk_of_fake(fake);
	struct signer_options options = {.disk = &disk, .world = &w.world};
	struct signer *s;
	uint64_t before;

	world_fake_init(&w, 1, INT64_C(1795429800) * US_PER_SECOND);
	options.secrets = secrets_get(&w.world);
	must(signer_open(&options, &s, NULL) == OK);
	frames_run(s, bytes);
	before = signed_size(s);
	signer_close(s);
	/* What was answered is on the disk. */
	must(signer_open(&options, &s, NULL) == OK);
	must(signed_size(s) == before);
	signer_close(s);
	ledger_disk_fake_free(fake);
}

static enum err_kind canned(
	void *context, struct slice frame, struct buf *ret_answer, struct err *e)
{
	(void)frame;
	(void)e;
	buf_slice_append(ret_answer, *(const struct slice *)context);
	return OK;
}

static void fuzz_answers(struct slice bytes)
{
	struct world_fake w;
	struct signer_link l = {canned, &bytes};
	struct signer_public public;
	struct ledger_path path = {.count = 0};
	struct buf line = BUF_INIT;
	uint8_t bytes80[SIGNER_SEALED_LEN] = {0}, key[SIGNER_UNSEALED_LEN];
	uint64_t size = 0;
	const struct note_key *k;

	world_fake_init(&w, 1, 0);
	k = &secrets_get(&w.world)->notes[SIGNER_LOG].key;
	(void)!signer_public_get(&l, &public, NULL);
	(void)!signer_signed_size(&l, &size, NULL);
	if (signer_checkpoint(&l, 1, bytes80, &path, &line, NULL) != OK)
		must(line.len == 0);
	must(line.len == 0 || line.data[line.len - 1] == '\n');
	(void)!signer_seen(&l, SLICE("uz/witness"), (struct slice){0}, NULL);
	(void)!signer_cosign(
		&l, SIGNER_WITNESS, k, (struct slice){0}, 0, &path, &line, &size, NULL);
	(void)!signer_manifest(&l, SLICE(SIGNER_MANIFEST_HEAD), &line, NULL);
	(void)!signer_unseal(&l, bytes80, key, NULL);
	buf_fini(&line);
}

#ifdef SERAI_FUZZING
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct mutate_frames frames = {.at = 1, .width = 2, .most = MUTATE_FRAMES_MAX};
	uint64_t state = seed;
	int more;

	if (size < 4 || data[0] != 'Q' || mutate_random(&state, 2) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	return mutate_frames(&frames, data, size, max_size, &state, &more);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = {(const char *)data, size};

	if (size != 0 && data[0] == 'Q')
		fuzz_frames(slice_cut(bytes, 1, size));
	else
		fuzz_answers(bytes);
	return 0;
}
