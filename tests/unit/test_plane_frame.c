// SPDX-License-Identifier: BSD-3-Clause
#include <base/philox.h>
#include <plane/frame.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 2048, N_MBUFS = 5, N_FORMS = 3, N_FRAMES = 20000 };

static uint8_t payload[1000];

struct buffer {
	struct rte_mbuf mbuf;
	uint8_t data[WM_FRAME_AT + ROOM];
};

static void make_forms(struct wm_form *forms)
{
	static uint32_t sums[sizeof(payload) / 2 + 1];
	static const uint8_t tcp[54] = {[12] = 8, [14] = 0x45, [22] = 64, [23] = 6, [46] = 0x50};
	static const uint8_t udp[42] = {[12] = 8, [14] = 0x45, [22] = 64, [23] = 17};
	static const uint8_t other[14] = {[12] = 0x88, [13] = 0xcc};

	memset(payload, 0xa5, sizeof(payload));
	assert_int_equal(wm_form_init(&forms[0], tcp, sizeof(tcp), NULL, NULL, 0, NULL), 0);
	assert_int_equal(wm_form_init(&forms[1], udp, sizeof(udp), payload, sums, sizeof(payload), NULL), 0);
	assert_int_equal(wm_form_init(&forms[2], other, sizeof(other), NULL, NULL, 0, NULL), 0);
}

static struct wm_sample random_sample(struct wm_rng *rng, const struct wm_form *forms, uint32_t len_max)
{
	struct wm_sample s = {.form = (uint16_t)wm_rng_below(rng, N_FORMS), .flow = wm_rng_u32(rng), .flags = 0x10};
	uint32_t head_len = forms[s.form].head_len;

	s.len = (uint16_t)(head_len + wm_rng_below(rng, len_max - head_len + 1));
	s.src[15] = (uint8_t)wm_rng_u32(rng);
	s.sport = (uint16_t)wm_rng_u32(rng);
	s.seq = wm_rng_u32(rng);
	return s;
}

// What its note says of the payload's place is true.
static void check_rest(struct buffer *b)
{
	const struct wm_mbuf_note *note = wm_mbuf_note(&b->mbuf);
	const uint8_t *place = wm_mbuf_payload(&b->mbuf);
	uint8_t stub[WM_STUB_TCP];

	for (size_t k = wm_mbuf_dirty(note); k < ROOM; k++)
		assert_int_equal(place[k], 0);
	(void)wm_stub_put_tcp(stub, WM_STUB_TCP);
	if (note->holds & WM_PAYLOAD_STUB)
		assert_memory_equal(place, stub, WM_STUB_TCP);
}

// Buffers come back in any order, having carried anything.
static void frames_do_not_show_what_their_buffer_carried_before(void **state)
{
	struct buffer *buffers = calloc(N_MBUFS, sizeof(*buffers));
	static const struct wm_move still;
	struct wm_stencil list[N_FORMS * WM_STENCILS];
	uint16_t of[N_FORMS][WM_STENCILS];
	struct wm_stencils stencils = {.list = list, .of = of};
	struct wm_form forms[N_FORMS];
	struct wm_draft draft;
	uint8_t want[ROOM];
	struct wm_rng rng;
	size_t n_drafts = 0;

	(void)state;
	make_forms(forms);
	wm_stencils_init(&stencils, forms, N_FORMS);
	wm_frame_init_stencils(&stencils);
	wm_rng_init(&rng, 1, WM_STREAM_TEST, 0);
	for (size_t i = 0; i < N_MBUFS; i++)
		buffers[i].mbuf.buf_addr = buffers[i].data;
	for (size_t i = 0; i < N_FRAMES; i++) {
		struct wm_sample s = random_sample(&rng, forms, ROOM);
		struct buffer *b = &buffers[wm_rng_below(&rng, N_MBUFS)];

		wm_draft_make(&draft, &s, &stencils);
		n_drafts += !wm_draft_is_sample(&draft);
		if (wm_draft_is_sample(&draft))
			wm_frame_put(&b->mbuf, &forms[s.form], &s);
		else
			wm_frame_put_draft(&b->mbuf, &draft, &list[draft.stencil], &still, s.time_ns);
		wm_frame_build(want, &forms[s.form], &s, false);
		assert_int_equal(b->mbuf.data_len, s.len);
		assert_int_equal(b->mbuf.pkt_len, s.len);
		assert_memory_equal(rte_pktmbuf_mtod(&b->mbuf, uint8_t *), want, s.len);
		check_rest(b);
	}
	assert_true(n_drafts > N_FRAMES / 4 && n_drafts < N_FRAMES);
	free(buffers);
}

static void a_chain_holds_the_frame_piece_by_piece(void **state)
{
	struct buffer *buffers = calloc(N_MBUFS, sizeof(*buffers));
	uint8_t *want = malloc(UINT16_MAX), *scratch = malloc(UINT16_MAX);
	struct wm_form forms[N_FORMS];
	struct wm_rng rng;

	(void)state;
	make_forms(forms);
	wm_rng_init(&rng, 2, WM_STREAM_TEST, 0);
	for (size_t i = 0; i < N_MBUFS; i++) {
		buffers[i].mbuf.buf_addr = buffers[i].data;
		buffers[i].mbuf.next = i + 1 < N_MBUFS ? &buffers[i + 1].mbuf : NULL;
	}
	for (size_t i = 0; i < 100; i++) {
		struct wm_sample s = random_sample(&rng, forms, N_MBUFS * ROOM);

		s.len = (uint16_t)(s.len < (N_MBUFS - 1) * ROOM ? s.len + (N_MBUFS - 1) * ROOM : s.len);
		wm_frame_put_chain(&buffers[0].mbuf, ROOM, scratch, &forms[s.form], &s);
		wm_frame_build(want, &forms[s.form], &s, false);
		assert_int_equal(buffers[0].mbuf.pkt_len, s.len);
		for (size_t k = 0, at = 0; k < N_MBUFS; at += buffers[k++].mbuf.data_len) {
			assert_memory_equal(
				rte_pktmbuf_mtod(&buffers[k].mbuf, uint8_t *), want + at, buffers[k].mbuf.data_len);
			check_rest(&buffers[k]);
		}
	}
	free(scratch);
	free(want);
	free(buffers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_do_not_show_what_their_buffer_carried_before),
		cmocka_unit_test(a_chain_holds_the_frame_piece_by_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
