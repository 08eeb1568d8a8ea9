// SPDX-License-Identifier: BSD-3-Clause
// row_line: a row as a line of a table, under the names of the columns of the table that it was learned from
// (dataset/table.h), as far as they are known.
#pragma once

#include <engine/rows/rows.h>

#include <stddef.h>

enum { ROW_LINE_MAX = 8192 };

struct row_line {
	char text[ROW_LINE_MAX];
	size_t len;
	const struct wm_table_info *info;
	unsigned time_digits, duration_digits; // behind the point
	uint64_t day_s;                        // the second that date is of
	char date[24];
	uint64_t cut; // fields that were too long
};

/** @param info Borrowed. */
void row_line_init(
	struct row_line *l, const struct wm_table_info *info, uint64_t time_unit_ns, uint64_t duration_unit_ns);

/** The line of names, or that of a row, in text[0..len), with its end. */
void row_line_names(struct row_line *l);
void row_line_put(struct row_line *l, const struct wm_row *row);
