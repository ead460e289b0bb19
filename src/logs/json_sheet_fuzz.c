/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes as lines of JSON: no line that the sink wants is left out, whatever shapes were seen
 * before it. The lines come several times, as shapes are known then. */
#include <stdlib.h>

#include "json_sheet_testing.h"
#include "mutate_text.h"
#include "planted.h"

#define ROUNDS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum logs_format formats[] = {LOGS_ZEEK_JSON, LOGS_EVE, LOGS_NDJSON};
	struct buf log = BUF_INIT;
	size_t rows, missing;

	if (size == 0 || size > KIB(16))
		return 0;
	for (size_t i = 0; i < ROUNDS || log.len < 2 * SPLIT_BYTES; i++) {
		buf_append(&log, data, size);
		buf_char(&log, '\n');
	}
	if (log.bad)
		abort();
	missing = json_left_out(
		formats[data[size - 1] % COUNT_OF(formats)], buf_slice(&log), true, false, &rows);
	PLANTED(missing > 0 && missing + 8 < rows);
	buf_fini(&log);
	return 0;
}
