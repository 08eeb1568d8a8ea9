// SPDX-License-Identifier: BSD-3-Clause
// remarks: what a report says in plain words.
#pragma once

#include <fidelity/fidelity.h>

enum { WM_REMARK_SIZE = 256 };

/** What can be seen in a plot, as a sentence: how far real and synthetic are apart, and where. */
void wm_remark_series(char out[WM_REMARK_SIZE], const struct wm_series *s);

/** How good a ratio to the floor is. */
enum wm_verdict { WM_VERDICT_NONE, WM_VERDICT_LIKE_REAL, WM_VERDICT_CLOSE, WM_VERDICT_OFF, WM_VERDICT_FAR };
enum wm_verdict wm_verdict_of(double ratio);
const char *wm_verdict_words(enum wm_verdict v);

/** "3", "0.25", "1.2e-5", or a dash for what could not be measured. */
void wm_remark_number(char out[32], double v);

/** "1.5 kbytes", "149 µs": a number with its unit. */
void wm_remark_quantity(char out[32], double v, const char *unit);
