// SPDX-License-Identifier: BSD-3-Clause
// progress: tell a person how far a long job is: on a terminal one line that is drawn again and again, elsewhere
// (a log) a plain line every ten seconds.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { WM_PROGRESS_COLUMNS = 256 };

/** Thread: one at a time. */
struct wm_progress {
	FILE *out; // borrowed; NULL = say nothing
	bool terminal;
	bool drawn;                     // there is a line on the terminal that is not ended
	uint64_t start_ns;              // monotonic
	uint64_t shown_ns;              // when a line was last written; the start while none was
	char text[WM_PROGRESS_COLUMNS]; // of the line on the terminal
};

/** Start a job now. @param out Where to tell, such as stderr; NULL for nowhere. */
void wm_progress_init(struct wm_progress *p, FILE *out);

/**
 * Tell, unless it is too early after the last time; on a terminal another text is shown at once.
 *
 * @param done 0..1; the time left is what the rest takes at the pace so far.
 * @param text One line, cut to the terminal's width.
 */
void wm_progress_show(struct wm_progress *p, double done, const char *text);

/** The job is over: take the line off the terminal. */
void wm_progress_end(struct wm_progress *p);
