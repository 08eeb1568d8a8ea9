// SPDX-License-Identifier: BSD-3-Clause
// Groups N, T, F and G of flow tables.
#include <fidelity/pairs.h>
#include <fidelity/shuffle.h>
#include <fidelity/tables.h>
#include <fidelity/twosample.h>
#include <packet/dissect.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { ADDRESS_LEVELS = 255, PAIR_LEVELS = 20, NEAR_SYNTH = 1000, NEAR_MOST = 8000 };

static bool both_have(const struct wm_row_comparison *c, size_t k)
{
	return c->a->col[k] != NULL && c->b->col[k] != NULL && c->ref->col[k] != NULL;
}

static int put_texts(const struct wm_row_comparison *c, size_t k)
{
	const bool is_address = k == WM_R_SA || k == WM_R_DA;
	struct wm_tally a, b;
	double ranked;

	if (wm_tally_doubles(&a, c->a->col[k], c->a->n, c->s) < 0
		|| wm_tally_doubles(&b, c->b->col[k], c->b->n, c->s) < 0)
		return -ENOMEM;
	if (is_address) {
		ranked = wm_jsd_ranked(&a, &b, c->s);
		if (ranked < 0)
			return -ENOMEM;
		wm_put(c->out, ranked * M_LN2, "N.%s.JSDr", wm_row_name(k));
	}
	wm_put(c->out, wm_jsd_exact(&a, &b) * M_LN2, is_address ? "N.%s_value.JSDx" : "N.%s.JSDx", wm_row_name(k));
	return 0;
}

static double *ports(const struct wm_rows *r, size_t k, struct wm_scratch *s)
{
	double *v = wm_scratch_get(s, r->n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < r->n; i++)
		v[i] = fmin(fmax(rint(r->col[k][i]), 0), UINT16_MAX);
	return v;
}

static int put_ports(const struct wm_row_comparison *c, size_t k)
{
	const double *x = ports(c->a, k, c->s), *y = ports(c->b, k, c->s);
	struct wm_tally a, b;

	if (x == NULL || y == NULL || wm_tally_doubles(&a, x, c->a->n, c->s) < 0
		|| wm_tally_doubles(&b, y, c->b->n, c->s) < 0)
		return -ENOMEM;
	wm_put(c->out, wm_jsd_exact(&a, &b) * M_LN2, "N.%s.JSDx", wm_row_name(k));
	return 0;
}

static int put_numbers(const struct wm_row_comparison *c, const char *name, const double *x, size_t nx, const double *y,
	size_t ny, double (*as)(double))
{
	struct wm_tally a, b;
	double emd, range, spread;

	if (nx == 0 || ny == 0)
		return 0;
	if (wm_tally_doubles(&a, x, nx, c->s) < 0 || wm_tally_doubles(&b, y, ny, c->s) < 0)
		return -ENOMEM;
	emd = wm_w1(&a, &b, wm_as_is);
	range = wm_key_value(a.key[a.n - 1]) - wm_key_value(a.key[0]);
	spread = wm_quantile(&a, .75) - wm_quantile(&a, .25);
	wm_put(c->out, wm_jsd_binned(&a, &b, 50) * M_LN2, "N.%s.JSDq", name);
	wm_put(c->out, wm_w1n(&a, &b, wm_as_is), "N.%s.W1n", name);
	wm_put(c->out, emd, "N.%s.EMD", name);
	wm_put(c->out, range > 0 ? emd / range : (double)NAN, "N.%s.EMD_range", name);
	wm_put(c->out, spread > 0 ? emd / spread : (double)NAN, "N.%s.EMD_IQR", name);
	if (as != NULL)
		wm_put(c->out, wm_w1n(&a, &b, as), "N.%s.W1log", name);
	return 0;
}

static double *starts(const struct wm_rows *r, struct wm_scratch *s)
{
	double *v = wm_scratch_get(s, r->n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < r->n; i++)
		v[i] = r->col[WM_R_TS][i] - r->col[WM_R_TS][0];
	return v;
}

static double *between(const struct wm_rows *r, struct wm_scratch *s)
{
	double *v = wm_scratch_get(s, r->n, sizeof(*v));

	for (size_t i = 1; v != NULL && i < r->n; i++)
		v[i - 1] = r->col[WM_R_TS][i] - r->col[WM_R_TS][i - 1];
	return v;
}

static int put_times(const struct wm_row_comparison *c)
{
	const double *x = starts(c->a, c->s), *y = starts(c->b, c->s);

	if (x == NULL || y == NULL || put_numbers(c, "ts", x, c->a->n, y, c->b->n, NULL) < 0)
		return -ENOMEM;
	x = between(c->a, c->s);
	y = between(c->b, c->s);
	if (x == NULL || y == NULL)
		return -ENOMEM;
	return put_numbers(c, "iat", x, c->a->n > 0 ? c->a->n - 1 : 0, y, c->b->n > 0 ? c->b->n - 1 : 0, wm_log_time);
}

int wm_measure_columns(const struct wm_row_comparison *c)
{
	int rc = 0;

	if (c->a->n == 0 || c->b->n == 0)
		return 0;
	for (size_t k = WM_R_TD; k < WM_R_COLUMNS && rc == 0; k++) {
		if (!both_have(c, k))
			continue;
		if (wm_row_is_text(k))
			rc = put_texts(c, k);
		else if (k == WM_R_SP || k == WM_R_DP)
			rc = put_ports(c, k);
		else
			rc = put_numbers(c, wm_row_name(k), c->a->col[k], c->a->n, c->b->col[k], c->b->n,
				k == WM_R_TD ? wm_log_time : wm_log_count);
	}
	return rc < 0 ? rc : put_times(c);
}

static bool is_number(size_t k)
{
	return k == WM_R_TD || k == WM_R_PKT || k == WM_R_BYT;
}

static bool varies(const double *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[i] < v[0] || v[i] > v[0])
			return true;
	return false;
}

static uint16_t *levels(const struct wm_rows *r, const struct wm_rows *ref, size_t k, size_t most, struct wm_scratch *s)
{
	uint16_t *to = wm_scratch_get(s, r->n, sizeof(*to));
	int rc;

	if (to == NULL)
		return NULL;
	if (is_number(k))
		rc = wm_levels_of_number(to, r->col[k], r->n, ref->col[k], ref->n, s);
	else
		rc = wm_levels_of_category(to, r->col[k], r->n, ref->col[k], ref->n, most, s);
	return rc < 0 ? NULL : to;
}

int wm_measure_row_pairs(const struct wm_row_comparison *c)
{
	uint16_t *a[WM_R_COLUMNS], *b[WM_R_COLUMNS];
	size_t n = 0;

	for (size_t k = WM_R_TD; k < WM_R_COLUMNS; k++) {
		if (!both_have(c, k) || !varies(c->ref->col[k], c->ref->n))
			continue;
		a[n] = levels(c->a, c->ref, k, PAIR_LEVELS, c->s);
		b[n] = levels(c->b, c->ref, k, PAIR_LEVELS, c->s);
		if (a[n] == NULL || b[n] == NULL)
			return -ENOMEM;
		n++;
	}
	wm_put_pairs(c->out, a, c->a->n, b, c->b->n, n, NULL);
	return 0;
}

// Of all columns that both have but the time; numbers to 3 decimals.
static uint64_t *hash_rows(const struct wm_rows *r, const struct wm_row_comparison *c, struct wm_scratch *s)
{
	uint64_t *h = wm_scratch_get(s, r->n, sizeof(*h));

	for (size_t k = WM_R_TD; h != NULL && k < WM_R_COLUMNS; k++)
		for (size_t i = 0; both_have(c, k) && i < r->n; i++)
			h[i] = wm_mix(h[i], (uint64_t)(int64_t)rint(r->col[k][i] * 1000));
	return h;
}

int wm_measure_row_copies(const struct wm_row_comparison *c)
{
	uint64_t *x = hash_rows(c->a, c, c->s), *y = hash_rows(c->b, c, c->s);
	struct wm_tally a, b;

	if (x == NULL || y == NULL || wm_tally_of(&a, x, c->a->n, c->s) < 0 || wm_tally_of(&b, y, c->b->n, c->s) < 0)
		return -ENOMEM;
	if (b.total > 0)
		wm_put(c->out, wm_share_copied(&a, &b), "G.rows.copy");
	return 0;
}

// Rows with the levels of their texts.
struct source {
	const struct wm_rows *r;
	uint16_t *levels[WM_R_COLUMNS];
	size_t n_levels;
};

enum { ROW_NUMBERS = 6 };

static bool known(double port)
{
	return port >= 1 && port <= UINT16_MAX && port == rint(port) && wm_port_known((uint16_t)port);
}

static void fill_row(double *x, const void *from, uint32_t i)
{
	const struct source *src = from;
	double *const *col = src->r->col;
	const double sp = col[WM_R_SP][i], dp = col[WM_R_DP][i];
	const bool reply = known(sp) && !known(dp); // a client's port would tell the time of day

	*x++ = reply ? sp : dp;
	*x++ = reply;
	*x++ = col[WM_R_TD][i];
	*x++ = wm_log_count(col[WM_R_PKT][i]);
	*x++ = wm_log_count(col[WM_R_BYT][i]);
	*x++ = col[WM_R_BYT][i] / fmax(col[WM_R_PKT][i], 1);
	for (size_t k = 0; k < src->n_levels; k++)
		*x++ = src->levels[k][i];
}

static int add_levels(struct source *out, const struct wm_row_comparison *c, size_t k)
{
	if (!wm_row_is_text(k) || !both_have(c, k))
		return 0;
	out->levels[out->n_levels] = levels(out->r, c->ref, k, ADDRESS_LEVELS, c->s);
	return out->levels[out->n_levels++] == NULL ? -ENOMEM : 0;
}

static int fill_source(struct source *out, const struct wm_rows *r, const struct wm_row_comparison *c, bool addresses)
{
	int rc = 0;

	*out = (struct source){.r = r};
	for (size_t k = WM_R_SA; k < WM_R_COLUMNS && rc == 0; k++)
		if (k != WM_R_SA && k != WM_R_DA)
			rc = add_levels(out, c, k);
	for (size_t k = WM_R_SA; k <= WM_R_DA && addresses && rc == 0; k++)
		rc = add_levels(out, c, k);
	return rc;
}

static int candidates_of(struct wm_candidates *out, const struct source *src, const struct wm_row_comparison *c)
{
	uint64_t *part = wm_scratch_get(c->s, src->r->n, sizeof(*part)), *content = hash_rows(src->r, c, c->s);

	if (part == NULL || content == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < src->r->n; i++)
		part[i] = i;
	*out = (struct wm_candidates){.from = src, .n = src->r->n, .part = part, .content = content};
	return 0;
}

int wm_measure_row_classifier(const struct wm_row_comparison *c)
{
	static const char *const keys[] = {"F.rows.auc", "F.rows_with_addresses.auc"};
	int rc = 0;

	for (int addresses = 0; addresses < 2 && rc == 0; addresses++) {
		struct wm_two_sample t = {.fill = fill_row, .most = c->ref->n / 2};
		struct source a, b;
		double auc;

		t.most = t.most < WM_TWO_SAMPLE_MOST ? t.most : WM_TWO_SAMPLE_MOST;
		if (fill_source(&a, c->a, c, addresses) < 0 || fill_source(&b, c->b, c, addresses) < 0
			|| candidates_of(&t.a, &a, c) < 0 || candidates_of(&t.b, &b, c) < 0)
			return -ENOMEM;
		t.cols = ROW_NUMBERS + a.n_levels;
		rc = wm_two_sample_test(&auc, &t, c->s);
		if (rc == 0)
			wm_put(c->out, auc, "%s", keys[addresses]);
	}
	return rc;
}

// n rows of a table, in order.
static uint32_t *pick(const struct wm_rows *r, size_t n, struct wm_shuffler *random, struct wm_scratch *s)
{
	uint32_t *order = wm_scratch_get(s, r->n, sizeof(*order));

	if (order != NULL)
		wm_shuffle(random, order, r->n);
	return n <= r->n ? order : NULL;
}

// A number as the share of real ones below it; anything else as it is.
static float *places(const struct wm_rows *r, const uint32_t *rows, size_t n, size_t k, const struct wm_tally *real,
	const size_t *below, struct wm_scratch *s)
{
	float *v = wm_scratch_get(s, n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < n; i++) {
		double x = r->col[k][rows[i]];
		size_t lo = 0, hi = real->n;

		while (is_number(k) && lo < hi) {
			size_t mid = (lo + hi) / 2;

			if (real->key[mid] < wm_key_of(x))
				lo = mid + 1;
			else
				hi = mid;
		}
		v[i] = is_number(k) ? (float)((double)below[lo] / (double)real->total) : (float)x;
	}
	return v;
}

struct picked {
	const struct wm_rows *r;
	uint32_t *rows;
	size_t n;
	float *col[WM_R_COLUMNS];
};

static int place_all(struct picked sets[3], size_t k, struct wm_scratch *s)
{
	const struct wm_rows *real = sets[1].r;
	struct wm_tally t;
	size_t *below;

	if (wm_tally_doubles(&t, real->col[k], real->n, s) < 0)
		return -ENOMEM;
	below = wm_scratch_get(s, t.n + 1, sizeof(*below));
	if (below == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t.n; i++)
		below[i + 1] = below[i] + t.count[i];
	for (size_t i = 0; i < 3; i++) {
		sets[i].col[k] = places(sets[i].r, sets[i].rows, sets[i].n, k, &t, below, s);
		if (sets[i].col[k] == NULL)
			return -ENOMEM;
	}
	return 0;
}

// Gower's distance of row i of x to the nearest row of y.
static float nearest(const struct picked *x, size_t i, const struct picked *y)
{
	float least = INFINITY;

	for (size_t j = 0; j < y->n; j++) {
		float d = 0;

		for (size_t k = 0; k < WM_R_COLUMNS && d < least; k++) {
			float gap;

			if (x->col[k] == NULL)
				continue;
			gap = fabsf(x->col[k][i] - y->col[k][j]);
			d += is_number(k) ? gap : gap > 0 ? 1 : 0;
		}
		least = fminf(least, d);
	}
	return least;
}

int wm_nearer_to_real(double *out, const struct wm_rows *real, const struct wm_rows *synth,
	const struct wm_rows *holdout, struct wm_scratch *s)
{
	size_t n = real->n < holdout->n ? real->n : holdout->n;
	struct picked sets[3] = {
		{.r = synth, .n = synth->n < NEAR_SYNTH ? synth->n : NEAR_SYNTH}, {.r = real}, {.r = holdout}};
	struct wm_shuffler random;
	double wins = 0;

	wm_shuffler_init(&random, WM_SHUFFLE_SEED);
	sets[1].n = sets[2].n = n < NEAR_MOST ? n : NEAR_MOST;
	for (unsigned i = 0; i < 3; i++) {
		sets[i].rows = pick(sets[i].r, sets[i].n, &random, s);
		if (sets[i].rows == NULL)
			return -ENOMEM;
	}
	for (size_t k = WM_R_TD; k < WM_R_COLUMNS; k++)
		if (real->col[k] != NULL && synth->col[k] != NULL && holdout->col[k] != NULL
			&& place_all(sets, k, s) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < sets[0].n; i++) {
		float to_real = nearest(&sets[0], i, &sets[1]), to_holdout = nearest(&sets[0], i, &sets[2]);

		wins += to_real < to_holdout ? 1 : to_real > to_holdout ? 0 : .5;
	}
	*out = sets[0].n > 0 ? wins / (double)sets[0].n : (double)NAN;
	return 0;
}
