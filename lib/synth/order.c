// SPDX-License-Identifier: BSD-3-Clause
#include <synth/order.h>
#include <synth/worker.h>

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, SHORT_RUN = 16 };

// One stable pass of a least-significant-digit radix sort. @return false if all have the same digit: nothing was done.
static bool radix_pass(struct wm_order *to, const struct wm_order *from, size_t n, unsigned shift)
{
	size_t place[DIGITS] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		place[from[i].time >> shift & (DIGITS - 1)]++;
	if (place[from[0].time >> shift & (DIGITS - 1)] == n)
		return false;
	for (size_t d = 0; d < DIGITS; d++) {
		size_t count = place[d];

		place[d] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[place[from[i].time >> shift & (DIGITS - 1)]++] = from[i];
	return true;
}

// Whether b has to go before a, which stands before it.
static bool swapped(const struct wm_sample *samples, const struct wm_order *a, const struct wm_order *b)
{
	return wm_sample_order(&samples[a->at], &samples[b->at]) > 0;
}

static void insertion_sort(struct wm_order *run, size_t n, const struct wm_sample *samples)
{
	for (size_t i = 1; i < n; i++) {
		struct wm_order x = run[i];
		size_t j = i;

		for (; j > 0 && swapped(samples, &run[j - 1], &x); j--)
			run[j] = run[j - 1];
		run[j] = x;
	}
}

static void merge(
	struct wm_order *to, const struct wm_order *a, size_t n_a, size_t n_b, const struct wm_sample *samples)
{
	const struct wm_order *b = a + n_a, *a_end = b, *b_end = b + n_b;

	while (a < a_end && b < b_end)
		*to++ = swapped(samples, a, b) ? *b++ : *a++;
	memcpy(to, a, (size_t)(a_end - a) * sizeof(*a));
	memcpy(to + (a_end - a), b, (size_t)(b_end - b) * sizeof(*b));
}

// Samples of one time: thousands where flows start at once, so in n log n; stable.
static void sort_run(struct wm_order *run, struct wm_order *scratch, size_t n, const struct wm_sample *samples)
{
	struct wm_order *from = run, *to = scratch;

	for (size_t i = 0; i < n; i += SHORT_RUN)
		insertion_sort(run + i, n - i < SHORT_RUN ? n - i : SHORT_RUN, samples);
	for (size_t len = SHORT_RUN; len < n; len *= 2) {
		struct wm_order *other = from;

		for (size_t i = 0; i < n; i += 2 * len) {
			size_t n_a = n - i < len ? n - i : len;
			size_t n_b = n - i - n_a < len ? n - i - n_a : len;

			merge(to + i, from + i, n_a, n_b, samples);
		}
		from = to;
		to = other;
	}
	if (from != run)
		memcpy(run, from, n * sizeof(*run));
}

void wm_order_samples(struct wm_order *order, struct wm_order *scratch, const struct wm_sample *samples, size_t n,
	uint64_t from, uint64_t end)
{
	struct wm_order *a = order, *b = scratch;
	size_t run = 0;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		a[i] = (struct wm_order){.time = samples[i].time_ns - from, .at = (uint32_t)i};
	for (unsigned shift = 0; shift < 64 && (end - from - 1) >> shift > 0; shift += DIGIT_BITS) {
		if (radix_pass(b, a, n, shift)) {
			struct wm_order *other = a;

			a = b;
			b = other;
		}
	}
	if (a != order)
		memcpy(order, a, n * sizeof(*order));
	for (size_t i = 1; i <= n; i++) {
		if (i < n && order[i].time == order[run].time)
			continue;
		if (i - run > 1)
			sort_run(order + run, scratch, i - run, samples);
		run = i;
	}
}
