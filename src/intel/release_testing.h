/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of the way out share: a store at one time, what is put into it, and who gets it.
 */
#ifndef RELEASE_TESTING_H
#define RELEASE_TESTING_H

#include "testing/testing.h"

#include "release.h"

#define NOW   INT64_C(1767225600000000) /* 2026-01-01 */
#define CLEAR "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
#define GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define RED   "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"

struct fixture {
	char folder[TESTING_PATH_MAX];
	struct world_fake world;
	struct store *store;
	struct intel *intel;
	struct arena *arena;
};

/* For cmocka: *state is a struct fixture of its own, at NOW. */
int set_up(void **state);
int tear_down(void **state);
/* A closed store, opened; and closed and opened for writing, as after a start. */
void open_again(struct fixture *f, enum store_mode mode);
void start_again(struct fixture *f);

/* ---- policies -------------------------------------------------------------------------------- */

#define PERMIT(id, when) "{'id':'" id "','family':'exchange','effect':'permit','when':{" when "}}"
#define PERMIT_MUST(id, when, must)                                                                \
	"{'id':'" id "','family':'exchange','effect':'permit','when':{" when "},'must':{" must "}" \
	"}"
#define TO_KZ         PERMIT("k", "'to':['kz'],'kind':['tool'],'tlp':{'le':'green'}")
#define ANY_TLP       "'tlp':['none','clear','green','amber','amber+strict','red']"
#define ALL_TO_KZ     PERMIT("k", "'to':['kz']," ANY_TLP)
#define MUST_NOT_TELL ",'affected_party_notifications':'must-not'"
/* Of these rules (' for "), until 2026-02-01, among kg (ourselves), kz and uz. */
struct policy *policy(const char *rules);
/* The same, put in force; NULL: none. */
void in_force(struct fixture *f, const char *rules);

/* ---- objects, and definitions that mark them ------------------------------------------------- */

/* Tool n, as it came from a member ("self": our own), with more properties: its serial. */
int64_t put_as(struct fixture *f, const char *member, unsigned n, const char *more);
/* Our own, with one marking. */
int64_t put(struct fixture *f, unsigned n, const char *marking);
#define THEN "2025-01-01T00:00:00.000Z"
/* A definition with one extension ("pap" or "iep"); ' for ". */
enum intel_outcome define(struct fixture *f, unsigned n, const char *created, const char *extension,
	const char *says);
void define_pap(struct fixture *f, unsigned n, const char *colour);
void define_iep(struct fixture *f, unsigned n, const char *says);
/* Tool n of a member, marked with definition n. */
int64_t put_marked(struct fixture *f, const char *member, unsigned n, const char *more);

/* ---- who gets what --------------------------------------------------------------------------- */

extern const struct intel_recipient kz, uz; /* other members */
extern const struct intel_recipient anybody, own_reader;
/* The rows that a recipient gets, each told to the release log. */
unsigned released(struct fixture *f, const struct intel_recipient *to);
/* Why, or why not; what is explained is what happens. */
struct intel_reason reason(struct fixture *f, const struct intel_recipient *to, int64_t serial);
/* The release log, "RECIPIENT/RULE:SERIAL,..." each. */
const char *records(struct fixture *f);

#endif
