/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Numbers as ECMAScript prints them (RFC 8785 section 3.2.2.3, ECMA-262 Number::toString): the
 * fewest digits that read back as the same double, and of those the closest. Exact, with integers
 * as long as they must be; nearly all numbers that occur take one of the two short ways before.
 */
#include <math.h>

#include "json.h"
#include "json_number.h"

#define DIGITS_MAX 17 /* that a double can need */

/* 0.d[0]d[1]... x 10^point */
struct decimal {
	char digits[DIGITS_MAX + 1];
	int count;
	int point;
};

/* ---- the exact way: long integers ---- */

/* The longest: 2^54 x 10^324 x 10 for the smallest doubles, about 1,136 bits. */
#define BIG_LIMBS 40

struct big {
	uint32_t limbs[BIG_LIMBS]; /* little-endian; limbs at and past count are not looked at */
	int count;
};

static void big_set(struct big *b, uint64_t value)
{
	b->count = 0;
	for (; value != 0; value >>= 32)
		b->limbs[b->count++] = (uint32_t)value;
}

static void big_shift(struct big *b, int bits)
{
	int words = bits / 32;
	unsigned rest = (unsigned)bits % 32;

	if (b->count == 0)
		return;
	b->limbs[b->count++] = 0;
	for (int i = b->count - 1; i > 0; i--)
		b->limbs[i] =
			(uint32_t)(((uint64_t)b->limbs[i] << 32 | b->limbs[i - 1]) >> (32 - rest));
	b->limbs[0] <<= rest;
	memmove(b->limbs + words, b->limbs, (size_t)b->count * sizeof(b->limbs[0]));
	memset(b->limbs, 0, (size_t)words * sizeof(b->limbs[0]));
	b->count += words;
	while (b->count > 0 && b->limbs[b->count - 1] == 0)
		b->count--;
}

static void big_multiply(struct big *b, uint32_t factor)
{
	uint64_t carry = 0;

	for (int i = 0; i < b->count; i++) {
		carry += (uint64_t)b->limbs[i] * factor;
		b->limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry != 0)
		b->limbs[b->count++] = (uint32_t)carry;
}

static void big_multiply_pow10(struct big *b, int exponent)
{
	for (; exponent >= 9; exponent -= 9)
		big_multiply(b, 1000000000);
	for (; exponent > 0; exponent--)
		big_multiply(b, 10);
}

static int big_compare(const struct big *a, const struct big *b)
{
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	for (int i = a->count - 1; i >= 0; i--) {
		if (a->limbs[i] != b->limbs[i])
			return a->limbs[i] < b->limbs[i] ? -1 : 1;
	}
	return 0;
}

static void big_add(struct big *a, const struct big *b)
{
	uint64_t carry = 0;

	for (int i = 0; i < b->count || carry != 0; i++) {
		if (i == a->count)
			a->limbs[a->count++] = 0;
		carry += (uint64_t)a->limbs[i] + (i < b->count ? b->limbs[i] : 0);
		a->limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

/* a >= b */
static void big_subtract(struct big *a, const struct big *b)
{
	uint64_t borrow = 0;

	for (int i = 0; i < a->count; i++) {
		uint64_t less = (i < b->count ? b->limbs[i] : 0) + borrow;

		borrow = a->limbs[i] < less;
		a->limbs[i] = (uint32_t)(a->limbs[i] - less);
	}
	while (a->count > 0 && a->limbs[a->count - 1] == 0)
		a->count--;
}

/* a + b against c */
static int big_compare_sum(const struct big *a, const struct big *b, const struct big *c)
{
	struct big sum = *a;

	big_add(&sum, b);
	return big_compare(&sum, c);
}

/*
 * Steele and White, "How to print floating-point numbers accurately" (1990): the number is
 * value / scale; anything between value - below and value + above (in the same scale) reads back as
 * the same double, the ends too when its mantissa is even.
 */
static void decimal_exact(double number, struct decimal *ret)
{
	struct big value, scale, above, below;
	uint64_t bits, mantissa;
	int exponent, top;
	bool even, narrow;

	memcpy(&bits, &number, sizeof(bits));
	mantissa = bits & ((UINT64_C(1) << 52) - 1);
	exponent = (int)(bits >> 52 & 0x7ff);
	/* just above a power of two the next double below is only half as far away */
	narrow = mantissa == 0 && exponent > 1;
	if (exponent != 0)
		mantissa |= UINT64_C(1) << 52;
	else
		exponent = 1;
	exponent -= 1075;
	even = (mantissa & 1) == 0;
	top = exponent + 63 - __builtin_clzll(mantissa);

	big_set(&value, mantissa);
	big_set(&scale, 1);
	big_set(&below, 1);
	big_shift(&value, (exponent > 0 ? exponent : 0) + 1 + narrow);
	big_shift(&scale, (exponent < 0 ? -exponent : 0) + 1 + narrow);
	big_shift(&below, exponent > 0 ? exponent : 0);
	above = below;
	big_shift(&above, narrow);

	/* log10(2) times the highest bit: right or one too small */
	ret->point = (int)ceil(top * 0.30102999566398120 - 1e-10);
	if (ret->point >= 0) {
		big_multiply_pow10(&scale, ret->point);
	} else {
		big_multiply_pow10(&value, -ret->point);
		big_multiply_pow10(&above, -ret->point);
		big_multiply_pow10(&below, -ret->point);
	}
	if (big_compare_sum(&value, &above, &scale) >= (even ? 0 : 1))
		big_multiply(&scale, 10), ret->point++;

	for (ret->count = 0;;) {
		int digit = 0, low, high;

		big_multiply(&value, 10);
		big_multiply(&above, 10);
		big_multiply(&below, 10);
		for (; big_compare(&value, &scale) >= 0; digit++)
			big_subtract(&value, &scale);
		low = big_compare(&value, &below) < (even ? 1 : 0);
		high = big_compare_sum(&value, &above, &scale) >= (even ? 0 : 1);
		if (low || high) {
			if (low && high) {
				/* both neighbours read back: the closer, in a tie the even one */
				int order = big_compare_sum(&value, &value, &scale);

				digit += order > 0 || (order == 0 && digit % 2 == 1);
			} else {
				digit += high;
			}
			ret->digits[ret->count++] = (char)('0' + digit);
			return;
		}
		ret->digits[ret->count++] = (char)('0' + digit);
	}
}

/* ---- the short way: at most 15 digits ---- */

/*
 * Fifteen decimal digits survive a double, so different decimals of at most 15 digits are different
 * doubles: one that reads back is the only one, and without its trailing zeros the shortest.
 * m / 10^k is correctly rounded while both are exact, that is for m < 2^53 and k <= 22.
 */
static bool decimal_short(double number, struct decimal *ret)
{
	static const double pow10[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

	for (size_t k = 0; k < COUNT_OF(pow10); k++) {
		double scaled = number * pow10[k];
		char digits[20];
		int count;

		if (scaled >= 1e15)
			return false;
		scaled = nearbyint(scaled);
		if (scaled / pow10[k] != number)
			continue;
		count = json_digits((uint64_t)scaled, digits);
		ret->point = count - (int)k;
		while (digits[count - 1] == '0')
			count--;
		memcpy(ret->digits, digits, (size_t)count);
		ret->count = count;
		return true;
	}
	return false;
}

int json_digits(uint64_t value, char ret_digits[20])
{
	char reversed[20];
	int count = 0;

	do {
		reversed[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	for (int i = 0; i < count; i++)
		ret_digits[i] = reversed[count - 1 - i];
	return count;
}

/* ---- layout ---- */

/* The steps of Number::toString; point is its n, count its k. */
static void decimal_append(struct buf *out, const struct decimal *d)
{
	static const char zeros[] = "00000000000000000000";
	size_t count = (size_t)d->count;

	if (d->point >= d->count && d->point <= 21) {
		buf_append(out, d->digits, count);
		buf_append(out, zeros, (size_t)(d->point - d->count));
	} else if (d->point > 0 && d->point <= 21) {
		buf_append(out, d->digits, (size_t)d->point);
		buf_char(out, '.');
		buf_append(out, d->digits + d->point, (size_t)(d->count - d->point));
	} else if (d->point > -6 && d->point <= 0) {
		buf_text(out, "0.");
		buf_append(out, zeros, (size_t)-d->point);
		buf_append(out, d->digits, count);
	} else {
		buf_append(out, d->digits, 1);
		if (count > 1) {
			buf_char(out, '.');
			buf_append(out, d->digits + 1, count - 1);
		}
		buf_text(out, d->point > 0 ? "e+" : "e");
		buf_i64(out, d->point - 1);
	}
}

void json_number_append(struct buf *out, double number)
{
	struct decimal d;

	if (number == 0) { /* -0 too */
		buf_char(out, '0');
		return;
	}
	if (fabs(number) <= JSON_EXACT_MAX && number == floor(number)) {
		buf_i64(out, (int64_t)number);
		return;
	}
	if (number < 0) {
		buf_char(out, '-');
		number = -number;
	}
	if (!decimal_short(number, &d))
		decimal_exact(number, &d);
	decimal_append(out, &d);
}
