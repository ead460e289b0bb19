/* SPDX-License-Identifier: MPL-2.0 */
/*
 * MATCHES by PCRE2 with a bound that holds. PCRE2's own match limit starts anew at each place of
 * the subject, so a long value still costs its square; here every step calls back, and steps and
 * the way between them are counted over the whole search.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "compiled.h"

#define STEPS_PER_BYTE                                                                             \
	64                /* beside PATTERN_MATCH_STEPS_MAX: a long value may be read to its end   \
			   */
#define BYTES_PER_STEP 16 /* of the subject that one step runs over */

struct regex {
	pcre2_code *code;
	bool bytes;
};

static enum err_kind regex_refused(int number, size_t offset, struct err *e)
{
	PCRE2_UCHAR why[128];

	if (number == PCRE2_ERROR_HEAP_FAILED)
		return err_set(e, ERR_NOMEM, "regular expression: out of memory");
	if (pcre2_get_error_message(number, why, sizeof(why)) < 0)
		why[0] = '\0';
	return err_set(
		e, ERR_INVALID, "regular expression at byte %zu: %s", offset, (const char *)why);
}

enum err_kind regex_new(struct slice text, bool bytes, struct regex **ret_regex, struct err *e)
{
	/* DOTALL as section 9.6.1 wants it; \C would cut characters in two. */
	uint32_t options = PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT |
			   (bytes ? PCRE2_NEVER_UTF | PCRE2_NEVER_UCP : PCRE2_UTF);
	pcre2_compile_context *context;
	enum err_kind kind = OK;
	PCRE2_SIZE offset = 0;
	struct regex *r;
	int number = 0;

	if (text.len > REGEX_LENGTH_MAX)
		return err_set(e, ERR_LIMIT, "regular expression: %zu bytes, at most %zu", text.len,
			REGEX_LENGTH_MAX);
	r = calloc(1, sizeof(*r));
	context = pcre2_compile_context_create(NULL);
	if (r == NULL || context == NULL) {
		kind = err_set(e, ERR_NOMEM, "regular expression: out of memory");
		goto done;
	}
	pcre2_set_parens_nest_limit(context, REGEX_NESTING_MAX);
	r->bytes = bytes;
	r->code = pcre2_compile((PCRE2_SPTR)(text.data == NULL ? "" : text.data), text.len, options,
		&number, &offset, context);
	if (r->code == NULL) {
		kind = regex_refused(number, offset, e);
		goto done;
	}
	*ret_regex = r;
	r = NULL;
done:
	pcre2_compile_context_free(context);
	regex_free(r);
	return kind;
}

void regex_free(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2_code_free(r->code);
	free(r);
}

struct progress {
	uint64_t left;
	size_t at;
};

static int regex_step(pcre2_callout_block *block, void *context)
{
	struct progress *p = context;
	size_t way = block->current_position > p->at ? block->current_position - p->at
						     : p->at - block->current_position;
	uint64_t cost = 1 + way / BYTES_PER_STEP;

	p->at = block->current_position;
	if (cost > p->left)
		return PCRE2_ERROR_MATCHLIMIT;
	p->left -= cost;
	return 0;
}

bool regex_search(const struct regex *r, struct slice subject, bool *limit)
{
	struct progress progress = {
		.left = PATTERN_MATCH_STEPS_MAX + (uint64_t)subject.len * STEPS_PER_BYTE};
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	int number = PCRE2_ERROR_NOMEMORY;

	if (context != NULL && data != NULL) {
		pcre2_set_match_limit(context, PATTERN_MATCH_STEPS_MAX);
		pcre2_set_heap_limit(context, REGEX_HEAP_KIB);
		pcre2_set_callout(context, regex_step, &progress);
		number =
			pcre2_match(r->code, (PCRE2_SPTR)(subject.data == NULL ? "" : subject.data),
				subject.len, 0, PCRE2_NO_UTF_CHECK, data, context);
	}
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	if (number < 0 && number != PCRE2_ERROR_NOMATCH)
		*limit = true;
	return number >= 0;
}
