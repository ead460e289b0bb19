/* SPDX-License-Identifier: MPL-2.0 */
/* The running sensor, between the files of this folder. */
#ifndef INSIDE_H
#define INSIDE_H

#include "finding.h"
#include "hunt/hunt.h"
#include "tally.h"

#include <sys/types.h>

struct baseline;

/* ---- where findings go (output.c) ------------------------------------------------------------ */

struct output {
	const char *path; /* NULL: standard output */
	int fd;
	enum sensor_output form;
	struct buf pending;
	uint64_t written; /* findings */
	bool changed;     /* since the last sync */
	/* ids of findings that stand behind the last checkpoint: they are found again, not told
	 * again */
	struct uuid *known;
	size_t known_count;
	/* Until all that stands behind the last checkpoint was read again, the mark stays where it
	 * is: the ids behind it are wanted after the next crash too. */
	bool catching_up;
	dev_t mark_device;
	ino_t mark_inode;
	uint64_t mark_size;
};

/* `synced`: size at the last checkpoint of the file with that device and inode; ids behind it are
 * read, and a last line that a crash cut off is removed. */
struct output_mark {
	dev_t device;
	ino_t inode;
	uint64_t size;
};
enum err_kind output_open(struct output *o, const char *path, enum sensor_output form,
	const struct output_mark *synced, struct err *e) MUST_USE;
/* After a rotation of the file: the same path again. */
enum err_kind output_reopen(struct output *o, struct err *e) MUST_USE;
enum err_kind output_finding(struct output *o, const struct finding *f, struct err *e) MUST_USE;
/* A line in the output's form that was written elsewhere, without its newline. *ret_told: false
 * when it stands behind the last checkpoint already. */
enum err_kind output_line(
	struct output *o, struct slice line, bool *ret_told, struct err *e) MUST_USE;
/* The id of a finding in a line of a form that has ids. */
bool output_line_id(struct slice line, struct uuid *ret_id);
enum err_kind output_flush(struct output *o, struct err *e) MUST_USE;
/* Flushed and on the disk; the mark to keep. */
enum err_kind output_sync(struct output *o, struct output_mark *ret_mark, struct err *e) MUST_USE;
void output_close(struct output *o);

/* ---- the places reached (places.c) ----------------------------------------------------------- */

#define FINGERPRINT_MAX                                                                            \
	256 /* first bytes of a file, to know it again: inode numbers are reused                   \
	     */

struct place {
	dev_t device;
	ino_t inode;
	uint64_t offset, line; /* of the next byte */
	uint32_t fingerprint_len;
	uint8_t fingerprint[SHA256_LEN]; /* of the first fingerprint_len bytes */
	char *path;                      /* last known; owned */
	struct buf head;
	bool changed, gone;
};

struct places;
/* Reads what is there (a cut-off last transaction is dropped, a damaged file is ERR_CORRUPT). */
enum err_kind places_open(const char *folder, struct places **ret_state, struct err *e) MUST_USE;
void places_free(struct places *s);
struct place *places_place(struct places *s, dev_t device, ino_t inode); /* NULL: none */
struct place *places_place_add(struct places *s, dev_t device, ino_t inode, const char *path);
/* When what was read back was written; TIME_UNKNOWN: nothing was kept before. */
int64_t places_kept_us(const struct places *s);
bool places_mark(const struct places *s, struct output_mark *ret_mark);
/* Give the tally back what was kept. */
void places_restore(struct places *s, struct tally *t, struct prevalence_site *site);
/* A row that changed since the last commit. */
void places_row(struct places *s, const struct tally_row *row);
void places_indicator(struct places *s, const struct tally_indicator *i);
void places_site(struct places *s, const struct prevalence_site *site);
/* How far the answers of a hunt were told; 0 of any other job than the one kept. */
void places_hunt(struct places *s, uint64_t job, uint64_t offset);
uint64_t places_hunt_offset(const struct places *s, uint64_t job);
/* Places, rows and the output's mark as one transaction, synced. When the file has grown, it is
 * written anew from the tally. */
enum err_kind places_commit(struct places *s, const struct output_mark *mark, struct tally *t,
	const struct prevalence_site *site, struct err *e) MUST_USE;

/* ---- the sensor (watch.c) -------------------------------------------------------------------- */

/* Where a tuple of the baseline that acts was met first; more than ACTED_MAX have no place to show.
 */
#define ACTED_MAX 4096
struct plant_place {
	uint64_t hash; /* plant_tuple_hash */
	uint64_t number;
	char *file;
};

struct watch {
	const struct sensor_options *o;
	const struct world *world;
	struct sensor_report report;

	struct index *index;
	struct index_info info;
	struct index_matcher *matcher;
	struct pattern_set *patterns;
	uint64_t roles; /* that readers must extract */
	struct gate *gate;
	uint64_t loads; /* of index and lists so far */
	struct tally *tally;
	struct prevalence_site *site;
	char *site_name;
	struct hunter *hunter;
	struct baseline *baseline;
	struct plant_place *acted; /* reading once: where each acting tuple was first */
	size_t acted_count;
	struct hunt_writer *history;
	struct packet_reader *packets;
	struct output output;
	struct places *state;

	struct arena *arena;     /* one hit's */
	struct buf text;         /* in the making: a finding's reason, or what its id is made of */
	struct slice file;       /* name of the source at hand */
	struct slice file_known; /* what it is known by when its name changes; empty: its name */
	uint64_t records_before; /* of this source, so far */
	int64_t site_hashed_us;
	bool enough;        /* of a part of a file: its last record was seen */
	uint64_t hosts_due; /* when so many records were seen, the site's hosts are counted again */
	uint64_t loss_told; /* of what was not seen, as counted when it was told last */
	enum err_kind failed;
	struct err error;
};

uint64_t plant_tuple_hash(struct watch *w, struct slice source, struct slice destination,
	const char *protocol, struct slice function, struct slice unit);
struct batch_sink watch_sink(struct watch *w);
/* For the sink's readers: which lines could be found in the index (event.h). */
sheet_sift watch_sift;
/* A new source begins. */
void watch_source(struct watch *w, const char *name);
/* Findings that are due: joined ones that went on, those that the rate held up; all: the rest too.
 */
enum err_kind watch_tell(struct watch *w, bool all, struct err *e) MUST_USE;
/* Index, lists, patterns; on failure the old ones stay. */
enum err_kind watch_load(struct watch *w, struct err *e) MUST_USE;
/* When asked to: from here on only reading what was named and writing where it was said. */
enum err_kind watch_confine(struct watch *w, struct err *e) MUST_USE;
enum err_kind watch_checkpoint(struct watch *w, struct err *e) MUST_USE;
static inline bool watch_stopped(const struct watch *w)
{
	return w->o->stop != NULL && *w->o->stop != 0;
}

/* ---- asking the history for what is new in the index (hunter.c) ------------------------------ */

struct hunter;
/* NULL when there is nothing to ask or nobody wants it. Makes STATE/hunt: before confining. */
enum err_kind hunter_new(struct watch *w, struct hunter **ret_hunter, struct err *e) MUST_USE;
/* The index was loaded, and all that was read with the one before is in the history's filters. */
void hunter_loaded(struct hunter *h);
/* Start, look after the child, hand on what it found: at most HUNTER_TURN_BYTES. */
enum err_kind hunter_turn(struct hunter *h, struct err *e) MUST_USE;
/* A child is at it. */
bool hunter_busy(const struct hunter *h);
/* What was handed on is on the disk, and so is how far. */
void hunter_committed(struct hunter *h);
/* A child that is at it ends at once; the next run goes on where it was. */
void hunter_free(struct hunter *h);

/* ---- sources (source.c, follow.c) ------------------------------------------------------------ */

/* One buffer for whatever is read: paddings, and room for the longest line or frame. */
#define SOURCE_READ_BYTES KIB(512)
#define SOURCE_BYTES      (LOGS_LINE_MAX + SOURCE_READ_BYTES)
struct source_buffer {
	char *memory; /* EVENT_PADDING + SOURCE_BYTES + EVENT_PADDING */
	char *data;
	size_t len;
};
bool source_buffer_init(struct source_buffer *b);
void source_buffer_fini(struct source_buffer *b);

/* Read a file or "-" to its end. What is wrong with it is told in log and report. */
enum err_kind source_read(
	struct watch *w, struct source_buffer *b, const char *path, struct err *e) MUST_USE;
void source_problem(struct watch *w, const char *path, const char *text);
void source_counts(struct watch *w, const char *path, const struct logs_reader *reader);
enum err_kind source_reader_new(struct watch *w, enum logs_format format,
	struct logs_reader **ret_reader, struct err *e) MUST_USE;
enum err_kind source_packets(struct watch *w, struct err *e) MUST_USE;

/* A name for what is made and removed again, in TMPDIR or /tmp. ERR_LIMIT: too long for `bytes`. */
enum err_kind temporary_path(
	const char *name, char *ret_path, size_t bytes, struct err *e) MUST_USE;

/* Follow files and folders, the interface too, until stopped. */
enum err_kind follow_run(struct watch *w, struct source_buffer *b, struct err *e) MUST_USE;

#endif
