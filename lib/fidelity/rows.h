// SPDX-License-Identifier: BSD-3-Clause
// rows: flow tables as columns of numbers, in order of time. Texts are numbered in their alphabetical order, over all
// tables that are compared, so that equal texts are equal numbers.
#pragma once

#include <base/err.h>
#include <dataset/intern.h>
#include <dataset/table.h>
#include <fidelity/scratch.h>
#include <fidelity/trace.h>

enum wm_row_column {
	WM_R_TS, // s since the table's first
	WM_R_TD, // s
	WM_R_SA, // text from here on ...
	WM_R_DA,
	WM_R_SP, // number
	WM_R_DP, // number
	WM_R_PR, // text
	WM_R_PKT,
	WM_R_BYT,
	WM_R_CATEGORY, // + enum wm_table_category; texts
	WM_R_COLUMNS = WM_R_CATEGORY + WM_TABLE_CATEGORIES,
};

struct wm_rows {
	size_t n;
	double *col[WM_R_COLUMNS]; // each (n); NULL = the table has none
	char *const *texts;        // by number; borrowed from struct wm_texts
};

/** Texts of all tables. */
struct wm_texts {
	struct wm_intern in;
	char **sorted; // (in.n) once the tables are settled
};

/** Short name of a column, as in the keys of metrics: "sa". */
const char *wm_row_name(size_t column);
bool wm_row_is_text(size_t column);

/** Read the rows that a table has left. @param note As of struct wm_trace_options. @return 0; -errno with a sentence.
 */
int wm_rows_read(struct wm_rows *out, struct wm_table *t, struct wm_texts *texts, const struct wm_trace_options *o,
	struct wm_err *err);

/**
 * The flows of a capture as rows like those of a table: both directions in one row (zeek, labels), or a row for each
 * (the others). Frames that are not IP are left out.
 *
 * @param addresses What the trace's address numbers stand for. @return 0, -ENOMEM.
 */
int wm_rows_of_trace(struct wm_rows *out, const struct wm_trace *t, const struct wm_intern *addresses,
	const struct wm_table_info *like, struct wm_texts *texts);

/** Number texts alphabetically and put rows in order of time, once all tables are read. @return 0 or -ENOMEM. */
int wm_rows_settle(struct wm_rows *tables, size_t n, struct wm_texts *texts);

/** The rows that are marked with `mark`. @return 0 or -ENOMEM. */
int wm_rows_take(struct wm_rows *out, const struct wm_rows *r, const uint8_t *marks, uint8_t mark);
void wm_rows_free(struct wm_rows *r); // accepts one that is all zero
void wm_texts_free(struct wm_texts *t);
