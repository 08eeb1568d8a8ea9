// SPDX-License-Identifier: BSD-3-Clause
// replay_pvt: what replay_open.c sets up and replay.c works with.
#pragma once

#include <capture/capture.h>
#include <packet/fold.h>
#include <synth/arena.h>
#include <synth/replay.h>
#include <synth/scale.h>
#include <synth/track.h>

enum { WM_REPLAY_PENDING = WM_TRACK_WAYS + 2 };

enum wm_replay_stage { WM_REPLAY_READING, WM_REPLAY_ENDING, WM_REPLAY_OVER };

struct wm_replay {
	struct wm_replay_options options;
	char *path;
	struct wm_scale scale;
	struct wm_capture *capture;
	struct wm_capture_packet packet; // read, and not handed out
	bool has_packet;
	struct wm_arena arena;
	struct wm_track *track;
	struct wm_fold *fold; // NULL = the map puts no addresses together
	enum wm_replay_stage stage;
	int failed;
	struct wm_err err;
	struct wm_err damage;
	struct wm_replay_counts counts;

	uint64_t zero_ns;   // the capture's time that is 0 in this loop
	uint64_t last_ns;   // of the packet before, in this loop
	uint64_t loop_ns;   // start of this loop
	uint64_t n_packets; // of this loop

	struct wm_sample pending[WM_REPLAY_PENDING]; // made, not handed out
	size_t n_pending, next_pending;
	uint64_t begin; // of the arena, before the first sample that may be in no ring yet

	// All samples and ticks of a loop, as long as all frames of it are in the arena.
	bool keeping; // another loop follows, and there has been room so far
	bool kept;    // a whole loop is there
	struct wm_sample *loop;
	size_t n_loop, cap_loop, next_loop;
	struct wm_replay_counts loop_counts;
};

/** Open the capture if it is not, and read on. @return 1 and a packet in r->packet, 0 at the capture's end; -errno. */
int wm_replay_read(struct wm_replay *r);
