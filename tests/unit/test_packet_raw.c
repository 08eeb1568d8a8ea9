// SPDX-License-Identifier: BSD-3-Clause
#include <packet/dress.h>
#include <packet/raw.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct wm_dress dress = {
	.has_src = true, .has_dst = true, .src = {2, 1, 1, 1, 1, 1}, .dst = {2, 2, 2, 2, 2, 2}, .vlan = 300};

// The frame that a port makes of n captured bytes with so many tags.
static size_t made(uint8_t *out, const uint8_t *bytes, size_t n, unsigned tags, const struct wm_dress *port)
{
	struct wm_form form = wm_forms_raw[tags];
	struct wm_sample s = {.bytes = bytes};

	if (port != NULL)
		wm_form_dress(&form, port);
	s.len = (uint16_t)(n + form.grown);
	wm_frame_build(out, &form, &s, false);
	return s.len;
}

static void a_captured_frame_is_sent_as_it_is(void **state)
{
	uint8_t bytes[200], out[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t n = 1; n <= sizeof(bytes); n++) {
		assert_int_equal(made(out, bytes, n, (unsigned)(n % WM_FORMS_RAW), NULL), n);
		assert_memory_equal(out, bytes, n);
	}
}

static void a_port_dresses_captured_frames_too(void **state)
{
	static const uint8_t plain[] = {8, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0, 2, 8, 0, 'a', 'b', 'c'};
	static const uint8_t want_plain[] = {2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 0x81, 0, 1, 0x2c, 8, 0, 'a', 'b', 'c'};
	static const uint8_t tagged[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 8, 0, 0, 0, 0, 2, 0x88, 0xa8, 0xa0, 7, 8, 6, 'a', 'b', 'c'};
	static const uint8_t want_tagged[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 1, 1, 1, 1, 1, 0x88, 0xa8, 0xa1, 0x2c, 8, 6, 'a', 'b', 'c'};
	uint8_t out[64];

	(void)state;
	assert_int_equal(made(out, plain, sizeof(plain), 0, &dress), sizeof(want_plain));
	assert_memory_equal(out, want_plain, sizeof(want_plain));
	assert_int_equal(made(out, tagged, sizeof(tagged), 1, &dress), sizeof(want_tagged));
	assert_memory_equal(out, want_tagged, sizeof(want_tagged));
}

static void what_has_no_link_header_is_not_dressed(void **state)
{
	static const uint8_t runt[13] = "thirteen byte", zeros[4];
	uint8_t out[64];

	(void)state;
	for (size_t n = 1; n <= sizeof(runt); n++) {
		assert_int_equal(made(out, runt, n, 0, &dress), n + 4);
		assert_memory_equal(out, runt, n);
		assert_memory_equal(out + n, zeros, 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_captured_frame_is_sent_as_it_is),
		cmocka_unit_test(a_port_dresses_captured_frames_too),
		cmocka_unit_test(what_has_no_link_header_is_not_dressed),
	};

	return cmocka_run_group_tests_name("packet_raw", tests, NULL, NULL);
}
