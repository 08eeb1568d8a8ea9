// SPDX-License-Identifier: BSD-3-Clause
// trees: regression trees that take one Newton step of a loss, grown leaf by leaf where the gain is the largest.
//
// Source: Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NIPS 2017 (histograms, growth by
// leaves); Chen, Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016, eq. 6-7 (gain, values, missing values
// on the side that gains more). The rules are those of scikit-learn's HistGradientBoosting*: leaves of 20 samples.
#pragma once

#include <fidelity/bins.h>

enum { WM_TREE_LEAVES = 31, WM_TREE_NODES = 2 * WM_TREE_LEAVES - 1, WM_TREE_LEAF_SAMPLES = 20 };

struct wm_tree {
	struct wm_tree_node {
		double value;        // of a leaf
		double edge;         // what is not above it goes to the left; INFINITY = all that has a value
		uint32_t col;        // of what is looked at
		uint8_t left, right; // nodes; 0 = this is a leaf
		bool missing_left;
	} node[WM_TREE_NODES];
};

/** What trees are grown with, one after the other. */
struct wm_grower;
struct wm_grower *wm_grower_of(const struct wm_bins *b, struct wm_scratch *s); // NULL without memory

/**
 * Grow a tree.
 *
 * @param g, h First and second derivatives of the loss by what was said of each sample (n).
 * @param said What was said of sample i is said[i * stride]; the tree's values, times `rate`, are added to it.
 */
void wm_tree_grow(struct wm_tree *out, struct wm_grower *w, const float *g, const float *h, double rate, double *said,
	size_t stride);

/** What a tree says of a sample. */
double wm_tree_says(const struct wm_tree *t, const double *x);
