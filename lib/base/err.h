// SPDX-License-Identifier: BSD-3-Clause
// err: the sentence that a library hands to the person at the keyboard.
//
// Libraries never print and never exit. What can fail returns 0 or -errno and, where a human reads the reason, fills a
// struct wm_err with one sentence that names the file, line, option or field and says what would be right.
#pragma once

#include <stddef.h>

struct wm_err {
	char msg[512]; // no newline; empty while nothing failed
};

/**
 * Write the sentence and hand the code through: `return wm_err_set(err, -EINVAL, "%s: ...", path);`
 *
 * @param err NULL is allowed and keeps the sentence to itself.
 * @param rc  The negative errno to return.
 */
int wm_err_set(struct wm_err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/** As wm_err_set, with ": " and strerror(-rc) appended. */
int wm_err_sys(struct wm_err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
