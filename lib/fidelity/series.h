// SPDX-License-Identifier: BSD-3-Clause
// series: what plots show, from the traces that were compared.
#pragma once

#include <fidelity/measure.h>
#include <fidelity/rows.h>

/** Fill the report's series. @param traces WM_INPUTS of them; one with n = 0 is not there. @return 0 or -ENOMEM. */
int wm_series_of_traces(struct wm_fidelity *f, const struct wm_trace *traces, struct wm_scratch *s);

/** As wm_series_of_traces, of flow tables. */
int wm_series_of_tables(struct wm_fidelity *f, const struct wm_rows *tables, struct wm_scratch *s);

/** A new series at the end of the report's, for n points, all arrays zeroed; y of the inputs that `has` marks.
 *  @return NULL without memory. */
struct wm_series *wm_series_add(struct wm_fidelity *f, enum wm_series_kind kind, size_t n, const bool has[WM_INPUTS]);

/** A plain number's CDF over the inputs. @param v (n[i]) for each input; NULL = not there. @return 0 or -ENOMEM. */
int wm_series_add_cdf(struct wm_fidelity *f, const char *name, const char *title, const char *unit, bool log_x,
	double *const v[WM_INPUTS], const size_t n[WM_INPUTS], struct wm_scratch *s);

/** Its histogram, 40 bins. */
int wm_series_add_histogram(struct wm_fidelity *f, const char *name, const char *title, const char *unit, bool log_x,
	double *const v[WM_INPUTS], const size_t n[WM_INPUTS], struct wm_scratch *s);
