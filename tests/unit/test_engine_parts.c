// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/codes.h>
#include <engine/necst/gaps.h>
#include <engine/necst/gmm.h>
#include <engine/necst/layout.h>
#include <engine/necst/rank.h>
#include <engine/necst/rests.h>
#include <engine/necst/table.h>
#include <engine/necst/weights.h>
#include <engine/necst/window.h>

#include <base/philox.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void codes_never_fall_and_small_counts_are_exact(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 9; n++)
		assert_int_equal(necst_code_count(n), n);
	for (uint64_t n = 1; n < 1000000; n++) {
		assert_true(necst_code_count(n) >= necst_code_count(n - 1));
		assert_true(necst_code_bytes(n) >= necst_code_bytes(n - 1));
		assert_true(necst_code_time(n * 1000) >= necst_code_time((n - 1) * 1000));
	}
	assert_int_equal(necst_code_count(9), 9); // the first half octave beyond
	assert_int_equal(necst_code_count(12), 10);
	assert_true(necst_code_count(UINT64_MAX) < NECST_CODES_COUNT);
	assert_true(necst_code_bytes(UINT64_MAX) < NECST_CODES_BYTES);
	assert_true(necst_code_time(UINT64_MAX) < NECST_CODES_TIME);
}

static void octaves_are_the_highest_bits_of_a_number(void **state)
{
	(void)state;
	for (unsigned bits = 3; bits < 53; bits++) {
		const uint64_t highest = UINT64_C(1) << bits;

		for (uint64_t next = 0; next < 8; next++) {
			const uint64_t n = highest + next * highest / 8;

			assert_int_equal(necst_octave(n, 3), 8 * bits + next);
			assert_int_equal(necst_octave(n + highest / 8 - 1, 3), 8 * bits + next);
			assert_int_equal(necst_octave(n, 1), 2 * bits + next / 4);
		}
	}
	assert_int_equal(necst_octave(1, 3), 0);
	assert_int_equal(necst_octave(UINT64_MAX, 3), 8 * 53);
}

static void rank_orders_by_frequency_then_value(void **state)
{
	const uint64_t keys[] = {7, 3, 7, 9, 3, 7, 1};
	uint32_t rank[7], *counts = NULL;
	uint64_t *values = NULL;

	(void)state;
	assert_int_equal(necst_rank(rank, keys, 7, 2, &values, &counts), 2);
	assert_true(values[0] == 7 && values[1] == 3);
	assert_true(counts[0] == 3 && counts[1] == 2);
	assert_int_equal(rank[0], 0);
	assert_int_equal(rank[1], 1);
	assert_int_equal(rank[3], 2); // beyond the most frequent two
	assert_int_equal(rank[6], 2);
	free(values);
	free(counts);
}

static void bic_finds_as_many_components_as_there_are(void **state)
{
	const float centre[3][2] = {{-4, 0}, {4, 1}, {0, 6}};
	float x[3000][2];
	struct necst_gmm g;
	struct wm_rng rng;

	(void)state;
	wm_rng_init(&rng, 5, WM_STREAM_TEST, 0);
	for (int i = 0; i < 3000; i++)
		for (int d = 0; d < 2; d++)
			x[i][d] = centre[i % 3][d] + 0.5f * wm_rng_normal(&rng);
	assert_int_equal(necst_gmm_fit(&g, &x[0][0], 3000, 2, 8, 1), 0);
	assert_int_equal(g.k, 3);
	for (int c = 0; c < 3; c++) {
		size_t own = necst_gmm_assign(&g, centre[c]);

		assert_true(fabs(g.mean[own * 2] - (double)centre[c][0]) < 0.1);
		assert_true(fabs(g.mean[own * 2 + 1] - (double)centre[c][1]) < 0.1);
		assert_true(fabs(g.chol[own * 4] - 0.5) < 0.05);
		assert_true(fabs(g.weight[own] - 1.0 / 3) < 0.02);
	}
	necst_gmm_free(&g);
}

static void one_point_many_times_is_one_component(void **state)
{
	float x[100][4];
	struct necst_gmm g;

	(void)state;
	for (int i = 0; i < 100; i++)
		for (int d = 0; d < 4; d++)
			x[i][d] = 2;
	assert_int_equal(necst_gmm_fit(&g, &x[0][0], 100, 4, 5, 1), 0);
	assert_int_equal(g.k, 1);
	necst_gmm_free(&g);
}

// One flow whose gaps are those given, in us.
static struct wm_dataset flow_of_gaps(const uint64_t *gap_us, size_t n)
{
	struct wm_dataset ds = {.n_records = n + 1, .n_flows = 1};

	ds.records = calloc(n + 1, sizeof(*ds.records));
	ds.flows = calloc(1, sizeof(*ds.flows));
	assert_non_null(ds.records);
	assert_non_null(ds.flows);
	ds.flows[0].n = (uint32_t)(n + 1);
	for (size_t i = 0; i < n; i++)
		ds.records[i + 1].time_ns = ds.records[i].time_ns + gap_us[i] * 1000;
	return ds;
}

static void gaps_keep_atoms_and_distribution(void **state)
{
	enum { N = 20000 };
	uint64_t *gap = calloc(N, sizeof(*gap));
	uint16_t *token = calloc(N + 1, sizeof(*token));
	const struct necst_clocks clocks = {0};
	struct necst_gaps g;
	struct wm_dataset ds;
	struct wm_rng rng;
	size_t zeros = 0, below = 0;

	(void)state;
	assert_non_null(gap);
	wm_rng_init(&rng, 6, WM_STREAM_TEST, 0);
	for (int i = 0; i < N; i++) // a third are zero, the rest log-uniform over 1 us .. 1 s
		gap[i] = i % 3 == 0 ? 0 : (uint64_t)(pow(10, 6 * (double)wm_rng_f32(&rng)) + 0.5);
	ds = flow_of_gaps(gap, N);
	assert_int_equal(necst_gaps_fit(&g, &ds, &clocks, token), 0);
	assert_int_equal(g.resolution_ns, 1000);
	for (int i = 0; i < N; i++) {
		uint32_t bin = necst_gap_bin(&g, gap[i] * 1000);
		uint64_t drawn = necst_gap_draw(&g, bin, wm_rng_u32(&rng));

		assert_true(g.knots[bin][0] <= gap[i] * 1000 && gap[i] * 1000 <= g.knots[bin][NECST_GAP_PARTS]);
		assert_int_equal(drawn % 1000, 0);
		assert_true(drawn + 1000 > g.knots[bin][0] && drawn < g.knots[bin][NECST_GAP_PARTS] + 1000);
		assert_int_equal(drawn == 0, gap[i] == 0);
		zeros += drawn == 0;
		below += drawn < 1000000;
	}
	assert_int_equal(zeros, (N + 2) / 3);
	assert_true(below > N * 65 / 100 && below < N * 69 / 100); // 1/3 + 1/2 of 2/3
	free(gap);
	free(token);
	free(ds.records);
	free(ds.flows);
}

// A poll every two seconds that is answered after up to one: the polls have a clock of their own, the answers follow.
static void a_timer_is_told_from_an_answer(void **state)
{
	enum { POLLS = 500 };
	struct wm_dataset ds = {.n_records = 2 * POLLS, .n_flows = 1};
	uint16_t *token = calloc(ds.n_records, sizeof(*token));
	struct necst_clocks clocks;
	struct necst_silence silence = {0};
	struct necst_gaps g;
	struct wm_rng rng;

	(void)state;
	ds.records = calloc(ds.n_records, sizeof(*ds.records));
	ds.flows = calloc(1, sizeof(*ds.flows));
	assert_true(token != NULL && ds.records != NULL && ds.flows != NULL);
	ds.flows[0].n = (uint32_t)ds.n_records;
	wm_rng_init(&rng, 7, WM_STREAM_TEST, 0);
	for (uint64_t i = 0; i < POLLS; i++) {
		ds.records[2 * i].time_ns = i * 2000000000;
		ds.records[2 * i + 1].time_ns = i * 2000000000 + 1000 * (1 + wm_rng_below(&rng, 1000000));
		ds.records[2 * i + 1].reverse = 1;
		token[2 * i + 1] = 1;
	}
	assert_int_equal(necst_clocks_fit(&clocks, &ds, token, 2), 0);
	assert_int_equal(clocks.own[0], 1);
	assert_int_equal(clocks.own[1], 0);
	assert_int_equal(necst_gaps_fit(&g, &ds, &clocks, token), 0);
	necst_hear(&silence, 0, 0);
	necst_hear(&silence, 1, 300000);
	assert_int_equal(necst_clock(&clocks, &silence, 0, 0), 300000);
	assert_int_equal(necst_clock(&clocks, &silence, 1, 1), 0);
	assert_int_equal(necst_gap_draw(&g, necst_gap_bin(&g, 2000000000), wm_rng_u32(&rng)), 2000000000); // an atom
	free(token);
	free(ds.records);
	free(ds.flows);
}

static uint32_t drawn(const struct necst_table *t, uint32_t key, uint32_t random)
{
	const struct necst_entry *e = necst_table_find(t, key);

	return e != NULL ? necst_table_draw(t, e, random) : UINT32_MAX;
}

static uint32_t total(const struct necst_table *t, uint32_t key)
{
	const struct necst_entry *e = necst_table_find(t, key);

	return e != NULL ? necst_table_total(t, e) : 0;
}

static void table_draws_values_as_often_as_counted(void **state)
{
	struct necst_pair pairs[] = {{5, 1}, {9, 4}, {5, 2}, {5, 2}, {5, 2}};
	struct wm_model_writer *w = NULL;
	uint32_t ones = 0;
	const uint32_t key[] = {5, 9}, first[] = {0, 2, 3}, value[] = {1, 2, 4}, upto[] = {1, 4, 1};
	struct necst_table t = {.n = 2, .key = key, .first = first, .value = value, .upto = upto};

	(void)state;
	assert_int_equal(wm_model_writer_create(&w), 0);
	assert_int_equal(necst_table_put(w, "t", pairs, 5), 0);
	wm_model_writer_destroy(w);
	assert_int_equal(necst_table_index(&t), 0);
	assert_null(necst_table_find(&t, 6));
	assert_int_equal(total(&t, 5), 4);
	for (uint32_t i = 0; i < 400; i++)
		ones += drawn(&t, 5, i * (UINT32_MAX / 400)) == 1;
	assert_in_range(ones, 99, 101);
	assert_int_equal(drawn(&t, 9, UINT32_MAX), 4);
	necst_table_free(&t);
}

static void a_table_finds_each_of_its_keys_and_no_other(void **state)
{
	enum { N = 1000 };
	static uint32_t key[N], first[N + 1], value[N], upto[N];
	struct necst_table t = {.key = key, .first = first, .value = value, .upto = upto};

	(void)state;
	for (uint32_t n = 0; n <= N; n += n < 10 ? 1 : 90) {
		for (uint32_t i = 0; i < n; i++)
			key[i] = i * i * 7 + (i == N - 1 ? UINT32_MAX / 2 : 0);
		for (uint32_t i = 0; i < n; i++) {
			first[i + 1] = i + 1;
			value[i] = i;
		}
		t.n = n;
		assert_int_equal(necst_table_index(&t), 0);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(drawn(&t, key[i], 0), i);
			assert_null(necst_table_find(&t, key[i] + 3));
		}
		assert_null(necst_table_find(&t, UINT32_MAX));
		necst_table_free(&t);
	}
}

static struct wm_model *reopen(struct wm_model_writer *w)
{
	char path[] = "/tmp/wm-parts-XXXXXX";
	struct wm_model *m = NULL;
	struct wm_err err;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(wm_model_write(w, path, &err), 0);
	wm_model_writer_destroy(w);
	assert_int_equal(wm_model_open(&m, path, &err), 0);
	assert_int_equal(unlink(path), 0);
	return m;
}

// Flows of three packets that pause for seconds and then close within 2 ms or 40 ms: after a pause that takes
// most of what is left, as much is left as it was.
static void a_pause_leaves_what_pauses_left(void **state)
{
	enum { FLOWS = 60, MS = 1000000 };
	struct wm_record records[3 * FLOWS] = {{0}};
	struct wm_flow_record flows[FLOWS];
	uint16_t token[3 * FLOWS] = {0};
	const struct wm_dataset ds = {.records = records, .n_records = 3 * FLOWS, .flows = flows, .n_flows = FLOWS};
	const struct necst_clusters tokens = {.token = token, .n = 2};
	const struct necst_clocks clocks = {{0}};
	struct wm_model_writer *w = NULL;
	struct necst_gaps *gaps = calloc(1, sizeof(*gaps));
	struct necst_table t = {0};
	struct wm_model *m = NULL;
	struct wm_err err;
	size_t n_short = 0;

	(void)state;
	assert_non_null(gaps);
	for (uint32_t i = 0; i < FLOWS; i++) {
		const uint64_t pause = 900 * MS + (uint64_t)i * 100 * MS, rest = i % 3 == 0 ? 2 * MS : 40 * MS;

		flows[i] = (struct wm_flow_record){.first = 3 * i, .n = 3, .end_ns = pause + rest};
		records[3 * i + 1].time_ns = pause;
		records[3 * i + 2].time_ns = pause + rest;
		token[3 * i + 1] = 1;
	}
	assert_int_equal(necst_gaps_fit(gaps, &ds, &clocks, token), 0);
	assert_int_equal(wm_model_writer_create(&w), 0);
	assert_int_equal(necst_rests_put(w, &ds, &tokens, &clocks, gaps), 0);
	m = reopen(w);
	assert_int_equal(necst_table_get(&t, m, "gap.rest", &err), 0);
	assert_int_equal(necst_table_index(&t), 0);
	for (uint32_t i = 0; i < 3000; i++) {
		uint64_t rest = 0;

		assert_true(necst_rest_draw(&t, gaps, 1, 2, i * 0x9e3779b1u, &rest));
		assert_true(rest == 2 * MS || rest == 40 * MS);
		n_short += rest == 2 * MS;
	}
	assert_in_range(n_short, 900, 1300);
	assert_true(necst_rest_draw(&t, gaps, 7, 2, 0, &(uint64_t){0})); // of all clusters
	assert_false(necst_rest_draw(&t, gaps, 1, 3, 0, &(uint64_t){0}));
	necst_table_free(&t);
	wm_model_close(m);
	free(gaps);
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

// One step of the model in double precision; h, c (units), logits (columns).
static void true_step(const struct necst_sequence *s, const int32_t *rows, double *h, double *c, double *logits)
{
	const size_t units = s->dims.units, columns = necst_columns(s);
	double gates[4 * NECST_UNITS];

	for (size_t j = 0; j < 4 * units; j++) {
		gates[j] = (double)s->bias[j];
		for (int i = 0; i < NECST_INPUTS; i++)
			gates[j] += (double)s->emb[(size_t)rows[i] * 4 * units + j];
		for (size_t i = 0; i < units; i++)
			gates[j] += h[i] * (double)s->u[i * 4 * units + j];
	}
	for (size_t u = 0; u < units; u++) {
		c[u] = sigmoid(gates[units + u]) * c[u] + sigmoid(gates[u]) * tanh(gates[2 * units + u]);
		h[u] = sigmoid(gates[3 * units + u]) * tanh(c[u]);
	}
	for (size_t j = 0; j < columns; j++) {
		logits[j] = (double)s->head_b[j];
		for (size_t i = 0; i < units; i++)
			logits[j] += h[i] * (double)s->head[i * columns + j];
	}
}

// Kullback-Leibler divergence of what is drawn by the logits: from the true ones (n), to the base of e, in nats.
static double divergence(const double *want, const int16_t *logits, size_t n)
{
	double total = 0, drawn = 0, sum = 0;

	for (size_t j = 0; j < n; j++) {
		total += exp(want[j]);
		drawn += exp2(ldexp(logits[j], -WM_LOGIT_BITS));
	}
	for (size_t j = 0; j < n; j++)
		sum += exp(want[j]) / total
		       * (want[j] - log(total) - (ldexp(logits[j], -WM_LOGIT_BITS) * log(2) - log(drawn)));
	return sum;
}

// Weights as large as those of trained models; a flow of 500 packets, whose states feed on themselves.
static void what_is_drawn_in_fixed_point_is_as_probable_as_the_model_says(void **state)
{
	enum { STEPS = 500 };
	const struct necst_dims dims = {.tokens = 60, .sizes = 20, .gaps = 40, .classes = 10, .units = NECST_UNITS};
	const struct wm_kernels *k = wm_kernels_best();
	struct necst_sequence s = {0};
	struct necst_kind kind[60] = {{0}};
	struct necst_weights w;
	uint32_t offsets[NECST_INPUTS + 1];
	double h[NECST_UNITS] = {0}, c[NECST_UNITS] = {0}, want[512], lost = 0;
	int16_t fixed_c[NECST_UNITS] = {0}, gates[4 * NECST_UNITS], logits[512], input[4 * NECST_UNITS];
	uint8_t fixed_h[NECST_UNITS];
	struct wm_rng rng;

	(void)state;
	wm_rng_init(&rng, 4, WM_STREAM_TEST, 0);
	memset(fixed_h, WM_STATE_ZERO, sizeof(fixed_h));
	assert_int_equal(necst_layout_create(&s, &dims), 0);
	for (size_t i = 0; i < s.n_weights; i++)
		s.mem[i] = 0.6f * (2 * wm_rng_f32(&rng) - 1);
	for (uint32_t t = 0; t < dims.tokens; t++)
		kind[t].family = t % 3 == 2; // has every third one
	assert_int_equal(necst_weights_create(&w, &s, kind, 2), 0);
	assert_in_range(w.columns, 1, 512);
	necst_offsets(&dims, offsets);
	for (int step = 0; step < STEPS; step++) {
		const int16_t *fixed_rows[NECST_INPUTS];
		int32_t rows[NECST_INPUTS];

		for (int i = 0; i < NECST_INPUTS; i++) {
			rows[i] = (int32_t)(offsets[i] + wm_rng_below(&rng, offsets[i + 1] - offsets[i]));
			fixed_rows[i] = w.emb + (size_t)rows[i] * 4 * NECST_UNITS;
		}
		true_step(&s, rows, h, c, want);
		k->add_fixed(input, fixed_rows, NECST_INPUTS, 4 * NECST_UNITS);
		k->affine(gates, 4 * NECST_UNITS, &w.gates, input, 4 * NECST_UNITS, fixed_h, NECST_UNITS, 1);
		k->lstm(fixed_h, fixed_c, gates, NECST_UNITS);
		for (uint32_t f = 0; f < 2; f++) {
			const struct necst_head *head = &w.head[f];
			const int16_t *at = logits + head->n_tokens;
			double own[60];

			assert_int_equal(head->n_tokens, f == 0 ? 40 : 20);
			for (uint32_t t = 0; t < head->n_tokens; t++) {
				assert_int_equal(kind[head->token[t]].family, f);
				own[t] = want[head->token[t]];
			}
			k->affine(logits, w.columns, &head->columns, NULL, 0, fixed_h, NECST_UNITS, 1);
			lost += divergence(own, logits, head->n_tokens) / 2;
			lost += divergence(want + s.token_pad, at, dims.sizes) / 2;
			lost += divergence(want + s.token_pad + s.size_pad, at + dims.sizes, dims.gaps) / 2;
		}
	}
	lost /= STEPS;
	if (lost > 1e-3)
		print_error("%.5f nats a packet\n", lost);
	assert_true(lost <= 1e-3);
	necst_weights_free(&w);
	necst_sequence_free(&s);
}

// A table of two keys, each with one value; memory is the caller's.
static void two_keys(struct necst_table *t, uint32_t mem[4], const uint32_t key[2], const uint32_t value[2])
{
	static const uint32_t first[] = {0, 1, 2}, upto[] = {1, 1};
	const int swap = key[0] > key[1];

	assert_int_not_equal(key[0], key[1]);
	for (int i = 0; i < 2; i++) {
		mem[i ^ swap] = key[i];
		mem[2 + (i ^ swap)] = value[i];
	}
	*t = (struct necst_table){.n = 2, .key = mem, .first = first, .value = mem + 2, .upto = upto};
	assert_int_equal(necst_table_index(t), 0);
}

static uint16_t draw_window(const struct necst_windows *w, const struct necst_window_side side[2],
	const struct necst_kind *k, uint32_t profile)
{
	return necst_window_draw(w, side, k, profile, necst_window_first(w, side, k, profile), 0);
}

static void a_window_follows_from_the_one_before_it(void **state)
{
	const struct necst_kind ack = {.proto = 6, .flags = 0x10}, data = {.proto = 6, .flags = 0x18, .has_payload = 1},
				reply = {.proto = 6, .flags = 0x18, .reverse = 1, .has_payload = 1},
				rst = {.proto = 6, .flags = 0x04};
	struct necst_window_side side[2] = {{.window = -1}, {.window = -1}};
	struct necst_windows w;
	uint32_t next[4], step[4];

	(void)state;
	necst_window_note(side, &ack, 63, 0);
	necst_window_note(side, &reply, 500, 1420);
	assert_int_equal(side[0].window, 63);
	assert_int_equal(side[0].heard, 1420);
	two_keys(&w.next, next,
		(uint32_t[]){necst_window_key(NECST_WINDOW_FOLLOWS, &side[0], &ack, 3),
			necst_window_key(NECST_WINDOW_ANYWHERE, &side[0], &ack, 0)},
		(uint32_t[]){66, 70});
	two_keys(&w.step, step,
		(uint32_t[]){necst_window_key(NECST_WINDOW_CHANGES, &side[0], &data, 3),
			necst_window_key(NECST_WINDOW_CHANGES, &side[0], &data, 4)},
		(uint32_t[]){UINT16_MAX - 1, 7});
	assert_int_equal(draw_window(&w, side, &ack, 3), 66);    // as with these two ends before
	assert_int_equal(draw_window(&w, side, &ack, 9), 70);    // as with any
	assert_int_equal(draw_window(&w, side, &data, 3), 61);   // 63 - 2
	assert_int_equal(draw_window(&w, side, &data, 4), 70);   // 63 + 7
	assert_int_equal(draw_window(&w, side, &data, 9), 63);   // nothing known: it stays
	assert_int_equal(draw_window(&w, side, &reply, 3), 500); // each side has its own
	necst_window_note(side, &rst, 0, 0);
	assert_int_equal(side[0].window, 63); // a RST's says nothing
	side[1].window = -1;
	assert_int_equal(draw_window(&w, side, &reply, 3), 63); // as wide as its peer
	necst_table_free(&w.next);
	necst_table_free(&w.step);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_never_fall_and_small_counts_are_exact),
		cmocka_unit_test(octaves_are_the_highest_bits_of_a_number),
		cmocka_unit_test(rank_orders_by_frequency_then_value),
		cmocka_unit_test(bic_finds_as_many_components_as_there_are),
		cmocka_unit_test(one_point_many_times_is_one_component),
		cmocka_unit_test(gaps_keep_atoms_and_distribution),
		cmocka_unit_test(a_timer_is_told_from_an_answer),
		cmocka_unit_test(table_draws_values_as_often_as_counted),
		cmocka_unit_test(a_pause_leaves_what_pauses_left),
		cmocka_unit_test(a_table_finds_each_of_its_keys_and_no_other),
		cmocka_unit_test(a_window_follows_from_the_one_before_it),
		cmocka_unit_test(what_is_drawn_in_fixed_point_is_as_probable_as_the_model_says),
	};

	return cmocka_run_group_tests_name("engine parts", tests, NULL, NULL);
}
