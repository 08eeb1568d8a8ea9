// SPDX-License-Identifier: BSD-3-Clause
// halves: real traffic cut in two: at random, whose distance is what sampling alone makes, and in time.
#pragma once

#include <fidelity/rows.h>
#include <fidelity/shuffle.h>
#include <fidelity/trace.h>

struct wm_halves {
	struct wm_trace a;
	struct wm_trace b;
};

/** What stays together when a trace is halved. */
enum wm_unit {
	WM_UNIT_PACKET,
	WM_UNIT_STRETCH, // the flow, or 1/200 of the trace of a flow that has over 2 % of it or if flows are few
	WM_UNIT_FLOW,
	WM_UNIT_CLUSTER, // the flow, or the stretch if flows are few
};

/** A random half of the units and the other. @return 0 or -ENOMEM. */
int wm_halve_random(struct wm_halves *out, const struct wm_trace *t, enum wm_unit unit, struct wm_shuffler *random,
	struct wm_scratch *s);

/**
 * Two traces together, halved: a random half of the clusters of each, and the others. If the traces are samples of the
 * same traffic, they are as far apart as such halves are: also where a few flows are larger than all others.
 *
 * @return 0 or -ENOMEM. Source: Good, "Permutation, Parametric, and Bootstrap Tests of Hypotheses", 2005.
 */
int wm_deal(struct wm_halves *out, const struct wm_trace *a, const struct wm_trace *b, struct wm_shuffler *random,
	struct wm_scratch *s);

/**
 * The earlier half of the flows, by start, and the later; flows longer than a quarter of the trace are cut. Half of the
 * packets if flows are few, or one side would get under a quarter of the packets. @return 0 or -ENOMEM.
 */
int wm_halve_in_time(struct wm_halves *out, const struct wm_trace *t, struct wm_scratch *s);

void wm_halves_free(struct wm_halves *h); // accepts one that is all zero

/** The same of the rows of a flow table. */
struct wm_row_halves {
	struct wm_rows a;
	struct wm_rows b;
};
int wm_rows_halve_random(struct wm_row_halves *out, const struct wm_rows *r, struct wm_shuffler *random,
	struct wm_scratch *s); // 0 or -ENOMEM
int wm_rows_halve_in_time(struct wm_row_halves *out, const struct wm_rows *r, struct wm_scratch *s);
void wm_row_halves_free(struct wm_row_halves *h); // accepts one that is all zero
