// SPDX-License-Identifier: BSD-3-Clause
// verdict: which metrics are off for other reasons than chance and drift, and which of these bring which others with
// them.
#pragma once

#include <fidelity/fidelity.h>

/** How far a value is from what is best, but at least what matters. NAN remains. */
double wm_excess(const struct wm_measure *m, double v);

/** Set the findings of a report whose metrics have values and ratios. */
void wm_find(struct wm_fidelity *f);

/** Set the verdicts of a report's groups and of the whole, whose scores and findings are set. */
void wm_judge(struct wm_fidelity *f);
