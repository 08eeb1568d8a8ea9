// SPDX-License-Identifier: BSD-3-Clause
// Anything, a capture or a flow table, in the place of synthetic traffic and of the holdout: a report of finite numbers
// or none, or a sentence.
#include "fuzz.h"

#include <fidelity/fidelity.h>

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PACKETS = 64, FRAME = 14 + 20 + 8, RECORD = 16 + FRAME };

static void put(uint8_t **at, const void *bytes, size_t n)
{
	memcpy(*at, bytes, n);
	*at += n;
}

// A capture of questions and answers over UDP, made once.
static const char *real_capture(void)
{
	static const uint8_t head[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, [16] = 0xff, [17] = 0xff, [20] = 1};
	static uint8_t bytes[sizeof(head) + PACKETS * RECORD];
	static char path[40];
	uint8_t *at = bytes;
	int fd;

	if (path[0] != '\0')
		return path;
	put(&at, head, sizeof(head));
	for (uint8_t i = 0; i < PACKETS; i++) {
		const uint8_t record[16] = {i, 0, 0, 0, (uint8_t)(i * 7), 0, 0, 0, FRAME, 0, 0, 0, FRAME, 0, 0, 0};
		const uint8_t client = (uint8_t)(1 + i / 6), answer = i % 2;
		uint8_t frame[FRAME] = {[12] = 8, [14] = 0x45, [17] = 28, [22] = 64, [23] = 17, [26] = 10, [30] = 10};

		frame[29] = answer ? 0 : client;
		frame[33] = answer ? client : 0;
		frame[answer ? 35 : 37] = 53;
		frame[answer ? 36 : 34] = client;
		frame[39] = 8;
		put(&at, record, sizeof(record));
		put(&at, frame, sizeof(frame));
	}
	fd = memfd_create("real", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	const struct wm_fidelity_options options = {
		.paths = {real_capture(), path, size % 2 == 0 ? path : NULL}, .max_packets = 1000};
	struct wm_fidelity *f = NULL;
	struct wm_err err = {0};

	if (wm_fidelity_compare(&f, &options, &err) < 0) {
		assert(err.msg[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < f->n_metrics; i++)
		assert(!isinf(f->metrics[i].value) && !isinf(f->metrics[i].ratio));
	for (size_t i = 0; i < f->n_groups; i++)
		assert(isnan(f->groups[i].strict) || f->groups[i].strict >= 1);
	wm_fidelity_free(f);
	return 0;
}
