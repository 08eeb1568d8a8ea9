// SPDX-License-Identifier: BSD-3-Clause
#include <synth/ring.h>

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { N_SLOTS = 64, N_SAMPLES = 300000 };

struct shared {
	struct wm_sample slots[N_SLOTS];
	struct wm_ring ring;
};

static void holds_as_many_as_it_has_slots_and_no_more(void **state)
{
	struct shared s = {0};
	struct wm_sample *room;
	const struct wm_sample *span;

	(void)state;
	wm_ring_init(&s.ring, s.slots, N_SLOTS);
	assert_int_equal(wm_ring_peek(&s.ring, &span), 0);
	assert_int_equal(wm_ring_room(&s.ring, &room), N_SLOTS);
	wm_ring_push(&s.ring, N_SLOTS);
	assert_int_equal(wm_ring_room(&s.ring, &room), 0);
	assert_int_equal(wm_ring_count(&s.ring), N_SLOTS);
	assert_int_equal(wm_ring_peek(&s.ring, &span), N_SLOTS);
	wm_ring_pop(&s.ring, 10);
	assert_int_equal(wm_ring_room(&s.ring, &room), 10);
	assert_ptr_equal(room, s.slots);
}

static void ends_only_when_closed_and_empty(void **state)
{
	struct shared s = {0};
	struct wm_sample *room;

	(void)state;
	wm_ring_init(&s.ring, s.slots, N_SLOTS);
	assert_false(wm_ring_ended(&s.ring));
	(void)wm_ring_room(&s.ring, &room);
	wm_ring_push(&s.ring, 1);
	wm_ring_close(&s.ring);
	assert_false(wm_ring_ended(&s.ring));
	wm_ring_pop(&s.ring, 1);
	assert_true(wm_ring_ended(&s.ring));
}

static void *produce(void *arg)
{
	struct shared *s = arg;
	uint64_t i = 0;

	while (i < N_SAMPLES) {
		struct wm_sample *room;
		size_t n = wm_ring_room(&s->ring, &room);

		n = n < 7 ? n : 7; // so that spans end everywhere in the ring
		n = n < N_SAMPLES - i ? n : N_SAMPLES - i;
		if (n == 0)
			(void)sched_yield();
		for (size_t k = 0; k < n; k++, i++)
			room[k].time_ns = room[k].seq = (uint32_t)i;
		wm_ring_push(&s->ring, n);
	}
	wm_ring_close(&s->ring);
	return NULL;
}

static void hands_every_sample_over_once_and_in_order(void **state)
{
	static struct shared s;
	pthread_t thread;
	uint64_t i = 0;

	(void)state;
	wm_ring_init(&s.ring, s.slots, N_SLOTS);
	assert_int_equal(pthread_create(&thread, NULL, produce, &s), 0);
	while (!wm_ring_ended(&s.ring)) {
		const struct wm_sample *span;
		size_t n = wm_ring_peek(&s.ring, &span);

		if (n == 0)
			(void)sched_yield();
		for (size_t k = 0; k < n; k++, i++)
			if (span[k].time_ns != i || span[k].seq != i)
				fail_msg("sample %zu is not in its place", (size_t)i);
		wm_ring_pop(&s.ring, n);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(i, N_SAMPLES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_as_many_as_it_has_slots_and_no_more),
		cmocka_unit_test(ends_only_when_closed_and_empty),
		cmocka_unit_test(hands_every_sample_over_once_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
