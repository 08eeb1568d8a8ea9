// SPDX-License-Identifier: BSD-3-Clause
// series: what plots show, from the traffic that was compared.
#pragma once

#include <fidelity/measure.h>
#include <fidelity/rows.h>

/** Fill the report's series. @param traces WM_INPUTS of them; one with n = 0 is not there. @return 0 or -ENOMEM. */
int wm_series_of_traces(struct wm_fidelity *f, const struct wm_trace *traces, struct wm_scratch *s);

/** As wm_series_of_traces, of flow tables. */
int wm_series_of_tables(struct wm_fidelity *f, const struct wm_rows *tables, struct wm_scratch *s);

/** Whether an input has a point in a series that a plot can show: a number, of shares one that is not 0. */
bool wm_series_shows(const struct wm_series *s, enum wm_input_role role);
