// SPDX-License-Identifier: BSD-3-Clause
// Group B: the order of packets inside flows. Bins come from the whole real trace.
#include <fidelity/rhythm.h>

#include <errno.h>
#include <math.h>

enum { BINS = 10, WORD = 21 }; // bits of a packet's code in an n-gram: three fit

struct bins {
	double len[BINS + 1];
	size_t n_len;
	double gap[BINS + 1];
	size_t n_gap;
};

static int find_bins(struct bins *out, const struct wm_trace *t, struct wm_scratch *s)
{
	uint64_t *lens = wm_scratch_get(s, t->n, sizeof(*lens)), *gaps = wm_scratch_get(s, t->n, sizeof(*gaps));
	struct wm_tally len, gap;
	size_t n = 0;

	if (lens == NULL || gaps == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		lens[i] = wm_key_of(t->field[WM_F_LEN][i]);
		if (t->gap_ns[i] >= 0)
			gaps[n++] = wm_key_of(wm_seconds(t->gap_ns[i]));
	}
	if (wm_tally_of(&len, lens, t->n, s) < 0 || wm_tally_of(&gap, gaps, n, s) < 0)
		return -ENOMEM;
	out->n_len = wm_quantile_edges(out->len, &len, BINS);
	out->gap[0] = 0;
	out->n_gap = n > 0 ? wm_quantile_edges(out->gap, &gap, BINS) : 1;
	return 0;
}

static double seconds_or_zero(int64_t ns)
{
	return ns > 0 ? wm_seconds(ns) : 0;
}

// How many packets of its flow are right behind each packet, up to the largest lag.
static uint8_t *find_behind(const struct wm_trace *t, struct wm_scratch *s)
{
	uint8_t *behind = wm_scratch_get(s, t->n, 1);

	for (size_t i = t->n; behind != NULL && i-- > 0;)
		if (wm_trace_follows(t, i, 1))
			behind[i] = behind[i + 1] < WM_LAGS ? behind[i + 1] + 1 : WM_LAGS;
	return behind;
}

int wm_find_curves(struct wm_curves *out, const struct wm_trace *t, struct wm_scratch *s)
{
	double *x = wm_scratch_get(s, t->n, sizeof(*x));
	uint8_t *behind = find_behind(t, s);
	const struct wm_pairs pairs = {behind, 100};

	if (x == NULL || behind == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		x[i] = t->field[WM_F_LEN][i];
	wm_acf(out->len, x, t->n, &pairs);
	for (size_t i = 0; i < t->n; i++)
		x[i] = t->field[WM_F_DIR][i];
	wm_acf(out->dir, x, t->n, &pairs);
	for (size_t i = 0; i < t->n; i++) {
		x[i] = wm_log_time(seconds_or_zero(t->gap_ns[i]));
		if (t->pos[i] == 0) // has no gap
			behind[i] = 0;
	}
	wm_acf(out->loggap, x, t->n, &pairs);
	return 0;
}

static int measure_acf(const struct wm_comparison *c)
{
	struct wm_curves a, b;

	if (wm_find_curves(&a, c->a, c->s) < 0 || wm_find_curves(&b, c->b, c->s) < 0)
		return -ENOMEM;
	wm_put(c->out, wm_acf_gap(a.len, b.len), "B.len.ACF");
	wm_put(c->out, wm_acf_gap(a.loggap, b.loggap), "B.loggap.ACF");
	wm_put(c->out, wm_acf_gap(a.dir, b.dir), "B.dir.ACF");
	return 0;
}

// A packet as a letter of less than 2^21.
typedef uint64_t letter(const struct wm_trace *t, size_t i, const struct bins *bins);

static uint64_t dir_flags(const struct wm_trace *t, size_t i, const struct bins *bins)
{
	(void)bins;
	return (uint64_t)t->field[WM_F_DIR][i] << (WORD - 1) | (uint64_t)t->field[WM_F_KIND][i];
}

static uint64_t dir_len(const struct wm_trace *t, size_t i, const struct bins *bins)
{
	return (uint64_t)t->field[WM_F_DIR][i] << (WORD - 1)
	       | wm_quantile_bin(t->field[WM_F_LEN][i], bins->len, bins->n_len);
}

// Of each n packets in a row of a flow.
static int tally_grams(struct wm_tally *out, const struct wm_trace *t, letter *of, size_t n, const struct bins *bins,
	struct wm_scratch *s)
{
	uint64_t *words = wm_scratch_get(s, t->n, sizeof(*words)), *letters = wm_scratch_get(s, t->n, sizeof(*letters));
	size_t n_words = 0;

	if (words == NULL || letters == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		letters[i] = of(t, i, bins);
	for (size_t i = 0; i + n <= t->n; i++) {
		uint64_t word = 0;

		if (!wm_trace_follows(t, i, n - 1))
			continue;
		for (size_t k = 0; k < n; k++)
			word = word << WORD | letters[i + k];
		words[n_words++] = word;
	}
	return wm_tally_of(out, words, n_words, s);
}

static int tally_joint(struct wm_tally *out, const struct wm_trace *t, const struct bins *bins, struct wm_scratch *s)
{
	uint64_t *words = wm_scratch_get(s, t->n, sizeof(*words));
	size_t n = 0;

	if (words == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		uint64_t len = wm_quantile_bin(t->field[WM_F_LEN][i], bins->len, bins->n_len);
		uint64_t gap = wm_quantile_bin(seconds_or_zero(t->gap_ns[i]), bins->gap, bins->n_gap);

		if (t->pos[i] > 0)
			words[n++] = (dir_flags(t, i, bins) << 6 | len) << 6 | gap;
	}
	return wm_tally_of(out, words, n, s);
}

static void put_divergence(
	const struct wm_comparison *c, const char *key, const struct wm_tally *a, const struct wm_tally *b)
{
	if (a->total >= WM_FEW)
		wm_put(c->out, b->total > 0 ? wm_jsd_exact(a, b) : (double)INFINITY, "%s", key);
}

static int measure_grams(const struct wm_comparison *c, const struct bins *bins)
{
	static const struct {
		const char *key;
		letter *of;
		size_t n;
	} grams[] = {
		{"B.2gram_dir_flags.JSD", dir_flags, 2},
		{"B.3gram_dir_flags.JSD", dir_flags, 3},
		{"B.2gram_dir_len.JSD", dir_len, 2},
		{"B.3gram_dir_len.JSD", dir_len, 3},
	};
	const size_t mark = c->s->n;
	struct wm_tally a, b;

	for (size_t i = 0; i < sizeof(grams) / sizeof(grams[0]); i++) {
		if (tally_grams(&a, c->a, grams[i].of, grams[i].n, bins, c->s) < 0
			|| tally_grams(&b, c->b, grams[i].of, grams[i].n, bins, c->s) < 0)
			return -ENOMEM;
		put_divergence(c, grams[i].key, &a, &b);
		wm_scratch_release(c->s, mark);
	}
	if (tally_joint(&a, c->a, bins, c->s) < 0 || tally_joint(&b, c->b, bins, c->s) < 0)
		return -ENOMEM;
	put_divergence(c, "B.joint_dir_flags_len_gap.JSD", &a, &b);
	return 0;
}

int wm_measure_sequence(const struct wm_comparison *c)
{
	const size_t mark = c->s->n;
	struct bins bins;
	int rc = find_bins(&bins, c->ref, c->s);

	wm_scratch_release(c->s, mark);
	if (rc == 0)
		rc = measure_acf(c);
	wm_scratch_release(c->s, mark);
	if (rc == 0)
		rc = measure_grams(c, &bins);
	wm_scratch_release(c->s, mark);
	return rc < 0 ? rc : wm_measure_rhythm(c);
}
