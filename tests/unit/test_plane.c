// SPDX-License-Identifier: BSD-3-Clause
#include "fake_engine.h"

#include <base/philox.h>
#include <plane/feed.h>
#include <plane/lap.h>
#include <plane/pace.h>
#include <plane/scout.h>
#include <plane/stamp.h>
#include <plane/supply.h>
#include <plane/timing.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void rate_is_read_with_its_unit(void **state)
{
	static const struct {
		const char *text;
		enum wm_rate_kind kind;
		double value;
	} good[] = {
		{"model", WM_RATE_MODEL, 1},
		{"x4", WM_RATE_MODEL, 4},
		{"x0.25", WM_RATE_MODEL, 0.25},
		{"1000pps", WM_RATE_PPS, 1000},
		{"1.5Mpps", WM_RATE_PPS, 1.5e6},
		{"10Gbps", WM_RATE_BPS, 1e10},
		{"64kbps", WM_RATE_BPS, 64000},
		{"10Gbps-l2", WM_RATE_BPS, 1e10},
		{"2.5Gbps-l1", WM_RATE_BPS_L1, 2.5e9},
		{"50%", WM_RATE_PERCENT, 50},
	};
	struct wm_rate rate;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(wm_rate_parse(&rate, good[i].text, NULL), 0);
		assert_int_equal(rate.kind, good[i].kind);
		assert_true(rate.value == good[i].value);
	}
	assert_int_equal(wm_rate_parse(&rate, "max", NULL), 0);
	assert_int_equal(rate.kind, WM_RATE_MAX);
}

static void rate_without_sense_is_refused(void **state)
{
	static const char *const bad[] = {"", "x", "x0", "x-1", "xnan", "5", "5 Mpps", "-5pps", "0pps", "infpps",
		"x2000000", "0x10pps", "5mpps", "101%", "Mpps", "5Mpps-l1", "1Gbps-l3", "1Gbps-", "1e999pps", "max1",
		"x4 "};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct wm_rate rate = {.kind = WM_RATE_PPS, .value = 17};
		struct wm_err err = {0};

		assert_int_equal(wm_rate_parse(&rate, bad[i], &err), -22);
		assert_non_null(strstr(err.msg, "5Mpps"));
		assert_true(rate.value == 17);
	}
}

// Traffic with bursts and pauses: gaps between 0 and 2^16 times the shortest.
static uint64_t uneven_gap(struct wm_rng *rng)
{
	return wm_rng_u32(rng) % 4 == 0 ? (uint64_t)(100 * exp2(16 * (double)wm_rng_f32(rng))) : 10;
}

// Packets n at a time, as they come and as they leave.
struct plan {
	struct wm_pace pace;
	uint64_t time_ns[WM_PACE_BLOCK];
	uint64_t due_ns[WM_PACE_BLOCK];
	uint32_t len[WM_PACE_BLOCK];
};

static void plan_block(struct plan *p, uint32_t n)
{
	struct wm_pace_block block = {0};

	for (uint32_t i = 0; i < n; i++)
		wm_pace_block_add(&block, p->time_ns[i], p->len[i]);
	if (wm_pace_wants(&p->pace))
		wm_pace_block(&p->pace, &block);
	for (uint32_t i = 0; i < n; i++)
		p->due_ns[i] = wm_pace_due(&p->pace, p->time_ns[i], p->len[i]);
}

static void each_block_of_packets_takes_just_as_long_as_the_rate_says(void **state)
{
	const struct wm_rate rate = {.kind = WM_RATE_PPS, .value = 250000};
	uint64_t time_ns = 0, due_ns = 0;
	struct plan p = {0};
	struct wm_rng rng;

	(void)state;
	wm_rng_init(&rng, 1, WM_STREAM_TEST, 0);
	wm_pace_init(&p.pace, &rate, 0.5);
	for (uint64_t k = 1; k <= 5000; k++) {
		for (size_t i = 0; i < WM_PACE_BLOCK; i++) {
			p.time_ns[i] = time_ns;
			p.len[i] = 100;
			time_ns += k % 7 == 0 ? 0 : uneven_gap(&rng); // some blocks take no time of their own
		}
		plan_block(&p, WM_PACE_BLOCK);
		for (size_t i = 0; i < WM_PACE_BLOCK; i++) {
			assert_true(p.due_ns[i] >= due_ns);
			due_ns = p.due_ns[i];
		}
		// 125,000 packets a second: one each 8 us
		assert_true(llabs((int64_t)(p.due_ns[0] - (k - 1) * WM_PACE_BLOCK * 8000)) <= 1);
		assert_true(llabs((int64_t)(due_ns - (k * WM_PACE_BLOCK - 1) * 8000)) <= 1);
	}
}

static void paced_bits_count_the_whole_frame(void **state)
{
	const struct wm_rate layer_1 = {.kind = WM_RATE_BPS_L1, .value = 1e9};
	struct plan p = {0};

	(void)state;
	for (int percent = 0; percent < 2; percent++) {
		if (percent)
			wm_pace_percent(&p.pace, 100, 1e9, 1);
		else
			wm_pace_init(&p.pace, &layer_1, 1);
		for (uint64_t k = 0; k < 1000; k++) {
			for (size_t i = 0; i < WM_PACE_BLOCK; i++) {
				p.time_ns[i] = (k * WM_PACE_BLOCK + i) * 1000;
				p.len[i] = i % 2 == 0 ? 60 : 42; // both are 64 bytes with FCS
			}
			plan_block(&p, WM_PACE_BLOCK);
		}
		// 84 bytes on the line, 1 Gb/s
		assert_true(fabs((double)p.due_ns[WM_PACE_BLOCK - 1] - (1e6 - 1) * 84 * 8) <= 1);
	}
}

static void packets_that_are_dropped_take_no_part_of_the_rate(void **state)
{
	const struct wm_rate rate = {.kind = WM_RATE_PPS, .value = 1000};
	struct wm_pace_block block = {0};
	struct wm_pace pace;

	(void)state;
	wm_pace_init(&pace, &rate, 1);
	for (uint64_t i = 0; i < 10; i++)
		wm_pace_block_add(&block, i * 7, 60);
	wm_pace_block(&pace, &block);
	for (uint64_t i = 0, n = 0; i < 10; i++)
		if (i % 3 == 1)
			wm_pace_skip(&pace, 60);
		else
			assert_true(wm_pace_due(&pace, i * 7, 60) <= ++n * 1000000 || i < 9);
	assert_true(wm_pace_wants(&pace));
	assert_true(llabs((int64_t)pace.due_ns - 6 * 1000000) <= 1); // seven were sent
}

static void a_rate_changes_where_it_is_and_is_kept_from_there(void **state)
{
	static const struct wm_rate rates[] = {{WM_RATE_PPS, 1000}, {WM_RATE_PPS, 50000}, {WM_RATE_MODEL, 2},
		{WM_RATE_BPS_L1, 84 * 8 * 2000}, {WM_RATE_PPS, 300}};
	static const double pps[] = {1000, 50000, 20000, 2000, 300}; // a packet each 100 us by itself
	uint64_t time_ns = 0, due_ns = 0, began_ns;
	struct plan p = {0};
	struct wm_pace next;

	(void)state;
	wm_pace_init(&p.pace, &rates[0], 1);
	for (size_t r = 0; r < sizeof(rates) / sizeof(*rates); r++) {
		wm_pace_init(&next, &rates[r], 1);
		next.slope = 0.5;
		began_ns = due_ns;
		for (uint32_t k = 0; k < 20; k++) {
			struct wm_pace_block block = {0};

			for (size_t i = 0; i < WM_PACE_BLOCK; i++, time_ns += 100000) {
				p.time_ns[i] = time_ns;
				p.len[i] = 60;
				wm_pace_block_add(&block, time_ns, 60);
			}
			if (r > 0 && k == 0)
				assert_true(
					fabs(wm_pace_switch(&p.pace, &next, &block) * pps[r] / pps[r - 1] - 1) < 0.01);
			plan_block(&p, WM_PACE_BLOCK);
			for (size_t i = 0; i < WM_PACE_BLOCK; due_ns = p.due_ns[i++])
				assert_true(p.due_ns[i] >= due_ns && (double)(p.due_ns[i] - due_ns) < 1.1e9 / pps[r]);
		}
		assert_true(fabs((double)(due_ns - began_ns) * 1e-9 - 20000 / pps[r]) <= 1.1 / pps[r]);
	}
}

static void a_rate_that_changes_inside_a_block_holds_for_the_rest_of_it(void **state)
{
	const struct wm_rate slow = {.kind = WM_RATE_PPS, .value = 1000}, fast = {.kind = WM_RATE_PPS, .value = 1e6};
	struct wm_pace_block block = {0};
	struct wm_pace pace, next;
	uint64_t due_ns = 0;

	(void)state;
	wm_pace_init(&pace, &slow, 1);
	wm_pace_init(&next, &fast, 1);
	for (uint64_t i = 0; i < 100; i++)
		wm_pace_block_add(&block, i * 10, 60);
	wm_pace_block(&pace, &block);
	for (uint64_t i = 0; i < 100; i++) {
		if (i == 50)
			assert_true(fabs(wm_pace_switch(&pace, &next, NULL) - 0.001) < 1e-6);
		due_ns = wm_pace_due(&pace, i * 10, 60);
	}
	assert_true(llabs((int64_t)(due_ns - 49 * 1000000 - 50 * 1000)) <= 1);
}

static void what_waits_moves_with_the_rate_whatever_is_left_of_the_block(void **state)
{
	const struct wm_rate fast = {.kind = WM_RATE_PPS, .value = 8000}, slow = {.kind = WM_RATE_PPS, .value = 1000};
	struct wm_pace_block block = {0};
	struct wm_pace pace, next;

	(void)state;
	wm_pace_init(&pace, &fast, 1);
	wm_pace_init(&next, &slow, 1);
	for (uint64_t i = 0; i < 100; i++) // a long gap in front of each of the first, none to speak of behind them
		wm_pace_block_add(&block, i < 20 ? i * 1000000 : 20000000 + i, 60);
	wm_pace_block(&pace, &block);
	for (uint64_t i = 0; i < 50; i++)
		(void)wm_pace_due(&pace, i < 20 ? i * 1000000 : 20000000 + i, 60);
	assert_true(fabs(wm_pace_switch(&pace, &next, NULL) - 8) < 1e-9);
}

static void bins_hold_what_their_borders_say(void **state)
{
	unsigned last = 0;

	(void)state;
	for (uint64_t ticks = 0; ticks < 1 << 20; ticks++) {
		unsigned bin = wm_timing_bin(ticks);

		assert_true(bin == last || bin == last + 1);
		last = bin;
	}
	assert_int_equal(wm_timing_bin(UINT64_MAX), WM_TIMING_BINS - 1);
}

static void timing_tells_errors_of_gaps_not_of_times(void **state)
{
	struct wm_timing *t = calloc(1, sizeof(*t));
	struct wm_timing_tally first = {.ticks_per_ns = 2}, both = first, second;
	struct wm_timing_summary s;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		wm_timing_add(t, 5000); // always as late: the gaps are right
	wm_timing_count(&first, t);
	wm_timing_sum_up(&s, &first);
	assert_int_equal(s.gaps, 999);
	assert_true(s.p99_ns <= 0.5 && s.within[0] == 1 && s.max_ns == 0); // a tick is half a nanosecond
	for (unsigned i = 0; i < 1000; i++)
		wm_timing_add(t, i % 2 == 0 ? 5000 : 5300); // 300 ticks there and back
	wm_timing_shift(t, 4000);
	wm_timing_add(t, 1300);
	wm_timing_count(&both, t);
	wm_timing_sum_up(&s, &both);
	assert_int_equal(s.gaps, 2000);
	assert_true(s.max_ns == 150 && s.p99_ns > 140 && s.p99_ns <= 150);
	assert_true(fabs(s.within[0] - 0.5) < 0.01 && fabs(s.within[1] - 0.5) < 0.01 && s.within[2] == 1);
	assert_int_equal(s.octaves[8], 999); // 128 .. 256 ns
	assert_true(
		fabs(wm_timing_total_ns(&both) - 1001 * 150) < 1001 * 150 / 16); // of which one is that of the shift
	wm_timing_since(&second, &both, &first);
	wm_timing_sum_up(&s, &second);
	assert_int_equal(s.gaps, 1001);
	assert_true(s.p50_ns > 140 && s.max_ns == 150 && s.octaves[0] <= 2);
	free(t);
}

// A port's clock of 156.25 MHz beside a TSC of 2.6 GHz; it runs 20 millionths fast, and each reading is up to `noise`
// ticks of it off, by turns.
static struct wm_stamp_point read_port_clock(uint64_t tsc, int noise)
{
	double clock = 1e15 + (double)(tsc - 777) * (156.25e6 * 1.00002 / 2.6e9);

	return (struct wm_stamp_point){
		tsc, (uint64_t)clock + (uint64_t)(int64_t)(tsc / 2600000000 % 2 == 0 ? noise : -noise)};
}

static void a_ports_clock_is_followed_without_a_jump(void **state)
{
	const uint64_t second = 2600000000;
	struct wm_stamp_point first = read_port_clock(777, 0), now = read_port_clock(777 + second / 10, 150);
	struct wm_stamp stamp;

	(void)state;
	wm_stamp_init(&stamp, &first, &now);
	assert_int_equal(wm_stamp_of(&stamp, now.tsc), now.clock);
	for (uint64_t s = 1; s <= 60; s++) {
		uint64_t tsc = 777 + s * second, before = wm_stamp_of(&stamp, tsc), right;

		now = read_port_clock(tsc, 150); // a microsecond
		wm_stamp_follow(&stamp, &first, &now, 10 * (double)second);
		assert_int_equal(wm_stamp_of(&stamp, tsc), before);
		assert_true(wm_stamp_of(&stamp, tsc + 2600) > before);
		right = read_port_clock(tsc, 0).clock;
		// The first line is off by 150 ticks in 15.6 M: 1500 after a second, which is then made up for.
		assert_in_range(before + 2000 - right, 0, 4000);
		if (s > 40)
			assert_in_range(before + 200 - right, 0, 400);
	}
	assert_in_range(wm_stamp_of(&stamp, stamp.at.tsc - second) + 156253125 + 1000 - stamp.at.clock, 0, 2000);
}

static void gaps_keep_their_proportions(void **state)
{
	const struct wm_rate rate = {.kind = WM_RATE_PPS, .value = 1000};
	struct plan p = {.time_ns = {5000, 5010, 5040, 5040, 5100}, .len = {60, 60, 60, 60, 60}};

	(void)state;
	wm_pace_init(&p.pace, &rate, 1);
	wm_pace_start(&p.pace, 5000);
	plan_block(&p, 5); // four gaps of 1 ms in all: 100 ns stretched 40,000 times
	assert_int_equal(p.due_ns[0], 0);
	assert_int_equal(p.due_ns[1], 400000);
	assert_int_equal(p.due_ns[2], 1600000);
	assert_int_equal(p.due_ns[3], 1600000);
	assert_int_equal(p.due_ns[4], 4000000);
}

static void a_block_without_time_of_its_own_is_spread_evenly(void **state)
{
	const struct wm_rate rate = {.kind = WM_RATE_PPS, .value = 1000};
	struct plan p = {.len = {60, 60, 60, 60}};

	(void)state;
	wm_pace_init(&p.pace, &rate, 1);
	plan_block(&p, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(p.due_ns[i], i * 1000000);
}

static void model_rate_is_the_samples_own_time(void **state)
{
	const struct wm_rate rate = {.kind = WM_RATE_MODEL, .value = 1};
	struct wm_pace pace;

	(void)state;
	wm_pace_init(&pace, &rate, 0.25);
	wm_pace_start(&pace, 1000);
	assert_int_equal(wm_pace_due(&pace, 1000, 60), 0);
	assert_int_equal(wm_pace_due(&pace, 123456789012345, 60), 123456789011345);
	assert_int_equal(wm_pace_due(&pace, 123456789012000, 60), 123456789011345); // never back
}

enum { N_QUEUES_MAX = 3, N_WORKERS_MAX = 4, N_SLOTS = 16, N_TAKEN = 20000 };

static const struct wm_engine_model model = {
	.burst = 3, .pause_ns = 20000, .max_packets = 9, .long_every = 50, .gap_ns = 1000000};

struct mill {
	struct wm_supply supplies[N_WORKERS_MAX];
	struct wm_ring rings[N_WORKERS_MAX * N_QUEUES_MAX];
	struct wm_feed_ring feed_rings[N_QUEUES_MAX][N_WORKERS_MAX];
	struct wm_feed feeds[N_QUEUES_MAX];
};

static struct mill *create_mill(const struct wm_source *source, unsigned n_workers, unsigned n_queues)
{
	struct mill *m = aligned_alloc(64, (sizeof(*m) + 63) / 64 * 64);

	assert_non_null(m);
	memset(m, 0, sizeof(*m));
	for (unsigned w = 0; w < n_workers; w++) {
		struct wm_supply *s = &m->supplies[w];

		s->rings = m->rings + w * n_queues;
		s->n_queues = n_queues;
		s->block = calloc(WM_SUPPLY_BLOCK, sizeof(*s->block));
		s->ticks = calloc(n_queues, sizeof(*s->ticks));
		for (unsigned q = 0; q < n_queues; q++)
			wm_ring_init(&s->rings[q], calloc(N_SLOTS, sizeof(struct wm_sample)), N_SLOTS);
		assert_int_equal(wm_worker_create(&s->worker, source, 1, 1, w, n_workers, NULL), 0);
	}
	for (unsigned q = 0; q < n_queues; q++) {
		for (unsigned w = 0; w < n_workers; w++)
			m->feed_rings[q][w].ring = &m->rings[w * n_queues + q];
		wm_feed_init(&m->feeds[q], m->feed_rings[q], n_workers);
	}
	return m;
}

static void destroy_mill(struct mill *m, unsigned n_workers, unsigned n_queues)
{
	for (unsigned w = 0; w < n_workers; w++) {
		for (unsigned q = 0; q < n_queues; q++)
			free(m->supplies[w].rings[q].slots);
		free(m->supplies[w].block);
		free(m->supplies[w].ticks);
		wm_worker_destroy(m->supplies[w].worker);
	}
	free(m);
}

// Every queue gets its share of one worker's samples, in order, and no queue ever waits for another for good.
static void check_queues(unsigned n_workers, unsigned n_queues)
{
	const struct wm_source source = {.engine = &fake_engine, .model = &model, .speed = 1};
	struct mill *m = create_mill(&source, n_workers, n_queues);
	struct wm_worker *truth[N_QUEUES_MAX];
	uint64_t taken = 0, idle = 0;

	for (unsigned q = 0; q < n_queues; q++)
		assert_int_equal(wm_worker_create(&truth[q], &source, 1, 1, 0, 1, NULL), 0);
	while (taken < N_TAKEN && idle < 100) {
		idle++;
		for (unsigned w = 0; w < n_workers; w++)
			(void)wm_supply_turn(&m->supplies[w], 8);
		for (unsigned q = 0; q < n_queues; q++) {
			const struct wm_sample *s;

			// One queue is slow: the others' rings run dry while its own are full.
			for (unsigned i = 0; i < (q == 0 ? 2 : 64) && (s = wm_feed_peek(&m->feeds[q])) != NULL; i++) {
				struct wm_sample want;

				do
					(void)wm_worker_next(truth[q], &want, 1);
				while (wm_supply_queue(&want, n_queues) != q);
				assert_memory_equal(s, &want, sizeof(want));
				wm_feed_take(&m->feeds[q]);
				taken++;
				idle = 0;
			}
			wm_feed_release(&m->feeds[q]);
		}
	}
	assert_true(taken >= N_TAKEN);
	for (unsigned q = 0; q < n_queues; q++)
		wm_worker_destroy(truth[q]);
	destroy_mill(m, n_workers, n_queues);
}

static void one_queue_gets_the_samples_of_all_workers_in_one_order(void **state)
{
	(void)state;
	check_queues(1, 1);
	check_queues(4, 1);
}

static void queues_get_their_flows_in_order_and_never_block_each_other(void **state)
{
	(void)state;
	check_queues(1, 3);
	check_queues(4, 3);
}

// Take what there is from all queues. @return how many samples; *ended = how many queues have ended.
static size_t take_all(struct mill *m, unsigned n_queues, unsigned *ended)
{
	size_t n = 0;

	*ended = 0;
	for (unsigned q = 0; q < n_queues; q++) {
		for (; wm_feed_peek(&m->feeds[q]) != NULL; n++)
			wm_feed_take(&m->feeds[q]);
		wm_feed_release(&m->feeds[q]);
		*ended += wm_feed_ended(&m->feeds[q]);
	}
	return n;
}

static void queues_get_all_there_is_before_time_is_over(void **state)
{
	static const struct wm_engine_model rare = {
		.burst = 1, .pause_ns = UINT64_C(1) << 56, .max_packets = 9, .gap_ns = 1000000};
	const struct wm_source source = {.engine = &fake_engine, .model = &rare, .speed = 1};
	struct wm_sample all[4096];
	struct wm_worker *truth;
	size_t want;

	(void)state;
	assert_int_equal(wm_worker_create(&truth, &source, 1, 1, 0, 1, NULL), 0);
	want = wm_worker_next(truth, all, 4096);
	assert_in_range(want, 100, 4095);
	for (unsigned n_queues = 1; n_queues <= 3; n_queues += 2) {
		struct mill *m = create_mill(&source, 4, n_queues);
		unsigned ended = 0;
		size_t taken = 0;

		for (unsigned turn = 0; turn < 5000 && ended < n_queues; turn++) {
			(void)wm_supply_turn(&m->supplies[turn % 4], 8);
			taken += take_all(m, n_queues, &ended);
		}
		assert_int_equal(ended, n_queues);
		assert_int_equal(taken, want);
		destroy_mill(m, 4, n_queues);
	}
	wm_worker_destroy(truth);
}

enum { SCOUT_RINGS = 3, SCOUT_SLOTS = 2048 };

// Samples of n rings in one order, some of them ticks, as far as they have come.
static void push_samples(struct wm_ring *rings, struct wm_rng *rng, uint64_t *time_ns, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct wm_ring *ring = &rings[wm_rng_below(rng, SCOUT_RINGS)];
		struct wm_sample *room;

		*time_ns += wm_rng_below(rng, 1000);
		if (wm_ring_room(ring, &room) == 0)
			continue;
		*room = (struct wm_sample){.time_ns = *time_ns, .len = (uint16_t)wm_rng_below(rng, 1500), .flow = i};
		room->form = wm_rng_below(rng, 4) == 0 ? WM_FORM_TICK : 1;
		room->flags = room->form == WM_FORM_TICK ? WM_TICK_FLOW : 0;
		wm_ring_push(ring, 1);
	}
}

static void a_scout_sums_up_what_the_feed_will_give_next(void **state)
{
	static struct wm_sample slots[SCOUT_RINGS][SCOUT_SLOTS];
	struct wm_feed_ring feed_rings[SCOUT_RINGS] = {0};
	struct wm_ring rings[SCOUT_RINGS];
	uint64_t time_ns = 0, n_pushed = 0;
	unsigned n_blocks = 0;
	struct wm_scout scout;
	struct wm_feed feed;
	struct wm_rng rng;

	(void)state;
	wm_rng_init(&rng, 5, WM_STREAM_TEST, 0);
	for (unsigned i = 0; i < SCOUT_RINGS; i++) {
		wm_ring_init(&rings[i], slots[i], SCOUT_SLOTS);
		feed_rings[i].ring = &rings[i];
	}
	wm_feed_init(&feed, feed_rings, SCOUT_RINGS);
	wm_scout_init(&scout, &feed);
	while (!scout.ended || scout.next.n > 0) {
		struct wm_pace_block want, got = {0};

		if (!wm_scout_look(&scout, 13)) {
			if (n_pushed < 50000)
				push_samples(rings, &rng, &time_ns, 10);
			n_pushed += 10;
			for (unsigned i = 0; i < SCOUT_RINGS && n_pushed == 50000; i++)
				wm_ring_close(&rings[i]);
			continue;
		}
		want = wm_scout_take(&scout);
		n_blocks++;
		for (uint32_t k = 0; k < want.n; k++) {
			const struct wm_sample *s = wm_feed_peek(&feed);

			assert_non_null(s);
			wm_pace_block_add(&got, s->time_ns, s->len);
			wm_feed_take(&feed);
			if (k % 50 == 0)
				wm_feed_release(&feed);
		}
		assert_true(got.n == want.n && got.len == want.len && got.first_ns == want.first_ns);
		assert_true(got.last_ns == want.last_ns && got.first_len == want.first_len);
	}
	assert_true(n_blocks > 30 && scout.ended);
	assert_null(wm_feed_peek(&feed));
	assert_true(wm_feed_ended(&feed));
}

static void feed_ends_when_all_rings_are_closed_and_read(void **state)
{
	struct wm_sample slots[4] = {{.time_ns = 5}};
	struct wm_feed_ring ring = {0};
	struct wm_sample *room;
	struct wm_feed feed;
	struct wm_ring r;

	(void)state;
	wm_ring_init(&r, slots, 4);
	ring.ring = &r;
	wm_feed_init(&feed, &ring, 1);
	assert_null(wm_feed_peek(&feed));
	assert_false(wm_feed_ended(&feed));
	(void)wm_ring_room(&r, &room);
	wm_ring_push(&r, 1);
	wm_ring_close(&r);
	assert_int_equal(wm_feed_peek(&feed)->time_ns, 5);
	assert_false(wm_feed_ended(&feed));
	wm_feed_take(&feed);
	assert_null(wm_feed_peek(&feed));
	assert_true(wm_feed_ended(&feed));
}

static struct wm_sample client_sample(uint8_t host, uint16_t port)
{
	struct wm_sample s = {.sport = port, .dport = 80, .seq = 1000, .ack = 2000, .flags = 0x10};

	s.src[10] = s.src[11] = s.dst[10] = s.dst[11] = 0xff;
	s.src[12] = s.dst[12] = 10;
	s.src[15] = host;
	s.dst[15] = 1;
	return s;
}

static struct wm_sample answer_to(const struct wm_sample *s)
{
	struct wm_sample a = *s;

	memcpy(a.src, s->dst, 16);
	memcpy(a.dst, s->src, 16);
	a.sport = s->dport;
	a.dport = s->sport;
	a.seq = s->ack;
	a.ack = s->seq;
	a.bits |= WM_BIT_REVERSE;
	return a;
}

static void both_directions_of_a_recycled_flow_move_alike(void **state)
{
	(void)state;
	for (uint32_t lap = 1; lap < 2000; lap++) {
		struct wm_lap_shift shift = wm_lap_shift(lap);
		struct wm_sample s = client_sample(77, 40000), a = answer_to(&s), want;

		wm_lap_move(&s, &shift);
		wm_lap_move(&a, &shift);
		want = answer_to(&s);
		assert_memory_equal(&a, &want, sizeof(a));
		assert_int_equal(s.dport, 80);
		assert_int_equal(s.src[12], 10);
		assert_in_range(s.src[15], 1, 254);
		assert_in_range(s.sport, 32768, 65535);
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void assert_distinct(uint32_t *keys, size_t n)
{
	qsort(keys, n, sizeof(*keys), by_value);
	for (size_t i = 1; i < n; i++)
		assert_true(keys[i] != keys[i - 1]);
}

static uint32_t key_of(const struct wm_sample *s)
{
	return (uint32_t)s->src[15] << 16 | s->sport;
}

static void flows_of_one_lap_stay_distinct(void **state)
{
	const struct wm_lap_shift shift = wm_lap_shift(12345);
	uint32_t *keys = malloc(65536 * sizeof(*keys));
	size_t n = 0;

	(void)state;
	for (unsigned host = 0; host < 256; host += 5)
		for (unsigned port = 1; port < 65536; port += 97) {
			struct wm_sample s = client_sample((uint8_t)host, (uint16_t)port);

			wm_lap_move(&s, &shift);
			keys[n++] = key_of(&s);
		}
	assert_distinct(keys, n);
	free(keys);
}

static void laps_of_one_flow_stay_distinct(void **state)
{
	enum { N_LAPS = 200000 };
	uint32_t *keys = malloc(N_LAPS * sizeof(*keys));

	(void)state;
	for (uint32_t lap = 0; lap < N_LAPS; lap++) {
		struct wm_sample s = client_sample(77, 40000);
		struct wm_lap_shift shift = wm_lap_shift(lap);

		wm_lap_move(&s, &shift);
		keys[lap] = key_of(&s);
	}
	assert_distinct(keys, N_LAPS);
	free(keys);
}

static void first_segment_of_a_recycled_connection_acknowledges_nothing(void **state)
{
	const struct wm_lap_shift shift = wm_lap_shift(3);
	struct wm_sample s = client_sample(9, 50000);

	(void)state;
	s.flags = 2; // SYN
	s.ack = 0;
	wm_lap_move(&s, &shift);
	assert_int_equal(s.ack, 0);
	assert_true(s.seq != 1000);
}

static struct wm_draft kept_as_it_is(const struct wm_sample *s)
{
	return (struct wm_draft){.time_ns = s->time_ns, .tag.len = 60, .payload = WM_PAYLOAD_SAMPLE, .sample = *s};
}

static void laps_go_on_in_time_and_take_each_kept_sample_once(void **state)
{
	struct wm_draft kept[4], d;
	uint64_t last_ns = 0, later_ns;
	struct wm_sample s;
	struct wm_lap lap;
	size_t at;

	(void)state;
	wm_lap_init(&lap, kept, NULL, 4);
	assert_int_equal(wm_lap_peek(&lap, &at, &later_ns), 0);
	for (uint32_t i = 0; i < 6; i++) { // the first two are gone then
		s = client_sample(10, (uint16_t)(40000 + i));
		s.time_ns = 100 * i;
		s.flow = i;
		d = kept_as_it_is(&s);
		wm_lap_keep(&lap, &d, NULL);
		last_ns = s.time_ns;
	}
	for (uint32_t i = 0; i < 8; i++) {
		uint64_t time_ns;

		assert_true(wm_lap_peek(&lap, &at, &later_ns) > 0);
		assert_int_equal(wm_lap_peek(&lap, &at, &later_ns), 2 - i % 2); // to where they wrap
		assert_int_equal(kept[at].sample.flow, 2 + i % 4);
		time_ns = kept[at].time_ns + later_ns;
		assert_true(time_ns > last_ns);
		last_ns = time_ns;
		wm_lap_take(&lap, 1, time_ns);
		assert_int_equal(lap.lap, 1 + i / 4);
	}
	s = client_sample(10, 41000);
	s.time_ns = 700; // fresh again: behind what was sent meanwhile
	d = kept_as_it_is(&s);
	wm_lap_keep(&lap, &d, NULL);
	assert_true(lap.now_ns > last_ns);
}

// What drafts do to a flow is what a lap does to its samples.
static void a_shift_moves_addresses_alike_for_drafts(void **state)
{
	(void)state;
	for (uint32_t lap = 0; lap < 1000; lap++) {
		const struct wm_lap_shift shift = wm_lap_shift(lap);
		struct wm_move move;

		wm_lap_shift_drafts(&move, &shift);
		for (unsigned host = 0; host < 256; host += 15) {
			struct wm_sample s = client_sample((uint8_t)host, 40000), moved = s;

			wm_lap_move(&moved, &shift);
			assert_int_equal(wm_load32(s.src + 12) + move.host[host], wm_load32(moved.src + 12));
			assert_int_equal(s.seq + move.by[WM_MOVE_BOTH][WM_LANE_SEQ], moved.seq);
			assert_int_equal(s.ack + move.by[WM_MOVE_BOTH][WM_LANE_ACK], moved.ack);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_is_read_with_its_unit),
		cmocka_unit_test(rate_without_sense_is_refused),
		cmocka_unit_test(each_block_of_packets_takes_just_as_long_as_the_rate_says),
		cmocka_unit_test(packets_that_are_dropped_take_no_part_of_the_rate),
		cmocka_unit_test(a_rate_that_changes_inside_a_block_holds_for_the_rest_of_it),
		cmocka_unit_test(a_block_without_time_of_its_own_is_spread_evenly),
		cmocka_unit_test(paced_bits_count_the_whole_frame),
		cmocka_unit_test(a_rate_changes_where_it_is_and_is_kept_from_there),
		cmocka_unit_test(what_waits_moves_with_the_rate_whatever_is_left_of_the_block),
		cmocka_unit_test(bins_hold_what_their_borders_say),
		cmocka_unit_test(timing_tells_errors_of_gaps_not_of_times),
		cmocka_unit_test(a_ports_clock_is_followed_without_a_jump),
		cmocka_unit_test(gaps_keep_their_proportions),
		cmocka_unit_test(model_rate_is_the_samples_own_time),
		cmocka_unit_test(one_queue_gets_the_samples_of_all_workers_in_one_order),
		cmocka_unit_test(queues_get_their_flows_in_order_and_never_block_each_other),
		cmocka_unit_test(queues_get_all_there_is_before_time_is_over),
		cmocka_unit_test(a_scout_sums_up_what_the_feed_will_give_next),
		cmocka_unit_test(feed_ends_when_all_rings_are_closed_and_read),
		cmocka_unit_test(both_directions_of_a_recycled_flow_move_alike),
		cmocka_unit_test(flows_of_one_lap_stay_distinct),
		cmocka_unit_test(laps_of_one_flow_stay_distinct),
		cmocka_unit_test(first_segment_of_a_recycled_connection_acknowledges_nothing),
		cmocka_unit_test(laps_go_on_in_time_and_take_each_kept_sample_once),
		cmocka_unit_test(a_shift_moves_addresses_alike_for_drafts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
