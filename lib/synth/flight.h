// SPDX-License-Identifier: BSD-3-Clause
// flight: the flows in flight of one model in one worker: a slot each, with the state that turns the engine's steps
// into samples. Every flow between two windows holds one sample: its next packet, which is beyond the window.
#pragma once

#include <packet/sample.h>
#include <synth/course.h>
#include <synth/scale.h>
#include <synth/tcp.h>
#include <synth/worker.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WM_DUE_NEVER UINT64_MAX // of a slot without a sample

// ICMP echo and UDP: requests count up, a reply takes the latest number that is not answered yet.
struct wm_echo {
	uint16_t sent;
	uint64_t open; // bit i: request sent - i awaits its reply
};

struct wm_lane {
	struct wm_sample pending; // valid if the slot is due
	uint64_t clock_ns;        // of the packet last stepped, in the flight's time
	union {
		struct wm_tcp tcp;
		struct wm_echo echo;
	};
	uint8_t address[2][16]; // client, server
	uint16_t port[2];
	uint32_t flow;
	uint8_t proto;
	uint8_t bits;   // of the next sample: model and WM_BIT_FIRST
	bool stepped;   // its first packet is made
	uint16_t ident; // ICMP echo: identifier; UDP: where the numbers of exchanges begin
};

struct wm_flight {
	const struct wm_engine *engine;
	const struct wm_engine_model *model;
	const struct wm_form *forms;
	size_t n_forms;
	const struct wm_map *map; // NULL = nothing changes
	struct wm_course course;
	struct wm_scale scale; // of all times
	double speed;
	uint64_t lead_ns;   // so long before the run's time the flight's begins: that of its course, plan and lanes
	uint64_t origin_ns; // what comes before it is history
	uint64_t seed;
	uint8_t number; // of the model

	struct wm_plan *plan;
	const struct wm_flow_list *follow; // NULL = the plan's own flows
	size_t n_followed;
	uint64_t next_id;    // of a followed flow
	struct wm_flow next; // the worker's own flow that starts next
	uint64_t begin_ns;   // when, on its course
	uint64_t start_ns;   // the same at this speed; WM_TIME_END = never, as it seems now
	bool over;           // there is no next one, ever
	uint64_t n_begun;

	struct wm_gen *gen;
	struct wm_lane *lanes;
	uint64_t *due;    // by slot: time of the pending sample, or WM_DUE_NEVER
	uint32_t *free;   // slots given back
	uint32_t *active; // slots whose next packet is still inside the window
	size_t n_free, n_active;
	size_t n_used; // slots ever taken
	size_t n_slots;
};

/** Set up a zeroed flight at its first flow. @return 0, -ENOMEM, -EINVAL (speed, schedule). On failure call fini all
 * the same. */
int wm_flight_init(struct wm_flight *f, const struct wm_source *source, uint8_t number, uint64_t seed, unsigned index,
	unsigned n_workers);
void wm_flight_fini(struct wm_flight *f);

/** Do what was asked of the model since the last time, from now_ns on. */
void wm_flight_steer(struct wm_flight *f, uint64_t now_ns);

/** Begin the flow that starts next: it takes a slot and becomes active; then look for the one behind it.
 *  @return 0 or -ENOMEM (nothing has changed then). */
int wm_flight_begin(struct wm_flight *f, unsigned index, unsigned n_workers);

/** Make the sample of a flow's step. @return false: it is history, made for what follows on it alone. */
bool wm_flight_sample(struct wm_flight *f, struct wm_lane *lane, const struct wm_step *step, struct wm_sample *out);

static inline void wm_flight_prefetch(const struct wm_flight *f, uint32_t slot)
{
	const char *lane = (const char *)&f->lanes[slot];

	for (size_t at = 0; at < sizeof(struct wm_lane); at += 64)
		__builtin_prefetch(lane + at, 1);
}

static inline void wm_flight_release(struct wm_flight *f, uint32_t slot)
{
	f->free[f->n_free++] = slot;
}
