/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The sensor at an operator's site: reads logs, captures or an interface with a compiled index,
 * writes findings. Passive: it sends nothing, blocks nothing, and needs neither store nor network.
 */
#ifndef SENSOR_H
#define SENSOR_H

#include <signal.h>

#include "base/base.h"
#include "event/event.h"
#include "index/index.h"
#include "logs/logs.h"
#include "packet/packet.h"
#include "pattern/pattern.h"
#include "plant/plant.h"

#define SENSOR_SOURCES_MAX 1024 /* files followed at once; more in a folder are told and left */
/* Pairs of indicator and host remembered; the oldest go, counted. */
#define SENSOR_TALLY_MAX 50000
#define SENSOR_RATE_MAX  60      /* findings of one indicator in a minute; then only counted */
#define SENSOR_NOISE_MAX 2000000 /* values in all noise lists */
/* Of one hunt that the sensor does by itself: then the rest is left to `serai hunt`, and said so.
 */
#define SENSOR_HUNT_FINDINGS_MAX 20000
#define SENSOR_HUNT_AT_ONCE      1000000 /* new values asked together; more follow after them */
/* A packed file that has given this much is given up, and told as a finding, once it is more than
 * so many times its packed bytes. Logs are packed 5 to 100 times; gzip's format ends at 1,032. */
#define SENSOR_UNPACKED_FREE    MIB(256)
#define SENSOR_UNPACK_RATIO_MAX 200
/* At the most this much is read again after a crash. */
#define SENSOR_CHECKPOINT_US (2 * US_PER_SECOND)
/* How often a finding that goes on is told again. */
#define SENSOR_UPDATE_US (600 * US_PER_SECOND)

/* ---- watching -------------------------------------------------------------------------------- */

enum sensor_output { SENSOR_TEXT, SENSOR_ECS, SENSOR_EVE, SENSOR_CEF };
bool sensor_output_parse(struct slice name, enum sensor_output *ret_output);

struct sensor_report {
	uint64_t sources, bytes, records, problems;
	uint64_t hits;     /* matches before anything is held back or joined */
	uint64_t held;     /* of them held back by the quality gate */
	uint64_t expired;  /* matched an indicator outside its validity */
	uint64_t findings; /* written */
	uint64_t
		limited; /* not written one by one because of SENSOR_RATE_MAX; counted in updates */
	uint64_t plant_messages, plant_findings, pattern_hits;
	uint64_t bombs; /* packed files given up: SENSOR_UNPACK_RATIO_MAX */
	uint64_t reloads;
	uint64_t hunts, past_findings; /* of the history, asked by itself: done, and found */
	struct packet_counts packets;
	struct pattern_counts patterns;
	char first_problem[384];
};

struct sensor_options {
	const char *index; /* path; NULL: only plant traffic and its baseline */
	struct index_options trust;
	const char *const *sources; /* files, folders, "-" */
	size_t sources_count;
	const char *interface;   /* live capture; or NULL */
	bool once;               /* read to the end and stop; else follow */
	bool all;                /* every match, also what is held back, nothing joined */
	bool plant;              /* decode operational technology */
	enum logs_format format; /* UNKNOWN: recognised per file */
	const struct logs_mapping *mapping;
	const char *state; /* folder: places, tallies, baseline, history; NULL: nothing is kept */
	bool history;      /* keep filters for `serai hunt`, in STATE/history */
	const char *history_folder; /* instead of STATE/history; or NULL */
	bool no_hunt;    /* do not ask the history by itself for what is new in the index */
	bool learn_only; /* plant baseline: only learn */
	const char *const *noise; /* further lists, MISP warninglists or plain lines */
	size_t noise_count;
	bool no_gate;
	enum sensor_output output;
	const char *findings; /* file that is appended to; "-" or NULL: standard output */
	const char
		*metrics; /* file in Prometheus' text form, replaced at each checkpoint; or NULL */
	bool confine;     /* give up files and system calls that are not needed; not to be undone */
	const char *site; /* name of the sensor in findings; NULL: the host's name */
	/* of one file only this part, as a hunt re-reads it; 0, 0: all */
	uint64_t first_record, records;
	const struct sensor_hunt_segment *past; /* findings are marked as of this one; or NULL */
	const struct world *world;
	const struct log *log;
	const volatile sig_atomic_t *stop;   /* not 0: end soon; may be NULL */
	const volatile sig_atomic_t *reload; /* changed: index, lists and output are opened again */
	void (*progress)(void *context, uint64_t bytes, uint64_t bytes_total, uint64_t records);
	void *progress_context;
	void (*ready)(void *context); /* everything is open and confined; may be NULL */
	void *ready_context;
};

/*
 * Run until the sources end (once), or *stop. Fails only for what the caller must know: no index,
 * no place to write. A bad source is told in the log and the report, the others go on.
 */
enum err_kind sensor_watch(const struct sensor_options *options, struct sensor_report *ret_report,
	struct err *e) MUST_USE;

/*
 * Is it all working? Builds an index with one value, writes a log and a capture that hold it,
 * watches both as one would, and looks for the findings. A line per step to `say`.
 */
enum err_kind sensor_self_test(const struct sensor_options *options,
	void (*say)(void *context, const char *step, bool good), void *context,
	struct err *e) MUST_USE;

/* ---- hunting --------------------------------------------------------------------------------- */

#define SENSOR_HUNT_VALUES_MAX 10000 /* asked for by hand; more come as an index */

struct sensor_hunt_segment {
	const char *path, *format;
	const char *filter; /* name of its file in the history's folder */
	uint64_t first_record, records;
	int64_t first_us, last_us;
	size_t values;     /* that it can hold, of those asked for */
	bool gone;         /* its log is no longer where it was: not read again */
	uint64_t hits;     /* found when it was read again */
	uint64_t findings; /* of them, what was written */
};

struct sensor_hunt_options {
	const char *history; /* folder of filters: STATE/history of serai watch */
	const char *index;   /* ask for all of its values; or NULL */
	struct index_options trust;
	const char *const *values; /* ask for these: kinds are guessed */
	size_t values_count;
	bool prove; /* read the segments again and write findings */
	/* Through the gate, and one finding for each indicator and host of a segment, as when
	 * watching; else every match by itself. */
	bool joined, no_gate;
	const char *const *noise;
	size_t noise_count;
	const char *after;     /* up to this one, by name, they are only counted; or NULL */
	int64_t written_by_us; /* only filters written until then; 0: all */
	const char *site;
	enum sensor_output output;
	const char *findings; /* as in sensor_options */
	const struct logs_mapping *mapping;
	const struct world *world;
	const struct log *log;
	const volatile sig_atomic_t *stop;
	bool (*segment)(void *context, const struct sensor_hunt_segment *segment); /* may be NULL */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
};

struct sensor_hunt_report {
	uint64_t segments, records, log_bytes, filter_bytes; /* of the history */
	uint64_t candidates, gone, damaged, hits, findings;
	uint64_t proved; /* read again */
	int64_t first_us, last_us;
};

/* Was any of it ever seen here? Filters first, then only the segments that can hold it. */
enum err_kind sensor_hunt(const struct sensor_hunt_options *options,
	struct sensor_hunt_report *ret_report, struct err *e) MUST_USE;

/* ---- compiling an index ---------------------------------------------------------------------- */

struct sensor_compile_options {
	struct slice name;    /* of a list; empty: the file's name */
	enum field_kind kind; /* of a plain list; NONE: guessed line by line */
	enum stix_tlp tlp;    /* of lists, which have no marking of their own */
	int confidence;       /* of lists; -1: unknown */
	const struct world *world;
	/* What was not taken and why; line 0 when there is none. May be NULL. */
	void (*refused)(void *context, const char *file, uint64_t line, struct slice what,
		const struct err *why);
	void *context;
};

struct sensor_compile_counts {
	uint64_t objects, indicators, lines, refused;
	uint64_t revoked, superseded; /* left out: withdrawn, or a later version is there */
	uint64_t other_languages;     /* indicators whose pattern_type is not stix */
};

/*
 * Add a file to an index: STIX 2.1 (a bundle, objects, one a line), Zeek's intel format, or a plain
 * list of values, packed or not. Only the latest version of an indicator counts, and none that is
 * revoked. A pattern that says no more than "any of these values" becomes values.
 */
enum err_kind sensor_compile(struct index_builder *b, const char *path,
	const struct sensor_compile_options *options, struct sensor_compile_counts *counts,
	struct err *e) MUST_USE;

/* ---- sightings ------------------------------------------------------------------------------- */

#define SENSOR_TOLD_MAX 2000000 /* findings for one bundle: a table of 134 MB */

struct sensor_sightings_options {
	struct slice
		identity; /* the site's own STIX identity: created_by_ref and where_sighted_refs */
	struct slice
		site_name; /* for the identity object that goes with them; empty: none is written */
	bool observed;     /* observed-data too: what was seen, without hosts */
	bool hosts; /* and with the addresses of the site's hosts: only when the operator says so */
	const struct world *world;
};
struct sensor_sightings_counts {
	uint64_t findings, held, sightings, without_id;
	uint64_t problems; /* lines that are no finding: left out */
	char first_problem[384];
};

/*
 * Findings (NDJSON as sensor_watch writes them) to a STIX bundle of sightings: counts and times by
 * indicator. A line that is no finding is counted and left out. ERR_LIMIT: more than
 * SENSOR_TOLD_MAX findings or a million indicators.
 */
enum err_kind sensor_sightings(const char *const *files, size_t files_count,
	const struct sensor_sightings_options *options, struct buf *out,
	struct sensor_sightings_counts *ret_counts, struct err *e) MUST_USE;

#endif
