// SPDX-License-Identifier: BSD-3-Clause
// remarks: what a report says in plain words.
#pragma once

#include <fidelity/fidelity.h>

enum { WM_REMARK_SIZE = 256 };

/** What can be seen in a plot, as a sentence: how far real and synthetic are apart, and where. */
void wm_remark_series(char out[WM_REMARK_SIZE], const struct wm_series *s);

enum wm_verdict wm_verdict_of_metric(const struct wm_metric *m);
/** A word or two; `follows` is the letter of the group that a WM_VERDICT_FOLLOWS names. */
void wm_verdict_words(char out[16], enum wm_verdict v, char follows);

/** "3", "0.25", "1.2e-5", or a dash for what could not be measured. */
void wm_remark_number(char out[32], double v);

/** "1502 bytes", "149 µs", "604 k": a number with its unit, which may be "". */
void wm_remark_quantity(char out[32], double v, const char *unit);
