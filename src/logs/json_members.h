/* SPDX-License-Identifier: MPL-2.0 */
/* Inside json_lines: the members that have been seen, and what their values say. */
#ifndef JSON_MEMBERS_H
#define JSON_MEMBERS_H

#include "json_names.h"
#include "split.h"
#include "zeek.h"

#define KNOWN_BYTES_MAX MIB(8) /* with their paths */
#define BUCKETS         8192
#define PATH_MAX_BYTES  1024 /* of a path; what is deeper has no meaning */
#define KEY_MAX_BYTES   32   /* of a name with its quotes and colon that is compared at once */

/* A member that has been seen: its place in the tree of paths and what it says. */
struct known {
	struct known *next, *other; /* what followed it; two, as tools leave members out */
	const struct known *parent;
	struct known *chain; /* in its bucket */
	const char *name;    /* zeros up to a multiple of 8 bytes */
	size_t len;
	struct slice path;
	/* "name": as it is written; key_len 0: longer than KEY_MAX_BYTES */
	char key[KEY_MAX_BYTES];
	uint32_t key_bits; /* a bit for each byte */
	uint8_t key_len;
	uint8_t part;
	uint16_t column; /* COLUMNS_MAX: not wanted */
	uint16_t cell;   /* of the sheet, or CELL_... */
	bool looked;     /* its value is needed */
	bool plain;      /* as it stands, and as a field only */
};

#define CELL_NONE UINT16_MAX       /* not needed by itself: a part of a URL */
#define CELL_FULL (UINT16_MAX - 1) /* no sheet can say what it says */
#define JSON_CELLS_MAX                                                                             \
	16 /* members with addresses and names in a sheet; logs have two to eight                  \
	    */

/* A container that is open in a walk. */
struct frame {
	struct known *known;
	bool array;
};

struct json_sheet;

struct json_lines {
	split_run run;
	struct json_parser *parser;
	struct arena *arena; /* of the known */
	struct known *buckets[BUCKETS];
	struct known root;
	size_t known_count;
	bool full; /* something could not be remembered: all is forgotten behind the line */
	uint8_t key[16];
	size_t url_column; /* COLUMNS_MAX: not wanted */
	struct slice parts[JSON_PARTS];
	bool escapes;      /* in the piece */
	bool line_escapes; /* in the line */
	/* Not on the stack: the build clears what is there, for every line. */
	struct frame stack[JSON_DEPTH_MAX];
	struct split split;
	struct json_sheet *sheet; /* NULL: nobody to ask */
	struct sheet_cell cells[JSON_CELLS_MAX];
	size_t cells_count;
	bool cells_full; /* there are more members than cells: nothing can be asked */
	uint16_t quotes[SPLIT_BYTES + 64]; /* of a line with escapes: those that count */
};

/* ---- members --------------------------------------------------------------------------------- */

void json_known_clear(struct json_lines *j);
/* The member, made when it is new. NULL: there is no room for more, or it is too long. */
struct known *json_known_find(
	struct json_lines *j, struct logs_reader *r, const struct known *parent, struct slice name);
#define JSON_PATH_NONE SIZE_MAX /* too long */
/* The path of `name` below `parent`, whose bytes may be those at `to`; its length, or
 * JSON_PATH_NONE. */
size_t json_path_join(char to[PATH_MAX_BYTES], struct slice parent, struct slice name);
/* Column of a path in the batch; COLUMNS_MAX when it is not wanted. */
size_t json_column_of(struct logs_reader *r, struct slice path, const struct json_meaning *m);
static inline enum field_kind json_kind_of(const struct logs_reader *r, size_t column)
{
	return column < r->columns_count ? (enum field_kind)r->columns[column].kind : FIELD_NONE;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* RFC 8259 section 7; never longer than it was. False: an escape that is none. */
bool json_unescape(struct slice from, char *to, size_t *ret_len);
/* Suricata writes fingerprints as aa:bb:cc. */
static inline bool json_is_spelled(enum field_kind kind, struct slice value)
{
	return kind == FIELD_CERTIFICATE && slice_find(value, ':', 0) < value.len;
}

static inline size_t json_without_colons(struct slice value, char *to)
{
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] != ':')
			to[len++] = value.data[i];
	return len;
}

static inline struct zeek_url json_url_of(const struct slice parts[JSON_PARTS])
{
	return (struct zeek_url){.host = parts[PART_HOST],
		.uri = parts[PART_URI],
		.address = parts[PART_ADDRESS],
		.port = parts[PART_PORT]};
}

static inline size_t json_url_room(const struct slice parts[JSON_PARTS])
{
	return parts[PART_HOST].len + parts[PART_URI].len + parts[PART_ADDRESS].len +
	       parts[PART_PORT].len + ZEEK_URL_MORE;
}

/* The URL of j->parts as a field, when it is wanted and they make one. False: stopped. */
bool json_put_url(struct json_lines *j, struct logs_reader *r);

/* ---- the careful way (json_careful.c) -------------------------------------------------------- */

/* A record by the strict parser. The record of the line has been begun. */
bool json_record_careful(struct json_lines *j, struct logs_reader *r, struct json_value root);
/* struct format's `detail`: one line in full, by the strict parser. */
bool json_detail(
	struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event);

#endif
