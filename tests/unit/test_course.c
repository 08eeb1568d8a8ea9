// SPDX-License-Identifier: BSD-3-Clause
#include "fake_engine.h"

#include <synth/course.h>
#include <synth/merge.h>
#include <synth/worker.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FLOWS = 100000, ROOM = 1 << 18 };

static const uint64_t second = 1000000000;
static const struct wm_engine_model steady = {.burst = 1, .pause_ns = 4000000, .max_packets = 5, .gap_ns = 100000};

// How many of FLOWS flows, planned a millisecond apart, begin in each tenth of 100 s.
static void count_tenths(const struct wm_schedule *schedule, uint64_t seed, unsigned tenths[10])
{
	struct wm_course c;

	memset(tenths, 0, 10 * sizeof(*tenths));
	assert_int_equal(wm_course_init(&c, schedule, NULL, seed), 0);
	for (uint64_t i = 0; i < FLOWS; i++) {
		uint64_t t = wm_course_time(&c, i * second / 1000);
		enum wm_turn turn = wm_course_turn(&c, t);

		if (turn == WM_TURN_OVER)
			break;
		if (turn == WM_TURN_TAKE && t < 100 * second)
			tenths[t / (10 * second)]++;
	}
}

static void weight_of_one_takes_every_flow_at_its_time(void **state)
{
	const struct wm_schedule all = {.weight = 1};
	struct wm_course c;

	(void)state;
	assert_int_equal(wm_course_init(&c, &all, NULL, 1), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(wm_course_time(&c, i * 12345), i * 12345);
		assert_int_equal(wm_course_turn(&c, i * 12345), WM_TURN_TAKE);
	}
}

static void share_of_flows_is_the_weight_and_as_steady_as_can_be(void **state)
{
	const double weights[] = {0.5, 0.1, 0.0321, 1.0 / 3, 0.999};

	(void)state;
	for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
		const struct wm_schedule part = {.weight = weights[i]};
		unsigned tenths[10];

		count_tenths(&part, i, tenths);
		for (size_t k = 0; k < 10; k++) // 10,000 flows each; at most one more or less at both ends
			assert_true(tenths[k] >= 10000 * weights[i] - 2 && tenths[k] <= 10000 * weights[i] + 2);
	}
}

// Pairs of flows, as of questions that are asked twice, lose not always the same one.
static void period_in_the_plan_is_not_met(void **state)
{
	const struct wm_schedule half = {.weight = 0.5};
	unsigned odd = 0, n = 0;
	struct wm_course c;

	(void)state;
	assert_int_equal(wm_course_init(&c, &half, NULL, 1), 0);
	for (unsigned i = 0; i < 20000; i++) {
		if (wm_course_turn(&c, i) == WM_TURN_TAKE) {
			odd += i & 1;
			n++;
		}
	}
	assert_true(odd > n * 0.45 && odd < n * 0.55);
}

static void start_stop_and_ramps_are_what_the_schedule_says(void **state)
{
	const struct wm_schedule s = {.start_ns = 20 * second,
		.stop_ns = 80 * second,
		.rise_ns = 20 * second,
		.fall_ns = 20 * second,
		.weight = 1};
	// Shares of a triangle: a quarter in its first half, three quarters in its second.
	const unsigned want[10] = {0, 0, 2500, 7500, 10000, 10000, 7500, 2500, 0, 0};
	unsigned tenths[10];

	(void)state;
	count_tenths(&s, 7, tenths);
	for (size_t k = 0; k < 10; k++)
		assert_true(tenths[k] + 3 >= want[k] && tenths[k] <= want[k] + 3);
}

static void weights_above_one_bring_starts_together(void **state)
{
	const struct wm_schedule s = {
		.start_ns = 10 * second, .stop_ns = 30 * second, .rise_ns = 10 * second, .weight = 4};
	const unsigned want[10] = {0, 20000, 40000};
	unsigned tenths[10];

	(void)state;
	count_tenths(&s, 3, tenths);
	for (size_t k = 0; k < 10; k++)
		assert_true(tenths[k] + 3 >= want[k] && tenths[k] <= want[k] + 3);
}

static void contradictions_are_refused(void **state)
{
	const struct wm_schedule bad[] = {{.weight = 0}, {.weight = 1e7}, {.weight = 1, .start_ns = 5, .stop_ns = 5},
		{.weight = 1, .fall_ns = 1}, {.weight = 1, .stop_ns = 10, .rise_ns = 11},
		{.weight = 1, .start_ns = 5, .stop_ns = 10, .rise_ns = 3, .fall_ns = 3},
		{.weight = 1, .start_ns = 5, .lead_ns = 6}, {.weight = 1, .start_ns = 5, .lead_ns = 5, .rise_ns = 1}};
	struct wm_course c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wm_course_init(&c, &bad[i], NULL, 1), -EINVAL);
}

static size_t mill(
	const struct wm_source *sources, size_t n_sources, unsigned n_workers, struct wm_sample *out, size_t n)
{
	struct wm_ring rings[4], *list[4];
	struct wm_sample *slots[4];
	struct wm_merge *m;
	size_t done = 0;

	for (unsigned i = 0; i < n_workers; i++) {
		struct wm_worker *w;
		size_t made;

		slots[i] = aligned_alloc(64, ROOM * sizeof(**slots));
		wm_ring_init(&rings[i], slots[i], ROOM);
		list[i] = &rings[i];
		assert_int_equal(wm_worker_create(&w, sources, n_sources, 5, i, n_workers, NULL), 0);
		made = wm_worker_next(w, slots[i], ROOM);
		assert_true(made < ROOM);
		assert_int_equal(wm_worker_failed(w), -ENODATA);
		wm_ring_push(&rings[i], made);
		wm_ring_close(&rings[i]);
		wm_worker_destroy(w);
	}
	assert_int_equal(wm_merge_create(&m, list, n_workers), 0);
	while (!wm_merge_ended(m)) {
		const struct wm_sample *at;
		size_t k = wm_merge_next(m, &at);

		assert_true(done + k <= n);
		memcpy(out + done, at, k * sizeof(*at));
		done += k;
	}
	wm_merge_destroy(m);
	for (unsigned i = 0; i < n_workers; i++)
		free(slots[i]);
	return done;
}

static void scenario_is_the_same_with_any_number_of_workers_and_ends(void **state)
{
	const struct wm_source sources[] = {{.engine = &fake_engine,
						    .model = &steady,
						    .speed = 2,
						    .schedule = {.stop_ns = 8 * second, .weight = 1.5}},
		{.engine = &fake_engine,
			.model = &steady,
			.speed = 2,
			.schedule = {.start_ns = 2 * second,
				.stop_ns = 6 * second,
				.rise_ns = second,
				.fall_ns = second,
				.weight = 0.4}}};
	struct wm_sample *want = malloc(ROOM * sizeof(*want)), *got = malloc(ROOM * sizeof(*got));
	size_t n = mill(sources, 2, 1, want, ROOM), second_model = 0;

	(void)state;
	assert_true(n > 10000);
	for (size_t i = 0; i < n; i++) {
		if (wm_sample_model(&want[i]) == 0)
			continue;
		second_model++;
		assert_true(want[i].time_ns >= second); // twice as fast: all times are half
		if (want[i].bits & WM_BIT_FIRST)
			assert_true(want[i].time_ns < 3 * second);
	}
	assert_true(second_model > 500);
	for (unsigned workers = 2; workers <= 4; workers++) {
		assert_int_equal(mill(sources, 2, workers, got, ROOM), n);
		assert_memory_equal(got, want, n * sizeof(*got));
	}
	free(want);
	free(got);
}

// Gaps between the packets of a flow, whatever the weight.
static void packets_inside_flows_keep_their_times(void **state)
{
	const double weights[] = {1, 0.3, 5};
	static struct wm_sample s[4096];
	uint64_t longest[3] = {0};

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		const struct wm_source source = {.engine = &fake_engine,
			.model = &steady,
			.speed = 1,
			.schedule = {.start_ns = 77 * second, .weight = weights[k]}};
		static uint64_t first[FLOWS], seen[FLOWS];
		struct wm_worker *w;

		memset(first, 0, sizeof(first));
		assert_int_equal(wm_worker_create(&w, &source, 1, 5, 0, 1, NULL), 0);
		assert_int_equal(wm_worker_next(w, s, 4096), 4096);
		wm_worker_destroy(w);
		for (size_t i = 0; i < 4096; i++) {
			assert_true(s[i].time_ns >= 77 * second && s[i].flow < FLOWS);
			if (s[i].bits & WM_BIT_FIRST)
				first[s[i].flow] = s[i].time_ns;
			if (!(s[i].bits & WM_BIT_LAST) || first[s[i].flow] == 0)
				continue;
			if (k == 0)
				seen[s[i].flow] = s[i].time_ns - first[s[i].flow];
			else if (seen[s[i].flow] > 0)
				assert_int_equal(s[i].time_ns - first[s[i].flow], seen[s[i].flow]);
			longest[k] += seen[s[i].flow] > 0;
		}
		assert_true(longest[k] > 50);
	}
}

static void steering_acts_from_the_next_window_on(void **state)
{
	static struct wm_steer steer;
	const struct wm_source source = {.engine = &fake_engine, .model = &steady, .speed = 1, .steer = &steer};
	static struct wm_sample s[ROOM];
	size_t n[6] = {0};
	struct wm_worker *w;
	bool paused;

	(void)state;
	wm_steer_init(&steer, 1);
	assert_int_equal(wm_worker_create(&w, &source, 1, 5, 0, 1, NULL), 0);
	for (uint64_t t = 0; t < 6; t++) {
		size_t made;

		if (t == 1)
			wm_steer_set_weight(&steer, 0.1);
		if (t == 2)
			wm_steer_pause(&steer, true);
		if (t == 4)
			wm_steer_set_weight(&steer, 4);
		if (t == 5)
			wm_steer_pause(&steer, false);
		wm_worker_limit(w, (t + 1) * 4 * second);
		made = wm_worker_next(w, s, ROOM);
		assert_true(made < ROOM);
		assert_int_equal(wm_worker_failed(w), 0);
		for (size_t i = 0; i < made; i++) {
			assert_true(s[i].time_ns < (t + 1) * 4 * second && s[i].time_ns >= t * 4 * second);
			n[t] += s[i].bits & WM_BIT_FIRST ? 1 : 0;
		}
	}
	assert_true(n[0] > 1000);
	assert_true(n[1] * 9 < n[0] && n[1] * 11 > n[0]);
	assert_true(n[2] + n[3] + n[4] == 0);
	assert_true((double)n[5] > 3.8 * (double)n[0] && (double)n[5] < 4.2 * (double)n[0]);
	assert_true(wm_steer_get(&steer, &paused) == 4 && !paused);
	wm_worker_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weight_of_one_takes_every_flow_at_its_time),
		cmocka_unit_test(share_of_flows_is_the_weight_and_as_steady_as_can_be),
		cmocka_unit_test(period_in_the_plan_is_not_met),
		cmocka_unit_test(start_stop_and_ramps_are_what_the_schedule_says),
		cmocka_unit_test(weights_above_one_bring_starts_together),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(scenario_is_the_same_with_any_number_of_workers_and_ends),
		cmocka_unit_test(packets_inside_flows_keep_their_times),
		cmocka_unit_test(steering_acts_from_the_next_window_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
