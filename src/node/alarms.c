/* SPDX-License-Identifier: MPL-2.0 */
/* What people must hear of before it is too late: in the log once a day, and in the status. */
#include "parts.h"

#define WARN_DAYS 7 /* before a policy or charter lapses: time to decide on the next */
#define DAY_US    (INT64_C(86400) * US_PER_SECOND)

static void lapses(struct buf *out, const char *what, int64_t expires_us, int64_t now_us)
{
	char time[TIME_TEXT_MAX];

	if (expires_us - now_us > WARN_DAYS * DAY_US)
		return;
	time_format(expires_us, 0, time);
	if (expires_us <= now_us)
		buf_printf(out, "the %s has lapsed at %s\n", what, time);
	else
		buf_printf(out, "the %s lapses at %s, in %lld days\n", what, time,
			(long long)((expires_us - now_us) / DAY_US));
}

static void of_coalition(const struct coalition_status *s, struct buf *out)
{
	if (s->forked)
		buf_text(out, "another copy of this member signs its log: nothing is published\n");
	if (s->evidence > 0)
		buf_printf(out, "%llu proofs of two histories are held\n",
			(unsigned long long)s->evidence);
	for (size_t i = 0; i < s->origins_count; i++) {
		if (s->origins[i].trust == COALITION_STALE)
			buf_printf(out, "the log of %s was not cosigned for a day\n",
				s->origins[i].member);
		if (s->origins[i].trust == COALITION_QUARANTINE)
			buf_printf(out, "%s showed two histories: nothing new of it is taken\n",
				s->origins[i].member);
	}
}

enum err_kind seat_alarms(struct seat *s, struct buf *out, struct err *e)
{
	const struct charter *charter = coalition_charter(s->coalition);
	struct intel_policy_state policy = intel_policy_get(s->node->intel);
	struct coalition_status status;
	struct arena *a = arena_new(MIB(4));
	int64_t now = world_now(s->world);
	enum err_kind kind = a == NULL ? err_set(e, ERR_NOMEM, "out of memory")
				       : coalition_status(s->coalition, a, &status, e);

	if (kind == OK && charter != NULL) {
		lapses(out, "charter", charter->expires_us, now);
		if (policy.in_force)
			lapses(out, "policy", policy.expires_us, now);
		of_coalition(&status, out);
	}
	arena_free(a);
	return kind == OK && out->bad ? err_set(e, ERR_NOMEM, "out of memory") : kind;
}

void alarms_log(struct seat *s, struct alarms *told)
{
	int64_t now = world_monotonic(s->world);
	struct buf text = BUF_MAX(KIB(64));
	uint8_t digest[SHA256_LEN];
	struct slice rest, line;
	struct err e;

	if (told->looked_us != 0 && now - told->looked_us < 60 * US_PER_SECOND)
		return;
	told->looked_us = now;
	if (seat_alarms(s, &text, &e) != OK) {
		log_line(s->log, LOG_WARN, "alarm", "error", e.text, NULL);
		buf_fini(&text);
		return;
	}
	hash_sha256(buf_slice(&text), digest);
	if (memcmp(digest, told->digest, SHA256_LEN) != 0 || now - told->told_us >= DAY_US) {
		memcpy(told->digest, digest, SHA256_LEN);
		told->told_us = now;
		for (rest = buf_slice(&text); slice_next(&rest, '\n', &line);) {
			char words[256];

			snprintf(words, sizeof(words), "%.*s", SLICE_ARG(line));
			if (line.len > 0)
				log_line(s->log, LOG_WARN, "alarm", "what", words, NULL);
		}
	}
	buf_fini(&text);
}
