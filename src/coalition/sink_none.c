/* SPDX-License-Identifier: MPL-2.0 */
/* A sink of nothing. */
#include "sink_none.h"

static enum err_kind own_none(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	(void)context;
	(void)after;
	(void)max;
	(void)a;
	(void)e;
	*ret_own = NULL;
	*ret_count = 0;
	return OK;
}

static enum err_kind accept_none(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	(void)context;
	(void)origin;
	(void)indices;
	(void)contents;
	(void)e;
	memset(ret_serials, 0, count * sizeof(*ret_serials));
	return OK;
}

static enum err_kind accepted_none(void *context, struct slice origin, struct arena *a,
	uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e)
{
	(void)context;
	(void)origin;
	(void)a;
	(void)e;
	*ret_indices = *ret_serials = NULL;
	*ret_count = 0;
	return OK;
}

static enum err_kind content_none(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	(void)context;
	(void)serial;
	(void)out;
	(void)e;
	*ret_found = false;
	return OK;
}

static enum err_kind may_none(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	(void)context;
	(void)member;
	(void)origin;
	(void)serials;
	(void)e;
	memset(ret_may, 0, count * sizeof(*ret_may));
	return OK;
}

static enum err_kind released_none(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, struct err *e)
{
	(void)context;
	(void)member;
	(void)origin;
	(void)serials;
	(void)count;
	(void)e;
	return OK;
}

static enum err_kind forget_none(void *context, uint64_t serial, struct err *e)
{
	(void)context;
	(void)serial;
	(void)e;
	return OK;
}

static enum err_kind in_force_none(void *context, const struct charter *charter,
	const struct decision *decision, struct err *e)
{
	(void)context;
	(void)charter;
	(void)decision;
	(void)e;
	return OK;
}

static uint64_t epoch(void *context)
{
	(void)context;
	return 1;
}

struct coalition_sink sink_none(void *context)
{
	return (struct coalition_sink){own_none, accept_none, accepted_none, content_none, may_none,
		released_none, forget_none, in_force_none, epoch, context};
}
