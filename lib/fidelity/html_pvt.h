// SPDX-License-Identifier: BSD-3-Clause
// html_pvt: the parts of the page.
#pragma once

#include <fidelity/fidelity.h>
#include <fidelity/plots.h>

/** Names of the inputs. */
extern const char *const wm_html_roles[WM_INPUTS];

/* Words and numbers: html_text.c. */

/** Text that may hold anything, such as a file's name. */
void wm_html_text(FILE *out, const char *text);
void wm_html_cell(FILE *out, double v);
void wm_html_verdict(FILE *out, enum wm_verdict v, char follows);
/** A picture with its name and what it says for those who do not see it; if it was not drawn, the words in its place.
 */
void wm_html_plot(FILE *out, const struct wm_plot *p, const char *name, const char *words);

/** The metrics of a group (0 = all), worst first; those without a ratio last, in the order of the table.
 *  @param out Room for all of the report's. @return how many. */
size_t wm_html_metrics_of(const struct wm_fidelity *f, char letter, const struct wm_metric **out);

/* Sections. `room` is for as many metrics as the report has. */

void wm_html_groups(FILE *out, const struct wm_fidelity *f);
/** @param plots Those of the report's series. */
void wm_html_chapters(FILE *out, const struct wm_fidelity *f, const struct wm_plot *plots);
void wm_html_metrics(FILE *out, const struct wm_fidelity *f, const struct wm_metric **room);
void wm_html_measures(FILE *out, const struct wm_fidelity *f);
void wm_html_inputs(FILE *out, const struct wm_fidelity *f);
