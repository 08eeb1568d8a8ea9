// SPDX-License-Identifier: BSD-3-Clause
#include <capture/input.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = 1 << 20, RAW = 256 << 10 };

static void set_problem(struct wm_input *in, int rc, const char *what, const char *why)
{
	in->rc = rc;
	(void)snprintf(in->problem, sizeof(in->problem), "%s%s", what, why);
	in->ended = true;
}

// @return bytes read; 0 at the end of the file or on an error, which is then a problem.
static size_t read_raw(struct wm_input *in, uint8_t *to, size_t room)
{
	char reason[96];
	ssize_t n;

	do
		n = read(in->fd, to, room);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		int rc = -errno;

		set_problem(in, rc, "reading failed: ", strerror_r(-rc, reason, sizeof(reason)));
		return 0;
	}
	in->n_read += (uint64_t)n;
	return (size_t)n;
}

static bool refill_raw(struct wm_input *in)
{
	size_t n;

	if (in->z.avail_in > 0)
		return true;
	n = read_raw(in, in->raw, RAW);
	in->z.next_in = in->raw;
	in->z.avail_in = (uInt)n;
	return n > 0;
}

static void read_gzip(struct wm_input *in)
{
	uInt room = (uInt)(in->cap - in->end);
	int rc;

	if (!refill_raw(in)) {
		if (in->in_member && in->problem[0] == '\0')
			set_problem(in, -EINVAL, "the gzip stream is cut short", "");
		in->ended = true;
		return;
	}
	if (!in->in_member) {
		(void)inflateReset(&in->z);
		in->in_member = true;
	}
	in->z.next_out = in->buf + in->end;
	in->z.avail_out = room;
	rc = inflate(&in->z, Z_NO_FLUSH);
	in->end += room - in->z.avail_out;
	if (rc == Z_STREAM_END)
		in->in_member = false;
	else if (rc != Z_OK && rc != Z_BUF_ERROR)
		set_problem(in, rc == Z_MEM_ERROR ? -ENOMEM : -EINVAL,
			"the gzip stream is damaged: ", in->z.msg != NULL ? in->z.msg : "out of memory");
}

static int make_room(struct wm_input *in, size_t n)
{
	uint8_t *p;

	if (in->pos > 0) {
		memmove(in->buf, in->buf + in->pos, in->end - in->pos);
		in->base += in->pos;
		in->end -= in->pos;
		in->pos = 0;
	}
	if (n <= in->cap)
		return 0;
	p = realloc(in->buf, n);
	if (p == NULL)
		return -ENOMEM;
	in->buf = p;
	in->cap = n;
	return 0;
}

int64_t wm_input_fill(struct wm_input *in, size_t n)
{
	if (make_room(in, n) < 0)
		return -ENOMEM;
	while (in->end < n && !in->ended) {
		size_t got;

		if (in->gzip) {
			read_gzip(in);
			continue;
		}
		got = read_raw(in, in->buf + in->end, in->cap - in->end);
		in->end += got;
		in->ended = got == 0;
	}
	return (int64_t)in->end;
}

// What has been read so far turned out to be gzip: it moves behind the decompressor.
static int start_gzip(struct wm_input *in)
{
	in->raw = malloc(RAW);
	if (in->raw == NULL || inflateInit2(&in->z, 15 + 16) != Z_OK)
		return -ENOMEM;
	in->gzip = true;
	memcpy(in->raw, in->buf, in->end);
	in->z.next_in = in->raw;
	in->z.avail_in = (uInt)in->end;
	in->end = 0;
	in->ended = false;
	return 0;
}

int wm_input_open(struct wm_input *in, const char *path, struct wm_err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat st;
	int rc = -ENOMEM;

	memset(in, 0, sizeof(*in));
	in->fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0 || fstat(in->fd, &st) < 0) {
		rc = -errno;
		goto fail;
	}
	if (S_ISDIR(st.st_mode)) {
		rc = -EISDIR;
		goto fail;
	}
	in->n_all = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	in->buf = calloc(1, WINDOW);
	in->cap = 2; // look at two bytes first
	if (in->buf == NULL || wm_input_fill(in, 2) < 0)
		goto fail;
	if (in->end == 2 && in->buf[0] == 0x1f && in->buf[1] == 0x8b && start_gzip(in) < 0)
		goto fail;
	in->cap = WINDOW;
	return 0;

fail:
	wm_input_close(in);
	return wm_err_sys(err, rc, "%s", path);
}

void wm_input_close(struct wm_input *in)
{
	if (in->gzip)
		(void)inflateEnd(&in->z);
	if (in->buf != NULL || in->fd > 0)
		(void)close(in->fd);
	free(in->raw);
	free(in->buf);
	memset(in, 0, sizeof(*in));
	in->fd = -1;
}
