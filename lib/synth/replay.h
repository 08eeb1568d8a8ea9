// SPDX-License-Identifier: BSD-3-Clause
// replay: a capture as samples, at its own times, once or in loops: a producer of samples like a worker, but one that
// reads a file, and so belongs to a thread that may wait.
//
// The frames are in an arena of fixed size. A sample points at its bytes, and the rings that it goes through hold them:
// what is not in a ring any more is free. A capture that fits is kept there, and read once for all loops.
//
// Time: the first packet leaves at 0, all others at their distance from it. One that is earlier than the packet before
// it leaves with that one, and counts as backwards; where time goes back by more than WM_REPLAY_SET_NS, the clock was
// set, and time goes on from there. Between loops there is one average gap. All flows end with the loop; in the next
// one they have the same numbers, and so the same queues.
#pragma once

#include <base/err.h>
#include <packet/map.h>
#include <synth/ring.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WM_REPLAY_SET_NS UINT64_C(1000000000)
#define WM_REPLAY_GAP_NS UINT64_C(1000000) // between loops where there is no gap to average

enum {
	WM_REPLAY_LEN_MAX = UINT16_MAX, // bytes of a frame
	WM_REPLAY_ARENA_MIN = 1 << 20,
};

/** What to send of a packet that was captured short. */
enum wm_snapped {
	WM_SNAPPED_PAD, // as long as it was on the wire, zeros behind what was captured
	WM_SNAPPED_CUT, // as captured
	WM_SNAPPED_DROP,
};

struct wm_replay_options {
	const char *path;
	double speed;    // 1 = as captured; 2 = twice as fast; 1e-6 .. 1e6
	uint64_t loops;  // 0 = for ever
	size_t arena;    // bytes, at least WM_REPLAY_ARENA_MIN; rounded up to a power of two
	unsigned number; // of the model that its samples say they are of
	enum wm_snapped snapped;
	const struct wm_map *map; // of what is in headers; borrowed; NULL = nothing changes
};

// packets = used + snapped_out + oversize + empty + no_link.
struct wm_replay_counts {
	uint64_t packets;     // of the capture, in all loops
	uint64_t used;        // handed out
	uint64_t snapped;     // of these, captured short
	uint64_t mapped;      // of these, changed by the map
	uint64_t folded;      // addresses that the map makes one with another
	uint64_t backwards;   // of these, earlier than the one before
	uint64_t clock_set;   // times that the capture's clock was set back
	uint64_t snapped_out; // dropped: captured short
	uint64_t oversize;    // dropped: longer than WM_REPLAY_LEN_MAX
	uint64_t empty;       // dropped: without a byte
	uint64_t no_link;     // dropped: of a link type, or in it of a kind, that cannot be put on Ethernet
	uint64_t bad_blocks;  // pcapng: blocks without a time, or that contradict themselves
	uint64_t flows;       // begun
	uint64_t flows_cut;   // ended for want of room to remember them
	uint64_t loops;       // gone through
};

struct wm_replay;

/** Open the capture and read on to its first packet. @return 0; -errno with a sentence, also if there is no packet. */
int wm_replay_open(struct wm_replay **out, const struct wm_replay_options *options, struct wm_err *err);
void wm_replay_close(struct wm_replay *r); // NULL is allowed

/** The rings that the samples go to, before the first is asked for; borrowed. */
void wm_replay_attach(struct wm_replay *r, struct wm_ring *rings, unsigned n_rings);

/**
 * The next samples and ticks, at most n, in order of time; the last of all is WM_TICK_END.
 * All of them have to be in the rings when the next ones are asked for.
 *
 * Thread: one at a time. @return how many; 0 = none now for want of room, or none ever: wm_replay_over().
 */
size_t wm_replay_next(struct wm_replay *r, struct wm_sample *out, size_t n);

/** Nothing will follow: all loops are done, or wm_replay_failed(). */
bool wm_replay_over(const struct wm_replay *r);
/** 0; -errno: the capture could not be read again, or no memory; -ERANGE = the virtual time is over. */
int wm_replay_failed(const struct wm_replay *r, struct wm_err *err);

/**
 * Wait for the thread that calls wm_replay_next() and was told to stop. One that sits in a read of a pipe that nobody
 * writes to is cancelled there; the replay can then only be closed, and its counts read.
 */
void wm_replay_join(pthread_t reader);

/** Where the capture is damaged, as a sentence; NULL if it is not: what was there has been sent. */
const char *wm_replay_damage(const struct wm_replay *r);
const struct wm_replay_counts *wm_replay_counts(const struct wm_replay *r);
