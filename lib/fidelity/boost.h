// SPDX-License-Identifier: BSD-3-Clause
// boost: a hundred trees, each of which mends what those before it say: gradient boosting with the logistic loss.
//
// Source: Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", Annals of Statistics 29(5), 2001.
// Same samples, same scores; they are those of scikit-learn's HistGradientBoostingClassifier(max_iter=100,
// early_stopping=False), but for the last bits.
#pragma once

#include <stddef.h>

/** Samples as rows of features, NAN where one has none. */
struct wm_samples {
	const double *x;    // (n, cols)
	const float *label; // (n): 0 .. classes - 1
	size_t n;
};

/**
 * Learn to tell classes apart, and score other samples.
 *
 * @param scores  Of two classes (n): how much a sample looks like class 1. Of more (n): the class it looks like most.
 * @return 0 or -ENOMEM.
 */
int wm_boost(
	double *scores, const struct wm_samples *train, const struct wm_samples *test, size_t cols, unsigned classes);

/** Area under the ROC curve of scores for labels 0 and 1; ties count half. @return -1 without memory, NAN for one
 * class. */
double wm_auc(const double *scores, const float *label, size_t n);
