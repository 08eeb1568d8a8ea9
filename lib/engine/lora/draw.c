// SPDX-License-Identifier: BSD-3-Clause
#include <engine/lora/draw.h>

enum { STEPS = 64, REACH = 4 };

// The normal distribution at -4, -4 + 1/8, ..., 4, with its tails cut off.
static const double normal[STEPS + 1] = {
	0,
	5.33123498e-05,
	8.84172852e-05,
	0.000144480726,
	0.000232629079,
	0.000369078454,
	0.000577025042,
	0.000889025299,
	0.00134989803,
	0.00202013749,
	0.00297976324,
	0.00433244836,
	0.00620966533,
	0.0087744751,
	0.0122244727,
	0.0167933064,
	0.0227501319,
	0.0303963618,
	0.0400591569,
	0.0520812794,
	0.0668072013,
	0.0845657224,
	0.105649774,
	0.130294517,
	0.158655254,
	0.190786953,
	0.226627352,
	0.265985529,
	0.308537539,
	0.353830233,
	0.401293674,
	0.450261775,
	0.5,
	0.549738225,
	0.598706326,
	0.646169767,
	0.691462461,
	0.734014471,
	0.773372648,
	0.809213047,
	0.841344746,
	0.869705483,
	0.894350226,
	0.915434278,
	0.933192799,
	0.947918721,
	0.959940843,
	0.969603638,
	0.977249868,
	0.983206694,
	0.987775527,
	0.991225525,
	0.993790335,
	0.995667552,
	0.997020237,
	0.997979863,
	0.998650102,
	0.999110975,
	0.999422975,
	0.999630922,
	0.999767371,
	0.999855519,
	0.999911583,
	0.999946688,
	1,
};

double lora_draw_normal(uint32_t u)
{
	double p = ((double)u + 0.5) * 0x1p-32;
	unsigned lo = 0, hi = STEPS;

	while (hi - lo > 1) {
		unsigned mid = (lo + hi) / 2;

		if (normal[mid] <= p)
			lo = mid;
		else
			hi = mid;
	}
	return -REACH + (lo + (p - normal[lo]) / (normal[hi] - normal[lo])) * (2.0 * REACH / STEPS);
}

uint32_t lora_normal_rank(double x)
{
	double at = (x + REACH) * (STEPS / (2.0 * REACH));
	unsigned i;

	if (!(at > 0))
		return 0;
	if (at >= STEPS)
		return UINT32_MAX;
	i = (unsigned)at;
	return (uint32_t)((normal[i] + (normal[i + 1] - normal[i]) * (at - i)) * 4294967295.0);
}

int64_t lora_table_at(const int64_t *knots, uint32_t n, uint32_t u)
{
	uint64_t at = (uint64_t)u * (n - 1);
	uint32_t i = (uint32_t)(at >> 32);
	double part = (double)(uint32_t)at * 0x1p-32;

	if (n == 1)
		return knots[0];
	return knots[i] + (int64_t)((double)(knots[i + 1] - knots[i]) * part);
}

// The powers of the chance to miss, p^(2^i), give the count of misses bit by bit.
uint64_t lora_draw_misses(uint32_t chance, uint32_t u)
{
	double miss = 1 - (double)chance / 4294967295.0, power[32], left = 1;
	double target = ((double)u + 0.5) * 0x1p-32;
	uint64_t n = 0;

	power[0] = miss;
	for (int i = 1; i < 32; i++)
		power[i] = power[i - 1] * power[i - 1];
	for (int i = 31; i >= 0; i--) {
		if (left * power[i] < target)
			continue;
		left *= power[i];
		n |= UINT64_C(1) << i;
	}
	return n;
}

uint32_t lora_chain_step(const struct lora_chain *c, const struct lora_state *states, const struct lora_move *moves,
	uint32_t from, struct wm_rng *rng)
{
	const struct lora_state *s = states + c->first;
	uint32_t lo = 0, hi = c->n - 1, target;

	if (from != LORA_NONE && s[from].n > 0) {
		const struct lora_move *m = moves + s[from].first;
		uint32_t n = s[from].n, all = m[n - 1].until;

		target = wm_rng_below(rng, all + n);
		if (target < all) {
			for (hi = n - 1; lo < hi;) {
				uint32_t mid = (lo + hi) / 2;

				if (m[mid].until > target)
					hi = mid;
				else
					lo = mid + 1;
			}
			return m[lo].state;
		}
	}
	target = wm_rng_below(rng, s[c->n - 1].until);
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (s[mid].until > target)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}
