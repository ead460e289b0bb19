/* SPDX-License-Identifier: MPL-2.0 */
/* What the mutators of mutate_text.h and mutate_frames.h share. */
#ifndef MUTATE_H
#define MUTATE_H

#ifdef SERAI_FUZZING
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* A number below `below`, or 0; Knuth's linear congruence, whose high bits are good enough. */
static size_t mutate_random(uint64_t *state, size_t below)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return below == 0 ? 0 : (size_t)(*state >> 33) % below;
}

#endif

#endif
