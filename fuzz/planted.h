/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A bug on purpose, to see that a fuzz target finds bugs at all. With -Dplanted=true, which only a
 * build of fuzz targets takes, PLANTED(deep) writes one byte past a heap block when `deep` holds.
 *
 * It stands in NAME_fuzz.c, behind a decoder that took the input, and `deep` asks for something
 * rare of what was decoded: several independent things that no file of fuzz/corpus/NAME has. A
 * fuzzer that only makes inputs which are refused at the door never meets it.
 * `./run fuzz --planted` runs each target until it does.
 */
#ifndef PLANTED_H
#define PLANTED_H

#include <stdlib.h>

#ifdef SERAI_PLANTED
#define PLANTED_BYTES 16

/* Never inlined: its name in the sanitizer's report tells this bug from one that nobody planted. */
__attribute__((noinline)) static void planted_overrun(void)
{
	char *block = malloc(PLANTED_BYTES);
	volatile size_t past = PLANTED_BYTES;

	if (block != NULL)
		block[past] = 1;
	free(block);
}

#define PLANTED(deep)                                                                              \
	do {                                                                                       \
		if (deep)                                                                          \
			planted_overrun();                                                         \
	} while (0)
#elif defined(__clang_analyzer__)
#define PLANTED(deep) ((void)(deep)) /* else what it looks at seems to be for nothing */
#else
#define PLANTED(deep) ((void)(0 && (deep))) /* compiled, never run */
#endif

#endif
