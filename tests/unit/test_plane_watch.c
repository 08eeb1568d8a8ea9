// SPDX-License-Identifier: BSD-3-Clause
#include <base/philox.h>
#include <plane/mark.h>
#include <plane/watch.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_LEDGERS = 2, N_NOTES = 256, N_WINDOW = 1024, BURST = 8 };

static const uint64_t step = UINT64_C(0x9E3779B97F4A7C15); // between marks

struct bench {
	struct wm_ledger ledgers[N_LEDGERS];
	struct wm_ledger *list[N_LEDGERS];
	struct wm_note notes[N_LEDGERS][N_NOTES];
	struct wm_watch watch;
	void *memory;
	uint64_t now;
};

static void set_up(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	for (unsigned i = 0; i < N_LEDGERS; i++) {
		wm_ledger_init(&b->ledgers[i], b->notes[i], N_NOTES);
		b->list[i] = &b->ledgers[i];
	}
	b->memory = calloc(1, wm_watch_size(N_WINDOW, N_LEDGERS));
	assert_non_null(b->memory);
	wm_watch_init(&b->watch, b->memory, N_WINDOW, b->list, N_LEDGERS, 1);
}

static void tear_down(struct bench *b)
{
	free(b->memory);
}

static void note_down(struct bench *b, unsigned ledger, uint64_t mark)
{
	uint32_t noted = wm_ledger_begin(&b->ledgers[ledger], 1);

	if (noted > 0)
		wm_ledger_put(&b->ledgers[ledger], 0, (struct wm_note){mark, b->now});
	wm_ledger_end(&b->ledgers[ledger], noted, 1);
}

static void arrive(struct bench *b, uint64_t mark)
{
	wm_watch_arrive(&b->watch, (struct wm_note){mark, b->now}, 100);
}

static void check(const struct bench *b, uint64_t noted, uint64_t received, uint64_t lost, uint64_t reordered,
	uint64_t duplicates, uint64_t strangers)
{
	const struct wm_watch_counts *c = &b->watch.count;

	assert_int_equal(wm_count_get(&c->noted), noted);
	assert_int_equal(wm_count_get(&c->received), received);
	assert_int_equal(wm_count_get(&c->bytes), 100 * received);
	assert_int_equal(wm_count_get(&c->lost), lost);
	assert_int_equal(wm_count_get(&c->reordered), reordered);
	assert_int_equal(wm_count_get(&c->duplicates), duplicates);
	assert_int_equal(wm_count_get(&c->strangers), strangers);
}

static void what_happened_on_the_way_is_told_from_what_arrives(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b);
	for (uint64_t mark = 1; mark <= 9; mark++)
		note_down(&b, mark % 2, mark * step);
	b.now = 50;
	for (uint64_t mark = 1; mark <= 5; mark++)
		arrive(&b, mark * step);
	arrive(&b, 9 * step); // queue 1: 7 is late now
	arrive(&b, 8 * step); // queue 0: 6 will be
	arrive(&b, 7 * step);
	arrive(&b, 3 * step);
	arrive(&b, 77 * step);
	assert_true(wm_watch_turn(&b.watch, b.now));
	check(&b, 9, 8, 0, 1, 1, 1);
	assert_int_equal(wm_watch_under_way(&b.watch), 1);
	assert_int_equal(wm_spread_at(&b.watch.latency, 0.5), 50);
	(void)wm_watch_turn(&b.watch, WM_WATCH_WAIT_NS - 1);
	check(&b, 9, 8, 0, 1, 1, 1);
	(void)wm_watch_turn(&b.watch, WM_WATCH_WAIT_NS + 1);
	check(&b, 9, 8, 1, 1, 1, 1);
	arrive(&b, 6 * step); // too late
	wm_watch_finish(&b.watch);
	check(&b, 9, 8, 1, 1, 1, 2);
	tear_down(&b);
}

static void packets_alike_are_counted_one_by_one(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b);
	for (int i = 0; i < 5; i++)
		note_down(&b, 0, 42);
	for (int i = 0; i < 3; i++)
		arrive(&b, 42);
	wm_watch_finish(&b.watch);
	check(&b, 5, 3, 2, 0, 0, 0);
	arrive(&b, 42);
	wm_watch_finish(&b.watch);
	check(&b, 5, 3, 2, 0, 1, 0);
	tear_down(&b);

	set_up(&b);
	note_down(&b, 0, 42); // lost
	note_down(&b, 0, 43);
	note_down(&b, 0, 42);
	b.now = 10;
	arrive(&b, 43);
	arrive(&b, 42);
	(void)wm_watch_turn(&b.watch, b.now);
	check(&b, 3, 2, 0, 0, 0, 0);
	arrive(&b, 42); // it was not lost
	wm_watch_finish(&b.watch);
	check(&b, 3, 3, 0, 1, 0, 0);
	tear_down(&b);
}

// A packet can be back before the burst that it left with is over: its note is waited for.
static void a_packet_is_no_stranger_while_its_note_may_still_come(void **state)
{
	static struct bench b;
	uint32_t noted;

	(void)state;
	set_up(&b);
	noted = wm_ledger_begin(&b.ledgers[1], 1);
	wm_ledger_put(&b.ledgers[1], 0, (struct wm_note){7, 0});
	arrive(&b, 7);
	for (int i = 0; i < 3; i++)
		(void)wm_watch_turn(&b.watch, 10);
	check(&b, 0, 0, 0, 0, 0, 0);
	wm_ledger_end(&b.ledgers[1], noted, 1);
	(void)wm_watch_turn(&b.watch, 20);
	check(&b, 1, 1, 0, 0, 0, 0);

	(void)wm_ledger_begin(&b.ledgers[1], 1); // and the port does not take it
	arrive(&b, 8);
	(void)wm_watch_turn(&b.watch, 30);
	check(&b, 1, 1, 0, 0, 0, 0);
	wm_ledger_end(&b.ledgers[1], 1, 0);
	(void)wm_watch_turn(&b.watch, 40);
	check(&b, 1, 1, 0, 0, 0, 1);
	tear_down(&b);
}

static void a_packet_whose_note_may_still_come_is_not_taken_for_a_lost_one_like_it(void **state)
{
	static struct bench b;
	uint32_t noted;

	(void)state;
	set_up(&b);
	note_down(&b, 0, 42); // is lost
	note_down(&b, 0, 43);
	arrive(&b, 43);
	(void)wm_watch_turn(&b.watch, b.now);
	noted = wm_ledger_begin(&b.ledgers[0], 1);
	wm_ledger_put(&b.ledgers[0], 0, (struct wm_note){42, b.now});
	arrive(&b, 42); // before the port's function has come back
	for (int i = 0; i < 3; i++)
		(void)wm_watch_turn(&b.watch, b.now);
	check(&b, 2, 1, 0, 0, 0, 0);
	wm_ledger_end(&b.ledgers[0], noted, 1);
	(void)wm_watch_turn(&b.watch, b.now);
	check(&b, 3, 2, 0, 0, 0, 0);
	arrive(&b, 42); // the first one after all
	for (int i = 0; i < 3; i++)
		(void)wm_watch_turn(&b.watch, b.now);
	check(&b, 3, 3, 0, 1, 0, 0);
	wm_watch_finish(&b.watch);
	tear_down(&b);
}

static void what_there_is_no_room_to_note_down_is_counted(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b);
	for (uint64_t i = 0; i < N_NOTES + 10; i++)
		note_down(&b, 0, i << 20 | 1);
	assert_int_equal(wm_count_get(&b.ledgers[0].unseen), 10);
	wm_watch_finish(&b.watch);
	check(&b, N_NOTES, 0, N_NOTES, 0, 0, 0);
	tear_down(&b);
}

// What a device with losses, doubles and detours does to many packets, counted as it does it.
static void counts_are_those_of_a_device_that_loses_and_reorders(void **state)
{
	static struct bench b;
	uint64_t late[N_LEDGERS] = {0}, n = 200000, received = 0, lost = 0, reordered = 0, duplicates = 0;
	struct wm_rng rng;

	(void)state;
	set_up(&b);
	wm_rng_init(&rng, 1, WM_STREAM_TEST, 0);
	for (uint64_t i = 0; i < n; i++) {
		unsigned ledger = wm_rng_u32(&rng) % N_LEDGERS, fate = wm_rng_u32(&rng) % 100;
		uint64_t mark = (i + 1) * step;

		b.now += 1000;
		note_down(&b, ledger, mark);
		if (late[ledger] > 0 && fate >= 10) { // overtaken
			arrive(&b, mark);
			arrive(&b, late[ledger]);
			late[ledger] = 0;
			received += 2;
			reordered++;
		} else if (fate < 3) {
			lost++;
		} else if (fate < 6 && late[ledger] == 0) {
			late[ledger] = mark;
		} else {
			arrive(&b, mark);
			received++;
			if (fate < 10) {
				arrive(&b, mark);
				duplicates++;
			}
		}
		if (wm_rng_u32(&rng) % 50 == 0 || wm_watch_room(&b.watch) < 4)
			(void)wm_watch_turn(&b.watch, b.now);
	}
	wm_watch_finish(&b.watch);
	for (unsigned i = 0; i < N_LEDGERS; i++)
		lost += late[i] > 0;
	check(&b, n, received, lost, reordered, duplicates, 0);
	assert_int_equal(received + lost, n);
	assert_true(lost > n / 50 && reordered > n / 100 && duplicates > n / 50);
	tear_down(&b);
}

static void a_spread_is_right_to_a_sixty_fourth(void **state)
{
	static struct wm_spread s;
	struct wm_rng rng;

	(void)state;
	wm_spread_init(&s);
	assert_int_equal(wm_spread_at(&s, 0.5), 0);
	for (uint64_t v = 1; v <= 100000; v++)
		wm_spread_add(&s, v);
	for (double share = 0.001; share <= 1; share += 0.01) {
		double want = share * 100000, got = (double)wm_spread_at(&s, share);

		assert_true(got >= want * (1 - 1.0 / 64) - 1 && got <= want * (1 + 1.0 / 64) + 1);
	}
	assert_int_equal(wm_count_get(&s.least), 1);
	assert_int_equal(wm_count_get(&s.most), 100000);
	wm_rng_init(&rng, 1, WM_STREAM_TEST, 0);
	for (int i = 0; i < 100000; i++) {
		uint64_t v = ((uint64_t)wm_rng_u32(&rng) << 32 | wm_rng_u32(&rng)) >> wm_rng_u32(&rng) % 64;

		assert_true(wm_spread_cell(v) < WM_SPREAD_CELLS);
		assert_true(v == UINT64_MAX || wm_spread_cell(v) <= wm_spread_cell(v + 1));
	}
}

static void put_ipv4(uint8_t *frame, size_t at)
{
	static const uint8_t ip[] = {0x45, 0, 0, 44, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
		0x80, 1, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 9, 9, 0, 0, 0, 0, 'd', 'a', 't', 'a'};

	frame[at - 2] = 8;
	memcpy(frame + at, ip, sizeof(ip));
}

static void a_packet_is_known_by_what_the_way_leaves_alone(void **state)
{
	static const uint8_t changes[] = {16, 18, 23, 26, 30, 34, 37, 38, 42, 47};
	static const uint8_t stays[] = {0, 6, 15, 22, 24};
	uint8_t frame[128] = {0}, tagged[128] = {0};
	uint64_t mark;

	(void)state;
	put_ipv4(frame, 14);
	mark = wm_mark(frame, 58);
	put_ipv4(tagged, 22);
	memcpy(tagged + 12, (uint8_t[]){0x88, 0xa8, 1, 2, 0x81, 0, 3, 4}, 8);
	assert_int_equal(wm_mark(tagged, 66), mark);
	assert_int_equal(wm_mark(frame, 60), mark); // padded
	for (size_t i = 0; i < sizeof(stays); i++) {
		frame[stays[i]] ^= 0xff;
		assert_int_equal(wm_mark(frame, 58), mark);
	}
	for (size_t i = 0; i < sizeof(changes); i++) {
		frame[changes[i]] ^= 1;
		assert_int_not_equal(wm_mark(frame, 58), mark);
		frame[changes[i]] ^= 1;
	}
	assert_int_equal(wm_mark(frame, 13), 0);
	for (uint32_t len = 14; len < 58; len++) // cut short: no reading beyond the end
		assert_int_not_equal(wm_mark(frame, len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_happened_on_the_way_is_told_from_what_arrives),
		cmocka_unit_test(packets_alike_are_counted_one_by_one),
		cmocka_unit_test(a_packet_is_no_stranger_while_its_note_may_still_come),
		cmocka_unit_test(a_packet_whose_note_may_still_come_is_not_taken_for_a_lost_one_like_it),
		cmocka_unit_test(what_there_is_no_room_to_note_down_is_counted),
		cmocka_unit_test(counts_are_those_of_a_device_that_loses_and_reorders),
		cmocka_unit_test(a_spread_is_right_to_a_sixty_fourth),
		cmocka_unit_test(a_packet_is_known_by_what_the_way_leaves_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
