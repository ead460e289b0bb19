/* SPDX-License-Identifier: MPL-2.0 */
/* Splitting a block in each way that this machine has: all find what the plain way finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "logs_testing.h"
#include "split.h"

static void split_versions_agree(void **state)
{
	const struct split_version *plain = &split_versions[split_versions_count - 1];
	struct split *expected = malloc(sizeof(*expected)), *got = malloc(sizeof(*got));
	char *data = malloc(SPLIT_BYTES + EVENT_PADDING);
	uint64_t seed = 1;

	(void)state;
	assert_string_equal(plain->name, "portable");
	for (unsigned round = 0; round < 600; round++) {
		size_t len = round < 300 ? round : (size_t)(logs_random(&seed) % (SPLIT_BYTES + 1));
		unsigned density = 1 + round % 7; /* up to nothing but separators */

		if (round == 599)
			len = SPLIT_BYTES;
		for (size_t i = 0; i < len + EVENT_PADDING; i++) {
			uint64_t dice = logs_random(&seed) >> 20;

			data[i] = (char)(dice >> 16);
			if (dice % density == 0)
				data[i] = "\t\t\t\t\t\n,\\"[(dice >> 8) % (round % 3 == 0 ? 8 : 7)];
		}
		plain->run(data, len, '\t', expected);
		for (size_t v = 0; v + 1 < split_versions_count; v++) {
			if (!split_versions[v].usable())
				continue;
			split_versions[v].run(data, len, '\t', got);
			assert_int_equal(got->positions_count, expected->positions_count);
			assert_int_equal(got->ends_count, expected->ends_count);
			assert_int_equal(got->escapes, expected->escapes);
			assert_memory_equal(
				got->positions, expected->positions, 2 * expected->positions_count);
			assert_memory_equal(got->ends, expected->ends, 2 * expected->ends_count);
		}
	}
	free(data);
	free(got);
	free(expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_versions_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
