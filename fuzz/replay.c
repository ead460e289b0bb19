/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Runs a fuzz target once over every file of the folders and files named on the command line, so
 * that what a fuzzer once found stays a test under any compiler.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long files_run;

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t len = 0, capacity = 0;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	for (;;) {
		size_t got;

		if (len == capacity) {
			uint8_t *grown = realloc(data, capacity = capacity * 2 + 4096);

			if (grown == NULL) {
				free(data);
				fclose(f);
				return 1;
			}
			data = grown;
		}
		got = fread(data + len, 1, capacity - len, f);
		if (got == 0)
			break;
		len += got;
	}
	fclose(f);
	/* An exact copy, so that a sanitizer sees the first byte past the end. */
	uint8_t *exact = malloc(len == 0 ? 1 : len);
	if (exact == NULL) {
		free(data);
		return 1;
	}
	memcpy(exact, data, len);
	free(data);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	files_run++;
	return 0;
}

static int run_path(const char *path)
{
	struct stat st;
	int status = 0;

	if (stat(path, &st) != 0) {
		perror(path);
		return 1;
	}
	if (!S_ISDIR(st.st_mode))
		return run_file(path);
	DIR *folder = opendir(path);
	if (folder == NULL) {
		perror(path);
		return 1;
	}
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		char *below;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&below, "%s/%s", path, entry->d_name) < 0) {
			status = 1;
			break;
		}
		status |= run_path(below);
		free(below);
	}
	closedir(folder);
	return status;
}

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++)
		status |= run_path(argv[i]);
	printf("%lu inputs run\n", files_run);
	return status != 0 || files_run == 0;
}
