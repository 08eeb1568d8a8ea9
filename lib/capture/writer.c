// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <capture/writer.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	HEAD_LEN = 24,
	RECORD_LEN = 16,
	BUFFER_LEN = 1 << 20,
};

struct wm_capture_writer {
	int fd;
	int error;   // -errno of the first write that failed
	int refused; // -errno of the first packet that such a file cannot hold; those before it are written
	char *path;
	uint32_t snaplen;
	bool began; // the file's head is written
	struct wm_capture_lost lost;
	size_t n; // bytes in the buffer that are complete
	uint8_t buffer[BUFFER_LEN];
};

static void put_le32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static uint32_t get_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static void put_head(uint8_t *p, int link, uint32_t snaplen)
{
	memset(p, 0, HEAD_LEN);
	put_le32(p, 0xa1b23c4d); // nanoseconds
	put_le32(p + 4, 4u << 16 | 2);
	put_le32(p + 16, snaplen);
	put_le32(p + 20, (uint32_t)link);
}

// Of the record that begins there.
static size_t record_len(const struct wm_capture_writer *w, size_t at)
{
	return RECORD_LEN + get_le32(w->buffer + at + 8);
}

// Only the first bytes of the buffer have become part of the file: of a record that is not whole there, nothing shall
// be.
static void cut_off(struct wm_capture_writer *w, size_t done)
{
	off_t end = w->fd == STDOUT_FILENO ? -1 : lseek(w->fd, 0, SEEK_CUR);
	size_t whole = w->began ? 0 : HEAD_LEN;

	while (whole < w->n && whole + record_len(w, whole) <= done)
		whole += record_len(w, whole);
	for (size_t at = whole; at < w->n; at += record_len(w, at)) {
		w->lost.packets++;
		w->lost.bytes += get_le32(w->buffer + at + 12);
	}
	if (whole > done) // not even the head
		whole = 0;
	if (end >= (off_t)done && whole < done && ftruncate(w->fd, end - (off_t)(done - whole)) < 0)
		return; // it is no regular file, or the disk is beyond that
}

void wm_capture_writer_flush(struct wm_capture_writer *w)
{
	size_t done = 0;

	while (done < w->n && w->error == 0) {
		ssize_t n = write(w->fd, w->buffer + done, w->n - done);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) { // standard output can be someone's non-blocking pipe
			struct pollfd pfd = {.fd = w->fd, .events = POLLOUT};

			(void)poll(&pfd, 1, 1000);
		} else if (errno != EINTR) {
			w->error = -errno;
			cut_off(w, done);
		}
	}
	w->began = true;
	w->n = 0;
}

int wm_capture_writer_open(
	struct wm_capture_writer **out, const char *path, int link, uint32_t snaplen, struct wm_err *err)
{
	struct wm_capture_writer *w = malloc(sizeof(*w));

	if (w == NULL)
		return wm_err_set(err, -ENOMEM, "%s: no memory to write it", path);
	w->error = w->refused = 0;
	w->began = false;
	w->lost = (struct wm_capture_lost){0};
	w->n = HEAD_LEN;
	w->snaplen = snaplen;
	put_head(w->buffer, link, snaplen);
	w->path = strdup(strcmp(path, "-") == 0 ? "standard output" : path);
	if (w->path == NULL) {
		free(w);
		return wm_err_set(err, -ENOMEM, "%s: no memory to write it", path);
	}
	w->fd = strcmp(path, "-") == 0 ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (w->fd < 0) {
		int rc = -errno;

		free(w->path);
		free(w);
		return wm_err_sys(err, rc, "%s: cannot be written", path);
	}
	*out = w;
	return 0;
}

uint8_t *wm_capture_writer_reserve(struct wm_capture_writer *w, uint32_t len)
{
	if (len > WM_FRAME_MAX && w->refused == 0)
		w->refused = -EMSGSIZE;
	if (w->refused != 0)
		return NULL;
	if (RECORD_LEN + (size_t)len > BUFFER_LEN - w->n)
		wm_capture_writer_flush(w);
	return w->error == 0 ? w->buffer + w->n + RECORD_LEN : NULL;
}

bool wm_capture_writer_commit(struct wm_capture_writer *w, uint64_t time_ns, uint32_t len)
{
	uint8_t *record = w->buffer + w->n;
	uint64_t sec = time_ns / 1000000000;
	uint32_t captured = len < w->snaplen ? len : w->snaplen;

	if (sec > UINT32_MAX && w->refused == 0)
		w->refused = -EOVERFLOW;
	if (w->refused != 0)
		return false;
	put_le32(record, (uint32_t)sec);
	put_le32(record + 4, (uint32_t)(time_ns - sec * 1000000000));
	put_le32(record + 8, captured);
	put_le32(record + 12, len);
	w->n += RECORD_LEN + captured;
	return true;
}

int wm_capture_writer_close(struct wm_capture_writer *w, struct wm_capture_lost *lost, struct wm_err *err)
{
	int rc;

	if (lost != NULL)
		*lost = (struct wm_capture_lost){0};

	if (w == NULL)
		return 0;
	wm_capture_writer_flush(w);
	if (w->fd != STDOUT_FILENO && close(w->fd) < 0 && w->error == 0)
		w->error = -errno;
	if (lost != NULL)
		*lost = w->lost;
	rc = w->error != 0 ? w->error : w->refused;
	if (rc == -EOVERFLOW)
		(void)wm_err_set(err, rc, "%s: a pcap file has no time later than the year 2106", w->path);
	else if (w->error != 0)
		(void)wm_err_set(err, rc, "%s: cannot be written: %s; %" PRIu64 " packets are missing in it", w->path,
			strerrordesc_np(-rc), w->lost.packets);
	else if (rc < 0)
		(void)wm_err_sys(err, rc, "%s: cannot be written", w->path);
	free(w->path);
	free(w);
	return rc;
}
