// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/measure.h>
#include <fidelity/series.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct made {
	struct wm_fidelity *f;
	struct wm_tally samples[WM_INPUTS];
	struct wm_scratch s;
};

static void begin(struct made *m, const double *real, size_t n_real, const double *synth, size_t n_synth)
{
	memset(m, 0, sizeof(*m));
	m->f = calloc(1, sizeof(*m->f));
	assert_non_null(m->f);
	assert_int_equal(wm_tally_doubles(&m->samples[WM_INPUT_REAL], real, n_real, &m->s), 0);
	assert_int_equal(wm_tally_doubles(&m->samples[WM_INPUT_SYNTH], synth, n_synth, &m->s), 0);
}

static void end(struct made *m)
{
	wm_fidelity_free(m->f);
	wm_scratch_fini(&m->s);
}

// y of the last point with x <= at.
static double value_at(const struct wm_series *s, const double *y, double at)
{
	double v = 0;

	for (size_t i = 0; i < s->n && s->x[i] <= at; i++)
		v = y[i];
	return v;
}

static void a_cdf_jumps_at_the_values_of_each_input(void **state)
{
	static const double real[] = {1, 1, 2, 4}, synth[] = {2, 8};
	static const struct wm_series like = {.name = "x"};
	struct made m;
	const struct wm_series *s;

	(void)state;
	begin(&m, real, 4, synth, 2);
	assert_int_equal(wm_series_add_cdf(m.f, &like, m.samples), 0);
	assert_int_equal(m.f->n_series, 1);
	s = m.f->series;
	assert_int_equal(s->kind, WM_SERIES_CDF);
	assert_null(s->y[WM_INPUT_HOLDOUT]);
	for (size_t i = 1; i < s->n; i++)
		assert_true(s->x[i] > s->x[i - 1] && s->y[0][i] >= s->y[0][i - 1]);
	assert_true(value_at(s, s->y[0], 1) == .5 && value_at(s, s->y[0], 2) == .75 && value_at(s, s->y[0], 8) == 1);
	assert_true(value_at(s, s->y[1], 1) == 0 && value_at(s, s->y[1], 2) == .5 && value_at(s, s->y[1], 8) == 1);
	end(&m);
}

static void a_histogram_has_everything_in_it(void **state)
{
	static const double real[] = {1, 1, 10, 100}, synth[] = {2, 1000, 2000};
	static const struct wm_series like[] = {{.name = "x"}, {.name = "log x", .log_x = true}};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct made m;
		const struct wm_series *s;
		double sum[2] = {0, 0};

		begin(&m, real, 4, synth, 3);
		assert_int_equal(wm_series_add_histogram(m.f, &like[k], m.samples), 0);
		s = m.f->series;
		for (size_t i = 0; i < s->n; i++)
			for (int role = 0; role < 2; role++)
				sum[role] += s->y[role][i];
		assert_float_equal(sum[0], 1, 1e-12);
		assert_float_equal(sum[1], 1, 1e-12);
		assert_true(s->y[0][s->n - 1] == 0); // the end of the last bin
		assert_true(s->y[0][0] >= .5);
		end(&m);
	}
}

static void ranks_begin_with_the_most_frequent_and_end_where_there_are_no_more(void **state)
{
	static const double real[] = {7, 7, 7, 1}, synth[] = {3, 3, 5, 9};
	static const struct wm_series like = {.name = "x"};
	struct made m;
	const struct wm_series *s;

	(void)state;
	begin(&m, real, 4, synth, 4);
	assert_int_equal(wm_series_add_rank(m.f, &like, m.samples), 0);
	s = m.f->series;
	assert_int_equal(s->n, 3);
	assert_true(s->y[0][0] == .75 && s->y[0][1] == .25 && isnan(s->y[0][2]));
	assert_true(s->y[1][0] == .5 && s->y[1][2] == .25);
	end(&m);
}

static void what_has_nothing_to_show_is_left_out(void **state)
{
	static const double one[] = {5, 5};
	static const struct wm_series like = {.name = "x"};
	struct made m;

	(void)state;
	begin(&m, one, 0, one, 2);
	assert_int_equal(wm_series_add_cdf(m.f, &like, m.samples), 0);
	assert_int_equal(wm_series_add_histogram(m.f, &like, m.samples), 0);
	assert_int_equal(wm_series_add_rank(m.f, &like, m.samples), 0);
	assert_int_equal(m.f->n_series, 0);
	end(&m);
	begin(&m, one, 2, one, 2);
	assert_int_equal(wm_series_add_histogram(m.f, &like, m.samples), 0);
	assert_int_equal(wm_series_add_rank(m.f, &like, m.samples), 0);
	assert_int_equal(m.f->n_series, 0);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cdf_jumps_at_the_values_of_each_input),
		cmocka_unit_test(a_histogram_has_everything_in_it),
		cmocka_unit_test(ranks_begin_with_the_most_frequent_and_end_where_there_are_no_more),
		cmocka_unit_test(what_has_nothing_to_show_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
