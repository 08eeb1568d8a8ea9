// SPDX-License-Identifier: BSD-3-Clause
#include <engine/rows/chain_fit.h>
#include <engine/rows/numbers_fit.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N = 4000, COLUMNS = 4, TARGET = 3, VALUES = 12 };

// Column 0 decides the value in nine of ten records, column 1 is noise, column 2 is another value in every record.
static uint32_t *some_records(void)
{
	uint32_t *v = calloc(N, COLUMNS * sizeof(*v));
	struct wm_rng rng;

	assert_non_null(v);
	wm_rng_init(&rng, 1, WM_STREAM_TEST, 0);
	for (uint32_t i = 0; i < N; i++) {
		uint32_t *r = v + (size_t)i * COLUMNS;

		r[0] = wm_rng_below(&rng, 5);
		r[1] = wm_rng_below(&rng, 5);
		r[2] = i;
		r[TARGET] = wm_rng_below(&rng, 10) > 0 ? r[0] : 5 + wm_rng_below(&rng, VALUES - 5);
	}
	return v;
}

static struct rows_chain_fitted fit(const uint32_t *v)
{
	const struct rows_chain_task task = {.name = "test",
		.v = v,
		.n_records = N,
		.n_columns = COLUMNS,
		.target = TARGET,
		.n_candidates = 3,
		.candidate = {2, 1, 0}};
	struct rows_chain_fitted f;

	assert_int_equal(rows_chain_fit(&f, &task), 0);
	assert_int_equal(rows_chain_index(&f.chain), 0);
	return f;
}

static void contexts_are_of_what_the_value_depends_on(void **state)
{
	uint32_t *v = some_records();
	struct rows_chain_fitted f = fit(v);

	(void)state;
	assert_int_equal(f.chain.n_levels, 2);
	assert_int_equal(f.chain.column[0], 0);
	assert_true(f.nats < 0.7); // entropy: .9 log(1/.9) + .1 log(7/.1) = .52
	rows_chain_free(&f.chain);
	rows_chain_fitted_free(&f);
	free(v);
}

// Whether drawing n times gives each value as often as the records have it, but for chance.
static void draws_like_records(const struct rows_chain *c, const uint32_t *v, uint32_t replace)
{
	double had[VALUES] = {0}, got[VALUES] = {0};
	struct wm_rng rng;

	wm_rng_init(&rng, 1, WM_STREAM_TEST, 1);
	for (int turn = 0; turn < 10; turn++) {
		for (uint32_t i = 0; i < N; i++) {
			uint32_t r[COLUMNS];

			for (int k = 0; k < COLUMNS; k++)
				r[k] = v[(size_t)i * COLUMNS + (size_t)k];
			if (replace < COLUMNS)
				r[replace] = UINT32_MAX;
			had[r[TARGET]]++;
			got[rows_chain_draw(c, r, &rng, 0)]++;
		}
	}
	for (int k = 0; k < VALUES; k++)
		assert_true(got[k] > 0.85 * had[k] - 50 && got[k] < 1.15 * had[k] + 50);
}

static void what_is_drawn_is_as_frequent_as_it_was(void **state)
{
	uint32_t *v = some_records();
	struct rows_chain_fitted f = fit(v);

	(void)state;
	draws_like_records(&f.chain, v, COLUMNS);
	rows_chain_free(&f.chain);
	rows_chain_fitted_free(&f);
	free(v);
}

static void so_it_is_in_a_context_that_was_never_seen(void **state)
{
	uint32_t *v = some_records();
	struct rows_chain_fitted f = fit(v);

	(void)state;
	draws_like_records(&f.chain, v, 0);
	rows_chain_free(&f.chain);
	rows_chain_fitted_free(&f);
	free(v);
}

static void a_column_that_no_record_has_gives_what_stands_for_none(void **state)
{
	uint32_t *v = some_records();
	struct rows_chain_fitted f;
	struct wm_rng rng;

	(void)state;
	for (size_t i = 0; i < N; i++)
		v[i * COLUMNS + TARGET] = ROWS_SKIP;
	f = fit(v);
	wm_rng_init(&rng, 1, WM_STREAM_TEST, 2);
	assert_int_equal(f.chain.n_cells, 0);
	assert_int_equal(rows_chain_draw(&f.chain, v, &rng, 7), 7);
	rows_chain_free(&f.chain);
	rows_chain_fitted_free(&f);
	free(v);
}

static void frequent_numbers_have_bins_of_their_own_and_others_narrow_ones(void **state)
{
	uint64_t values[3000];
	struct rows_cut c;

	(void)state;
	for (size_t i = 0; i < 3000; i++)
		values[i] = i % 3 == 0 ? 40 : i % 3 == 1 ? 1500 : 100000 + i * i * 7;
	assert_int_equal(rows_cut_fit(&c, values, 3000, values, 3000), 0);
	assert_int_equal(c.n_atoms, 2);
	assert_int_equal(rows_cut_bin(&c, 40), 0);
	assert_int_equal(rows_cut_bin(&c, 1500), 1);
	assert_int_equal(rows_cut_exact(&c, 100000 + 2 * 2 * 7), 0); // it came once
	for (size_t i = c.n_atoms; i < c.numbers.n; i++)
		assert_true(c.bins[i].hi <= c.bins[i].lo + c.bins[i].lo / 4);
	for (size_t i = 2; i < 3000; i += 3) {
		const uint64_t value = 100000 + i * i * 7;
		const struct rows_bin *bin = &c.bins[rows_cut_bin(&c, value)];

		assert_true(bin->lo <= value && value <= bin->hi);
	}
	rows_cut_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contexts_are_of_what_the_value_depends_on),
		cmocka_unit_test(what_is_drawn_is_as_frequent_as_it_was),
		cmocka_unit_test(so_it_is_in_a_context_that_was_never_seen),
		cmocka_unit_test(a_column_that_no_record_has_gives_what_stands_for_none),
		cmocka_unit_test(frequent_numbers_have_bins_of_their_own_and_others_narrow_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
