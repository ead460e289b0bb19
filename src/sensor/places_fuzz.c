/* SPDX-License-Identifier: MPL-2.0 */
/* A state file of any bytes: opened or refused, and what was opened can be kept and opened again.
 */
#include <stdlib.h>
#include <unistd.h>

#include "inside.h"
#include "mutate_text.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Transactions that end in "commit right" get their true checksum, so that what a fuzzer alters
 * before it is read. */
static struct buf commits_right(struct slice file)
{
	struct slice rest = file, line;
	struct buf out = BUF_INIT;
	size_t begin = 0;
	bool head = true;

	while (slice_next(&rest, '\n', &line)) {
		bool whole = line.data + line.len < file.data + file.len;

		if (whole && slice_is(line, "commit right")) {
			uint8_t digest[SHA256_LEN];

			hash_sha256(slice_cut(buf_slice(&out), begin, out.len), digest);
			buf_text(&out, "commit ");
			hex_append(&out, digest, sizeof(digest));
		} else {
			buf_slice_append(&out, line);
		}
		if (whole)
			buf_char(&out, '\n');
		if (head || slice_starts(line, SLICE("commit ")))
			begin = out.len;
		head = false;
	}
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static char folder[] = "/dev/shm/serai-places-fuzz-XXXXXX", path[sizeof(folder) + 8];
	static bool made;
	static struct prevalence_site site;
	struct world_fake world;
	struct places *s;
	struct tally *t;
	struct err e;
	struct buf right;
	FILE *f;

	if (!made && mkdtemp(folder) == NULL)
		return 0;
	made = true;
	snprintf(path, sizeof(path), "%s/state", folder);
	right = commits_right((struct slice){(const char *)bytes, len});
	f = fopen(path, "wb");
	if (f == NULL)
		return 0;
	(void)fwrite(right.data, 1, right.len, f);
	fclose(f);
	buf_fini(&right);
	world_fake_init(&world, 1, 0);
	t = tally_new(&world.world, 64);
	if (t != NULL && places_open(folder, &s, &e) == OK) {
		const struct output_mark mark = {1, 2, 3};
		struct output_mark kept = {0};

		places_restore(s, t, &site);
		PLANTED(tally_count(t) > 1 && places_mark(s, &kept) && kept.size > 100000);
		if (places_commit(s, &mark, t, &site, &e) != OK)
			abort();
		places_free(s);
		if (places_open(folder, &s, &e) != OK)
			abort();
		places_free(s);
	}
	tally_free(t);
	(void)unlink(path);
	(void)rmdir(folder);
	made = false;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	return 0;
}
