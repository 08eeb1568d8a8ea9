// SPDX-License-Identifier: BSD-3-Clause
// track: which flow the packets of a capture belong to, as they pass by, in memory that is fixed.
//
// Flows, clients and servers are those of dataset/dataset.h: two-way 5-tuples; a SYN after a FIN or RST opens another
// one, and so does a packet after WM_TRACK_IDLE_NS of silence, or WM_TRACK_CLOSED_NS after a FIN or RST. The table is a
// cache of sets, as routers have them: where a set is full, its flow that was silent longest ends.
#pragma once

#include <packet/dissect.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WM_TRACK_IDLE_NS UINT64_C(3600000000000)
#define WM_TRACK_CLOSED_NS UINT64_C(5000000000)

enum {
	WM_TRACK_WAYS = 4,
	WM_TRACK_BITS = 16, // sets are 2^this: 262,144 flows in 12 MiB
};

struct wm_track;

struct wm_tracked {
	uint32_t flow; // from 0, in order of first packets
	bool first;    // packet of its flow
	bool reverse;  // from the server
	unsigned n_ended;
	uint32_t ended[WM_TRACK_WAYS + 1]; // flows that are known to be over by now
};

/** @return 0 or -ENOMEM. */
int wm_track_create(struct wm_track **out, unsigned bits);
void wm_track_destroy(struct wm_track *t); // NULL is allowed

/** The flow of the next packet. @param pkt Its time is not below that of the one before. */
void wm_track_packet(struct wm_track *t, const struct wm_packet *pkt, struct wm_tracked *out);

/** End a flow that is left. @return false if there is none, and the next packet's flow is number 0 again. */
bool wm_track_end(struct wm_track *t, uint32_t *flow);

/** How many flows so far had to end for want of room. */
uint64_t wm_track_cut(const struct wm_track *t);
