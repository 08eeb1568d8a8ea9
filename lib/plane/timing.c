// SPDX-License-Identifier: BSD-3-Clause
#include <plane/timing.h>

#include <math.h>

// The least number of ticks that a bin counts.
static double lower(unsigned bin)
{
	unsigned octave = bin / WM_TIMING_SUB;

	if (octave == 0)
		return bin;
	return ldexp(WM_TIMING_SUB + bin % WM_TIMING_SUB, (int)octave - 1);
}

// The error that a share of all is below: in a bin they are taken to lie evenly.
static double quantile(const uint64_t *bins, uint64_t total, double share)
{
	double want = share * (double)total, below = 0;

	for (unsigned i = 0; i < WM_TIMING_BINS; i++) {
		double n = (double)bins[i];

		if (n > 0 && below + n >= want)
			return lower(i) + (want - below) / n * (lower(i + 1) - lower(i));
		below += n;
	}
	return 0;
}

static double share_within(const uint64_t *bins, uint64_t total, double ticks)
{
	double n = 0;

	for (unsigned i = 0; i < WM_TIMING_BINS && lower(i) < ticks; i++) {
		double part = (ticks - lower(i)) / (lower(i + 1) - lower(i));

		n += (double)bins[i] * (part < 1 ? part : 1);
	}
	return total > 0 ? n / (double)total : 1;
}

static unsigned octave_of(double ns)
{
	int exponent = 0;

	if (ns < 1)
		return 0;
	(void)frexp(ns, &exponent);
	return exponent < WM_TIMING_OCTAVES ? (unsigned)exponent : WM_TIMING_OCTAVES - 1u;
}

void wm_timing_count(struct wm_timing_tally *sum, const struct wm_timing *t)
{
	uint64_t max = wm_count_get(&t->max);

	for (unsigned i = 0; i < WM_TIMING_BINS; i++)
		sum->bins[i] += wm_count_get(&t->bins[i]);
	sum->bunched += wm_count_get(&t->bunched);
	sum->max = max > sum->max ? max : sum->max;
}

void wm_timing_since(
	struct wm_timing_tally *out, const struct wm_timing_tally *now, const struct wm_timing_tally *before)
{
	struct wm_timing_tally since = {.ticks_per_ns = now->ticks_per_ns, .bunched = now->bunched - before->bunched};
	double top = 0;

	for (unsigned i = 0; i < WM_TIMING_BINS; i++) {
		since.bins[i] = now->bins[i] - before->bins[i];
		if (since.bins[i] > 0)
			top = lower(i + 1);
	}
	since.max = top < (double)now->max ? (uint64_t)top : now->max;
	*out = since;
}

void wm_timing_sum_up(struct wm_timing_summary *out, const struct wm_timing_tally *tally)
{
	const uint64_t *bins = tally->bins;
	struct wm_timing_summary s = {.bunched = tally->bunched};
	double ticks_per_ns = tally->ticks_per_ns;

	for (unsigned i = 0; i < WM_TIMING_BINS; i++) {
		s.gaps += bins[i];
		s.octaves[octave_of((lower(i) + lower(i + 1)) / 2 / ticks_per_ns)] += bins[i];
	}
	s.max_ns = (double)tally->max / ticks_per_ns;
	s.p50_ns = fmin(quantile(bins, s.gaps, 0.5) / ticks_per_ns, s.max_ns);
	s.p99_ns = fmin(quantile(bins, s.gaps, 0.99) / ticks_per_ns, s.max_ns);
	for (unsigned i = 0; i < WM_TIMING_WITHIN; i++)
		s.within[i] = share_within(bins, s.gaps, (64 << i) * ticks_per_ns);
	*out = s;
}

double wm_timing_total_ns(const struct wm_timing_tally *tally)
{
	double ticks = 0;

	for (unsigned i = 0; i < WM_TIMING_BINS; i++)
		ticks += (double)tally->bins[i] * (lower(i) + lower(i + 1)) / 2;
	return ticks / tally->ticks_per_ns;
}
