// SPDX-License-Identifier: BSD-3-Clause
// lines: a table that is written line by line while a run goes on. Its file ends with a whole line whenever the program
// ends, and whatever the disk does: what cannot be written is given up, as is all that follows, and is counted.
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { LINES_BUFFER = 1 << 16 };

struct lines {
	FILE *file; // NULL if nobody wants it
	const char *path;
	char buffer[LINES_BUFFER];
	int error;        // -errno of the first write that failed
	off_t good;       // bytes that are in the file for good
	uint64_t n_lines; // written since
	uint64_t n_lost;  // that will never be in it
};

/** @param out All zero. @param path Borrowed; NULL = nobody wants it. @return 0; -errno with a sentence. */
int lines_open(struct lines *out, const char *path, const char *header, struct wm_err *err);

/** Where one more line, of up to 2048 bytes, is to be written. @return NULL if it is not wanted, or cannot be and is
 *  counted. */
FILE *lines_next(struct lines *l);

/** Bring all lines into the file. */
void lines_flush(struct lines *l);

/** @return 0; -errno of the first write that failed with a sentence. */
int lines_check(const struct lines *l, struct wm_err *err);

/** Flush and close. @return as lines_check(). */
int lines_close(struct lines *l, struct wm_err *err);

/** Close, whatever became of it. */
void lines_abandon(struct lines *l);
