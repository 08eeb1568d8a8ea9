// SPDX-License-Identifier: BSD-3-Clause
// worker: model + seed -> ordered samples. One worker makes the flows whose id is its own modulo the number of workers;
// all of them together make the same samples, whatever their number, and wm_merge brings those into one order.
//
// Order: (time, model, flow id, index in the flow). Memory is bounded by flows in flight plus one window of samples.
#pragma once

#include <base/err.h>
#include <dataset/flow_list.h>
#include <engine/engine.h>
#include <packet/map.h>
#include <packet/sample.h>
#include <synth/course.h>

#include <stddef.h>
#include <stdint.h>

/** A model that takes part; the index in the array is its number in samples. */
struct wm_source {
	const struct wm_engine *engine;
	const struct wm_engine_model *model;
	const struct wm_form *forms; // NULL = the model's; others have to be as long
	const struct wm_map *map;    // of addresses and ports; NULL = as the model has them
	double speed; // 1 = time as learned; 2 = all of it, the schedule's too, twice as fast; 1e-6 .. 1e6
	uint64_t packets, duration_ns;     // what its plan will be asked for, see plan_length(); 0 = not known
	struct wm_schedule schedule;       // which of its flows begin, and when; the weight is 1 if it is 0
	const struct wm_flow_list *follow; // flows to make, and no others; borrowed; NULL = those that the model plans
	struct wm_steer *steer;            // what others may ask of it meanwhile; borrowed; NULL = nobody will
};

static inline const struct wm_form *wm_source_forms(const struct wm_source *s, size_t *n)
{
	const struct wm_form *own = s->engine->forms(s->model, n);

	return s->forms != NULL ? s->forms : own;
}

struct wm_worker;

/** @param sources Borrowed until destroy. @param index 0 .. n_workers-1. @return 0, -ENOMEM, -EINVAL. */
int wm_worker_create(struct wm_worker **out, const struct wm_source *sources, size_t n_sources, uint64_t seed,
	unsigned index, unsigned n_workers, struct wm_err *err);

/**
 * The next n samples of this worker's share, in order; endless.
 * Thread: one at a time. @return n, or fewer if there are no more, ever: wm_worker_failed() says why.
 */
size_t wm_worker_next(struct wm_worker *w, struct wm_sample *out, size_t n);
/** 0; -ENOMEM; -ENODATA = all models have stopped, or have no more flows to follow, and their flows have ended; -ERANGE
 * = the virtual time is over, after 292 years. */
int wm_worker_failed(const struct wm_worker *w);

/**
 * Make nothing later than until_ns from now on, so that what is asked of models (steer.h) is not far from being seen.
 * When there is nothing more before it, wm_worker_next() returns what there was, and wm_worker_failed() 0.
 * Thread: that of wm_worker_next().
 */
void wm_worker_limit(struct wm_worker *w, uint64_t until_ns);

void wm_worker_destroy(struct wm_worker *w); // NULL is allowed

/** <0, 0, >0 as a comes before, with or after b. Only samples of one flow in one worker can be equal. */
static inline int wm_sample_order(const struct wm_sample *a, const struct wm_sample *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (wm_sample_model(a) != wm_sample_model(b))
		return wm_sample_model(a) < wm_sample_model(b) ? -1 : 1;
	return (a->flow > b->flow) - (a->flow < b->flow);
}
