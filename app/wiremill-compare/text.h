// SPDX-License-Identifier: BSD-3-Clause
// text: the report for the terminal.
#pragma once

#include "gate.h"

#include <stdio.h>

/** Print the report: one screen, or every metric. */
void text_report(FILE *out, const struct wm_fidelity *f, bool all);

/** Print which limits are not kept. @return how many. */
size_t text_limits(FILE *out, const struct wm_fidelity *f, const struct gate *gate);

/** Print the table of metrics. */
void text_metrics(FILE *out);
