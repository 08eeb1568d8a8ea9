// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/boost.h>
#include <fidelity/tally.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <xgboost/c_api.h>

enum { TREES = 100 };

static const struct {
	const char *name;
	const char *value;
} settings[] = {
	{"nthread", "1"},
	{"seed", "7"},
	{"verbosity", "0"},
	{"tree_method", "hist"},
	{"grow_policy", "lossguide"},
	{"max_leaves", "31"},
	{"max_depth", "0"},
	{"max_bin", "255"},
	{"eta", "0.1"},
	{"lambda", "0"},
	{"min_child_weight", "2"},
};

static int matrix_of(DMatrixHandle *out, const struct wm_samples *s, size_t cols)
{
	if (XGDMatrixCreateFromMat_omp(s->x, s->n, cols, NAN, out, 1) != 0)
		return -EIO;
	return s->label == NULL || XGDMatrixSetFloatInfo(*out, "label", s->label, s->n) == 0 ? 0 : -EIO;
}

static int set_up(BoosterHandle b, unsigned classes)
{
	char n[16];
	int rc = 0;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		rc |= XGBoosterSetParam(b, settings[i].name, settings[i].value);
	if (classes == 2)
		return rc | XGBoosterSetParam(b, "objective", "binary:logistic");
	(void)snprintf(n, sizeof(n), "%u", classes);
	return rc | XGBoosterSetParam(b, "objective", "multi:softmax") | XGBoosterSetParam(b, "num_class", n);
}

int wm_boost(
	float *scores, const struct wm_samples *train, const struct wm_samples *test, size_t cols, unsigned classes)
{
	DMatrixHandle matrices[2] = {NULL, NULL};
	BoosterHandle b = NULL;
	const float *said = NULL;
	bst_ulong n = 0;
	int rc = -EIO;

	if (matrix_of(&matrices[0], train, cols) < 0 || matrix_of(&matrices[1], test, cols) < 0)
		goto out;
	if (XGBoosterCreate(matrices, 1, &b) != 0 || set_up(b, classes) != 0)
		goto out;
	for (int i = 0; i < TREES; i++)
		if (XGBoosterUpdateOneIter(b, i, matrices[0]) != 0)
			goto out;
	if (XGBoosterPredict(b, matrices[1], classes == 2, 0, 0, &n, &said) != 0 || n != test->n)
		goto out;
	memcpy(scores, said, n * sizeof(*scores));
	rc = 0;
out:
	if (b != NULL)
		(void)XGBoosterFree(b);
	for (int i = 0; i < 2; i++)
		if (matrices[i] != NULL)
			(void)XGDMatrixFree(matrices[i]);
	return rc;
}

double wm_auc(const float *scores, const float *label, size_t n)
{
	struct wm_scratch s = {0};
	uint64_t *keys = wm_scratch_get(&s, n, sizeof(*keys));
	uint32_t *order = wm_scratch_get(&s, n, sizeof(*order));
	double auc = -1, won = 0, below = 0, ones = 0; // zeros that are below

	if (keys == NULL || order == NULL)
		goto out;
	for (size_t i = 0; i < n; i++)
		keys[i] = wm_key_of((double)scores[i]);
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
