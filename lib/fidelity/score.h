// SPDX-License-Identifier: BSD-3-Clause
// score: values and floors -> ratios, groups, findings.
#pragma once

#include <fidelity/measure.h>

/** All that was measured of one metric set. INFINITY where a side had nothing; NAN or not there = not measurable. */
struct wm_measured {
	struct wm_values value;
	struct wm_values holdout;
	struct wm_values tfloor;
	double floor_sum[WM_METRICS_MAX];
	unsigned floor_n[WM_METRICS_MAX]; // halvings in which it could be measured
	double reach[WM_METRICS_MAX];     // the largest of deals and halvings by flow; meaningless where reach_n is 0
	unsigned reach_n[WM_METRICS_MAX];
};

/** Add the values of one random halving to the floors. */
void wm_measured_add_floor(struct wm_measured *m, const struct wm_values *v);

/** Add the values of one random halving that leaves flows whole to what findings have to be beyond. */
void wm_measured_add_reach(struct wm_measured *m, const struct wm_values *v);

/** Fill metrics, groups and the overall score of a report whose mode is set. @return 0 or -ENOMEM. */
int wm_score(struct wm_fidelity *f, const struct wm_measured *m);
