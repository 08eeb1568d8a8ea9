// SPDX-License-Identifier: BSD-3-Clause
// file: write a file whole or not at all.
#pragma once

#include <base/err.h>

#include <stdio.h>

/** A file on its way: write, then commit or abort. */
struct wm_file {
	FILE *stream; // may be written to with stdio as well
	int error;    // errno of the first wm_file_write() that failed, or 0
	char *path;   // what it will replace, symbolic links resolved
	char *temp;   // what it is until then, in the same directory
};

/**
 * Start a file that will replace path. It is readable by all that the umask lets, like any new file.
 *
 * @param out Written only on success; hand it to wm_file_commit or wm_file_abort.
 * @return 0; -EINVAL if path exists and is not a regular file; -errno with a sentence.
 */
int wm_file_begin(struct wm_file *out, const char *path, struct wm_err *err);

/** Append; what goes wrong is told by wm_file_commit. */
void wm_file_write(struct wm_file *f, const void *data, size_t len);

/**
 * Flush it to the disk and give it its name. On failure, also of a write before it, the temporary file is
 * removed and path is what it was. Either way *f is all zero afterwards.
 *
 * @return 0; -errno with a sentence.
 */
int wm_file_commit(struct wm_file *f, struct wm_err *err);

/** The same without waiting for the disk: it outlives the program, and may not outlive the machine. */
int wm_file_swap(struct wm_file *f, struct wm_err *err);

/** Remove what was written. Accepts one that is all zero. */
void wm_file_abort(struct wm_file *f);
