// SPDX-License-Identifier: BSD-3-Clause
// reader: a capture that is being read, as the parts of this room share it.
#pragma once

#include <capture/capture.h>
#include <capture/input.h>

#include <pcap/bpf.h>
#include <stdbool.h>

enum { WM_RECORD_MAX = 16 << 20 }; // no packet is longer: a record that says so is damaged

struct wm_interface {
	int link;
	uint64_t ticks;    // per second; 0 = cannot be told in 64 bits
	int64_t offset_ns; // of its clock
};

struct wm_filter {
	int link;
	bool passes; // the expression cannot be compiled for this link type, which is not decoded anyway
	struct bpf_program program;
};

struct wm_capture {
	struct wm_input in;
	char *path;
	int (*read)(struct wm_capture *c, struct wm_capture_packet *pkt); // of one format; as wm_capture_next()
	bool swapped;                                                     // the file's byte order is not this machine's
	int link;                                                         // pcap
	uint64_t frac_ns;
	uint64_t frac_limit;
	struct wm_interface *interfaces; // pcapng, of this section
	size_t n_interfaces;
	size_t cap_interfaces;
	char *expression; // NULL = no filter
	struct wm_filter *filters;
	size_t n_filters;
	size_t cap_filters;
	struct wm_capture_counts counts;
	bool damaged;
	char damage[384];
};

/** Note damage found at the input's position and end the capture there. @return 0. */
int wm_capture_damaged(struct wm_capture *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Read the file header behind a magic number of the format. @return 0; -EINVAL with a sentence. */
int wm_pcap_start(struct wm_capture *c, struct wm_err *err);
int wm_pcapng_start(struct wm_capture *c, struct wm_err *err);

/** Whether the packet is to be handed out: 1, 0, or -EINVAL, -ENOMEM with a sentence. */
int wm_filter_match(struct wm_capture *c, const struct wm_capture_packet *pkt, struct wm_err *err);

void wm_filters_free(struct wm_capture *c);

static inline uint16_t wm_file16(const struct wm_capture *c, const uint8_t *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return c->swapped ? __builtin_bswap16(v) : v;
}

static inline uint32_t wm_file32(const struct wm_capture *c, const uint8_t *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return c->swapped ? __builtin_bswap32(v) : v;
}

static inline uint64_t wm_file64(const struct wm_capture *c, const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return c->swapped ? __builtin_bswap64(v) : v;
}
