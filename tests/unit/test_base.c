// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <base/err.h>
#include <base/grow.h>
#include <base/philox.h>
#include <base/progress.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

// Known answers of the reference implementation (Random123, kat_vectors, philox4x32 10).
static void philox_gives_the_published_vectors(void **state)
{
	const uint32_t zero[4] = {0}, ones[4] = {~0u, ~0u, ~0u, ~0u};
	const uint32_t pi_ctr[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
	const uint32_t pi_key[2] = {0xa4093822, 0x299f31d0};
	const uint32_t want_zero[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
	const uint32_t want_ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
	const uint32_t want_pi[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
	uint32_t out[4];

	(void)state;
	wm_philox(zero, zero, out);
	assert_memory_equal(out, want_zero, sizeof(out));
	wm_philox(ones, ones, out);
	assert_memory_equal(out, want_ones, sizeof(out));
	wm_philox(pi_ctr, pi_key, out);
	assert_memory_equal(out, want_pi, sizeof(out));
}

static void uniform_draws_stay_inside_the_open_interval(void **state)
{
	struct wm_rng rng;
	double sum = 0;

	(void)state;
	wm_rng_init(&rng, 1, WM_STREAM_TEST, 0);
	for (int i = 0; i < 100000; i++) {
		float u = wm_rng_f32(&rng);

		assert_true(u > 0 && u < 1);
		sum += (double)u;
	}
	assert_true(sum / 100000 > 0.495 && sum / 100000 < 0.505); // 5 standard errors
}

static void grow_keeps_what_is_there_and_refuses_overflow(void **state)
{
	int *v = NULL;
	size_t cap = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(wm_grow((void **)&v, &cap, i + 1, sizeof(*v)), 0);
		v[i] = (int)i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(v[i], (int)i);
	assert_int_equal(wm_grow((void **)&v, &cap, SIZE_MAX, sizeof(*v)), -ENOMEM);
	free(v);
}

static void error_is_one_line_and_passes_the_code_through(void **state)
{
	struct wm_err err = {0};

	(void)state;
	assert_int_equal(wm_err_set(&err, -EINVAL, "a\nb %d", 3), -EINVAL);
	assert_string_equal(err.msg, "a b 3");
	assert_int_equal(wm_err_sys(&err, -ENOENT, "x.pcap"), -ENOENT);
	assert_string_equal(err.msg, "x.pcap: No such file or directory");
	assert_int_equal(wm_err_set(NULL, -EIO, "kept to itself"), -EIO);
}

static void bytes_go_both_ways(void **state)
{
	uint8_t b[8];

	(void)state;
	wm_put_be32(b, 0x01020304);
	assert_int_equal(b[0], 1);
	assert_int_equal(wm_be32(b), 0x01020304);
	assert_int_equal(wm_be16(b + 2), 0x0304);
	wm_put_le64(b, 0x0102030405060708u);
	assert_int_equal(b[0], 8);
	assert_true(wm_le64(b) == 0x0102030405060708u);
}

// What a job of 100 s ago, last shown as long ago, says now.
static char *shown(bool terminal, double done, const char *text)
{
	struct wm_progress p;
	char *said = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&said, &len);

	assert_non_null(out);
	wm_progress_init(&p, out);
	assert_false(p.terminal);
	wm_progress_show(&p, done, "too early");
	p.terminal = terminal;
	p.start_ns -= 100000000000;
	p.shown_ns = p.start_ns;
	wm_progress_show(&p, done, text);
	wm_progress_show(&p, done, terminal ? text : "too early");
	wm_progress_end(&p);
	(void)fclose(out);
	return said;
}

static void progress_is_a_line_in_a_log_and_a_bar_on_a_terminal(void **state)
{
	static const char *const bars[] = {
		"\r 25 % [#####...............] loss 0.5, 5:00 left\033[K\r\033[K",
		"\r  0 % [....................] loss 0.5\033[K\r\033[K",
		"\r100 % [####################] loss 0.5, 0:00 left\033[K\r\033[K",
		"\r  1 % [....................] loss 0.5, 2:45:00 left\033[K\r\033[K",
	};
	static const double done[] = {0.25, -1, 7, 0.01};
	struct wm_progress silent;
	char *said;

	(void)state;
	said = shown(false, 0.25, "loss 0.5");
	assert_string_equal(said, " 25 % loss 0.5, 5:00 left\n");
	free(said);
	for (size_t i = 0; i < sizeof(done) / sizeof(done[0]); i++) {
		said = shown(true, done[i], "loss 0.5");
		assert_string_equal(said, bars[i]);
		free(said);
	}
	wm_progress_init(&silent, NULL);
	wm_progress_show(&silent, 0.5, "unheard");
	wm_progress_end(&silent);
}

static void progress_fits_the_terminal(void **state)
{
	char text[301] = {0}, *said;

	(void)state;
	memset(text, 'x', 300);
	said = shown(true, 0.25, text);
	assert_int_equal(strcspn(said + 1, "\033"), 79);
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(philox_gives_the_published_vectors),
		cmocka_unit_test(uniform_draws_stay_inside_the_open_interval),
		cmocka_unit_test(grow_keeps_what_is_there_and_refuses_overflow),
		cmocka_unit_test(error_is_one_line_and_passes_the_code_through),
		cmocka_unit_test(bytes_go_both_ways),
		cmocka_unit_test(progress_is_a_line_in_a_log_and_a_bar_on_a_terminal),
		cmocka_unit_test(progress_fits_the_terminal),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
