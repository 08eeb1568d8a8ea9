// SPDX-License-Identifier: BSD-3-Clause
#include <engine/rows/numbers_fit.h>

#include <errno.h>
#include <stdlib.h>

enum {
	ATOMS_MAX = 2048,
	ATOM_SHARE = 1000, // of all values that make one an atom
	ATOM_LEAST = 6,
	SHARED = 96, // bins of others, at least
	AGAIN = 3,   // times that a value comes again
};

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static size_t run_of(const uint64_t *v, size_t n, size_t at)
{
	size_t end = at + 1;

	while (end < n && v[end] == v[at])
		end++;
	return end - at;
}

// The share that makes an atom, raised until there are not too many.
static size_t atom_least(const uint64_t *v, size_t n)
{
	size_t least = n / ATOM_SHARE > ATOM_LEAST ? n / ATOM_SHARE : ATOM_LEAST, found = ATOMS_MAX + 1;

	for (; found > ATOMS_MAX; least += found > ATOMS_MAX ? least : 0) {
		found = 0;
		for (size_t i = 0, run; i < n; i += run) {
			run = run_of(v, n, i);
			found += run >= least;
		}
	}
	return least;
}

static void cut(struct rows_cut *c, const uint64_t *v, size_t n)
{
	const size_t least = atom_least(v, n);
	size_t rest = n, most, held = 0;
	struct rows_bin *bin = NULL;

	for (size_t i = 0, run; i < n; i += run) {
		run = run_of(v, n, i);
		if (run < least)
			continue;
		c->bins[c->numbers.n++] = (struct rows_bin){v[i], v[i]};
		rest -= run;
	}
	c->n_atoms = c->numbers.n;
	most = rest / SHARED + 1;
	for (size_t i = 0, run; i < n; i += run) {
		run = run_of(v, n, i);
		if (run >= least)
			continue;
		if (bin == NULL || ((held >= most || v[i] > bin->lo + bin->lo / 4) && c->numbers.n < ROWS_BINS_MAX)) {
			bin = &c->bins[c->numbers.n++];
			*bin = (struct rows_bin){v[i], v[i]};
			held = 0;
		}
		bin->hi = v[i];
		held += run;
	}
}

int rows_cut_fit(struct rows_cut *out, uint64_t *values, size_t n, uint64_t *exact, size_t n_exact)
{
	struct rows_cut c = {0};

	c.bins = calloc(ROWS_BINS_MAX, sizeof(*c.bins));
	c.exact = calloc(n_exact / AGAIN + 1, sizeof(*c.exact));
	if (c.bins == NULL || c.exact == NULL) {
		rows_cut_free(&c);
		return -ENOMEM;
	}
	qsort(values, n, sizeof(*values), by_size);
	cut(&c, values, n);
	qsort(exact, n_exact, sizeof(*exact), by_size);
	for (size_t i = 0, run; i < n_exact; i += run) {
		run = run_of(exact, n_exact, i);
		if (run >= AGAIN)
			c.exact[c.numbers.n_exact++] = exact[i];
	}
	c.numbers.bins = c.bins;
	c.numbers.exact = c.exact;
	*out = c;
	return 0;
}

void rows_cut_free(struct rows_cut *c)
{
	free(c->bins);
	free(c->exact);
	*c = (struct rows_cut){0};
}

// The last of bins from..to-1 that begins at the value or before; `to` if none does.
static size_t last_from(const struct rows_cut *c, size_t from, size_t to, uint64_t value)
{
	size_t lo = from, hi = to;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (c->bins[mid].lo <= value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > from ? lo - 1 : to;
}

uint32_t rows_cut_bin(const struct rows_cut *c, uint64_t value)
{
	const size_t atom = last_from(c, 0, c->n_atoms, value);

	if (atom < c->n_atoms && c->bins[atom].hi == value)
		return (uint32_t)atom;
	return (uint32_t)last_from(c, c->n_atoms, c->numbers.n, value);
}

uint32_t rows_cut_exact(const struct rows_cut *c, uint64_t value)
{
	const uint64_t *at = bsearch(&value, c->exact, c->numbers.n_exact, sizeof(*at), by_size);

	return at == NULL ? 0 : (uint32_t)(at - c->exact) + 1;
}
