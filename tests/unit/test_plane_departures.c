// SPDX-License-Identifier: BSD-3-Clause
#include <base/philox.h>
#include <plane/departures.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = 16, TOLD_MAX = 4096 };

// What was handed over.
struct told {
	struct wm_sample at[TOLD_MAX];
	size_t n;
};

static void note(void *arg, struct wm_sample *s)
{
	struct told *t = arg;

	assert_true(t->n < TOLD_MAX);
	t->at[t->n++] = *s;
}

struct queue {
	struct wm_departures d;
	struct wm_departures_reader reader;
	struct wm_sample slots[SLOTS];
	struct told told;
};

static int setup(void **state)
{
	struct queue *q = calloc(1, sizeof(*q));

	assert_non_null(q);
	wm_ring_init(&q->d.ring, q->slots, SLOTS);
	q->d.queue = 3;
	*state = q;
	return 0;
}

static int teardown(void **state)
{
	struct queue *q = *state;

	free(q->reader.held);
	free(q);
	return 0;
}

static struct wm_sample sample(uint32_t flow, uint8_t bits)
{
	return (struct wm_sample){.time_ns = 1, .seq = 77, .ack = 88, .flow = flow, .form = 1, .bits = bits};
}

static int read_all(struct queue *q)
{
	return wm_departures_read(&q->d, &q->reader, note, &q->told);
}

static void build(struct queue *q, uint32_t at, uint32_t flow, uint8_t bits)
{
	const struct wm_sample s = sample(flow, bits);

	wm_departures_build(&q->d, at, &s, false);
}

static void packets_are_told_in_order_with_the_time_they_left(void **state)
{
	struct queue *q = *state;

	build(q, 0, 10, 0);
	build(q, 1, 11, WM_BIT_LAST);
	assert_int_equal(read_all(q), 0); // they wait in the row
	wm_departures_send(&q->d, 0, 1, 1000);
	wm_departures_send(&q->d, 1, 1, 2000);
	assert_int_equal(read_all(q), 2);
	assert_int_equal(q->told.at[0].flow, 10);
	assert_int_equal(q->told.at[0].time_ns, 1000);
	assert_int_equal(q->told.at[1].flow, 11);
	assert_int_equal(q->told.at[1].time_ns, 2000);
	assert_int_equal(wm_departure_lap(&q->told.at[0]), 0); // not the sample's numbers
}

static void a_flow_that_ended_is_told_behind_its_last_packet(void **state)
{
	struct queue *q = *state;
	const struct wm_sample s = sample(10, 0);

	build(q, 0, 10, 0);
	build(q, 1, 10, 0);
	wm_departures_end(&q->d, &s); // while both wait
	build(q, 2, 11, 0);
	wm_departures_send(&q->d, 0, 1, 1000);
	assert_int_equal(read_all(q), 1);
	assert_int_equal(q->told.at[0].form, 1);
	wm_departures_send(&q->d, 1, 2, 2000);
	assert_int_equal(read_all(q), 3);
	assert_int_equal(q->told.at[1].flow, 10);
	assert_int_equal(q->told.at[2].form, WM_FORM_TICK);
	assert_int_equal(q->told.at[2].flags, WM_TICK_FLOW);
	assert_int_equal(q->told.at[2].flow, 10);
	assert_int_equal(q->told.at[3].flow, 11);
}

static void what_is_sent_again_says_its_lap_and_queue_and_ends_with_the_lap(void **state)
{
	struct queue *q = *state;
	const struct wm_sample s = sample(10, WM_BIT_LAST);

	wm_departures_build_again(&q->d, 0, &s, 5);
	wm_departures_build_again(&q->d, 1, &s, 5);
	wm_departures_end_lap(&q->d, 5);
	wm_departures_send(&q->d, 0, 1, 1000);
	wm_departures_drop(&q->d, 1, 1); // no tick of the flow: what is fresh of it goes on
	build(q, 2, 11, 0);
	wm_departures_send(&q->d, 2, 1, 2000);
	assert_int_equal(read_all(q), 3);
	assert_int_equal(wm_departure_lap(&q->told.at[0]), 5);
	assert_int_equal(wm_departure_queue(&q->told.at[0]), 3);
	assert_int_equal(q->told.at[1].flags, WM_TICK_LAP);
	assert_int_equal(wm_departure_lap(&q->told.at[1]), 5);
	assert_int_equal(wm_departure_queue(&q->told.at[1]), 3);
}

static void a_packet_that_was_dropped_is_not_told_and_its_flow_ends(void **state)
{
	struct queue *q = *state;

	build(q, 0, 10, 0);
	build(q, 1, 10, WM_BIT_LAST);
	wm_departures_drop(&q->d, 0, 2);
	build(q, 2, 11, 0);
	wm_departures_send(&q->d, 2, 1, 1000);
	assert_int_equal(read_all(q), 2);
	assert_int_equal(q->told.at[0].flags, WM_TICK_FLOW);
	assert_int_equal(q->told.at[0].flow, 10);
	assert_int_equal(q->told.at[1].flow, 11);
	assert_int_equal(q->d.untold, 0);
}

// A reader that is away now and then, against what happened: what is told is in order, each end behind all packets of
// its flow that are told, and what is not told was counted.
static void what_finds_no_room_is_counted_and_the_rest_stays_in_order(void **state)
{
	struct queue *q = *state;
	uint32_t head = 0, n = 0, flow = 1, last_flow = 0;
	uint64_t sent = 0, packets = 0, ends = 0;
	struct wm_rng rng;

	wm_rng_init(&rng, 9, WM_STREAM_TEST, 0);
	for (int i = 0; i < 2000; i++) {
		uint32_t some = wm_rng_below(&rng, 6);
		const struct wm_sample s = sample(flow, 0);

		for (uint32_t k = 0; k < some && n < WM_DEPARTURES_ROW; k++, n++)
			build(q, (head + n) % WM_DEPARTURES_ROW, flow, 0);
		if (some > 3) {
			wm_departures_end(&q->d, &s);
			flow++;
		}
		while (n > 0 && wm_rng_below(&rng, 5) > 0) {
			wm_departures_send(&q->d, head, 1, 1);
			head = (head + 1) % WM_DEPARTURES_ROW;
			n--;
			sent++;
		}
		if (wm_rng_below(&rng, 4) == 0)
			assert_true(read_all(q) >= 0);
	}
	(void)read_all(q);
	assert_true(q->d.untold > 100);
	for (size_t i = 0; i < q->told.n; i++) {
		const struct wm_sample *s = &q->told.at[i];

		if (s->form == WM_FORM_TICK) {
			assert_true(s->flow > last_flow);
			last_flow = s->flow;
			ends++;
			continue;
		}
		assert_true(s->flow > last_flow); // none behind its flow's end
		packets++;
	}
	assert_int_equal(packets + q->d.untold, sent);
	assert_true(ends > 100 && packets > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(packets_are_told_in_order_with_the_time_they_left, setup, teardown),
		cmocka_unit_test_setup_teardown(a_flow_that_ended_is_told_behind_its_last_packet, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_sent_again_says_its_lap_and_queue_and_ends_with_the_lap, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_packet_that_was_dropped_is_not_told_and_its_flow_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_finds_no_room_is_counted_and_the_rest_stays_in_order, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
