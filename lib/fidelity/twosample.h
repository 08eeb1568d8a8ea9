// SPDX-License-Identifier: BSD-3-Clause
// twosample: a classifier two-sample test. If trees that have seen both kinds cannot tell which kind a new sample is
// of, the kinds are alike in all that the trees look at.
//
// Source: Lopez-Paz, Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017.
#pragma once

#include <fidelity/scratch.h>

#include <stdint.h>

/** Samples of one kind, to choose from. */
struct wm_candidates {
	const void *from;     // what fill() reads
	const uint32_t *rows; // (n) what fill() is called with; NULL = 0 .. n - 1
	size_t n;
	const uint64_t *part;    // by row: what a sample is part of; a part stays in one fold ...
	const uint64_t *content; // ... by its content, so that copies stay together: they would teach the wrong answer
};

struct wm_two_sample {
	struct wm_candidates a;
	struct wm_candidates b;
	size_t most; // samples of each kind
	size_t cols;
	void (*fill)(double *x, const void *from, uint32_t row); // (cols)
};

enum { WM_TWO_SAMPLE_MOST = 5000 };

/**
 * Mean area under the ROC curve over 5 folds: 0.5 = alike, 1 = told apart.
 *
 * @param auc Written on success; INFINITY if one kind has far less than asked for, NAN if no fold has both kinds.
 * @return 0 or -ENOMEM.
 */
int wm_two_sample_test(double *auc, const struct wm_two_sample *t, struct wm_scratch *s);
