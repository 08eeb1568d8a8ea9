// SPDX-License-Identifier: BSD-3-Clause
// boost: gradient boosted trees (XGBoost), on one thread and from one seed: same samples, same scores.
//
// Source: Chen, Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016.
#pragma once

#include <stddef.h>

/** Samples as rows of features, NAN where one has none. */
struct wm_samples {
	const float *x;     // (n, cols)
	const float *label; // (n): 0 .. classes - 1
	size_t n;
};

/**
 * Learn to tell classes apart, and score other samples.
 *
 * @param scores  Of two classes (n): how much a sample looks like class 1. Of more (n): the class it looks like most.
 * @return 0; -ENOMEM; -EIO if the library refuses.
 */
int wm_boost(
	float *scores, const struct wm_samples *train, const struct wm_samples *test, size_t cols, unsigned classes);

/** Area under the ROC curve of scores for labels 0 and 1; ties count half. @return -1 without memory, NAN for one
 * class. */
double wm_auc(const float *scores, const float *label, size_t n);
