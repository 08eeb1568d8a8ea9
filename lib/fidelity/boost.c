// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/boost.h>
#include <fidelity/tally.h>
#include <fidelity/trees.h>

#include <errno.h>
#include <math.h>

enum { ROUNDS = 100 };
static const double rate = .1;

// What was said so far of samples of several classes: a number for each class, of two only for the second.
struct said {
	double *of; // (n, outs)
	size_t n;
	unsigned outs;
};

// First and second derivatives of the loss (outs, n).
struct slopes {
	float *g;
	float *h;
};

static void logistic(struct slopes *d, const struct said *said, const float *label)
{
	for (size_t i = 0; i < said->n; i++) {
		const double e = exp(-said->of[i]), is = (double)label[i];

		d->g[i] = (float)(((1 - is) - is * e) / (1 + e));
		d->h[i] = (float)(e / ((1 + e) * (1 + e)));
	}
}

static void softmax(struct slopes *d, const struct said *said, const float *label)
{
	for (size_t i = 0; i < said->n; i++) {
		const double *of = said->of + i * said->outs;
		double most = of[0], sum = 0;

		for (unsigned k = 1; k < said->outs; k++)
			most = fmax(most, of[k]);
		for (unsigned k = 0; k < said->outs; k++)
			sum += exp(of[k] - most);
		for (unsigned k = 0; k < said->outs; k++) {
			const double p = exp(of[k] - most) / sum;

			d->g[k * said->n + i] = (float)(p - ((unsigned)label[i] == k));
			d->h[k * said->n + i] = (float)(p * (1 - p));
		}
	}
}

// What is said before there are trees: how frequent the classes are.
static void begin(struct said *train, struct said *test, const float *label)
{
	for (unsigned k = 0; k < train->outs; k++) {
		double n = 0, start;

		for (size_t i = 0; i < train->n; i++)
			n += (unsigned)label[i] == (train->outs == 1 ? 1 : k);
		n /= (double)train->n;
		start = log(fmax(n, 1e-12)) - (train->outs == 1 ? log1p(-n) : 0);
		for (size_t i = 0; i < train->n; i++)
			train->of[i * train->outs + k] = start;
		for (size_t i = 0; i < test->n; i++)
			test->of[i * test->outs + k] = start;
	}
}

static void tell(double *scores, const struct said *said)
{
	for (size_t i = 0; i < said->n; i++) {
		const double *of = said->of + i * said->outs;
		unsigned best = 0;

		for (unsigned k = 1; k < said->outs; k++)
			best = of[k] > of[best] ? k : best;
		scores[i] = said->outs == 1 ? of[0] : best;
	}
}

static int boost(double *scores, const struct wm_samples *train, const struct wm_samples *test, size_t cols,
	unsigned outs, struct wm_scratch *s)
{
	struct said learned = {wm_scratch_get(s, train->n * outs, sizeof(double)), train->n, outs};
	struct said said = {wm_scratch_get(s, test->n * outs, sizeof(double)), test->n, outs};
	struct slopes d = {
		wm_scratch_get(s, train->n * outs, sizeof(float)), wm_scratch_get(s, train->n * outs, sizeof(float))};
	struct wm_grower *grower;
	struct wm_bins bins;
	struct wm_tree tree;

	if (learned.of == NULL || said.of == NULL || d.g == NULL || d.h == NULL
		|| wm_bins_of(&bins, train->x, train->n, cols, s) < 0)
		return -ENOMEM;
	grower = wm_grower_of(&bins, s);
	if (grower == NULL)
		return -ENOMEM;
	begin(&learned, &said, train->label);
	for (unsigned round = 0; round < ROUNDS; round++) {
		(outs == 1 ? logistic : softmax)(&d, &learned, train->label);
		for (unsigned k = 0; k < outs; k++) {
			const size_t at = k * train->n;

			wm_tree_grow(&tree, grower, d.g + at, d.h + at, rate, learned.of + k, outs);
			for (size_t i = 0; i < test->n; i++)
				said.of[i * outs + k] += wm_tree_says(&tree, test->x + i * cols);
		}
	}
	tell(scores, &said);
	return 0;
}

int wm_boost(
	double *scores, const struct wm_samples *train, const struct wm_samples *test, size_t cols, unsigned classes)
{
	struct wm_scratch s = {0};
	int rc = boost(scores, train, test, cols, classes == 2 ? 1 : classes, &s);

	wm_scratch_fini(&s);
	return rc;
}

double wm_auc(const double *scores, const float *label, size_t n)
{
	struct wm_scratch s = {0};
	uint64_t *keys = wm_scratch_get(&s, n, sizeof(*keys));
	uint32_t *order = wm_scratch_get(&s, n, sizeof(*order));
	double auc = -1, won = 0, below = 0, ones = 0; // zeros that are below

	if (keys == NULL || order == NULL)
		goto out;
	for (size_t i = 0; i < n; i++)
		keys[i] = wm_key_of(scores[i]);
	if (wm_sort_order(order, keys, n, &s) < 0)
		goto out;
	for (size_t i = 0; i < n;) {
		double tied[2] = {0, 0};
		uint64_t key = keys[order[i]];

		for (; i < n && keys[order[i]] == key; i++)
			tied[label[order[i]] > 0]++;
		won += tied[1] * (below + tied[0] / 2);
		below += tied[0];
		ones += tied[1];
	}
	auc = ones > 0 && below > 0 ? won / (ones * below) : (double)NAN;
out:
	wm_scratch_fini(&s);
	return auc;
}
