// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/clocks.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 64 }; // packets that a token must have had after another of its side

static const double MORE_CERTAIN = 0.5; // nats by which a side's own clock must be
static const double FINEST_NS = 1000;   // that times are told apart by

struct timed { // a packet's times
	uint64_t since_last, since_own;
	uint16_t token;
};

static int by_token(const void *a, const void *b)
{
	const struct timed *x = a, *y = b;

	return (x->token > y->token) - (x->token < y->token);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

// Differential entropy by spacings of order sqrt(n) (Vasicek 1976), up to a constant; the two clocks of a packet differ
// by what has passed, which does not change it. Sorts the values.
static double entropy(uint64_t *x, size_t n)
{
	const size_t m = (size_t)sqrt((double)n);
	double sum = 0;

	qsort(x, n, sizeof(*x), by_value);
	for (size_t i = 0; i + m < n; i++)
		sum += log(fmax((double)(x[i + m] - x[i]), FINEST_NS));
	return sum / (double)(n - m);
}

static size_t collect(struct timed *t, const struct wm_dataset *ds, const uint16_t *token)
{
	size_t n = 0;

	for (size_t i = 0; i < ds->n_flows; i++) {
		struct necst_silence s = {0};

		for (size_t j = ds->flows[i].first; j < (size_t)ds->flows[i].first + ds->flows[i].n; j++) {
			const struct wm_record *r = &ds->records[j];
			const uint64_t gap = j > ds->flows[i].first ? r->time_ns - r[-1].time_ns : 0;

			if (s.heard >> r->reverse & 1)
				t[n++] = (struct timed){gap, gap + s.ns[r->reverse], token[j]};
			necst_hear(&s, r->reverse, gap);
		}
	}
	return n;
}

int necst_clocks_fit(struct necst_clocks *c, const struct wm_dataset *ds, const uint16_t *token, uint32_t n_tokens)
{
	struct timed *t = malloc((ds->n_records + 1) * sizeof(*t));
	uint64_t *x = malloc((ds->n_records + 1) * sizeof(*x));
	size_t n, end;

	*c = (struct necst_clocks){0};
	if (t == NULL || x == NULL) {
		free(t);
		free(x);
		return -ENOMEM;
	}
	n = collect(t, ds, token);
	qsort(t, n, sizeof(*t), by_token);
	for (size_t at = 0; at < n; at = end) {
		double last, own;

		for (end = at; end < n && t[end].token == t[at].token; end++)
			x[end - at] = t[end].since_last;
		if (end - at < LEAST || t[at].token >= n_tokens)
			continue;
		last = entropy(x, end - at);
		for (size_t i = at; i < end; i++)
			x[i - at] = t[i].since_own;
		own = entropy(x, end - at);
		c->own[t[at].token] = own + MORE_CERTAIN < last;
	}
	free(t);
	free(x);
	return 0;
}
