// SPDX-License-Identifier: BSD-3-Clause
#include "fake_engine.h"

#include <synth/flight.h>
#include <synth/merge.h>
#include <synth/order.h>
#include <synth/worker.h>
#include <synth/worker_pvt.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 60000, SEED = 7, N_RING = 4096 };

// Bursts of flows at once, packets without gaps, long flows, and a rate that jumps a thousandfold.
static const struct wm_engine_model busy = {
	.burst = 500, .pause_ns = 20000000, .max_packets = 12, .long_every = 97, .gap_ns = 3000000};
static const struct wm_engine_model jumpy = {
	.burst = 3, .pause_ns = 1000000000, .max_packets = 20, .gap_ns = 400000000, .rush_at = 800};
static const struct wm_engine_model sparse = {
	.burst = 1, .pause_ns = 5000000000, .max_packets = 3000, .gap_ns = 100000000};

static int compare(const void *a, const void *b)
{
	const struct wm_sample *x = *(const struct wm_sample *const *)a, *y = *(const struct wm_sample *const *)b;
	int order = wm_sample_order(x, y);

	return order != 0 ? order : (x > y) - (x < y); // in one flow: as they were made
}

// What the worker has to give, made the slow way: flow by flow to its end, then all sorted. @return how many are in
// out; no flow that starts later can come before the last of them.
static size_t brute_force(const struct wm_source *sources, size_t n_sources, struct wm_sample *out, size_t n)
{
	enum { ROOM = 1 << 20 };
	struct wm_sample *all = calloc(ROOM, sizeof(*all));
	struct wm_sample **order = malloc(ROOM * sizeof(struct wm_sample *));
	size_t n_all = 0, n_sure = 0;
	uint64_t sure = UINT64_MAX;

	assert_non_null(all);
	assert_non_null(order);
	for (size_t k = 0; k < n_sources; k++) {
		struct wm_flight f = {0};

		// The second model of a mix has its own seed; here only first ones are made.
		assert_int_equal(wm_flight_init(&f, &sources[k], (uint8_t)k, SEED, 0, 1), 0);
		while (n_all + 4000 < ROOM / n_sources * (k + 1)) {
			struct wm_step step = {0};
			uint32_t slot;

			assert_int_equal(wm_flight_begin(&f, 0, 1), 0);
			slot = f.active[--f.n_active];
			while (!step.last) {
				fake_engine.gen_step(f.gen, &slot, 1, &step);
				assert_true(n_all < ROOM);
				wm_flight_sample(&f, &f.lanes[slot], &step, &all[n_all++]);
			}
			wm_flight_release(&f, slot);
		}
		sure = f.start_ns < sure ? f.start_ns : sure;
		wm_flight_fini(&f);
	}
	for (size_t i = 0; i < n_all; i++)
		order[i] = &all[i];
	qsort(order, n_all, sizeof(struct wm_sample *), compare);
	while (n_sure < n && n_sure < n_all && order[n_sure]->time_ns < sure) {
		out[n_sure] = *order[n_sure];
		n_sure++;
	}
	free(order);
	free(all);
	return n_sure;
}

struct share {
	struct wm_worker *worker;
	struct wm_ring ring;
	struct wm_sample slots[N_RING];
	atomic_bool *stop;
};

static void *produce(void *arg)
{
	struct share *s = arg;

	while (!atomic_load_explicit(s->stop, memory_order_relaxed)) {
		struct wm_sample *room;
		size_t n = wm_ring_room(&s->ring, &room);

		if (n == 0)
			(void)sched_yield();
		wm_ring_push(&s->ring, wm_worker_next(s->worker, room, n));
	}
	wm_ring_close(&s->ring);
	return NULL;
}

// The first n samples, of n_workers in threads of their own.
static void mill(const struct wm_source *sources, size_t n_sources, unsigned n_workers,
	const struct wm_worker_sizes *sizes, struct wm_sample *out, size_t n)
{
	struct share *shares = calloc(n_workers, sizeof(*shares));
	struct wm_ring *rings[8] = {0};
	pthread_t threads[8];
	struct wm_merge *m;
	atomic_bool stop = false;

	for (unsigned i = 0; i < n_workers; i++) {
		struct share *s = &shares[i];

		wm_ring_init(&s->ring, s->slots, N_RING);
		rings[i] = &s->ring;
		s->stop = &stop;
		assert_int_equal(
			wm_worker_create_sized(&s->worker, sources, n_sources, SEED, i, n_workers, sizes, NULL), 0);
		assert_int_equal(pthread_create(&threads[i], NULL, produce, s), 0);
	}
	assert_int_equal(wm_merge_create(&m, rings, n_workers), 0);
	for (size_t done = 0; done < n;) {
		const struct wm_sample *at;
		size_t got = wm_merge_next(m, &at);

		if (got == 0)
			(void)sched_yield();
		got = got < n - done ? got : n - done;
		memcpy(out + done, at, got * sizeof(*at));
		done += got;
	}
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	for (unsigned i = 0; i < n_workers; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		wm_worker_destroy(shares[i].worker);
	}
	wm_merge_destroy(m);
	free(shares);
}

static const struct wm_worker_sizes ordinary = {.target = 4096, .cap = 16384, .span_ns = 1000000};

static void assert_same(const struct wm_sample *a, const struct wm_sample *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(&a[i], &b[i], sizeof(a[i])) != 0)
			fail_msg("sample %zu: time %lu flow %u, not time %lu flow %u", i, a[i].time_ns, a[i].flow,
				b[i].time_ns, b[i].flow);
}

static void worker_gives_what_every_flow_alone_gives_in_order(void **state)
{
	const struct wm_engine_model *models[] = {&busy, &jumpy, &sparse};
	struct wm_sample *want = malloc(N * sizeof(*want)), *got = malloc(N * sizeof(*got));

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct wm_source source = {.engine = &fake_engine, .model = models[i], .speed = 1};
		size_t n = brute_force(&source, 1, want, N);

		assert_true(n > N / 10);
		mill(&source, 1, 1, &ordinary, got, n);
		assert_same(got, want, n);
	}
	free(want);
	free(got);
}

static void number_of_workers_and_windows_change_nothing(void **state)
{
	const struct wm_worker_sizes sizes[] = {ordinary, {.target = 1, .cap = 1, .span_ns = 1},
		{.target = 100, .cap = 150, .span_ns = 1000000000000u},
		{.target = 1 << 20, .cap = 1 << 21, .span_ns = 1}};
	const unsigned workers[] = {1, 2, 3, 8};
	const struct wm_engine_model *models[] = {&busy, &jumpy, &sparse};
	struct wm_sample *want = malloc(N * sizeof(*want)), *got = malloc(N * sizeof(*got));

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		const struct wm_source sources[] = {{.engine = &fake_engine, .model = models[k], .speed = 1},
			{.engine = &fake_engine, .model = &sparse, .speed = 3}};

		mill(sources, 2, 1, &ordinary, want, N);
		for (size_t i = 0; i < 4; i++) {
			size_t n = i == 1 ? N / 20 : N; // one nanosecond a window takes its time

			mill(sources, 2, workers[i], &sizes[i], got, n);
			assert_same(got, want, n);
		}
	}
	free(want);
	free(got);
}

// What comes after a lead is what comes after as long a part of a run without: to the byte, but that a flow in flight
// begins with the first packet that is left of it.
static void flows_in_flight_at_the_start_are_those_of_a_run_that_began_before(void **state)
{
	const uint64_t lead_ns = 60000000, start_ns = 50000000;
	const unsigned workers[] = {1, 3};
	const struct wm_source plain = {.engine = &fake_engine, .model = &busy, .speed = 1};
	const struct wm_source led = {.engine = &fake_engine,
		.model = &busy,
		.speed = 1,
		.schedule = {.weight = 1, .start_ns = start_ns, .lead_ns = lead_ns}};
	struct wm_sample *all = malloc(N * sizeof(*all)), *want = malloc(N * sizeof(*want)),
			 *got = malloc(N * sizeof(*got));
	bool *begun = calloc(N, sizeof(*begun));
	size_t n = 0, joined = 0;

	(void)state;
	mill(&plain, 1, 1, &ordinary, all, N);
	for (size_t i = 0; i < N; i++) {
		struct wm_sample s = all[i];

		assert_true(s.flow < N);
		if (s.time_ns < lead_ns)
			continue;
		s.time_ns += start_ns - lead_ns;
		joined += !begun[s.flow] && !(s.bits & WM_BIT_FIRST);
		s.bits |= begun[s.flow] ? 0 : WM_BIT_FIRST;
		begun[s.flow] = true;
		want[n++] = s;
	}
	assert_true(n > N / 10 && n < N && joined > 100);
	for (size_t i = 0; i < 2; i++) {
		mill(&led, 1, workers[i], &ordinary, got, n);
		assert_same(got, want, n);
	}
	free(begun);
	free(all);
	free(want);
	free(got);
}

static void another_seed_is_other_traffic_and_a_model_twice_is_not_the_same_twice(void **state)
{
	const struct wm_source sources[] = {{.engine = &fake_engine, .model = &sparse, .speed = 1},
		{.engine = &fake_engine, .model = &sparse, .speed = 1}};
	struct wm_sample a[100], b[100], mixed[4000];
	struct wm_worker *w;
	size_t same = 0;

	(void)state;
	assert_int_equal(wm_worker_create(&w, sources, 1, 1, 0, 1, NULL), 0);
	assert_int_equal(wm_worker_next(w, a, 100), 100);
	wm_worker_destroy(w);
	assert_int_equal(wm_worker_create(&w, sources, 1, 2, 0, 1, NULL), 0);
	assert_int_equal(wm_worker_next(w, b, 100), 100);
	wm_worker_destroy(w);
	assert_memory_not_equal(a, b, sizeof(a));

	assert_int_equal(wm_worker_create(&w, sources, 2, 1, 0, 1, NULL), 0);
	assert_int_equal(wm_worker_next(w, mixed, 4000), 4000);
	wm_worker_destroy(w);
	for (size_t i = 1; i < 4000; i++)
		same += mixed[i].time_ns == mixed[i - 1].time_ns && wm_sample_model(&mixed[i]) == 1
			&& wm_sample_model(&mixed[i - 1]) == 0;
	assert_int_equal(same, 0);
}

static void memory_stays_bounded_over_a_long_run_and_when_the_rate_jumps(void **state)
{
	const struct wm_engine_model *models[] = {&busy, &jumpy};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		const struct wm_source source = {.engine = &fake_engine, .model = models[k], .speed = 1};
		size_t samples = 0, flows = 0, early_samples = 0, early_flows = 0;
		struct wm_sample buf[256];
		struct wm_worker *w;
		uint64_t last_ns = 0;

		assert_int_equal(wm_worker_create_sized(&w, &source, 1, SEED, 0, 1, &ordinary, NULL), 0);
		for (size_t i = 0; i < 8000; i++) {
			assert_int_equal(wm_worker_next(w, buf, 256), 256);
			assert_true(buf[0].time_ns >= last_ns);
			last_ns = buf[255].time_ns;
			if (i == 2000)
				wm_worker_room(w, &early_samples, &early_flows);
		}
		wm_worker_room(w, &samples, &flows);
		assert_true(samples <= 4 * ordinary.cap + 4 * flows);
		assert_true(samples <= 2 * early_samples);
		assert_true(flows <= 2 * early_flows);
		wm_worker_destroy(w);
	}
}

static void speed_scales_all_times_and_nothing_else(void **state)
{
	const double speeds[] = {2, 0.5, 1.7, 1e6, 1e-6};

	(void)state;
	for (size_t k = 0; k < sizeof(speeds) / sizeof(speeds[0]); k++) {
		const struct wm_source one = {.engine = &fake_engine, .model = &sparse, .speed = 1},
				       other = {.engine = &fake_engine, .model = &sparse, .speed = speeds[k]};
		struct wm_sample a[2000], b[2000];
		struct wm_worker *w;

		assert_int_equal(wm_worker_create(&w, &one, 1, SEED, 0, 1, NULL), 0);
		assert_int_equal(wm_worker_next(w, a, 2000), 2000);
		wm_worker_destroy(w);
		assert_int_equal(wm_worker_create(&w, &other, 1, SEED, 0, 1, NULL), 0);
		assert_int_equal(wm_worker_next(w, b, 2000), 2000);
		wm_worker_destroy(w);
		for (size_t i = 0; i < 2000; i++) {
			long double want = (long double)a[i].time_ns / (long double)speeds[k];
			long double off = (long double)b[i].time_ns - want;

			// Rounded down once, from a factor that is right to 2^-52.
			assert_true(off < 1 && off > -1 - want * 0x1p-52L);
			if (speeds[k] < 2) // faster ones bring packets of other flows to the same time: another order
				assert_true(a[i].flow == b[i].flow && a[i].len == b[i].len && a[i].seq == b[i].seq);
		}
	}
}

static void worker_refuses_what_it_cannot_do(void **state)
{
	const struct wm_source bad = {.engine = &fake_engine, .model = &sparse, .speed = 0},
			       good = {.engine = &fake_engine, .model = &sparse, .speed = 1};
	struct wm_worker *w = NULL;
	struct wm_err err = {0};

	(void)state;
	assert_int_equal(wm_worker_create(&w, &bad, 1, 1, 0, 1, &err), -EINVAL);
	assert_string_equal(err.msg, "model 1: its speed 0 is not in 1e-6 .. 1e6");
	assert_int_equal(wm_worker_create(&w, &good, 0, 1, 0, 1, &err), -EINVAL);
	assert_int_equal(wm_worker_create(&w, &good, 1, 1, 2, 2, &err), -EINVAL);
	assert_null(w);
}

static void run_ends_with_virtual_time(void **state)
{
	const struct wm_engine_model slow = {
		.burst = 1, .pause_ns = 1ull << 56, .max_packets = 3, .gap_ns = UINT64_MAX};
	const struct wm_source source = {.engine = &fake_engine, .model = &slow, .speed = 1};
	struct wm_sample s[4096];
	struct wm_worker *w;
	size_t n;

	(void)state;
	assert_int_equal(wm_worker_create(&w, &source, 1, SEED, 0, 1, NULL), 0);
	n = wm_worker_next(w, s, 4096);
	assert_true(n > 100 && n < 4096);
	assert_true(s[n - 1].time_ns < WM_TIME_END);
	assert_int_equal(wm_worker_failed(w), -ERANGE);
	assert_int_equal(wm_worker_next(w, s, 1), 0);
	wm_worker_destroy(w);
}

static void pings_count_up_and_replies_take_the_open_number(void **state)
{
	const uint8_t types[] = {8, 0, 8, 8, 0, 0, 0, 3, 8};
	const uint16_t want[] = {1, 1, 2, 3, 3, 2, 3, 0, 4};
	const struct wm_source source = {.engine = &fake_engine, .model = &sparse, .speed = 1};
	struct wm_flight f = {0};
	struct wm_lane *lane;

	(void)state;
	assert_int_equal(wm_flight_init(&f, &source, 0, SEED, 0, 1), 0);
	f.next.proto = 1;
	f.next.cport = 0xbeef;
	assert_int_equal(wm_flight_begin(&f, 0, 1), 0);
	lane = &f.lanes[f.active[0]];
	for (size_t i = 0; i < sizeof(types); i++) {
		struct wm_step step = {.flags = types[i], .reverse = types[i] != 8};
		struct wm_sample s;

		wm_flight_sample(&f, lane, &step, &s);
		assert_int_equal(s.seq, types[i] == 3 ? 0 : 0xbeef0000u | want[i]);
		assert_int_equal(s.sport | s.dport, 0);
	}
	wm_flight_fini(&f);
}

static void datagrams_and_their_replies_share_a_number(void **state)
{
	const uint8_t reverse[] = {0, 0, 1, 1, 1, 0, 1, 1};
	const uint8_t as[] = {0, 1, 1, 0, 4, 5, 5, 7}; // the packet that had this one's number first
	const struct wm_source source = {.engine = &fake_engine, .model = &sparse, .speed = 1};
	struct wm_flight f = {0};
	uint32_t got[sizeof(reverse)];

	(void)state;
	assert_int_equal(wm_flight_init(&f, &source, 0, SEED, 0, 1), 0);
	f.next.proto = 17;
	assert_int_equal(wm_flight_begin(&f, 0, 1), 0);
	for (size_t i = 0; i < sizeof(reverse); i++) {
		struct wm_step step = {.form = 1, .reverse = reverse[i]};
		struct wm_sample s;

		wm_flight_sample(&f, &f.lanes[f.active[0]], &step, &s);
		got[i] = s.seq;
		for (size_t k = 0; k < i; k++)
			assert_int_equal(got[k] == got[i], as[k] == as[i]);
	}
	wm_flight_fini(&f);
}

static void frame_holds_its_headers_and_numbers_count_its_payload(void **state)
{
	const struct wm_source source = {.engine = &fake_engine, .model = &sparse, .speed = 1};
	struct wm_step step = {.len = 20, .payload = 500, .flags = 0x10}, more = {.len = 154, .flags = 0x10};
	struct wm_flight f = {0};
	struct wm_sample a, b, c;

	(void)state;
	assert_int_equal(wm_flight_init(&f, &source, 0, SEED, 0, 1), 0);
	f.next.proto = 6;
	f.next.started = false;
	assert_int_equal(wm_flight_begin(&f, 0, 1), 0);
	wm_flight_sample(&f, &f.lanes[f.active[0]], &step, &a);
	wm_flight_sample(&f, &f.lanes[f.active[0]], &more, &b);
	wm_flight_sample(&f, &f.lanes[f.active[0]], &more, &c);
	assert_int_equal(a.len, 54);
	assert_int_equal(b.seq, a.seq);
	assert_int_equal(b.len, 154);
	assert_int_equal(c.seq, b.seq + 100);
	wm_flight_fini(&f);
}

static void order_is_total_whatever_the_times(void **state)
{
	enum { COUNT = 5000 };
	static struct wm_sample samples[COUNT];
	static struct wm_order order[COUNT], scratch[COUNT];
	const uint64_t spans[] = {1, 2, 1000, 1ull << 22, 1ull << 62};

	(void)state;
	for (size_t k = 0; k < sizeof(spans) / sizeof(spans[0]); k++) {
		uint64_t x = 88172645463325252u;

		for (size_t i = 0; i < COUNT; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			samples[i].time_ns = 12345 + x % spans[k];
			samples[i].flow = (uint32_t)(x >> 40) % 100;
			samples[i].bits = (uint8_t)(x >> 56 << WM_MODEL_SHIFT);
		}
		wm_order_samples(order, scratch, samples, COUNT, 12345, 12345 + spans[k]);
		for (size_t i = 1; i < COUNT; i++) {
			int sign = wm_sample_order(&samples[order[i - 1].at], &samples[order[i].at]);

			assert_true(sign < 0 || (sign == 0 && order[i - 1].at < order[i].at));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_total_whatever_the_times),
		cmocka_unit_test(worker_gives_what_every_flow_alone_gives_in_order),
		cmocka_unit_test(number_of_workers_and_windows_change_nothing),
		cmocka_unit_test(flows_in_flight_at_the_start_are_those_of_a_run_that_began_before),
		cmocka_unit_test(another_seed_is_other_traffic_and_a_model_twice_is_not_the_same_twice),
		cmocka_unit_test(memory_stays_bounded_over_a_long_run_and_when_the_rate_jumps),
		cmocka_unit_test(speed_scales_all_times_and_nothing_else),
		cmocka_unit_test(worker_refuses_what_it_cannot_do),
		cmocka_unit_test(run_ends_with_virtual_time),
		cmocka_unit_test(datagrams_and_their_replies_share_a_number),
		cmocka_unit_test(frame_holds_its_headers_and_numbers_count_its_payload),
		cmocka_unit_test(pings_count_up_and_replies_take_the_open_number),
	};

	return cmocka_run_group_tests_name("synth", tests, NULL, NULL);
}
