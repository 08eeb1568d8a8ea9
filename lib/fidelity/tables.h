// SPDX-License-Identifier: BSD-3-Clause
// tables: the families of metrics for flow tables.
#pragma once

#include <fidelity/measure.h>
#include <fidelity/rows.h>

/** Two parts of rows. */
struct wm_row_comparison {
	const struct wm_rows *ref; // the whole real table, from which bins come
	const struct wm_rows *a;
	const struct wm_rows *b;
	struct wm_scratch *s;
	struct wm_values *out;
};
typedef int wm_row_family(const struct wm_row_comparison *c);

wm_row_family wm_measure_columns, wm_measure_row_pairs, wm_measure_row_classifier, wm_measure_rules,
	wm_measure_row_copies, wm_measure_label;

/**
 * Share of synthetic rows that are nearer to the real table than to as many rows of the holdout; ties count half.
 *
 * Source: distance to the closest record, as Platzer, Reutterer, Frontiers in Big Data 4, 2021; Gower's distance.
 * @return 0 or -ENOMEM.
 */
int wm_nearer_to_real(double *out, const struct wm_rows *real, const struct wm_rows *synth,
	const struct wm_rows *holdout, struct wm_scratch *s);
