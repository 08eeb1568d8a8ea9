// SPDX-License-Identifier: BSD-3-Clause
// Distances between samples whose values can be worked out by hand, and traces of packets that are made here.
#include <fidelity/aggregate.h>
#include <fidelity/boost.h>
#include <fidelity/halves.h>
#include <fidelity/measure.h>
#include <fidelity/pairs.h>
#include <fidelity/sketch.h>
#include <fidelity/trace_pvt.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct wm_tally tally(const double *v, size_t n, struct wm_scratch *s)
{
	struct wm_tally t;

	assert_int_equal(wm_tally_doubles(&t, v, n, s), 0);
	return t;
}

static void assert_near(double a, double b)
{
	if (!(fabs(a - b) <= 1e-12 * fmax(1, fabs(b))))
		fail_msg("%.17g is not %.17g", a, b);
}

static void distances_match_hand_calculation(void **state)
{
	const double a[] = {1, 1, 2, 4}, b[] = {1, 2, 2, 8};
	struct wm_scratch s = {0};
	struct wm_tally p = tally(a, 4, &s), q = tally(b, 4, &s);

	(void)state;
	// 1: .5 and .25, 2: .25 and .5, 4: .25 and 0, 8: 0 and .25
	assert_near(
		wm_jsd_exact(&p, &q), (2 * (.5 * log2(.5 / .375) + .25 * log2(.25 / .375)) + 2 * .25 * log2(2)) / 2);
	assert_near(wm_jsd_ranked(&p, &q, &s), 0);
	assert_near(wm_w1(&p, &q, wm_as_is), .25 * (2 - 1) + .25 * (8 - 4)); // area between the steps
	assert_near(wm_tally_deviation(&p, wm_as_is), sqrt((2 * 1 + 0 + 4) / 4.));
	assert_near(wm_quantile(&p, .5), 1.5);
	assert_near(wm_quantile(&p, .75), 2.5);
	wm_scratch_fini(&s);
}

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void radix_sort_sorts_as_qsort_does(void **state)
{
	enum { N = 5000 };
	static uint64_t v[N], w[N], spare[N];
	struct wm_scratch s = {0};
	uint32_t order[N];

	(void)state;
	for (uint64_t round = 0; round < 64; round += 7) {
		for (uint64_t i = 0; i < N; i++)
			v[i] = w[i] = wm_mix(round, i) >> round;
		assert_int_equal(wm_sort_order(order, v, N, &s), 0);
		wm_sort_u64(v, N, spare);
		for (size_t i = 1; i < N; i++)
			assert_true(w[order[i - 1]] < w[order[i]]
				    || (w[order[i - 1]] == w[order[i]] && order[i - 1] < order[i]));
		qsort(w, N, sizeof(*w), by_key);
		assert_memory_equal(v, w, sizeof(v));
	}
	wm_scratch_fini(&s);
}

static void keys_keep_the_order_of_numbers(void **state)
{
	const double v[] = {-HUGE_VAL, -2, -1e-9, 0, 1e-300, 1, 1.5, 1e9, HUGE_VAL};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_true(i == 0 || wm_key_of(v[i - 1]) < wm_key_of(v[i]));
		assert_true(wm_key_value(wm_key_of(v[i])) == v[i]);
	}
	assert_true(wm_key_of(-0.0) == wm_key_of(0));
}

static void values_fall_into_bins_at_the_quantiles(void **state)
{
	const double edges[] = {0, 1, 1.5, 4};

	(void)state;
	assert_int_equal(wm_quantile_bin(-1, edges, 4), 0);
	assert_int_equal(wm_quantile_bin(.5, edges, 4), 0);
	assert_int_equal(wm_quantile_bin(1, edges, 4), 1);
	assert_int_equal(wm_quantile_bin(3.9, edges, 4), 2);
	assert_int_equal(wm_quantile_bin(4, edges, 4), 3); // an atom at the maximum
	assert_int_equal(wm_quantile_bin(9, edges, 4), 3);
	assert_int_equal(wm_quantile_bin(9, edges, 1), 0);
}

static void noise_has_a_hurst_parameter_of_a_half(void **state)
{
	enum { N = 1 << 14 };
	double *x = calloc(N, sizeof(*x));
	struct wm_logscale scale;

	(void)state;
	assert_non_null(x);
	for (size_t i = 0; i < N; i++)
		x[i] = (double)(wm_mix(5, i) >> 40);
	wm_logscale_of(&scale, x, N);
	assert_int_equal(scale.n, WM_OCTAVES);
	assert_true(fabs(wm_hurst(&scale) - .5) < .1);
	free(x);
}

// Three features, the second of few values and missing in an eighth of the samples, and labels that follow from the
// first two and noise; `classes` 3: from the third, too.
enum { SAMPLES = 400, LEARNED = 300 };

static void make_samples(double x[SAMPLES][3], float label[SAMPLES], unsigned classes)
{
	for (unsigned i = 0; i < SAMPLES; i++) {
		const uint64_t few = wm_mix(1, 3 * i + 1) >> 61;
		double sum;

		x[i][0] = (double)(wm_mix(1, 3 * i) >> 40) * 0x1p-24;
		x[i][1] = few == 7 ? (double)NAN : (double)few;
		x[i][2] = (double)(wm_mix(1, 3 * i + 2) >> 40) * 0x1p-24;
		sum = x[i][0] + (few == 7 ? 0 : (double)few / 8) + (double)(wm_mix(2, i) >> 40) * 0x1p-24;
		label[i] = (float)((sum > 1.5) + (classes == 3 && x[i][2] > .5));
	}
}

// Scores of scikit-learn 1.2.1: HistGradientBoostingClassifier(max_iter=100, early_stopping=False).
static void trees_say_what_those_of_scikit_learn_say(void **state)
{
	static const double says[] = {-3.1324990515222764, 3.0271619208397196, -1.7800353820992967, 5.753338825623199,
		-5.273502548125892, 4.661129876194263};
	static const char classes[] = "1111021102022021221002101211122111211211";
	static double x[SAMPLES][3], scores[SAMPLES - LEARNED];
	static float label[SAMPLES];
	const struct wm_samples learn = {x[0], label, LEARNED}, judge = {x[LEARNED], NULL, SAMPLES - LEARNED};

	(void)state;
	make_samples(x, label, 2);
	assert_int_equal(wm_boost(scores, &learn, &judge, 3, 2), 0);
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		assert_near(scores[i], says[i]);
	assert_near(wm_auc(scores, label + LEARNED, SAMPLES - LEARNED), .9064039408866995);
	make_samples(x, label, 3);
	assert_int_equal(wm_boost(scores, &learn, &judge, 3, 3), 0);
	for (size_t i = 0; i < sizeof(classes) - 1; i++)
		assert_int_equal((int)scores[i], classes[i] - '0');
}

static void ties_count_half(void **state)
{
	const double tied[] = {1, 1, 2, 2};
	const float of[] = {0, 1, 0, 1};

	(void)state;
	assert_near(wm_auc(tied, of, 4), .5);
	assert_true(isnan(wm_auc(tied, of + 1, 1)));
}

static void sketches_count(void **state)
{
	struct wm_sketch *sk = calloc(1, sizeof(*sk));

	(void)state;
	assert_non_null(sk);
	for (int kind = 0; kind < WM_SKETCHES; kind++) {
		*sk = (struct wm_sketch){.kind = (enum wm_sketch_kind)kind};
		for (uint64_t key = 0; key < 300; key++)
			wm_sketch_add(sk, key, key == 7 ? 5000 : 1);
		assert_true(fabs(wm_sketch_estimate(sk, 7) - 5000) <= 5);
		assert_true(kind != WM_SKETCH_COUNTMIN || wm_sketch_estimate(sk, 8) >= 1); // it never counts short
	}
	free(sk);
}

static struct wm_ties ties_of(const struct wm_pair *a, const struct wm_pair *b)
{
	double p[WM_LEVEL_PAIRS], q[WM_LEVEL_PAIRS];

	wm_pair_shares(p, a);
	wm_pair_shares(q, b);
	return wm_ties_of(p, a->n, q, b->n);
}

// Two fields that are the same have all ties, two that have nothing to do with each other none; what lacks one of them
// does not count.
static void ties_are_lost_where_fields_become_independent(void **state)
{
	enum { N = 25 }; // four of five have both
	uint16_t x[N], same[N], other[N];
	struct wm_ties ties = {0}, lost;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		x[i] = (uint16_t[]){0, 0, 1, 1, 5}[i % 5];
		same[i] = (uint16_t[]){3, 3, 4, 4, WM_LEVEL_NONE}[i % 5];
		other[i] = (uint16_t[]){3, 4, 3, 4, WM_LEVEL_NONE}[i % 5];
	}
	assert_near(wm_ties_differ(&ties), 0);
	lost = ties_of(&(struct wm_pair){x, same, N}, &(struct wm_pair){x, other, N});
	// (|.5 - .25| + |0 - .25|) * 2 / 2, less half of four normal errors of variance 1/4 * 1/4 / 20
	assert_near(lost.most, .5 - 2 * sqrt(2 / M_PI / 20) * .25);
	assert_near(lost.differ, lost.most);
	wm_ties_add(&ties, lost);
	assert_near(wm_ties_differ(&ties), 1);
	wm_ties_add(&ties, (struct wm_ties){.differ = 0, .most = lost.most});
	assert_near(wm_ties_differ(&ties), .5);
}

static void a_few_odd_packets_make_no_ties(void **state)
{
	static uint16_t x[1000], y[1000];
	struct wm_ties ties;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		x[i] = i < 3;
		y[i] = i < 3 ? 0 : WM_LEVEL_NONE; // of three alone there is anything to say
	}
	ties = ties_of(&(struct wm_pair){x, x, 1000}, &(struct wm_pair){x, y, 1000});
	assert_near(ties.most, 0);
	ties = ties_of(&(struct wm_pair){x, x, 1000}, &(struct wm_pair){y, y, 1000}); // a constant has none
	assert_near(wm_ties_differ(&ties), 0);
	ties = (struct wm_ties){.differ = .002, .most = .002};
	assert_near(wm_ties_differ(&ties), .2);
}

// Levels that are more frequent, or gone, are a matter of the field alone.
static void ties_are_as_they_were_where_fields_alone_are_off(void **state)
{
	enum { N = 4000 };
	static uint16_t x[2][N], y[2][N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		for (size_t part = 0; part < 2; part++) {
			x[part][i] = wm_mix(part, i) % 8 < 2 + 4 * part;
			y[part][i] = wm_mix(part + 2, i) % 4 == 0 ? !x[part][i] : x[part][i]; // as likely in both
		}
		x[1][i] = i % 5 == 0 ? 7 : x[1][i];
	}
	assert_true(fabs(ties_of(&(struct wm_pair){x[0], y[0], N}, &(struct wm_pair){x[1], y[1], N}).differ) < .02);
	assert_true(ties_of(&(struct wm_pair){x[0], y[0], N}, &(struct wm_pair){x[1], y[1], N}).most > .15);
}

static void every_metric_has_a_key_of_its_own_and_a_meaning(void **state)
{
	size_t n;
	const struct wm_metric_def *defs = wm_metric_defs(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(wm_metric_def_of(defs[i].key), &defs[i]);
		assert_string_equal(strrchr(defs[i].key, '.') + 1, defs[i].measure->name);
		assert_true(defs[i].measure->words[0] != '\0' && defs[i].field[0] != '\0');
	}
}

// rng = numpy.random.default_rng(7); rng.permutation(12), rng.permutation(9)
static void shuffles_are_those_of_numpy(void **state)
{
	static const uint32_t twelve[] = {4, 6, 10, 0, 1, 3, 8, 7, 2, 5, 9, 11}, nine[] = {3, 8, 4, 6, 5, 2, 0, 7, 1};
	struct wm_shuffler random;
	uint32_t order[12];

	(void)state;
	wm_shuffler_init(&random, 7);
	wm_shuffle(&random, order, 12);
	assert_memory_equal(order, twelve, sizeof(twelve));
	wm_shuffle(&random, order, 9);
	assert_memory_equal(order, nine, sizeof(nine));
}

// 40 flows of 1 to 4 packets, a packet each 10 ns.
static void make_trace(struct wm_trace *t, size_t flows)
{
	size_t n = 0;

	assert_int_equal(wm_trace_resize(t, 4 * flows), 0);
	for (uint32_t f = 0; f < flows; f++)
		for (uint32_t k = 0; k <= f % 4; k++, n++) {
			t->flow[n] = f;
			t->pos[n] = k;
			t->rpos[n] = f % 4 - k;
			t->time_ns[n] = 10 * (int64_t)n;
			t->field[WM_F_LEN][n] = (int32_t)(f % 4 + 1);
		}
	t->n = n;
	t->n_flows = flows;
}

static size_t count_whole_flows(const struct wm_trace *t)
{
	size_t flows = 0;

	for (size_t i = 0, end; i < t->n; i = end, flows++) {
		for (end = i; end < t->n && t->flow[end] == t->flow[i]; end++)
			assert_int_equal(t->pos[end], end - i);
		assert_int_equal(end - i, t->field[WM_F_LEN][i]);
	}
	return flows;
}

static void hands_get_half_of_the_flows_of_both(void **state)
{
	enum { A = 40, B = 60 };
	struct wm_trace a = {.n = 0}, b = {.n = 0};
	struct wm_scratch s = {0};
	struct wm_shuffler random;
	struct wm_halves hands;
	int64_t gaps = 0;

	(void)state;
	make_trace(&a, A);
	make_trace(&b, B);
	wm_shuffler_init(&random, 1);
	assert_int_equal(wm_deal(&hands, &a, &b, &random, &s), 0);
	assert_int_equal(hands.a.n + hands.b.n, a.n + b.n);
	assert_int_equal(count_whole_flows(&hands.a), (A + B) / 2);
	assert_int_equal(count_whole_flows(&hands.b), (A + B) / 2);
	for (size_t i = 0; i < hands.a.n; i++)
		gaps += hands.a.tgap_ns[i] + (hands.a.tgap_ns[i] == -1);
	assert_true(
		gaps <= b.time_ns[b.n - 1] && gaps > b.time_ns[b.n - 1] / 2); // from a hand's first packet to its last
	wm_halves_free(&hands);
	wm_trace_free(&a);
	wm_trace_free(&b);
	wm_scratch_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances_match_hand_calculation),
		cmocka_unit_test(radix_sort_sorts_as_qsort_does),
		cmocka_unit_test(keys_keep_the_order_of_numbers),
		cmocka_unit_test(values_fall_into_bins_at_the_quantiles),
		cmocka_unit_test(noise_has_a_hurst_parameter_of_a_half),
		cmocka_unit_test(trees_say_what_those_of_scikit_learn_say),
		cmocka_unit_test(ties_count_half),
		cmocka_unit_test(sketches_count),
		cmocka_unit_test(ties_are_lost_where_fields_become_independent),
		cmocka_unit_test(a_few_odd_packets_make_no_ties),
		cmocka_unit_test(ties_are_as_they_were_where_fields_alone_are_off),
		cmocka_unit_test(every_metric_has_a_key_of_its_own_and_a_meaning),
		cmocka_unit_test(shuffles_are_those_of_numpy),
		cmocka_unit_test(hands_get_half_of_the_flows_of_both),
	};

	return cmocka_run_group_tests_name("fidelity", tests, NULL, NULL);
}
