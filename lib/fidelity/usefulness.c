// SPDX-License-Identifier: BSD-3-Clause
// Group U: whether synthetic traffic serves in place of real traffic.
//
// Heavy hitters (over 0.1 % of the packets) are looked for with sketches; what matters is whether a sketch errs on the
// synthetic traffic as it does on the real, and whether sketches rank the same. Flow tables with labels: whether trees
// that learn labels from synthetic rows know real ones. Source: Yin et al., NetShare, SIGCOMM 2022, section 6.2.
#include <fidelity/boost.h>
#include <fidelity/sketch.h>
#include <fidelity/tables.h>

#include <errno.h>
#include <math.h>

enum { HEAVY = 1000, KEYS = 2, LABELS_MAX = 32, LABEL_ROWS = 10000, LABEL_NUMBERS = 6 };

static const char *const names[KEYS][WM_SKETCHES] = {
	{"U.countmin_dst.rel", "U.countsketch_dst.rel", "U.univmon_dst.rel"},
	{"U.countmin_tuple.rel", "U.countsketch_tuple.rel", "U.univmon_tuple.rel"},
};

// Destinations, or one-way 5-tuples, with their packets. The hashes are of numbers of
// addresses, in the order in which they came.
static int tally_keys(struct wm_tally *out, const struct wm_trace *t, bool tuple, struct wm_scratch *s)
{
	static const enum wm_field fields[] = {WM_F_DST, WM_F_SRC, WM_F_PROTO, WM_F_SPORT, WM_F_DPORT};
	uint64_t *keys = wm_scratch_get(s, t->n, sizeof(*keys));
	size_t n = 0;

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		uint64_t h = 0;

		if (t->field[WM_F_TTL][i] < 0)
			continue;
		for (size_t k = 0; k < (tuple ? sizeof(fields) / sizeof(fields[0]) : 1); k++)
			h = wm_mix(h, (uint64_t)t->field[fields[k]][i]);
		keys[n++] = h;
	}
	return wm_tally_of(out, keys, n, s);
}

// Mean relative error of a sketch about the heavy hitters.
static double error_of(struct wm_sketch *sk, const struct wm_tally *t)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		wm_sketch_add(sk, t->key[i], t->count[i]);
	for (size_t i = 0; i < t->n; i++) {
		if ((uint64_t)t->count[i] * HEAVY <= t->total)
			continue;
		sum += fabs(wm_sketch_estimate(sk, t->key[i]) - t->count[i]) / t->count[i];
		n++;
	}
	return n > 0 ? sum / (double)n : 0;
}

static int find_errors(double errors[KEYS][WM_SKETCHES], const struct wm_trace *t, struct wm_scratch *s)
{
	for (unsigned k = 0; k < KEYS; k++) {
		const size_t mark = s->n;
		struct wm_tally tally;

		if (tally_keys(&tally, t, k == 1, s) < 0)
			return -ENOMEM;
		for (enum wm_sketch_kind kind = 0; kind < WM_SKETCHES; kind++) {
			struct wm_sketch *sk = wm_scratch_get(s, 1, sizeof(*sk));

			if (sk == NULL)
				return -ENOMEM;
			sk->kind = kind;
			errors[k][kind] = error_of(sk, &tally);
		}
		wm_scratch_release(s, mark);
	}
	return 0;
}

// Mean rank of v[i] among n: ties share theirs.
static double rank_of(const double *v, size_t n, size_t i)
{
	double rank = 0;

	for (size_t k = 0; k < n; k++)
		rank += v[k] < v[i] ? 1 : v[k] > v[i] || k == i ? 0 : .5;
	return rank;
}

// Spearman's rank correlation; 1 where either side ranks nothing.
static double spearman(const double *x, const double *y, size_t n)
{
	double mean = (double)(n - 1) / 2, xx = 0, yy = 0, xy = 0;

	for (size_t i = 0; i < n; i++) {
		double dx = rank_of(x, n, i) - mean, dy = rank_of(y, n, i) - mean;

		xx += dx * dx;
		yy += dy * dy;
		xy += dx * dy;
	}
	return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 1;
}

int wm_measure_usefulness(const struct wm_comparison *c)
{
	double a[KEYS][WM_SKETCHES], b[KEYS][WM_SKETCHES];

	if (find_errors(a, c->a, c->s) < 0 || find_errors(b, c->b, c->s) < 0)
		return -ENOMEM;
	for (unsigned k = 0; k < KEYS; k++)
		for (unsigned i = 0; i < WM_SKETCHES; i++)
			wm_put(c->out, fabs(a[k][i] - b[k][i]), "%s", names[k][i]);
	wm_put(c->out, 1 - spearman(&a[0][0], &b[0][0], (size_t)KEYS * WM_SKETCHES), "U.sketches.rank");
	return 0;
}

// Rows with labels, for trees.
struct labelled {
	double *x;
	float *label;
	size_t n;
};

// The column that tells what traffic a row is; 0 = none.
static size_t label_column(const struct wm_row_comparison *c)
{
	static const size_t columns[] = {WM_R_CATEGORY + WM_TABLE_TYPE, WM_R_CATEGORY + WM_TABLE_LABEL};

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const double *real = c->ref->col[columns[i]];
		size_t k = columns[i];

		if (real == NULL || c->a->col[k] == NULL || c->b->col[k] == NULL)
			continue;
		for (size_t r = 1; r < c->ref->n; r++)
			if (real[r] < real[0] || real[r] > real[0])
				return k;
	}
	return 0;
}

// Rows begin .. end of a table, every step-th; the classes are numbered by `classes`.
static int gather(struct labelled *out, const struct wm_rows *r, size_t column, size_t begin, size_t end,
	const double *classes, size_t n_classes, struct wm_scratch *s)
{
	static const size_t numbers[LABEL_NUMBERS] = {WM_R_TD, WM_R_SP, WM_R_DP, WM_R_PR, WM_R_PKT, WM_R_BYT};
	const size_t step = (end - begin) / LABEL_ROWS + 1;

	*out = (struct labelled){.x = wm_scratch_get(s, (end - begin) * LABEL_NUMBERS, sizeof(double)),
		.label = wm_scratch_get(s, end - begin, sizeof(float))};
	if (out->x == NULL || out->label == NULL)
		return -ENOMEM;
	for (size_t i = begin; i < end; i += step) {
		size_t k = 0;

		while (k < n_classes && (classes[k] < r->col[column][i] || classes[k] > r->col[column][i]))
			k++;
		if (k == n_classes) // a label that the real table does not have
			continue;
		for (size_t f = 0; f < LABEL_NUMBERS; f++)
			out->x[out->n * LABEL_NUMBERS + f] = r->col[numbers[f]][i];
		out->label[out->n++] = (float)k;
	}
	return 0;
}

// Mean over the classes of how well each is found (F1).
static double macro_f1(const double *said, const float *label, size_t n, size_t n_classes)
{
	double sum = 0, present = 0;

	for (size_t k = 0; k < n_classes; k++) {
		double hit = 0, claimed = 0, there = 0;

		for (size_t i = 0; i < n; i++) {
			bool is = (size_t)label[i] == k, says = (size_t)said[i] == k;

			hit += is && says;
			claimed += says;
			there += is;
		}
		present += there > 0;
		sum += hit > 0 ? 2 * hit / (claimed + there) : 0;
	}
	return present > 0 ? sum / present : 0;
}

// F1 on `test` of trees that learned from `train`.
static int learn(
	double *f1, const struct labelled *train, const struct labelled *test, size_t n_classes, struct wm_scratch *s)
{
	double *said = wm_scratch_get(s, test->n, sizeof(*said));
	int rc;

	if (said == NULL)
		return -ENOMEM;
	*f1 = 0;
	if (train->n == 0 || test->n == 0)
		return 0;
	// Always of several classes, so that two are told as classes too.
	rc = wm_boost(said, &(struct wm_samples){train->x, train->label, train->n},
		&(struct wm_samples){test->x, NULL, test->n}, LABEL_NUMBERS, (unsigned)(n_classes > 2 ? n_classes : 3));
	if (rc == 0)
		*f1 = macro_f1(said, test->label, test->n, n_classes);
	return rc;
}

int wm_measure_label(const struct wm_row_comparison *c)
{
	const size_t column = label_column(c), cut = c->a->n / 5 * 4;
	struct labelled real, synth, test;
	size_t n_classes = 0;
	double classes[LABELS_MAX], of_real, of_synth;
	struct wm_tally t;
	int rc;

	if (column == 0 || c->a->n < 5 * WM_FEW || c->b->n < WM_FEW)
		return 0;
	if (wm_tally_doubles(&t, c->ref->col[column], c->ref->n, c->s) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < t.n && n_classes < LABELS_MAX; i++)
		if (t.count[i] >= WM_FEW)
			classes[n_classes++] = wm_key_value(t.key[i]);
	if (n_classes < 2)
		return 0;
	if (gather(&real, c->a, column, 0, cut, classes, n_classes, c->s) < 0
		|| gather(&test, c->a, column, cut, c->a->n, classes, n_classes, c->s) < 0
		|| gather(&synth, c->b, column, 0, c->b->n, classes, n_classes, c->s) < 0)
		return -ENOMEM;
	rc = learn(&of_real, &real, &test, n_classes, c->s);
	if (rc == 0)
		rc = learn(&of_synth, &synth, &test, n_classes, c->s);
	if (rc == 0)
		wm_put(c->out, fmax(of_real - of_synth, 0), "U.label.tstr");
	return rc;
}
