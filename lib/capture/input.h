// SPDX-License-Identifier: BSD-3-Clause
// input: the bytes of a file, plain or gzip, behind one window that moves forward.
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

enum { WM_INPUT_MAX = 32 << 20 }; // the most that can be asked for at once

struct wm_input {
	int fd;
	uint8_t *buf; // unread bytes are buf[pos .. end)
	size_t cap;
	size_t pos;
	size_t end;
	uint64_t base; // offset of buf[0] in the (decompressed) file
	bool ended;    // no more to come
	bool gzip;
	bool in_member; // in the middle of a gzip member
	z_stream z;
	uint8_t *raw;      // compressed bytes; z.next_in points into it
	uint64_t n_read;   // bytes of the file itself
	uint64_t n_all;    // 0 = not known
	char problem[128]; // why the bytes ended too early; empty if the file just ends
	int rc;            // then: -errno of what could not be read, -EINVAL of what is damaged
};

/** @return 0; -errno with a sentence. */
int wm_input_open(struct wm_input *in, const char *path, struct wm_err *err);
void wm_input_close(struct wm_input *in); // accepts a zeroed or half-opened one

/** Read on until n bytes (at most WM_INPUT_MAX) are there, or the file ends. @return bytes there, or -ENOMEM. */
int64_t wm_input_fill(struct wm_input *in, size_t n);

static inline int64_t wm_input_need(struct wm_input *in, size_t n)
{
	size_t have = in->end - in->pos;

	return have >= n ? (int64_t)have : wm_input_fill(in, n);
}

static inline const uint8_t *wm_input_at(const struct wm_input *in)
{
	return in->buf + in->pos;
}

static inline void wm_input_skip(struct wm_input *in, size_t n)
{
	in->pos += n;
}

/** Offset of the next byte in the (decompressed) file. */
static inline uint64_t wm_input_tell(const struct wm_input *in)
{
	return in->base + in->pos;
}
