// SPDX-License-Identifier: BSD-3-Clause
// plots: the pictures of a report, drawn by gnuplot, as SVG that scales and can stand in an HTML page with others.
//
// Real traffic is blue and solid, synthetic vermilion and dashed, the holdout green and dotted: colours that all eyes
// tell apart, and lines that do without.
#pragma once

#include <fidelity/fidelity.h>

#include <stdio.h>

/** Each picture is what goes inside an <svg viewBox="0 0 width height"> element. */
struct wm_plot {
	const char *svg; // NULL = there is too little traffic for it
	unsigned width;
	unsigned height;
};

struct wm_plots {
	char *text; // what gnuplot printed; the pictures are parts of it
	struct wm_plot *plots;
	size_t n;
};

/** How many pictures a series has, drawn or not: one, but a heat map for each input that has a matrix. */
size_t wm_plots_of(const struct wm_series *s);

/**
 * Draw the scores of the groups, then each series in its order.
 *
 * @return 0; -ENOENT if gnuplot is missing, or another -errno, with a sentence.
 */
int wm_plots_draw(struct wm_plots *out, const struct wm_fidelity *f, struct wm_err *err);

void wm_plots_free(struct wm_plots *p); // accepts one that is all zero
