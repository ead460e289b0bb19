/* SPDX-License-Identifier: MPL-2.0 */
/* Inside of writing an index. */
#ifndef INDEX_WRITE_H
#define INDEX_WRITE_H

#include "build.h"

#define ENTRY_WIDTHS 4 /* bytes of an entry's number at the most */

struct out {
	const struct index_builder *b;
	int fd;
	const char *path;
	struct err *e;
	uint64_t end;      /* of what has its place */
	struct buf sums;   /* a hash per block up to there */
	uint8_t *gathered; /* OUT_BYTES */
	size_t gathered_len;
	uint64_t gathered_at; /* where they go; block-aligned */
	struct section sections[SECTIONS];
	/* sets of entries */
	struct intern sets_seen;
	struct buf set_directory, sets;
	struct index_counts counts;
};

/* A section of unknown length begins at the end of the file; section_end says how long it became.
 */
void section_begin(struct out *o, unsigned id);
enum err_kind out_put(struct out *o, const void *bytes, size_t len);
enum err_kind section_end(struct out *o, unsigned id, uint64_t bytes);
enum err_kind section_write(struct out *o, unsigned id, struct slice content);

/* The number of one entry or of the set of several; they are sorted here. */
enum err_kind number_of(struct out *o, uint32_t *entries, size_t count, uint64_t *ret_number);
/* Bytes that hold every entry's number and a bit for sets. */
unsigned entry_width(const struct index_builder *b);
/* False: it needs more bytes. */
bool number_pack(uint64_t number, unsigned width, uint8_t to[4]);

enum err_kind ipv4_write(struct out *o);
enum err_kind networks_write(struct out *o);

#endif
