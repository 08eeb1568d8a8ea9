// SPDX-License-Identifier: BSD-3-Clause
#include "lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 2048 };

int lines_open(struct lines *out, const char *path, const char *header, struct wm_err *err)
{
	if (path == NULL)
		return 0;
	out->path = path;
	out->file = fopen(path, "we");
	if (out->file == NULL)
		return wm_err_sys(err, -errno, "%s", path);
	(void)setvbuf(out->file, out->buffer, _IOFBF, sizeof(out->buffer));
	(void)fputs(header, out->file);
	return 0;
}

// Of what was in the buffer a part is in the file: keep the whole lines of it. On a pipe there is nothing to be taken
// back.
static void cut_off(struct lines *l, size_t pending)
{
	off_t end = lseek(fileno(l->file), 0, SEEK_CUR);
	size_t there = end > l->good ? (size_t)(end - l->good) : 0, kept = 0;
	uint64_t n_kept = 0;

	for (size_t i = 0; i < there && i < pending; i++) {
		if (l->buffer[i] != '\n')
			continue;
		kept = i + 1;
		n_kept++;
	}
	if (kept > 0 && l->good == 0)
		n_kept--; // the header
	l->good += (off_t)kept;
	l->n_lost += l->n_lines - n_kept;
	(void)!ftruncate(fileno(l->file), l->good);
}

void lines_flush(struct lines *l)
{
	const off_t pending = l->file != NULL ? (off_t)__fpending(l->file) : 0;

	if (l->file == NULL || l->error != 0)
		return;
	if (fflush(l->file) == 0) {
		l->good += pending;
		l->n_lines = 0;
		return;
	}
	l->error = errno != 0 ? -errno : -EIO;
	__fpurge(l->file);
	cut_off(l, (size_t)pending);
}

// Lines are not cut in two by a buffer that is full.
FILE *lines_next(struct lines *l)
{
	if (l->file == NULL)
		return NULL;
	if (l->error == 0 && __fpending(l->file) > LINES_BUFFER - LINE_MAX_LEN)
		lines_flush(l);
	if (l->error != 0) {
		l->n_lost++;
		return NULL;
	}
	l->n_lines++;
	return l->file;
}

int lines_check(const struct lines *l, struct wm_err *err)
{
	if (l->error == 0)
		return 0;
	return wm_err_set(err, l->error, "%s: cannot be written: %s; %" PRIu64 " lines are missing in it", l->path,
		strerrordesc_np(-l->error), l->n_lost);
}

int lines_close(struct lines *l, struct wm_err *err)
{
	if (l->file == NULL)
		return 0;
	lines_flush(l);
	if (fclose(l->file) != 0 && l->error == 0)
		l->error = -errno;
	l->file = NULL;
	return lines_check(l, err);
}

void lines_abandon(struct lines *l)
{
	if (l->file != NULL)
		(void)fclose(l->file);
	l->file = NULL;
}
