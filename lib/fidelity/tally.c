// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/tally.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { DIGIT = 11, DIGITS = 6, BUCKETS = 1 << DIGIT, SMALL = 512, BINS_MAX = 64, FEW = 1 << 12, SLOT_BITS = 13 };

static int by_key(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

// Turns counts into places; false if all keys share the digit.
static bool places_of(uint32_t *count, size_t n)
{
	uint32_t at = 0;

	for (size_t b = 0; b < BUCKETS; b++) {
		uint32_t c = count[b];

		if (c == n)
			return false;
		count[b] = at;
		at += c;
	}
	return true;
}

static void count_digits(uint32_t counts[DIGITS][BUCKETS], const uint64_t *v, size_t n)
{
	memset(counts, 0, sizeof(uint32_t[DIGITS][BUCKETS]));
	for (size_t i = 0; i < n; i++)
		for (unsigned d = 0; d < DIGITS; d++)
			counts[d][v[i] >> d * DIGIT & (BUCKETS - 1)]++;
}

void wm_sort_u64(uint64_t *v, size_t n, uint64_t *spare)
{
	uint32_t counts[DIGITS][BUCKETS];
	uint64_t *from = v, *to = spare, *swap;

	if (n < SMALL) {
		qsort(v, n, sizeof(*v), by_key);
		return;
	}
	count_digits(counts, v, n);
	for (unsigned d = 0; d < DIGITS; d++) {
		if (!places_of(counts[d], n))
			continue;
		for (size_t i = 0; i < n; i++)
			to[counts[d][from[i] >> d * DIGIT & (BUCKETS - 1)]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, n * sizeof(*v));
}

int wm_sort_order(uint32_t *order, const uint64_t *keys, size_t n, struct wm_scratch *s)
{
	const size_t mark = s->n;
	uint32_t(*counts)[BUCKETS] = wm_scratch_get(s, DIGITS, sizeof(*counts));
	uint32_t *spare = wm_scratch_get(s, n, sizeof(*spare)), *from = order, *to = spare, *swap;

	if (counts == NULL || spare == NULL)
		return -ENOMEM;
	count_digits(counts, keys, n);
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (unsigned d = 0; d < DIGITS; d++) {
		if (!places_of(counts[d], n))
			continue;
		for (size_t i = 0; i < n; i++)
			to[counts[d][keys[from[i]] >> d * DIGIT & (BUCKETS - 1)]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != order)
		memcpy(order, from, n * sizeof(*order));
	wm_scratch_release(s, mark);
	return 0;
}

// Keys with their counts, found by their hash; a count of 0 is free room.
struct slots {
	uint64_t key[1 << SLOT_BITS];
	uint32_t count[1 << SLOT_BITS];
};

// Counts keys if they are few distinct ones. @return how many distinct ones, 0 if they are too many.
static size_t count_few(struct slots *s, const uint64_t *keys, size_t n)
{
	size_t distinct = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = keys[i] * 0x9e3779b97f4a7c15u >> (64 - SLOT_BITS);

		while (s->count[at] > 0 && s->key[at] != keys[i])
			at = (at + 1) & ((1 << SLOT_BITS) - 1);
		if (s->count[at]++ > 0)
			continue;
		s->key[at] = keys[i];
		if (++distinct > FEW)
			return 0;
	}
	return distinct;
}

// A tally of few distinct keys: most fields, and what packets follow each other. keys gets them in order.
static int tally_few(
	struct wm_tally *out, const struct slots *slots, size_t distinct, uint64_t *keys, struct wm_scratch *s)
{
	uint32_t *order = wm_scratch_get(s, distinct, sizeof(*order)),
		 *places = wm_scratch_get(s, distinct, sizeof(*places));
	uint32_t *count = wm_scratch_get(s, distinct, sizeof(*count));
	size_t n = 0;

	if (order == NULL || places == NULL || count == NULL)
		return -ENOMEM;
	for (uint32_t at = 0; at < 1 << SLOT_BITS; at++) {
		if (slots->count[at] == 0)
			continue;
		keys[n] = slots->key[at];
		places[n++] = at;
	}
	if (wm_sort_order(order, keys, n, s) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		keys[i] = slots->key[places[order[i]]];
		count[i] = slots->count[places[order[i]]];
	}
	out->key = keys;
	out->count = count;
	out->n = n;
	return 0;
}

static int tally_many(struct wm_tally *out, uint64_t *keys, size_t n, struct wm_scratch *s)
{
	struct wm_tally t = {.key = keys, .total = n};
	uint64_t *spare = wm_scratch_get(s, n, sizeof(*spare));

	if (spare == NULL)
		return -ENOMEM;
	wm_sort_u64(keys, n, spare);
	t.count = (uint32_t *)spare; // its work is done, and it is large enough
	for (size_t i = 0; i < n; i++) {
		if (t.n > 0 && keys[t.n - 1] == keys[i]) {
			t.count[t.n - 1]++;
			continue;
		}
		keys[t.n] = keys[i];
		t.count[t.n++] = 1;
	}
	*out = t;
	return 0;
}

int wm_tally_of(struct wm_tally *out, uint64_t *keys, size_t n, struct wm_scratch *s)
{
	const size_t mark = s->n;
	struct slots *slots = n > SMALL ? wm_scratch_get(s, 1, sizeof(*slots)) : NULL;
	size_t distinct = slots == NULL ? 0 : count_few(slots, keys, n);

	if (distinct == 0) {
		wm_scratch_release(s, mark);
		return tally_many(out, keys, n, s);
	}
	out->total = n;
	return tally_few(out, slots, distinct, keys, s);
}

double wm_as_is(double v)
{
	return v;
}

double wm_log_time(double s)
{
	return log10(s > 1e-6 ? s : 1e-6);
}

double wm_log_count(double n)
{
	return log10(n > 1 ? n : 1);
}

// A walk along the sorted sample.
struct walk {
	const struct wm_tally *t;
	size_t i;
	size_t before; // members before value i
};

static double member(struct walk *w, size_t k)
{
	while (w->before + w->t->count[w->i] <= k)
		w->before += w->t->count[w->i++];
	return wm_key_value(w->t->key[w->i]);
}

// As numpy does it, from whichever side is nearer: the same bits there and here.
static double between(double a, double b, double t)
{
	return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

static double quantile(struct walk *low, struct walk *high, double q)
{
	const size_t last = low->t->total - 1;
	double at = (double)last * q, whole = floor(at);

	if (at >= (double)last)
		return member(high, last);
	return between(member(low, (size_t)whole), member(high, (size_t)whole + 1), at - whole);
}

double wm_quantile(const struct wm_tally *t, double q)
{
	struct walk low = {.t = t}, high = {.t = t};

	return quantile(&low, &high, q);
}

size_t wm_quantile_edges(double *edges, const struct wm_tally *t, size_t k)
{
	struct walk low = {.t = t}, high = {.t = t};
	size_t n = 0;

	for (size_t i = 0; i <= k; i++) {
		double v = quantile(&low, &high, i == k ? 1 : (double)i * (1 / (double)k));

		// cppcheck-suppress uninitvar ; those below n were written
		if (n == 0 || v > edges[n - 1])
			edges[n++] = v;
	}
	return n;
}

size_t wm_quantile_bin(double v, const double *edges, size_t n)
{
	size_t lo = 1, hi = n; // the first edge above v, of edges[1..]

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (edges[mid] <= v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

static double share_of_divergence(double x, double m)
{
	return x > 0 ? x * log2(x / m) : 0;
}

// Of one value with the shares p and q: twice what it adds to the divergence.
static double divergence(double p, double q)
{
	double m = (p + q) / 2;

	return share_of_divergence(p, m) + share_of_divergence(q, m);
}

static double halved(double sum)
{
	return sum > 0 ? sum / 2 : 0;
}

double wm_jsd(const double *p, const double *q, size_t n)
{
	double np = 0, nq = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		np += p[i];
		nq += q[i];
	}
	for (size_t i = 0; i < n; i++)
		sum += divergence(p[i] / np, q[i] / nq);
	return halved(sum);
}

double wm_jsd_exact(const struct wm_tally *a, const struct wm_tally *b)
{
	double sum = 0;

	for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
		bool in_a = j == b->n || (i < a->n && a->key[i] <= b->key[j]);
		bool in_b = i == a->n || (j < b->n && b->key[j] <= a->key[i]);
		double p = in_a ? (double)a->count[i++] / (double)a->total : 0;
		double q = in_b ? (double)b->count[j++] / (double)b->total : 0;

		sum += divergence(p, q);
	}
	return halved(sum);
}

static void fill_bins(double *bins, const struct wm_tally *t, const double *edges, size_t n)
{
	size_t bin = 0;

	for (size_t i = 0; i < t->n; i++) {
		double v = wm_key_value(t->key[i]);

		while (bin + 1 < n && edges[bin + 1] <= v)
			bin++;
		bins[bin] += t->count[i];
	}
}

double wm_jsd_binned(const struct wm_tally *a, const struct wm_tally *b, size_t k)
{
	double edges[BINS_MAX + 1], p[BINS_MAX + 1] = {0}, q[BINS_MAX + 1] = {0};
	size_t n = wm_quantile_edges(edges, a, k < BINS_MAX ? k : BINS_MAX);

	fill_bins(p, a, edges, n);
	fill_bins(q, b, edges, n);
	return wm_jsd(p, q, n);
}

static uint64_t *ranked(const struct wm_tally *t, size_t room, struct wm_scratch *s)
{
	uint64_t *counts = wm_scratch_get(s, room, sizeof(*counts)), *spare = wm_scratch_get(s, room, sizeof(*spare));

	if (counts == NULL || spare == NULL)
		return NULL;
	for (size_t i = 0; i < t->n; i++)
		counts[i] = UINT32_MAX - t->count[i]; // the largest first
	wm_sort_u64(counts, t->n, spare);
	for (size_t i = 0; i < t->n; i++)
		counts[i] = UINT32_MAX - counts[i];
	return counts;
}

double wm_jsd_ranked(const struct wm_tally *a, const struct wm_tally *b, struct wm_scratch *s)
{
	const size_t mark = s->n, n = a->n > b->n ? a->n : b->n;
	const uint64_t *p = ranked(a, n, s), *q = ranked(b, n, s);
	double sum = 0;

	if (p == NULL || q == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		sum += divergence((double)p[i] / (double)a->total, (double)q[i] / (double)b->total);
	wm_scratch_release(s, mark);
	return halved(sum);
}

double wm_w1(const struct wm_tally *a, const struct wm_tally *b, double (*as)(double))
{
	double sum = 0, fa = 0, fb = 0, last = 0;

	for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
		bool in_a = j == b->n || (i < a->n && a->key[i] <= b->key[j]);
		bool in_b = i == a->n || (j < b->n && b->key[j] <= a->key[i]);
		double v = as(wm_key_value(in_a ? a->key[i] : b->key[j]));

		if (i + j > 0)
			sum += fabs(fa / (double)a->total - fb / (double)b->total) * (v - last);
		fa += in_a ? a->count[i++] : 0;
		fb += in_b ? b->count[j++] : 0;
		last = v;
	}
	return sum;
}

double wm_tally_deviation(const struct wm_tally *t, double (*as)(double))
{
	double mean = 0, sum = 0;

	for (size_t i = 0; i < t->n; i++)
		mean += t->count[i] * as(wm_key_value(t->key[i]));
	mean /= (double)t->total;
	for (size_t i = 0; i < t->n; i++) {
		double d = as(wm_key_value(t->key[i])) - mean;

		sum += t->count[i] * d * d;
	}
	return sqrt(sum / (double)t->total);
}

double wm_w1n(const struct wm_tally *a, const struct wm_tally *b, double (*as)(double))
{
	double deviation = wm_tally_deviation(a, as);

	return deviation > 1e-12 ? wm_w1(a, b, as) / deviation : (double)NAN;
}
