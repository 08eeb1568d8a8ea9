// SPDX-License-Identifier: BSD-3-Clause
#include <base/philox.h>
#include <engine/necst/owed.h>
#include <synth/tcp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { F = WM_TCP_FIN, S = WM_TCP_SYN, R = WM_TCP_RST, A = WM_TCP_ACK };
enum { CLIENT, SERVER };

// Numbers near the end of their range, so that everything here wraps.
static const uint32_t isn[2] = {0xffffff00u, 0xfffffff0u};

struct segment {
	uint8_t from, flags, seq_class, ack_class;
	uint16_t payload;
	uint32_t seq, ack; // expected, relative to the isn
};

static void play(const struct segment *s, size_t n, bool started)
{
	struct wm_tcp tcp;

	wm_tcp_begin(&tcp, isn, started);
	for (size_t i = 0; i < n; i++) {
		struct wm_step step = {
			.flags = s[i].flags,
			.reverse = s[i].from,
			.seq = s[i].seq_class,
			.ack = s[i].ack_class,
		};
		uint32_t seq, ack, want = s[i].flags & A ? isn[!s[i].from] + s[i].ack : 0;

		wm_tcp_step(&tcp, &step, s[i].payload, &seq, &ack);
		if (seq != isn[s[i].from] + s[i].seq || ack != want)
			fail_msg("segment %zu: seq %u ack %u, not %u %u", i, seq - isn[s[i].from],
				ack - isn[!s[i].from], s[i].seq, s[i].ack);
	}
}

#define PLAY(started, ...)                                                                                             \
	play((const struct segment[]){__VA_ARGS__},                                                                    \
		sizeof((const struct segment[]){__VA_ARGS__}) / sizeof(struct segment), started)
#define NEXT WM_SEQ_NEXT
#define OLD WM_SEQ_OLD
#define HOLE WM_SEQ_HOLE
#define NONE WM_ACK_NONE
#define ALL WM_ACK_ALL
#define SAME WM_ACK_SAME
#define SOME WM_ACK_SOME
#define OPEN                                                                                                           \
	{CLIENT, S, NEXT, NONE, 0, 0, 0}, {SERVER, S | A, NEXT, ALL, 0, 0, 1},                                         \
	{                                                                                                              \
		CLIENT, A, NEXT, ALL, 0, 1, 1                                                                          \
	}

static void connection_from_handshake_to_end(void **state)
{
	(void)state;
	PLAY(true, OPEN, {CLIENT, A, NEXT, ALL, 100, 1, 1}, {SERVER, A, NEXT, ALL, 0, 1, 101},
		{SERVER, A, NEXT, ALL, 1000, 1, 101}, {SERVER, A, NEXT, ALL, 500, 1001, 101},
		{CLIENT, A, NEXT, ALL, 0, 101, 1501}, {SERVER, F | A, NEXT, ALL, 10, 1501, 101},
		{CLIENT, A, NEXT, ALL, 0, 101, 1512}, {CLIENT, F | A, NEXT, ALL, 0, 101, 1512},
		{SERVER, A, NEXT, ALL, 0, 1512, 102});
}

static void syn_keeps_its_number_when_it_is_sent_again(void **state)
{
	(void)state;
	PLAY(true, {CLIENT, S, NEXT, NONE, 0, 0, 0}, {CLIENT, S, OLD, NONE, 0, 0, 0}, {CLIENT, S, NEXT, NONE, 0, 0, 0},
		{SERVER, S | A, NEXT, ALL, 0, 0, 1}, {SERVER, S | A, OLD, SAME, 0, 0, 1},
		{CLIENT, A, NEXT, ALL, 0, 1, 1});
}

static void acknowledgements_can_be_late_but_never_go_back(void **state)
{
	(void)state;
	PLAY(true, OPEN, {SERVER, A, NEXT, ALL, 100, 1, 1}, {SERVER, A, NEXT, ALL, 100, 101, 1},
		{CLIENT, A, NEXT, SOME, 0, 1, 101}, {CLIENT, A, NEXT, SAME, 0, 1, 101},
		{CLIENT, A, NEXT, ALL, 0, 1, 201}, {CLIENT, A, NEXT, SOME, 0, 1, 201},
		{SERVER, A, NEXT, ALL, 50, 201, 1}, {CLIENT, A, NEXT, SAME, 0, 1, 201},
		{CLIENT, A, NEXT, SOME, 0, 1, 201}, {CLIENT, A, NEXT, ALL, 0, 1, 251});
}

static void acknowledgements_of_some_go_on_segment_by_segment(void **state)
{
	(void)state;
	PLAY(true, OPEN, {SERVER, A, NEXT, ALL, 100, 1, 1}, {SERVER, A, NEXT, ALL, 200, 101, 1},
		{SERVER, A, NEXT, ALL, 300, 301, 1}, {SERVER, A, NEXT, ALL, 400, 601, 1},
		{CLIENT, A, NEXT, SOME, 0, 1, 101}, {CLIENT, A, NEXT, SOME, 0, 1, 301},
		{CLIENT, A, NEXT, SAME, 0, 1, 301}, {SERVER, A, NEXT, ALL, 500, 1001, 1},
		{CLIENT, A, NEXT, SOME, 0, 1, 601}, {CLIENT, A, NEXT, SOME, 0, 1, 1001},
		{CLIENT, A, NEXT, SOME, 0, 1, 1001}, {CLIENT, A, NEXT, ALL, 0, 1, 1501});
}

static void acknowledgements_of_some_get_through_a_full_window(void **state)
{
	struct wm_step data = {.flags = A, .reverse = 1, .seq = NEXT, .ack = ALL};
	struct wm_step some = {.flags = A, .seq = NEXT, .ack = SOME};
	uint32_t seq, ack, end, last = isn[SERVER];
	struct wm_tcp tcp;
	int n = 0;

	(void)state;
	wm_tcp_begin(&tcp, isn, false);
	for (int i = 0; i < 100; i++)
		wm_tcp_step(&tcp, &data, (uint16_t)(i % 8 == 7 ? 700 : 1400), &end, &ack);
	while (last != end) { // where the last segment begins
		wm_tcp_step(&tcp, &some, 0, &seq, &ack);
		assert_true(ack - last > 0 && ack - last <= 1400);
		last = ack;
		n++;
	}
	assert_in_range(n, 90, 99);
}

static void old_segment_repeats_the_last_and_keep_alive_the_last_byte(void **state)
{
	(void)state;
	PLAY(true, OPEN, {CLIENT, A, OLD, ALL, 0, 0, 1}, {CLIENT, A, NEXT, ALL, 300, 1, 1},
		{CLIENT, A, OLD, ALL, 300, 1, 1}, {CLIENT, A, OLD, ALL, 0, 300, 1}, {CLIENT, A, OLD, ALL, 1, 300, 1},
		{CLIENT, A, NEXT, ALL, 10, 301, 1}, {SERVER, A, NEXT, ALL, 0, 1, 311});
}

static void what_was_never_sent_cannot_be_repeated(void **state)
{
	(void)state;
	PLAY(true, OPEN, {CLIENT, A, NEXT, ALL, 10, 1, 1}, {CLIENT, A, OLD, ALL, 300, 11, 1},
		{SERVER, A, NEXT, ALL, 0, 1, 311});
}

static void hole_is_as_large_as_a_segment_and_can_be_acknowledged_up_to_it(void **state)
{
	(void)state;
	PLAY(true, OPEN, {SERVER, A, NEXT, ALL, 100, 1, 1}, {SERVER, A, HOLE, ALL, 60, 201, 1},
		{CLIENT, A, NEXT, SOME, 0, 1, 101}, {CLIENT, A, NEXT, SAME, 0, 1, 101},
		{CLIENT, A, NEXT, ALL, 0, 1, 261});
}

static void nothing_is_new_behind_a_fin(void **state)
{
	(void)state;
	PLAY(true, OPEN, {CLIENT, A, NEXT, ALL, 40, 1, 1}, {CLIENT, F | A, NEXT, ALL, 0, 41, 1},
		{CLIENT, A, NEXT, ALL, 30, 11, 1}, {CLIENT, F | A, NEXT, ALL, 0, 41, 1},
		{CLIENT, F | A, OLD, ALL, 40, 1, 1}, {CLIENT, A, NEXT, ALL, 0, 42, 1}, {CLIENT, A, HOLE, ALL, 0, 42, 1},
		{CLIENT, A, NEXT, ALL, 500, 1, 1}, {SERVER, A, NEXT, ALL, 0, 1, 42});
}

static void reset_stands_at_the_next_number_and_one_that_refuses_at_zero(void **state)
{
	(void)state;
	PLAY(true, OPEN, {CLIENT, A, NEXT, ALL, 40, 1, 1}, {CLIENT, R, WM_SEQ_NONE, NONE, 0, 41, 0},
		{SERVER, R | A, NEXT, ALL, 0, 1, 41});
	PLAY(true, {CLIENT, S, NEXT, NONE, 0, 0, 0}, {SERVER, R | A, NEXT, ALL, 0, 0 - isn[SERVER], 1});
}

static void connection_joined_on_its_way_acknowledges_what_follows(void **state)
{
	(void)state;
	PLAY(false, {SERVER, A, NEXT, ALL, 100, 0, 0}, {CLIENT, A, NEXT, ALL, 0, 0, 100},
		{SERVER, A, OLD, ALL, 900, (uint32_t)-800, 0}, {CLIENT, A, NEXT, SOME, 5, 0, 100},
		{SERVER, F | A, NEXT, ALL, 0, 100, 5});
	PLAY(false, {CLIENT, A, OLD, SOME, 100, 0, 0}, {CLIENT, A, NEXT, ALL, 1, 100, 0});
}

static void direction_that_was_not_captured_is_acknowledged_from_its_syn_on(void **state)
{
	(void)state;
	PLAY(true, {CLIENT, S, NEXT, NONE, 0, 0, 0}, {CLIENT, A, NEXT, ALL, 0, 1, 1}, {CLIENT, A, NEXT, SAME, 9, 1, 1},
		{SERVER, S | A, NEXT, ALL, 0, 0, 10}, {SERVER, A, NEXT, ALL, 7, 1, 10},
		{CLIENT, A, NEXT, ALL, 0, 10, 8});
}

static void bare_acknowledgements_of_an_unseen_end_go_on(void **state)
{
	const struct wm_step bare = {.flags = A, .seq = NEXT, .ack = ALL},
			     fin = {.flags = F | A, .seq = NEXT, .ack = ALL};
	uint32_t seq, ack, last;
	struct wm_tcp tcp;

	(void)state;
	wm_tcp_begin(&tcp, isn, false);
	tcp.side[SERVER].unseen = true;
	wm_tcp_step(&tcp, &bare, 0, &seq, &last);
	for (int i = 0; i < 5; i++) {
		wm_tcp_step(&tcp, &bare, 100, &seq, &ack); // data says what was acknowledged before
		assert_int_equal(ack, last);
		wm_tcp_step(&tcp, &bare, 0, &seq, &ack);
		assert_in_range(ack - last, 1, 1460);
		last = ack;
	}
	wm_tcp_step(&tcp, &fin, 0, &seq, &ack);
	assert_int_equal(ack, last);
}

// Any packets that the masks let through, in any order: the numbers say what the kind does.
static void acknowledgements_that_may_come_are_what_they_are_called(void **state)
{
	enum { TOKENS = 2 * 3 * 3 * 2, PAD = 64, STEPS = 200000 };
	struct necst_kind kinds[TOKENS];
	struct necst_owed_masks masks;
	struct necst_owed owed = {0};
	uint32_t all[PAD / 32] = {0}, may[PAD / 32];
	uint32_t said[2] = {isn[1], isn[0]}, sent[2] = {isn[0], isn[1]}, n_of[4] = {0};
	bool has_said[2] = {false, false};
	struct wm_tcp tcp;
	struct wm_rng rng;

	(void)state;
	for (uint8_t t = 0; t < TOKENS; t++)
		kinds[t] = (struct necst_kind){.proto = 6,
			.flags = A,
			.reverse = t & 1,
			.has_payload = t >> 1 & 1,
			.seq = WM_SEQ_NEXT + t / 4 % 3,
			.ack = WM_ACK_ALL + t / 12};
	for (unsigned t = 0; t < TOKENS; t++)
		all[t / 32] |= 1u << t % 32;
	assert_int_equal(necst_owed_fill(&masks, 1, kinds, TOKENS, PAD / 32), 0);
	wm_rng_init(&rng, 1, WM_STREAM_TEST, 0);
	wm_tcp_begin(&tcp, isn, false);
	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t seq, ack, t = wm_rng_below(&rng, TOKENS);
		const struct necst_kind *k = &kinds[t];
		const uint16_t payload = k->has_payload ? (uint16_t)(1 + wm_rng_below(&rng, 1400)) : 0;
		const struct wm_step step = {.flags = k->flags, .reverse = k->reverse, .seq = k->seq, .ack = k->ack};

		assert_true(necst_owed_rule(may, &masks, 0, &owed, all));
		if (!(may[t / 32] >> t % 32 & 1))
			continue;
		wm_tcp_step(&tcp, &step, payload, &seq, &ack);
		necst_owed_note(&owed, k, payload);
		n_of[k->ack]++;
		if (has_said[k->reverse]) {
			const int32_t on = (int32_t)(ack - said[k->reverse]), left = (int32_t)(sent[!k->reverse] - ack);

			assert_true(k->ack == WM_ACK_ALL    ? left == 0
				    : k->ack == WM_ACK_SAME ? on == 0 && left > 0
							    : on > 0 && left > 0);
		}
		has_said[k->reverse] = true;
		said[k->reverse] = ack;
		sent[k->reverse] = tcp.side[k->reverse].next;
	}
	for (unsigned a = WM_ACK_ALL; a <= WM_ACK_SOME; a++)
		assert_true(n_of[a] > STEPS / 100);
	free(masks.may);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connection_from_handshake_to_end),
		cmocka_unit_test(syn_keeps_its_number_when_it_is_sent_again),
		cmocka_unit_test(acknowledgements_can_be_late_but_never_go_back),
		cmocka_unit_test(acknowledgements_of_some_go_on_segment_by_segment),
		cmocka_unit_test(acknowledgements_of_some_get_through_a_full_window),
		cmocka_unit_test(old_segment_repeats_the_last_and_keep_alive_the_last_byte),
		cmocka_unit_test(what_was_never_sent_cannot_be_repeated),
		cmocka_unit_test(hole_is_as_large_as_a_segment_and_can_be_acknowledged_up_to_it),
		cmocka_unit_test(nothing_is_new_behind_a_fin),
		cmocka_unit_test(reset_stands_at_the_next_number_and_one_that_refuses_at_zero),
		cmocka_unit_test(connection_joined_on_its_way_acknowledges_what_follows),
		cmocka_unit_test(direction_that_was_not_captured_is_acknowledged_from_its_syn_on),
		cmocka_unit_test(bare_acknowledgements_of_an_unseen_end_go_on),
		cmocka_unit_test(acknowledgements_that_may_come_are_what_they_are_called),
	};

	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
