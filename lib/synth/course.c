// SPDX-License-Identifier: BSD-3-Clause
#include <synth/course.h>

#include <base/philox.h>

#include <errno.h>
#include <math.h>

#define ONE (UINT64_C(1) << 32)

// Above 1, starts move together; below, fewer flows begin.
static int set_weight(struct wm_course *c, double weight)
{
	int rc = wm_scale_init(&c->scale, weight > 1 ? weight : 1);

	if (rc < 0)
		return rc;
	c->weight = weight;
	c->share = weight < 1 ? (uint64_t)llround(ldexp(weight, 32)) : ONE;
	return 0;
}

// One flow of every whole one, at a random place in it.
static void set_target(struct wm_course *c)
{
	struct wm_rng rng;

	wm_rng_init(&rng, c->seed, WM_STREAM_COURSE, c->n_taken);
	c->target = (int64_t)wm_rng_u32(&rng) + 1;
}

int wm_course_init(struct wm_course *c, const struct wm_schedule *schedule, struct wm_steer *steer, uint64_t seed)
{
	const struct wm_schedule *s = schedule;

	if (!(s->weight >= 1e-6 && s->weight <= 1e6))
		return -EINVAL;
	if (s->stop_ns == 0 ? s->fall_ns > 0
			    : s->stop_ns <= s->start_ns || s->rise_ns > s->stop_ns - s->start_ns
				      || s->fall_ns > s->stop_ns - s->start_ns - s->rise_ns)
		return -EINVAL;
	if (s->lead_ns > s->start_ns || (s->lead_ns > 0 && s->rise_ns > 0))
		return -EINVAL;
	*c = (struct wm_course){.schedule = *s, .steer = steer, .seed = seed, .time_ns = s->start_ns - s->lead_ns};
	if (steer != NULL)
		c->asked = atomic_load_explicit(&steer->word, memory_order_relaxed);
	set_target(c);
	return set_weight(c, s->weight);
}

uint64_t wm_course_time(const struct wm_course *c, uint64_t plan_ns)
{
	uint64_t t;

	if (c->held || __builtin_add_overflow(c->time_ns, wm_scale_time(&c->scale, plan_ns - c->plan_ns), &t))
		return WM_TIME_END;
	return t < WM_TIME_END ? t : WM_TIME_END;
}

// How much of a flow of weight 1 is to begin at a time, of 2^32.
static uint64_t level(const struct wm_course *c, uint64_t time_ns)
{
	const struct wm_schedule *s = &c->schedule;
	uint64_t up = ONE, down = ONE;

	if (s->rise_ns > 0 && time_ns - s->start_ns < s->rise_ns)
		up = (uint64_t)((wm_u128)(time_ns - s->start_ns) * ONE / s->rise_ns);
	if (s->fall_ns > 0 && s->stop_ns - time_ns < s->fall_ns)
		down = (uint64_t)((wm_u128)(s->stop_ns - time_ns) * ONE / s->fall_ns);
	return (uint64_t)((wm_u128)(up < down ? up : down) * c->share >> 32);
}

enum wm_turn wm_course_turn(struct wm_course *c, uint64_t time_ns)
{
	uint64_t share;

	if (c->schedule.stop_ns > 0 && time_ns >= c->schedule.stop_ns)
		return WM_TURN_OVER;
	share = level(c, time_ns);
	if (share == ONE)
		return WM_TURN_TAKE;
	c->due += (int64_t)share;
	if (c->due < c->target)
		return WM_TURN_SKIP;
	c->due -= (int64_t)ONE;
	c->n_taken++;
	set_target(c);
	return WM_TURN_TAKE;
}

bool wm_course_steer(struct wm_course *c, uint64_t time_ns, uint64_t plan_ns)
{
	uint64_t asked = c->steer != NULL ? atomic_load_explicit(&c->steer->word, memory_order_relaxed) : c->asked;
	double weight;

	if (asked == c->asked)
		return false;
	// The plan goes on from where it is, but not before it should begin at all.
	c->asked = asked;
	c->plan_ns = plan_ns;
	c->time_ns = time_ns > c->schedule.start_ns ? time_ns : c->schedule.start_ns;
	weight = (double)wm_steer_weight_of(asked);
	c->held = (asked & wm_steer_paused) != 0 || weight == 0 || set_weight(c, weight) < 0;
	return true;
}
