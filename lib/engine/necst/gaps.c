// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/gaps.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

_Static_assert(NECST_GAP_PARTS == 8, "necst_gap_draw() takes the piece from three random bits");

enum {
	ATOM_SHARE = 200, // a value with 1/200 of the gaps has a bin of its own
	BINS_WANTED = 56, // by mass
	TAIL_LEAST = 12,  // gaps that a bin cut for its width must keep
};

struct cutter {
	struct necst_gaps *g;
	const uint64_t *gap; // sorted
	size_t mass;         // that a bin may have
	bool full;
};

static int by_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

// First index in [lo, hi) whose gap is not below value.
static size_t first_from(const uint64_t *gap, size_t lo, size_t hi, uint64_t value)
{
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (gap[mid] < value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void add_bin(struct cutter *c, size_t lo, size_t hi)
{
	if (c->g->n == NECST_GAPS_MAX) {
		c->full = true;
		return;
	}
	for (size_t i = 0; i <= NECST_GAP_PARTS; i++)
		c->g->knots[c->g->n][i] = c->gap[lo + (hi - 1 - lo) * i / NECST_GAP_PARTS];
	c->g->n++;
}

// Cut [lo, hi) in two until no part has too much mass or is too wide.
static void cut(struct cutter *c, size_t lo, size_t hi)
{
	size_t mid = lo;

	if (c->gap[lo] != c->gap[hi - 1]) {
		uint64_t a = c->gap[lo] > 0 ? c->gap[lo] : 1, b = c->gap[hi - 1];

		if (hi - lo > c->mass) {
			mid = first_from(c->gap, lo, hi, c->gap[lo + (hi - lo) / 2]);
			if (mid == lo)
				mid = first_from(c->gap, lo, hi, c->gap[lo] + 1);
		} else if (b / a >= 4 && hi - lo >= 2 * (size_t)TAIL_LEAST) {
			mid = first_from(c->gap, lo, hi, (uint64_t)sqrt((double)a * (double)b));
			if (mid - lo < TAIL_LEAST || hi - mid < TAIL_LEAST)
				mid = lo;
		}
	}
	if (mid == lo) {
		add_bin(c, lo, hi);
		return;
	}
	cut(c, lo, mid);
	cut(c, mid, hi);
}

static void cut_around_atoms(struct cutter *c, size_t n)
{
	size_t from = 0;

	for (size_t i = 0, j; i < n; i = j) {
		j = first_from(c->gap, i, n, c->gap[i] + 1);
		if ((j - i) * ATOM_SHARE < n || j - i < 3)
			continue;
		if (from < i)
			cut(c, from, i);
		add_bin(c, i, j);
		from = j;
	}
	if (from < n)
		cut(c, from, n);
}

int necst_gaps_fit(
	struct necst_gaps *g, const struct wm_dataset *ds, const struct necst_clocks *clocks, const uint16_t *token)
{
	uint64_t *gap = malloc((ds->n_records + 1) * sizeof(*gap));
	struct cutter c = {.g = g, .gap = gap};
	uint64_t unit = 0;
	size_t n = 0;

	if (gap == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ds->n_flows; i++) {
		const size_t first = ds->flows[i].first;
		const struct wm_record *r = ds->records;
		struct necst_silence s = {0};

		for (size_t j = first; j < first + ds->flows[i].n; j++) {
			const uint64_t passed = j > first ? r[j].time_ns - r[j - 1].time_ns : 0;

			unit = common_divisor(unit, r[j].time_ns);
			if (j > first)
				gap[n++] = passed + necst_clock(clocks, &s, token[j], r[j].reverse);
			necst_hear(&s, r[j].reverse, passed);
		}
	}
	if (n == 0)
		gap[n++] = 0;
	qsort(gap, n, sizeof(*gap), by_u64);
	c.mass = n / BINS_WANTED + 1;
	do {
		g->n = 0;
		c.full = false;
		cut_around_atoms(&c, n);
		c.mass *= 2;
	} while (c.full && c.mass < 4 * n);
	g->resolution_ns = unit > 1000000 || unit == 0 ? 1 : unit;
	necst_gaps_index(g);
	free(gap);
	return 0;
}
