// SPDX-License-Identifier: BSD-3-Clause
// job: a comparison on its way.
#pragma once

#include <fidelity/rows.h>
#include <fidelity/score.h>
#include <fidelity/shuffle.h>

struct wm_job {
	const struct wm_fidelity_options *options;
	struct wm_fidelity *f;
	struct wm_trace traces[WM_INPUTS];
	struct wm_intern addresses; // of all traces
	struct wm_rows tables[WM_INPUTS];
	struct wm_texts texts; // of all tables
	struct wm_scratch s;
	struct wm_measured m;
	struct wm_shuffler random; // of halvings
	enum wm_input_role reading;
	int rc; // of what cannot return it
	unsigned done;
	unsigned steps;
};

enum { WM_HALVINGS = 5, WM_HALVINGS_CLASSIFIER = 2, WM_REAL_MIN = 50, WM_REAL_FEW = 1000 };

/** Tell how far the step at hand is, 0..1. */
void wm_job_tell(struct wm_job *j, double part, const char *what);

/** Add a note about the comparison. @return 0 or -ENOMEM. */
int wm_job_note(struct wm_job *j, const char *sentence);

/** Read a capture into its trace. @return 0; -errno with a sentence. */
int wm_job_read_capture(struct wm_job *j, enum wm_input_role role, struct wm_err *err);

/** How an input that is being read notes and tells. */
struct wm_trace_options wm_job_reading(struct wm_job *j);

/** Compare captures that are read; flow tables, or captures with tables. @return 0; -errno with a sentence. */
int wm_compare_traces(struct wm_job *j, struct wm_err *err);
int wm_compare_tables(struct wm_job *j, const bool is_table[WM_INPUTS], struct wm_err *err);
