// SPDX-License-Identifier: BSD-3-Clause
// course: which of a model's planned flows begin, and when, by what a scenario says of it: from when to when, how fast
// it comes up and goes down, and how many flows there are compared to what was learned.
//
//	weight ____ .......________.......
//	           /                  \     flows that begin, compared to what was learned
//	0    _____/                    \______
//	         start  + rise   stop - fall stop
//
// Only the starts of flows move: packets keep their distance from their flow's start, as learned. The plan's time
// begins at `start`, or a lead before it, so that flows are in flight then. Up to a weight of 1, a share of the planned
// flows begins, each at its planned time: fewer users, each as fast as ever. Above that the planned starts move
// together, and nothing else does. Which flows begin follows from the seed and the plan alone, so that all workers
// agree.
//
// Time here is the traffic's own, before it is scaled as a whole (scale.h).
//
// Source: jittered sampling (Cook 1986, "Stochastic Sampling in Computer Graphics", section 3): of every 1/w flows in a
// row one begins, at a random place, so that numbers are as steady as can be and no period in the plan is met.
#pragma once

#include <synth/scale.h>
#include <synth/steer.h>

#include <stdbool.h>
#include <stdint.h>

/** All zero but for a weight of 1: all planned flows, at their times, for ever. */
struct wm_schedule {
	uint64_t start_ns;
	uint64_t stop_ns; // no flow begins from then on; 0 = never
	uint64_t rise_ns; // after the start
	uint64_t fall_ns; // before the stop
	uint64_t lead_ns; // how long before the start flows begin that are in flight then; without a rise, and <=
			  // start_ns
	double weight;    // 1e-6 .. 1e6
};

enum wm_turn {
	WM_TURN_SKIP, // the flow does not begin
	WM_TURN_TAKE,
	WM_TURN_OVER, // nor does any after it
};

struct wm_course {
	struct wm_schedule schedule;
	struct wm_steer *steer; // NULL = nobody steers
	uint64_t asked;         // its word, as last looked at
	uint64_t seed;

	double weight;         // as last asked for: flows that begin, compared to those planned
	struct wm_scale scale; // of the distance between planned starts
	uint64_t share;        // of flows that begin at full weight, of 2^32
	uint64_t plan_ns;      // a time of the plan,
	uint64_t time_ns;      // and when it is
	bool held;             // none begins until somebody steers again

	// Flows so far, each counted as the share of it that was to begin (2^-32), less those that began.
	int64_t due;
	int64_t target; // the next one begins when due is so much
	uint64_t n_taken;
};

/** @param steer Borrowed. @return 0, or -EINVAL: a weight that is not in its range, ramps that are longer than the time
 *  between start and stop, or a lead that is none. */
int wm_course_init(struct wm_course *c, const struct wm_schedule *schedule, struct wm_steer *steer, uint64_t seed);

/** When a flow that is planned for plan_ns begins. */
uint64_t wm_course_time(const struct wm_course *c, uint64_t plan_ns);

/** Whether the next flow of the plan begins, which would be at time_ns. Once for each, in their order. */
enum wm_turn wm_course_turn(struct wm_course *c, uint64_t time_ns);

/**
 * Do what was asked for since the last time: of what comes after time_ns, where the flow that is planned for plan_ns is
 * next. @return whether that changed anything.
 */
bool wm_course_steer(struct wm_course *c, uint64_t time_ns, uint64_t plan_ns);
