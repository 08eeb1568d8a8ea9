// SPDX-License-Identifier: BSD-3-Clause
// pace: the rate that was asked for, and the departure that it gives each sample. Arithmetic alone: no clock, no DPDK.
//
// A departure is planned in nanoseconds after the first one. At `model` and `xN` the plan is the samples' own time
// (xN has made the models faster before). At a rate it is the samples' time, stretched so that the average over some
// sixteen thousand packets is the rate: gaps keep their proportions, bursts stay bursts. What the average misses is
// made up for within about a second, so that the rate is exact over any length.
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <stdint.h>

enum wm_rate_kind {
	WM_RATE_MODEL,   // as learned, `value` times as fast
	WM_RATE_PPS,     // packets a second
	WM_RATE_BPS,     // bits a second on layer 2: frames from the MAC address to the FCS
	WM_RATE_BPS_L1,  // the same on layer 1: preamble and gap between frames included
	WM_RATE_PERCENT, // of the port's speed, on layer 1: preamble and gap between frames included
	WM_RATE_MAX,     // as fast as the port takes them
};

struct wm_rate {
	enum wm_rate_kind kind;
	double value; // unused by max
};

enum {
	WM_FRAME_MIN = 60,  // without FCS
	WM_FRAME_FCS = 4,   // IEEE 802.3 section 3.2.9
	WM_FRAME_LINE = 20, // preamble, start delimiter, gap between frames: sections 3.2.1, 4.4.2
};

/** Parse max, model, x4, 5Mpps, 10Gbps (layer 2, as is 10Gbps-l2), 10Gbps-l1, 50% (k, M, G are 10^3, 10^6, 10^9).
 *  @return 0; -EINVAL with a sentence. */
int wm_rate_parse(struct wm_rate *out, const char *text, struct wm_err *err);

struct wm_pace {
	enum wm_rate_kind kind;
	bool switched;      // the rate was another one before
	double ns_per_unit; // of the rate: unit = packet or bit; 0 = none, the slope stays
	uint64_t extra_len; // bytes of a frame on the line that are not in the sample
	double slope;       // planned ns per ns of the samples' time
	uint64_t first_ns;  // samples' time of the first departure
	uint64_t last_ns;   // the sample before
	double due_ns;      // its departure
	double units;       // planned so far
	uint64_t window_ns; // samples' time, bytes and packets since the slope was set
	uint64_t window_len;
	uint32_t window_n;
	double mean_ns; // of a window
	double mean_len;
	uint32_t n_windows;
};

/**
 * @param rate  Not percent: the caller knows the port's speed and asks for WM_RATE_PERCENT's bits with
 * wm_pace_percent().
 * @param share The part of the rate that is this queue's: 1 / number of queues.
 */
void wm_pace_init(struct wm_pace *p, const struct wm_rate *rate, double share);

/** As wm_pace_init for a percentage of link_bps bits a second, on layer 1. */
void wm_pace_percent(struct wm_pace *p, double percent, double link_bps, double share);

/** Samples' time of the first departure: what is earlier leaves with it. */
static inline void wm_pace_start(struct wm_pace *p, uint64_t first_ns)
{
	p->first_ns = first_ns;
	p->last_ns = first_ns;
}

/** Set the stretch from n packets of len bytes in all that take span_ns of samples' time: done once, before the first
 *  packet, and needed at a rate alone. */
void wm_pace_prime(struct wm_pace *p, uint64_t span_ns, uint64_t n, uint64_t len);

/** Set the stretch anew (every WM_PACE_WINDOW packets). */
void wm_pace_retune(struct wm_pace *p);

/**
 * Go on at another rate, from the departure that was planned last.
 *
 * @param to  As wm_pace_init() makes it; where it follows the samples' own time, its slope says how fast.
 * @return the new slope relative to the one before: what is planned and has not left may be moved by it.
 */
double wm_pace_switch(struct wm_pace *p, const struct wm_pace *to);

enum {
	WM_PACE_WINDOW = 256,
	WM_PACE_FIRST = 4096, // packets to prime with: the same in pcap mode and on a port give the same times
};

/** Plan the departure of the next sample, in ns after the first one's; never earlier than the one before. */
static inline uint64_t wm_pace_due(struct wm_pace *p, uint64_t time_ns, uint32_t len)
{
	uint64_t gap_ns = time_ns > p->last_ns ? time_ns - p->last_ns : 0;
	uint64_t frame_len = len < WM_FRAME_MIN ? WM_FRAME_MIN : len;

	p->last_ns += gap_ns;
	p->due_ns += (double)gap_ns * p->slope;
	p->units += p->kind == WM_RATE_BPS ? 8 * (double)(frame_len + p->extra_len) : 1;
	p->window_ns += gap_ns;
	p->window_len += frame_len;
	if (++p->window_n == WM_PACE_WINDOW)
		wm_pace_retune(p);
	if (p->kind == WM_RATE_MODEL && !p->switched)
		return p->last_ns - p->first_ns;
	return (uint64_t)p->due_ns;
}
