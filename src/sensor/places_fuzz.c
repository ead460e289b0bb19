/* SPDX-License-Identifier: MPL-2.0 */
/* A state file of any bytes: opened or refused, and what was opened can be kept and opened again.
 */
#include <stdlib.h>
#include <unistd.h>

#include "inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static char folder[] = "/dev/shm/serai-places-fuzz-XXXXXX", path[sizeof(folder) + 8];
	static bool made;
	static struct prevalence_site site;
	struct world_fake world;
	struct places *s;
	struct tally *t;
	struct err e;
	FILE *f;

	if (!made && mkdtemp(folder) == NULL)
		return 0;
	made = true;
	snprintf(path, sizeof(path), "%s/state", folder);
	f = fopen(path, "wb");
	if (f == NULL)
		return 0;
	(void)fwrite(bytes, 1, len, f);
	fclose(f);
	world_fake_init(&world, 1, 0);
	t = tally_new(&world.world, 64);
	if (t != NULL && places_open(folder, &s, &e) == OK) {
		const struct output_mark mark = {1, 2, 3};

		places_restore(s, t, &site);
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
