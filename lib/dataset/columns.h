// SPDX-License-Identifier: BSD-3-Clause
// columns: which column of a flow table is what, told by its name.
#pragma once

#include <dataset/table.h>

#include <stddef.h>

enum { WM_COLUMN_NONE = -1 };

enum wm_column {
	WM_COL_TIME,
	WM_COL_DURATION,
	WM_COL_SRC,
	WM_COL_DST,
	WM_COL_SPORT,
	WM_COL_DPORT,
	WM_COL_PROTO,
	WM_COL_PACKETS,
	WM_COL_BYTES,
	WM_COL_NEEDED, // all above, but where another one says the same
	WM_COL_END = WM_COL_NEEDED,
	WM_COL_ORIG_PACKETS,
	WM_COL_RESP_PACKETS,
	WM_COL_ORIG_BYTES,
	WM_COL_RESP_BYTES,
	WM_COL_CATEGORY, // the first of WM_TABLE_CATEGORIES
	WM_COLUMNS = WM_COL_CATEGORY + WM_TABLE_CATEGORIES,
};

struct wm_columns {
	struct wm_table_info info;
	int at[WM_COLUMNS]; // place in a row, or WM_COLUMN_NONE
	bool both_sides;    // packets and bytes are those of the sides, added
};

/** UGR'16 is published without a line of names. */
enum { WM_UGR16_COLUMNS = 13 };
extern const char *const wm_ugr16_columns[WM_UGR16_COLUMNS];

/**
 * Find the columns of a table.
 *
 * @param names (n_names), lower case.
 * @param where "FILE: line N", for the sentence.
 * @return 0; -EINVAL with a sentence if a column is missing that every table needs.
 */
int wm_columns_find(
	struct wm_columns *out, const char *const *names, size_t n_names, const char *where, struct wm_err *err);

/** What a column is called where it was found, or by us. */
const char *wm_column_name(enum wm_column column);
