// SPDX-License-Identifier: BSD-3-Clause
// gnuplot: runs gnuplot, which draws all plots of a report in one go.
#pragma once

#include <base/err.h>

#include <stdio.h>

/** @return 0; -ENOENT with a sentence if gnuplot is not installed. */
int wm_gnuplot_check(struct wm_err *err);

/**
 * Run gnuplot, without anyone's settings, and take what it prints.
 *
 * @param script From its beginning; its position is lost.
 * @param out    A string of the caller's, to be freed; written only on success.
 * @return 0; -ENOENT if gnuplot is not installed, -EINVAL with its own complaint, -ETIMEDOUT, -errno with a sentence.
 */
int wm_gnuplot_run(FILE *script, char **out, struct wm_err *err);
