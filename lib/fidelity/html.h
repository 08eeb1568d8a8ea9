// SPDX-License-Identifier: BSD-3-Clause
// html: a report as one HTML page that needs nothing else: no network, no scripts, no fonts. It reads on a telephone
// and in print; colours have a contrast of at least 4.5 : 1, and nothing is told by colour alone.
#pragma once

#include <fidelity/fidelity.h>

#include <stdio.h>

/**
 * Write the page. gnuplot draws its plots; see wm_gnuplot_check() for a question before long work.
 *
 * @return 0; -ENOENT if gnuplot is missing, or another -errno, with a sentence. What the stream takes is not looked at.
 */
int wm_fidelity_html(const struct wm_fidelity *f, FILE *out, struct wm_err *err);
