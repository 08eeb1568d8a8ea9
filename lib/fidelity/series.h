// SPDX-License-Identifier: BSD-3-Clause
// series: what plots show, at points that real, synthetic and holdout have in common.
#pragma once

#include <fidelity/fidelity.h>
#include <fidelity/scratch.h>
#include <fidelity/tally.h>
#include <fidelity/trace.h>

/** The series of a report on captures; a trace without packets is not there. @return 0 or -ENOMEM. */
int wm_series_of_traces(struct wm_fidelity *f, const struct wm_trace traces[WM_INPUTS], struct wm_scratch *s);

/**
 * Parts of it, for other kinds of data. Each adds one series to the report, or none if there is nothing to be seen (the
 * real part is empty, all have one value).
 * Samples are tallies by input; one with n = 0 is not there. What name, title, unit and log_x are: struct wm_series.
 */
int wm_series_add_cdf(struct wm_fidelity *f, const struct wm_series *like, const struct wm_tally samples[WM_INPUTS]);
int wm_series_add_histogram(
	struct wm_fidelity *f, const struct wm_series *like, const struct wm_tally samples[WM_INPUTS]);
int wm_series_add_rank(struct wm_fidelity *f, const struct wm_series *like, const struct wm_tally samples[WM_INPUTS]);
