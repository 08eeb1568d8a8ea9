// SPDX-License-Identifier: BSD-3-Clause
// lines: the lines of a table, cut into fields: separated by commas or tabs, with double quotes (RFC 4180, but a row
// never goes on in the next line), plain or gzip.
#pragma once

#include <capture/input.h>

#include <csv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WM_COLUMNS_MAX = 256, WM_LINE_MAX = 64 << 10 };

struct wm_lines {
	struct wm_input in;
	struct csv_parser csv;
	bool ready;    // csv is there
	uint64_t line; // the last one read

	// The fields of the last line that was cut: strings in text.
	char text[WM_LINE_MAX + 2];
	size_t text_len;
	const char *fields[WM_COLUMNS_MAX];
	size_t n_fields;
	unsigned n_rows; // that the parser saw in the line
};

// One line without its end.
struct wm_line {
	const uint8_t *at; // until the next line is read
	size_t len;
	bool too_long; // only its beginning is there
};

/** @param l All zero; to be closed in any case. @return 0; -errno with a sentence. */
int wm_lines_open(struct wm_lines *l, const char *path, struct wm_err *err);
void wm_lines_close(struct wm_lines *l); // accepts one that is all zero

/** What stands between fields, and around them ('\0' = nothing); a comma and double quotes unless said. */
void wm_lines_separate(struct wm_lines *l, char delimiter, char quote);

/** @return 1; 0 at the end; -ENOMEM. */
int wm_lines_read(struct wm_lines *l, struct wm_line *line);

/** Cut a line into fields. @return NULL; what is wrong with it. The parser's memory grows to a line's length. */
const char *wm_lines_cut(struct wm_lines *l, const struct wm_line *line);
