// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/boost.h>
#include <fidelity/measure.h>
#include <fidelity/shuffle.h>
#include <fidelity/twosample.h>

#include <errno.h>
#include <math.h>

enum { FOLDS = 5 };

// The chosen samples of both kinds.
struct chosen {
	size_t n;
	double *x;       // (n, cols)
	float *label;    // (n)
	uint64_t *part;  // (n)
	uint64_t *group; // (n): what stays in one fold; the content of the part
	uint8_t *fold;   // (n)
};

// n of the candidates, in order; all of it in the first n of what is returned.
static uint32_t *pick(const struct wm_candidates *c, size_t n, struct wm_shuffler *random, struct wm_scratch *s)
{
	uint32_t *order = wm_scratch_get(s, c->n, sizeof(*order));
	uint64_t *keys = wm_scratch_get(s, n, sizeof(*keys)), *spare = wm_scratch_get(s, n, sizeof(*spare));

	if (order == NULL || keys == NULL || spare == NULL)
		return NULL;
	wm_shuffle(random, order, c->n);
	for (size_t i = 0; i < n; i++)
		keys[i] = order[i];
	wm_sort_u64(keys, n, spare);
	for (size_t i = 0; i < n; i++)
		order[i] = c->rows == NULL ? (uint32_t)keys[i] : c->rows[keys[i]];
	return order;
}

static int choose(
	struct chosen *out, const struct wm_two_sample *t, size_t n, struct wm_shuffler *random, struct wm_scratch *s)
{
	const struct wm_candidates *kinds[] = {&t->a, &t->b};

	*out = (struct chosen){
		.n = 2 * n,
		.x = wm_scratch_get(s, 2 * n * t->cols, sizeof(double)),
		.label = wm_scratch_get(s, 2 * n, sizeof(float)),
		.part = wm_scratch_get(s, 2 * n, sizeof(uint64_t)),
		.group = wm_scratch_get(s, 2 * n, sizeof(uint64_t)),
		.fold = wm_scratch_get(s, 2 * n, 1),
	};
	if (out->x == NULL || out->label == NULL || out->part == NULL || out->group == NULL || out->fold == NULL)
		return -ENOMEM;
	for (unsigned kind = 0; kind < 2; kind++) {
		const uint32_t *rows = pick(kinds[kind], n, random, s);

		if (rows == NULL)
			return -ENOMEM;
		for (size_t i = 0; i < n; i++) {
			size_t to = kind * n + i;

			t->fill(out->x + to * t->cols, kinds[kind]->from, rows[i]);
			out->label[to] = (float)kind;
			out->part[to] = kinds[kind]->part[rows[i]];
			out->group[to] = kinds[kind]->content[rows[i]];
		}
	}
	return 0;
}

// Behind the last of those that are in one group with the one at i.
static size_t group_end(const struct chosen *c, const uint32_t *order, size_t i)
{
	size_t end = i + 1;

	while (end < c->n && c->group[order[end]] == c->group[order[i]])
		end++;
	return end;
}

// What is as frequent as a tenth of a kind is no copy: there each part is a group of its own.
static int split_the_frequent(struct chosen *c, uint32_t *order, struct wm_scratch *s)
{
	if (wm_sort_order(order, c->group, c->n, s) < 0)
		return -ENOMEM;
	for (size_t i = 0, end; i < c->n; i = end) {
		end = group_end(c, order, i);
		if ((end - i) * 20 <= c->n)
			continue;
		for (size_t k = i; k < end; k++)
			c->group[order[k]] = wm_mix(wm_mix(0, c->part[order[k]]), c->label[order[k]] > 0);
	}
	return wm_sort_order(order, c->group, c->n, s);
}

struct group {
	size_t begin; // in order
	size_t end;
	double of[2]; // samples of each kind
};

// Where kinds would add up to the least.
static size_t emptiest(double filled[FOLDS][2], const struct group *g)
{
	size_t best = 0;

	for (size_t f = 1; f < FOLDS; f++)
		if (filled[f][0] * g->of[0] + filled[f][1] * g->of[1]
			< filled[best][0] * g->of[0] + filled[best][1] * g->of[1])
			best = f;
	return best;
}

// Deals the groups out, largest first, each into the emptiest fold.
static int deal(struct chosen *c, struct wm_shuffler *random, struct wm_scratch *s)
{
	uint32_t *order = wm_scratch_get(s, c->n, sizeof(*order)), *turn = wm_scratch_get(s, c->n, sizeof(*turn));
	uint32_t *by_size = wm_scratch_get(s, c->n, sizeof(*by_size));
	uint64_t *keys = wm_scratch_get(s, c->n, sizeof(*keys));
	struct group *groups = wm_scratch_get(s, c->n, sizeof(*groups));
	double filled[FOLDS][2] = {{0}};
	size_t n = 0;

	if (order == NULL || turn == NULL || by_size == NULL || keys == NULL || groups == NULL
		|| split_the_frequent(c, order, s) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i = groups[n++].end) {
		groups[n] = (struct group){.begin = i, .end = group_end(c, order, i)};
		for (size_t k = i; k < groups[n].end; k++)
			groups[n].of[c->label[order[k]] > 0]++;
	}
	wm_shuffle(random, turn, n);
	for (size_t i = 0; i < n; i++)
		keys[i] = c->n - (groups[turn[i]].end - groups[turn[i]].begin);
	if (wm_sort_order(by_size, keys, n, s) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct group *g = &groups[turn[by_size[i]]];
		size_t f = emptiest(filled, g);

		filled[f][0] += g->of[0];
		filled[f][1] += g->of[1];
		for (size_t k = g->begin; k < g->end; k++)
			c->fold[order[k]] = (uint8_t)f;
	}
	return 0;
}

struct side {
	double *x;
	float *label;
	size_t n;
	size_t ones;
};

static int gather(
	struct side *out, const struct chosen *c, size_t cols, unsigned fold, bool in_it, struct wm_scratch *s)
{
	*out = (struct side){
		.x = wm_scratch_get(s, c->n * cols, sizeof(double)), .label = wm_scratch_get(s, c->n, sizeof(float))};
	if (out->x == NULL || out->label == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		if ((c->fold[i] == fold) != in_it)
			continue;
		memcpy(out->x + out->n * cols, c->x + i * cols, cols * sizeof(double));
		out->label[out->n++] = c->label[i];
		out->ones += c->label[i] > 0;
	}
	return 0;
}

static bool has_both(const struct side *s)
{
	return s->ones > 0 && s->ones < s->n;
}

// Of one fold. @param auc NAN where a kind is missing.
static int test_fold(double *auc, const struct chosen *c, size_t cols, unsigned fold, struct wm_scratch *s)
{
	double *scores = wm_scratch_get(s, c->n, sizeof(*scores));
	struct side learn, judge;
	int rc;

	if (scores == NULL || gather(&learn, c, cols, fold, false, s) < 0 || gather(&judge, c, cols, fold, true, s) < 0)
		return -ENOMEM;
	*auc = (double)NAN;
	if (!has_both(&learn) || !has_both(&judge))
		return 0;
	rc = wm_boost(scores, &(struct wm_samples){learn.x, learn.label, learn.n},
		&(struct wm_samples){judge.x, NULL, judge.n}, cols, 2);
	if (rc == 0)
		*auc = wm_auc(scores, judge.label, judge.n);
	return rc < 0 ? rc : *auc < 0 ? -ENOMEM : 0;
}

int wm_two_sample_test(double *auc, const struct wm_two_sample *t, struct wm_scratch *s)
{
	size_t n = t->most < t->a.n ? t->most : t->a.n, folds = 0;
	struct wm_shuffler random;
	struct chosen c;
	double sum = 0;

	n = n < t->b.n ? n : t->b.n;
	if (n < WM_FEW || n < t->most / 20) {
		*auc = (double)INFINITY;
		return 0;
	}
	wm_shuffler_init(&random, WM_SHUFFLE_SEED);
	if (choose(&c, t, n, &random, s) < 0 || deal(&c, &random, s) < 0)
		return -ENOMEM;
	for (unsigned fold = 0; fold < FOLDS; fold++) {
		const size_t mark = s->n;
		double of_fold;
		int rc = test_fold(&of_fold, &c, t->cols, fold, s);

		wm_scratch_release(s, mark);
		if (rc < 0)
			return rc;
		if (isnan(of_fold))
			continue;
		sum += of_fold;
		folds++;
	}
	*auc = folds > 0 ? sum / (double)folds : (double)NAN;
	return 0;
}
