// SPDX-License-Identifier: BSD-3-Clause
// series_pvt: how series are made, whatever the traffic is kept in.
#pragma once

#include <fidelity/series.h>

/** A new series at the end of the report's, all arrays zeroed; y of the inputs that `has` marks. Without points it says
 *  that there was too little traffic for it. @return NULL without memory. */
struct wm_series *wm_series_add(struct wm_fidelity *f, enum wm_series_kind kind, const char *name, const char *title,
	size_t n, const bool has[WM_INPUTS]);

/** One number of each packet, flow or row, for each input. */
struct wm_samples {
	double *v[WM_INPUTS]; // NULL = the input is not there
	size_t n[WM_INPUTS];
};

/** Numbers that are shown in the same way. */
struct wm_number {
	unsigned what;    // as `find` knows it
	const char *name; // "len": its series are cdf.len and hist.len, or rank.len
	const char *title;
	const char *unit;
	bool log_x;
};

/** Find the samples of a number. They may live in the scratch. @return 0 or -ENOMEM. */
typedef int wm_find_samples(struct wm_samples *out, const void *from, unsigned what, struct wm_scratch *s);

/** Add the CDF and the histogram (40 bins) of each number. @return 0 or -ENOMEM. */
int wm_series_add_distributions(struct wm_fidelity *f, const struct wm_number *numbers, size_t n, wm_find_samples *find,
	const void *from, struct wm_scratch *s);

/** Add the shares of the 50 most frequent values of each, in descending order. @return 0 or -ENOMEM. */
int wm_series_add_ranks(struct wm_fidelity *f, const struct wm_number *numbers, size_t n, wm_find_samples *find,
	const void *from, struct wm_scratch *s);

/** Add how often which packet follows which in a flow. @param traces WM_INPUTS of them. @return 0 or -ENOMEM. */
int wm_series_add_bigrams(struct wm_fidelity *f, const struct wm_trace *traces, struct wm_scratch *s);
