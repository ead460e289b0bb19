/* SPDX-License-Identifier: MPL-2.0 */
/* Obligations: a row for each, how the demands of several rules join to the strictest, and which
 * cannot be kept together. */
#include <stddef.h>

#include "inside.h"

#define EXCHANGE_ BIT(POLICY_EXCHANGE)
#define MEASURE_  BIT(POLICY_MEASURE)
#define AT(field) offsetof(struct policy_duties, field)

#define HOURS_MOST (24 * 36500) /* a hundred years */
#define COUNT_MOST 1000000

#define LEAST(name, most, families, says)                                                          \
	{                                                                                          \
#name, NULL, NULL, DUTY_LEAST, AT(name), 0, families, most, says                   \
	}
#define MOST(name, most, families, says)                                                           \
	{                                                                                          \
#name, NULL, NULL, DUTY_MOST, AT(name), 0, families, most, says                    \
	}
#define FLAG(name, families, says)                                                                 \
	{                                                                                          \
#name, NULL, NULL, DUTY_FLAG, AT(name), 0, families, 1, says                       \
	}
#define WORD(name, property, word, families, says)                                                 \
	{                                                                                          \
#name, property, word, DUTY_FLAG, AT(name), 0, families, 1, says                   \
	}
#define REDACT(bit, word)                                                                          \
	{                                                                                          \
		"redact " word, "redact", word, DUTY_BIT, AT(redact), bit, EXCHANGE_, 1,           \
			"withhold: " word                                                          \
	}

const struct duty duties[] = {
	LEAST(retain_days, 36500, EXCHANGE_ | MEASURE_, "keep at most so many days"),
	MOST(min_count, COUNT_MOST, EXCHANGE_, "counts of at least so many"),
	MOST(delay_hours, HOURS_MOST, EXCHANGE_, "not before so many hours"),
	LEAST(max_hours, HOURS_MOST, MEASURE_, "ends after so many hours"),
	LEAST(review_hours, HOURS_MOST, MEASURE_, "reviewed within so many hours"),
	MOST(approvals, POLICY_MEMBERS_MAX, EXCHANGE_ | MEASURE_, "approved by so many people"),
	FLAG(encrypt, EXCHANGE_, "encrypted to the recipient"),
	WORD(attribution, "attribution", "as-marked", EXCHANGE_, "the source is named as marked"),
	WORD(anonymous, "attribution", "withheld", EXCHANGE_, "the source is not named"),
	WORD(no_onward, "onward", "none", EXCHANGE_, "not handed on"),
	FLAG(appeal, MEASURE_, "whoever is affected may appeal"),
	FLAG(public_record, MEASURE_, "entered in the public register"),
	FLAG(collateral_check, MEASURE_, "what else it hits is estimated first"),
	FLAG(legal_basis, EXCHANGE_ | MEASURE_, "the legal basis is stated"),
	FLAG(method_note, EXCHANGE_, "says how the figures were made"),
	REDACT(0, "identity"),
	REDACT(1, "contact"),
	REDACT(2, "location"),
	REDACT(3, "source"),
	REDACT(4, "description"),
};
const unsigned duties_count = COUNT_OF(duties);
_Static_assert(COUNT_OF(duties) <= DUTIES_MAX, "a word of bits over obligations");

const char *policy_redact_name(unsigned bit)
{
	for (unsigned i = 0; i < duties_count; i++)
		if (duties[i].kind == DUTY_BIT && duties[i].bit == bit)
			return duties[i].word;
	return NULL;
}

void duties_init(struct policy_duties *d)
{
	*d = (struct policy_duties){.retain_days = -1,
		.min_count = -1,
		.delay_hours = -1,
		.max_hours = -1,
		.review_hours = -1,
		.approvals = -1,
		.within_hours = -1};
}

static int32_t least_of(int32_t a, int32_t b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

static int32_t most_of(int32_t a, int32_t b)
{
	return a > b ? a : b; /* absent is -1 */
}

void duties_join(struct policy_duties *d, const struct policy_duties *with)
{
	d->retain_days = least_of(d->retain_days, with->retain_days);
	d->min_count = most_of(d->min_count, with->min_count);
	d->delay_hours = most_of(d->delay_hours, with->delay_hours);
	d->max_hours = least_of(d->max_hours, with->max_hours);
	d->review_hours = least_of(d->review_hours, with->review_hours);
	d->approvals = most_of(d->approvals, with->approvals);
	d->within_hours = least_of(d->within_hours, with->within_hours);
	d->encrypt |= with->encrypt;
	d->attribution |= with->attribution;
	d->anonymous |= with->anonymous;
	d->no_onward |= with->no_onward;
	d->appeal |= with->appeal;
	d->public_record |= with->public_record;
	d->collateral_check |= with->collateral_check;
	d->legal_basis |= with->legal_basis;
	d->method_note |= with->method_note;
	d->redact |= with->redact;
}

/* Both are between two demands at the most, so that a set of rules contradicts itself exactly when
 * two of them do. */
const char *duties_contradiction(const struct policy_duties *d)
{
	if (d->attribution && d->anonymous)
		return "the source is to be named and to be withheld";
	if (d->retain_days >= 0 && (int64_t)d->delay_hours > (int64_t)d->retain_days * 24)
		return "it is to wait longer than it may be kept";
	return NULL;
}

int32_t duty_value(const struct policy_duties *d, unsigned n)
{
	const char *at = (const char *)d + duties[n].offset;

	switch (duties[n].kind) {
	case DUTY_FLAG:
		return *(const bool *)at;
	case DUTY_BIT:
		return (*(const uint32_t *)(const void *)at & BIT(duties[n].bit)) != 0;
	default:
		return *(const int32_t *)(const void *)at;
	}
}

void duty_set(struct policy_duties *d, unsigned n, int32_t value)
{
	char *at = (char *)d + duties[n].offset;

	switch (duties[n].kind) {
	case DUTY_FLAG:
		*(bool *)at = value != 0;
		break;
	case DUTY_BIT:
		*(uint32_t *)(void *)at |= (uint32_t)BIT(duties[n].bit);
		break;
	default:
		*(int32_t *)(void *)at = value;
	}
}

int64_t duty_strictness(const struct policy_duties *d, unsigned n)
{
	int32_t value = duty_value(d, n);

	switch (duties[n].kind) {
	case DUTY_LEAST:
		return value < 0 ? INT64_MIN : -(int64_t)value;
	case DUTY_MOST:
		return value < 0 ? INT64_MIN : value;
	default:
		return value == 0 ? INT64_MIN : 1;
	}
}
