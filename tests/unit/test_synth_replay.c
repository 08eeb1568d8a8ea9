// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <base/philox.h>
#include <packet/raw.h>
#include <synth/replay.h>
#include <synth/track.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SLOTS = 256, FRAME_MAX = 4096 };

static char path[] = "/tmp/wm-replay-XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || close(fd) < 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

// A pcap file in the making: nanoseconds, this machine's byte order.
static FILE *begin(uint32_t link)
{
	const uint32_t head[6] = {0xa1b23c4d, 4u << 16 | 2, 0, 0, 262144, link};
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(head, 1, sizeof(head), f), sizeof(head));
	return f;
}

static void add(FILE *f, uint64_t time_ns, const void *data, uint32_t cap_len, uint32_t len)
{
	const uint32_t head[4] = {(uint32_t)(time_ns / 1000000000), (uint32_t)(time_ns % 1000000000), cap_len, len};

	assert_int_equal(fwrite(head, 1, sizeof(head), f), sizeof(head));
	assert_int_equal(fwrite(data, 1, cap_len, f), cap_len);
}

// What frame i of a made-up capture holds: told from its number alone.
static uint32_t fill(uint8_t *frame, uint32_t i)
{
	uint32_t len = 1 + i * 2654435761u % 1700;
	struct wm_rng rng;

	wm_rng_init(&rng, 1, WM_STREAM_TEST, i);
	for (uint32_t k = 0; k < len; k++)
		frame[k] = (uint8_t)wm_rng_u32(&rng);
	return len;
}

static uint64_t time_of(uint32_t i)
{
	return 1700000000000000007ull + i * 1001ull + (i / 7) * 123456789ull;
}

static void make_capture(uint32_t n)
{
	uint8_t frame[FRAME_MAX];
	FILE *f = begin(1);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = fill(frame, i);

		add(f, time_of(i), frame, len, len);
	}
	assert_int_equal(fclose(f), 0);
}

static struct wm_replay *open_replay(uint64_t loops, enum wm_snapped snapped)
{
	const struct wm_replay_options options = {.path = path,
		.speed = 1,
		.loops = loops,
		.arena = WM_REPLAY_ARENA_MIN,
		.number = 3,
		.snapped = snapped};
	struct wm_replay *r = NULL;
	struct wm_err err = {0};

	if (wm_replay_open(&r, &options, &err) < 0)
		fail_msg("%s", err.msg);
	return r;
}

// Packets i, i + 1, ... of the made-up capture, each once and in order; n of them to a loop.
struct reader {
	uint32_t n;
	uint64_t seen;
	uint64_t loop_ns;
	uint64_t flows; // ended, in all loops
	bool over;
};

static void check(struct reader *c, const struct wm_sample *s)
{
	uint32_t i = (uint32_t)(c->seen % c->n);
	uint8_t want[FRAME_MAX], got[FRAME_MAX];

	assert_false(c->over);
	if (s->form == WM_FORM_TICK) {
		c->flows += s->flags == WM_TICK_FLOW;
		c->over = s->flags == WM_TICK_END;
		return;
	}
	assert_int_equal(wm_sample_model(s), 3);
	assert_int_equal(s->len, fill(want, i));
	wm_frame_build(got, &wm_forms_raw[s->form], s, false);
	assert_memory_equal(got, want, s->len);
	assert_int_equal(s->time_ns, c->seen / c->n * c->loop_ns + time_of(i) - time_of(0));
	c->seen++;
}

// Pull a replay through rings that are filled and emptied as chance will have it: sample k goes through ring k modulo
// their number, so that they can be looked at in their order.
static void run(struct wm_replay *r, struct reader *c, unsigned n_rings)
{
	static struct wm_sample slots[4][SLOTS];
	struct wm_sample made[SLOTS], *room;
	const struct wm_sample *span;
	uint64_t put = 0, taken = 0;
	struct wm_ring rings[4];
	struct wm_rng rng;

	wm_rng_init(&rng, 2, WM_STREAM_TEST, 0);
	for (unsigned q = 0; q < n_rings; q++)
		wm_ring_init(&rings[q], slots[q], SLOTS);
	wm_replay_attach(r, rings, n_rings);
	while (!wm_replay_over(r) || taken < put) {
		size_t n = SLOTS - (size_t)(put - taken) > 0 ? wm_rng_u32(&rng) % (SLOTS - (size_t)(put - taken)) : 0;

		n = wm_replay_next(r, made, n);
		for (size_t i = 0; i < n; i++, put++) {
			assert_true(wm_ring_room(&rings[put % n_rings], &room) > 0);
			*room = made[i];
			wm_ring_push(&rings[put % n_rings], 1);
		}
		for (uint32_t k = wm_rng_u32(&rng) % SLOTS; k > 0 && taken < put; k--, taken++) {
			assert_true(wm_ring_peek(&rings[taken % n_rings], &span) > 0);
			check(c, span);
			wm_ring_pop(&rings[taken % n_rings], 1);
		}
	}
	assert_int_equal(wm_replay_failed(r, NULL), 0);
}

static void adds_up(const struct wm_replay *r)
{
	const struct wm_replay_counts *c = wm_replay_counts(r);

	assert_int_equal(c->packets, c->used + c->snapped_out + c->oversize + c->empty + c->no_link);
}

// 300 frames fit the arena and are kept; 5,000 take five times as much and are read again for each loop.
static void every_packet_comes_once_a_loop_in_order_and_as_it_was(void **state)
{
	static const struct {
		uint32_t n;
		unsigned n_rings;
		uint64_t loops;
	} runs[] = {{1, 1, 3}, {300, 1, 1}, {300, 3, 7}, {5000, 1, 1}, {5000, 1, 3}, {5000, 4, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		uint64_t span_ns = time_of(runs[i].n - 1) - time_of(0);
		struct reader c = {.n = runs[i].n};
		struct wm_replay *r;

		c.loop_ns = span_ns + (span_ns > 0 ? span_ns / (runs[i].n - 1) : WM_REPLAY_GAP_NS);
		make_capture(runs[i].n);
		r = open_replay(runs[i].loops, WM_SNAPPED_PAD);
		run(r, &c, runs[i].n_rings);
		assert_true(c.over);
		assert_int_equal(c.seen, runs[i].n * runs[i].loops);
		assert_int_equal(wm_replay_counts(r)->used, c.seen);
		assert_int_equal(wm_replay_counts(r)->loops, runs[i].loops);
		assert_int_equal(wm_replay_counts(r)->flows, c.flows);
		adds_up(r);
		wm_replay_close(r);
	}
}

enum { BIG = 8000 };

// Frame i of connections that are opened and reset on one pair of ports: each SYN begins a flow and ends the one
// before.
static void fill_reset(uint8_t *frame, uint32_t i)
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, (BIG - 14) >> 8,
		(BIG - 14) & 255, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x80, 0, 0, 80};

	memset(frame, (int)(i * 37 + 1), BIG);
	memcpy(frame, head, sizeof(head));
	wm_put_be32(frame + 38, i * 1000);
	frame[46] = 0x50;
	frame[47] = i % 2 == 0 ? 2 : 4;
}

// The arena holds some 130 such frames and the ring more: each piece that is freed is needed. What is taken out leaves
// the tick of the flow that ended as the oldest in the ring as often as a frame.
static void a_frame_whose_flow_ends_another_stays_as_it_is(void **state)
{
	enum { N = 2000 };
	static struct wm_sample slots[SLOTS];
	const struct wm_sample *span;
	uint8_t frame[BIG], got[BIG];
	struct wm_sample *room;
	struct wm_replay *r;
	struct wm_ring ring;
	uint32_t seen = 0, ticks = 0;
	FILE *f = begin(1);

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		fill_reset(frame, i);
		add(f, time_of(i), frame, BIG, BIG);
	}
	assert_int_equal(fclose(f), 0);
	r = open_replay(1, WM_SNAPPED_PAD);
	wm_ring_init(&ring, slots, SLOTS);
	wm_replay_attach(r, &ring, 1);
	while (!wm_replay_over(r) || wm_ring_count(&ring) > 0) {
		size_t n = wm_ring_room(&ring, &room);

		wm_ring_push(&ring, n > 0 ? wm_replay_next(r, room, n) : 0);
		assert_true(wm_ring_peek(&ring, &span) > 0);
		if (span->form == WM_FORM_TICK) {
			ticks += span->flags == WM_TICK_FLOW;
		} else {
			assert_int_equal(span->len, BIG);
			fill_reset(frame, seen++);
			wm_frame_build(got, &wm_forms_raw[span->form], span, false);
			assert_memory_equal(got, frame, BIG);
		}
		wm_ring_pop(&ring, 1);
	}
	assert_int_equal(seen, N);
	assert_int_equal(ticks, N / 2); // a flow each two frames
	wm_replay_close(r);
}

// All samples of a short capture, ticks left out. @return how many.
static size_t all(struct wm_replay *r, struct wm_sample *out, size_t room)
{
	static struct wm_sample slots[SLOTS];
	static struct wm_ring ring;
	size_t n, kept = 0;

	wm_ring_init(&ring, slots, SLOTS);
	wm_replay_attach(r, &ring, 1);
	n = wm_replay_next(r, out, room);
	assert_true(wm_replay_over(r));
	for (size_t i = 0; i < n; i++)
		if (out[i].form != WM_FORM_TICK)
			out[kept++] = out[i];
	adds_up(r);
	return kept;
}

static void time_that_goes_back_stands_still_or_goes_on(void **state)
{
	static const uint64_t at_ms[] = {5000, 5010, 5009, 5011, 1000, 1002};
	static const uint64_t want_ms[] = {0, 10, 10, 11, 11, 13};
	struct wm_sample s[SLOTS];
	struct wm_replay *r;
	FILE *f = begin(1);

	(void)state;
	for (size_t i = 0; i < 6; i++)
		add(f, at_ms[i] * 1000000, "frame of 14 by", 14, 14);
	assert_int_equal(fclose(f), 0);
	r = open_replay(1, WM_SNAPPED_PAD);
	assert_int_equal(all(r, s, SLOTS), 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(s[i].time_ns, want_ms[i] * 1000000);
	assert_int_equal(wm_replay_counts(r)->backwards, 1);
	assert_int_equal(wm_replay_counts(r)->clock_set, 1);
	wm_replay_close(r);
}

static void packets_captured_short_are_padded_cut_or_dropped(void **state)
{
	static const uint32_t lens[] = {100, 20, 0};
	static const uint8_t zeros[80];
	struct wm_sample s[SLOTS];

	(void)state;
	for (int how = WM_SNAPPED_PAD; how <= WM_SNAPPED_DROP; how++) {
		struct wm_replay *r;
		FILE *f = begin(1);

		add(f, 1, "a frame of twenty by", 20, 100);
		add(f, 2, "a frame of twenty by", 20, 20);
		add(f, 3, "", 0, 0);
		add(f, 4, "a frame of twenty by", 20, 70000);
		assert_int_equal(fclose(f), 0);
		r = open_replay(1, (enum wm_snapped)how);
		assert_int_equal(all(r, s, SLOTS), how == WM_SNAPPED_PAD ? 2 : how == WM_SNAPPED_CUT ? 3 : 1);
		if (how != WM_SNAPPED_DROP)
			assert_int_equal(s[0].len, lens[how]);
		if (how == WM_SNAPPED_PAD)
			assert_memory_equal(s[0].bytes + 20, zeros, 80);
		assert_memory_equal(s[0].bytes, "a frame of twenty by", 20);
		assert_int_equal(wm_replay_counts(r)->empty, 1);
		assert_int_equal(wm_replay_counts(r)->oversize, how == WM_SNAPPED_PAD);
		assert_int_equal(wm_replay_counts(r)->snapped_out, how == WM_SNAPPED_DROP ? 2 : 0);
		wm_replay_close(r);
	}
}

static size_t unhex(uint8_t *out, const char *hex)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &out[i]), 1);
	return n;
}

static void other_links_are_given_an_ethernet_header(void **state)
{
#define IPV4 "4500001400000000400000000a000001c0000205"
#define IPV6 "6000000000003b40fd000000000000000000000000000001ff020000000000000000000000000005"
	static const struct {
		uint32_t link;
		const char *packet, *frame;
	} cases[] = {
		{101, IPV4,
			"0200c00002050200"
			"0a000001"
			"0800" IPV4},
		{12, IPV6,
			"333300000005"
			"020000000001"
			"86dd" IPV6},
		{228, IPV4,
			"0200c00002050200"
			"0a000001"
			"0800" IPV4},
		{0, "02000000" IPV4,
			"0200c00002050200"
			"0a000001"
			"0800" IPV4},
		{108, "0000001e" IPV6,
			"333300000005"
			"020000000001"
			"86dd" IPV6},
		{113,
			"0000"
			"0001"
			"0006"
			"0102030405060000"
			"0800" IPV4,
			"0200c0000205"
			"010203040506"
			"0800" IPV4},
		{113,
			"0004"
			"0304"
			"0000"
			"0000000000000000"
			"8100"
			"00050800" IPV4,
			"0200c0000205"
			"02000a000001"
			"8100"
			"00050800" IPV4},
		{276,
			"0806"
			"0000"
			"00000001"
			"0001"
			"01"
			"06"
			"0102030405060000"
			"00010800",
			"000000000000"
			"010203040506"
			"0806"
			"00010800"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t packet[FRAME_MAX], frame[FRAME_MAX];
		size_t n = unhex(packet, cases[i].packet), want = unhex(frame, cases[i].frame);
		struct wm_sample s[SLOTS];
		struct wm_replay *r;
		FILE *f = begin(cases[i].link);

		add(f, 1, packet, (uint32_t)n, (uint32_t)n);
		assert_int_equal(fclose(f), 0);
		r = open_replay(1, WM_SNAPPED_PAD);
		assert_int_equal(all(r, s, SLOTS), 1);
		assert_int_equal(s[0].len, want);
		assert_memory_equal(s[0].bytes, frame, want);
		wm_replay_close(r);
	}
}

static void refused(const char *sentence)
{
	const struct wm_replay_options options = {.path = path, .speed = 1, .loops = 1, .arena = 1};
	struct wm_replay *r = NULL;
	struct wm_err err = {0};

	assert_true(wm_replay_open(&r, &options, &err) < 0);
	assert_null(r);
	if (strstr(err.msg, sentence) == NULL)
		fail_msg("'%s' does not say '%s'", err.msg, sentence);
}

static void captures_without_a_packet_to_send_are_refused(void **state)
{
	FILE *f = begin(1);

	(void)state;
	assert_int_equal(fclose(f), 0);
	refused("there is no packet in it");
	f = begin(127); // 802.11 with radiotap headers
	add(f, 1, "whatever", 8, 8);
	assert_int_equal(fclose(f), 0);
	refused("packets of its link type (127) cannot be sent");
	f = begin(1);
	add(f, 1, "whatever", 8, 8);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(truncate(path, 45), 0);
	refused("no packet in front of where it is damaged at byte 24");
}

static void a_damaged_capture_gives_what_is_there_in_each_loop(void **state)
{
	struct reader c = {.n = 20};
	struct wm_replay *r;

	(void)state;
	make_capture(21);
	c.loop_ns = (time_of(19) - time_of(0)) / 19 * 20 + (time_of(19) - time_of(0)) % 19;
	{
		FILE *f = fopen(path, "r");
		long end;

		assert_non_null(f);
		assert_int_equal(fseek(f, 0, SEEK_END), 0);
		end = ftell(f);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(truncate(path, end - 1), 0);
	}
	r = open_replay(2, WM_SNAPPED_PAD);
	run(r, &c, 1);
	assert_int_equal(c.seen, 40);
	assert_non_null(strstr(wm_replay_damage(r), "cut short"));
	wm_replay_close(r);
}

static struct wm_packet tcp(uint64_t time_ns, bool reverse, uint8_t flags, uint32_t seq, uint16_t client_port)
{
	struct wm_packet p = {
		.time_ns = time_ns, .net = WM_NET_IPV4, .proto = WM_PROTO_TCP, .flags = flags, .seq = seq};

	p.src[15] = reverse ? 9 : 1;
	p.dst[15] = reverse ? 1 : 9;
	p.sport = reverse ? 80 : client_port;
	p.dport = reverse ? client_port : 80;
	return p;
}

static void flows_are_followed_both_ways_until_they_are_over(void **state)
{
	static const struct {
		uint64_t s;
		bool reverse;
		uint8_t flags;
		uint32_t seq;
		uint32_t flow;
		bool first;
		unsigned n_ended;
	} steps[] = {
		{1, false, 0x02, 5, 0, true, 0}, {1, true, 0x12, 7, 0, false, 0}, {2, false, 0x11, 6, 0, false, 0},
		{3, true, 0x10, 8, 0, false, 0}, {4, false, 0x02, 99, 1, true, 1}, // a new SYN behind a FIN
		{3000, true, 0x10, 8, 1, false, 0},                                // silent for less than an hour
		{7000, false, 0x10, 8, 2, true, 1},                                // for more
	};
	struct wm_track *t;
	struct wm_tracked out;
	struct wm_packet p;
	uint32_t flow;

	(void)state;
	assert_int_equal(wm_track_create(&t, 4), 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		p = tcp(steps[i].s * 1000000000, steps[i].reverse, steps[i].flags, steps[i].seq, 1234);
		wm_track_packet(t, &p, &out);
		assert_int_equal(out.flow, steps[i].flow);
		assert_int_equal(out.first, steps[i].first);
		assert_int_equal(out.reverse, steps[i].reverse);
		assert_int_equal(out.n_ended, steps[i].n_ended);
	}
	p = tcp(7001000000000, true, 0x10, 0, 7777); // its first packet comes from the well-known port
	wm_track_packet(t, &p, &out);
	assert_true(out.first && out.reverse && out.flow == 3);
	assert_true(wm_track_end(t, &flow) && flow >= 2);
	assert_true(wm_track_end(t, &flow) && flow >= 2);
	assert_false(wm_track_end(t, &flow));
	wm_track_destroy(t);
}

static void a_flow_that_is_over_ends_at_the_next_packet_of_any(void **state)
{
	struct wm_tracked out;
	struct wm_track *t;
	uint64_t s;

	(void)state;
	assert_int_equal(wm_track_create(&t, WM_TRACK_BITS), 0);
	for (uint16_t i = 0; i < 100; i++) { // half of them are closed
		struct wm_packet p = tcp(i, false, i % 2 == 0 ? 0x11 : 0x10, 0, i);

		wm_track_packet(t, &p, &out);
		assert_int_equal(out.n_ended, 0);
	}
	for (s = 1; s < 40; s++) {
		struct wm_packet p = tcp(s * 1000000000, false, 0x10, 0, 1);

		wm_track_packet(t, &p, &out);
		assert_int_equal(out.n_ended, s < 6 ? 0 : s < 31 ? 2 : 0);
		for (unsigned i = 0; i < out.n_ended; i++)
			assert_int_equal(out.ended[i], 4 * (s - 6) + 2 * i);
	}
	for (s = 3700; s < 3730; s++) {
		struct wm_packet p = tcp(s * 1000000000, false, 0x10, 0, 4000);

		wm_track_packet(t, &p, &out);
		assert_int_equal(out.n_ended, s < 3725 ? 2 : 0);
	}
	wm_track_destroy(t);
}

static void a_full_table_ends_the_flow_that_was_silent_longest(void **state)
{
	uint64_t begun = 0, ended = 0;
	struct wm_tracked out;
	struct wm_track *t;
	uint32_t flow;

	(void)state;
	assert_int_equal(wm_track_create(&t, 4), 0);
	for (uint16_t i = 0; i < 5000; i++) {
		struct wm_packet p = tcp(i, false, 0x10, 0, i);

		wm_track_packet(t, &p, &out);
		begun += out.first;
		ended += out.n_ended;
		p = tcp(i, false, 0x10, 0, i > 0 ? (uint16_t)(i - 1) : 0); // a recent one is there still
		wm_track_packet(t, &p, &out);
		begun += out.first;
		ended += out.n_ended;
	}
	assert_int_equal(begun, 5000);
	assert_true(wm_track_cut(t) == ended && ended > 4900);
	for (; wm_track_end(t, &flow); ended++)
		continue;
	assert_int_equal(begun, ended);
	wm_track_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet_comes_once_a_loop_in_order_and_as_it_was),
		cmocka_unit_test(a_frame_whose_flow_ends_another_stays_as_it_is),
		cmocka_unit_test(time_that_goes_back_stands_still_or_goes_on),
		cmocka_unit_test(packets_captured_short_are_padded_cut_or_dropped),
		cmocka_unit_test(other_links_are_given_an_ethernet_header),
		cmocka_unit_test(captures_without_a_packet_to_send_are_refused),
		cmocka_unit_test(a_damaged_capture_gives_what_is_there_in_each_loop),
		cmocka_unit_test(flows_are_followed_both_ways_until_they_are_over),
		cmocka_unit_test(a_flow_that_is_over_ends_at_the_next_packet_of_any),
		cmocka_unit_test(a_full_table_ends_the_flow_that_was_silent_longest),
	};

	return cmocka_run_group_tests_name("synth_replay", tests, setup, teardown);
}
