// SPDX-License-Identifier: BSD-3-Clause
// pace: the rate that was asked for, and the departure that it gives each sample. Arithmetic alone: no clock, no DPDK.
//
// A departure is planned in nanoseconds after the first one. At `model` and `xN` the plan is the samples' own time
// (xN has made the models faster before). At a rate it is the samples' time, stretched, block by block of a thousand
// packets that are looked at ahead: the first and the last of a block leave when the rate says, to the nanosecond, and
// between them gaps keep their proportions, bursts stay bursts. So the rate is exact over any length, and numbers that
// people ask for (100 kpps for 20 s) come out to the packet.
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

enum { WM_PACE_BLOCK = 1000 }; // packets

// Packets that follow one another.
struct wm_pace_block {
	uint32_t n;
	uint32_t first_len; // of the first one, as wm_pace_len() counts
	uint64_t len;       // of all
	uint64_t first_ns;  // samples' time
	uint64_t last_ns;
};

struct wm_pace {
	enum wm_rate_kind kind;
	bool switched;              // the rate was another one before
	bool began;                 // there is a packet before the next block
	double ns_per_unit;         // of the rate: unit = packet or bit; 0 = none, the slope stays
	uint64_t extra_len;         // bytes of a frame on the line that are not in the sample
	uint64_t first_ns;          // samples' time of the first departure
	uint64_t last_ns;           // the sample before
	double due_ns;              // its departure; that of the next one if it leads
	bool leads;                 // the next one is the first of its block
	double slope;               // planned ns per ns of the samples' time,
	double step_ns;             // and per unit, where a block takes no time of its own
	double line_ns;             // departure of the last packet of the block that the rate asks for
	struct wm_pace_block block; // what is still to come of it
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

static inline uint32_t wm_pace_len(uint32_t len)
{
	return len < WM_FRAME_MIN ? WM_FRAME_MIN : len;
}

/** Add a packet to the end of a block. */
static inline void wm_pace_block_add(struct wm_pace_block *b, uint64_t time_ns, uint32_t len)
{
	if (b->n++ == 0) {
		b->first_len = wm_pace_len(len);
		b->first_ns = time_ns;
		b->last_ns = time_ns;
	}
	b->len += wm_pace_len(len);
	b->last_ns = time_ns > b->last_ns ? time_ns : b->last_ns;
}

/** Whether wm_pace_block() is due before the next departure can be planned: at a rate, once a block. */
static inline bool wm_pace_wants(const struct wm_pace *p)
{
	return p->block.n == 0 && p->ns_per_unit > 0;
}

/** The packets that come next, one at least. What was still to come of the block before will not. */
void wm_pace_block(struct wm_pace *p, const struct wm_pace_block *block);

/** The next packet of the block will not leave: it takes no part of the rate. */
void wm_pace_skip(struct wm_pace *p, uint32_t len);

/**
 * Go on at another rate, from the departure that was planned last.
 *
 * @param to   As wm_pace_init() makes it; where it follows the samples' own time, its slope says how fast.
 * @param next What comes next, if that is known: used where nothing is left of a block. NULL = it is not.
 * @return the new gaps relative to those before: what is planned and has not left may be moved by it. 0 = not known.
 */
double wm_pace_switch(struct wm_pace *p, const struct wm_pace *to, const struct wm_pace_block *next);

/** Plan the departure of the next sample, in ns after the first one's; never earlier than the one before. */
static inline uint64_t wm_pace_due(struct wm_pace *p, uint64_t time_ns, uint32_t len)
{
	uint64_t gap_ns = time_ns > p->last_ns ? time_ns - p->last_ns : 0;
	uint32_t frame_len = wm_pace_len(len);

	p->last_ns += gap_ns;
	p->due_ns += (double)gap_ns * p->slope;
	if (p->step_ns > 0 && !p->leads)
		p->due_ns += p->step_ns * (p->kind == WM_RATE_BPS ? 8 * (double)(frame_len + p->extra_len) : 1);
	p->leads = false;
	if (p->block.n > 0) {
		p->block.n--;
		p->block.len -= frame_len;
	}
	if (p->kind == WM_RATE_MODEL && !p->switched)
		return p->last_ns - p->first_ns;
	return (uint64_t)p->due_ns;
}
