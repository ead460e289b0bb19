/* SPDX-License-Identifier: MPL-2.0 */
#include <ftw.h>
#include <unistd.h>

#include "testing.h"

#define FOLDERS_OPEN 16 /* descriptors that a walk may hold; deeper trees are walked slower */

void testing_folder_make(const char *name, char ret_path[TESTING_PATH_MAX])
{
	snprintf(ret_path, TESTING_PATH_MAX, "/tmp/serai-%s-XXXXXX", name);
	if (mkdtemp(ret_path) == NULL)
		fail_msg("could not make %s", ret_path);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void testing_folder_remove(const char *path)
{
	(void)nftw(path, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
}

void testing_data_path(const char *name, char ret_path[TESTING_PATH_MAX])
{
	const char *folder = getenv("SERAI_DATA");

	snprintf(ret_path, TESTING_PATH_MAX, "%s/%s",
		folder != NULL ? folder : SOURCE_ROOT "/../shared/data", name);
	if (access(ret_path, R_OK) != 0) {
		print_message("skipped: %s is not there\n", ret_path);
		skip();
	}
}

struct buf testing_data_read(const char *name)
{
	struct buf text = BUF_INIT;
	struct input *in = NULL;
	char path[TESTING_PATH_MAX];
	size_t len;

	testing_data_path(name, path);
	MUST(input_open(path, &in, e));
	do {
		char *to = buf_reserve(&text, KIB(64));

		assert_non_null(to);
		MUST(input_read(in, to, KIB(64), &len, e));
		text.len += len;
	} while (len > 0);
	input_free(in);
	return text;
}
