/* SPDX-License-Identifier: MPL-2.0 */
/* A folder with the signer's keys and marks, and trees to sign. */
#include "process_scene.h"

#include <sodium.h>
#include <unistd.h>

int scene_begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct world_fake w;

	*state = s;
	if (s == NULL || sodium_init() < 0)
		return -1;
	snprintf(s->folder, sizeof(s->folder), "/tmp/serai-signer-XXXXXX");
	if (mkdtemp(s->folder) == NULL)
		return -1;
	snprintf(s->marks, sizeof(s->marks), "%s/marks", s->folder);
	snprintf(s->keys, sizeof(s->keys), "%s/keys", s->folder);
	world_fake_init(&w, 11, 0);
	if (signer_secrets_new(&w.world, SLICE("kz"), &s->secrets, NULL) != OK ||
		signer_secrets_save(s->keys, &s->secrets, NULL) != OK ||
		note_secret_new(&w.world, SLICE("uz/log"), NOTE_ED25519, &s->other, NULL) != OK)
		return -1;
	tree_init(&s->tree, 1, 0);
	tree_init(&s->fork, 1, 5);
	return 0;
}

int scene_end(void **state)
{
	static const char *const files[] = {"marks/log", "marks/witness", "marks/mirror", "keys"};
	struct scene *s = *state;
	char path[128];

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->folder, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(s->marks);
	(void)rmdir(s->folder);
	tree_fini(&s->tree);
	tree_fini(&s->fork);
	free(s);
	return 0;
}

struct signer *signer_make(const struct scene *s, struct ledger_disk *disk)
{
	struct signer_options options = {&s->secrets, disk, world_real(), 0};
	struct signer *made;
	struct err e;

	if (ledger_disk_open(s->marks, false, disk, &e) != OK ||
		signer_open(&options, &made, &e) != OK)
		return NULL;
	return made;
}
