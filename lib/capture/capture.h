// SPDX-License-Identifier: BSD-3-Clause
// capture: reads captures (pcap of either byte order and resolution, pcapng, gzip of both) and writes nanosecond pcap,
// both as a stream. A file is trusted in nothing: what is cut short or damaged is read up to there and said so.
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wm_capture;

struct wm_capture_packet {
	uint64_t time_ns;    // since the epoch
	const uint8_t *data; // cap_len bytes, valid until the next call
	uint32_t cap_len;
	uint32_t len; // on the wire, never below cap_len
	int link;     // LINKTYPE_*
};

struct wm_capture_counts {
	uint64_t packets;    // records with a packet in them; handed out + filtered
	uint64_t filtered;   // not matched by the filter
	uint64_t untimed;    // pcapng simple packet blocks, which have no time: skipped
	uint64_t bad_blocks; // pcapng blocks that contradict themselves, or of a time outside 1970-2262: skipped
	uint64_t odd_times;  // a fraction of a second and more: added up
	uint64_t odd_lens;   // shorter on the wire than captured: the captured length counts
};

/** @param path "-" = standard input. @return 0; -errno with a sentence if it is no capture that can be read. */
int wm_capture_open(struct wm_capture **out, const char *path, struct wm_err *err);

/**
 * Hand out only what a BPF expression matches. Packets of link types that neither wm_dissect() nor the expression can
 * make sense of pass. Call it before the first wm_capture_next().
 *
 * @return 0; -EINVAL with the compiler's sentence (for pcapng it may come from wm_capture_next(), once the link type is
 *         known); -ENOMEM.
 */
int wm_capture_filter(struct wm_capture *c, const char *expression, struct wm_err *err);

/** @return 1 and a packet; 0 at the end, or where the file is damaged; -ENOMEM, -EINVAL (filter). */
int wm_capture_next(struct wm_capture *c, struct wm_capture_packet *pkt, struct wm_err *err);

/** Whether the next packet may keep its reader waiting: it is to come out of a pipe that nothing is in now. */
bool wm_capture_waits(const struct wm_capture *c);

/** Where and how the file is cut short or damaged, as a sentence; NULL as long as it is not. */
const char *wm_capture_damage(const struct wm_capture *c);
const struct wm_capture_counts *wm_capture_counts(const struct wm_capture *c);

/** Bytes of the file read so far, and in all (0 if not known). */
void wm_capture_progress(const struct wm_capture *c, uint64_t *done, uint64_t *all);

void wm_capture_close(struct wm_capture *c); // NULL is allowed
