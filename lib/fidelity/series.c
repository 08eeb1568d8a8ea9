// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/aggregate.h>
#include <fidelity/series.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUANTILES = 60, HISTOGRAM = 40, RATE_POINTS = 400, RANKS = 50, LETTERS = 10 };

struct wm_series *wm_series_add(struct wm_fidelity *f, enum wm_series_kind kind, size_t n, const bool has[WM_INPUTS])
{
	struct wm_series *more = reallocarray(f->series, f->n_series + 1, sizeof(*more)), *s;
	const size_t points = kind == WM_SERIES_BIGRAM ? n * n : n;
	bool ok = true;

	if (more == NULL)
		return NULL;
	f->series = more;
	s = &more[f->n_series++]; // half made it is freed with the report
	*s = (struct wm_series){.kind = kind, .unit = "", .n = n};
	if (kind == WM_SERIES_BIGRAM)
		ok = (s->labels = calloc(n, sizeof(*s->labels))) != NULL;
	else
		ok = (s->x = calloc(n, sizeof(*s->x))) != NULL;
	for (size_t i = 0; i < WM_INPUTS && ok; i++)
		if (has[i])
			ok = (s->y[i] = calloc(points, sizeof(**s->y))) != NULL;
	return ok ? s : NULL;
}

struct tallies {
	struct wm_tally t[WM_INPUTS];
	bool has[WM_INPUTS];
};

static int tally_all(struct tallies *out, double *const v[WM_INPUTS], const size_t n[WM_INPUTS], struct wm_scratch *s)
{
	for (size_t i = 0; i < WM_INPUTS; i++) {
		out->has[i] = v[i] != NULL && n[i] > 0;
		if (out->has[i] && wm_tally_doubles(&out->t[i], v[i], n[i], s) < 0)
			return -ENOMEM;
	}
	return 0;
}

// Share of values up to each x.
static void fill_cdf(double *y, const double *x, size_t n, const struct wm_tally *t)
{
	size_t below = 0, k = 0;

	for (size_t i = 0; i < n; i++) {
		while (k < t->n && wm_key_value(t->key[k]) <= x[i])
			below += t->count[k++];
		y[i] = (double)below / (double)t->total;
	}
}

int wm_series_add_cdf(struct wm_fidelity *f, const char *name, const char *title, const char *unit, bool log_x,
	double *const v[WM_INPUTS], const size_t n[WM_INPUTS], struct wm_scratch *s)
{
	uint64_t keys[WM_INPUTS * (QUANTILES + 1)];
	double edges[QUANTILES + 1];
	struct wm_tally at;
	struct tallies all;
	struct wm_series *out;
	size_t points = 0;

	if (tally_all(&all, v, n, s) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < WM_INPUTS; i++) {
		size_t m = all.has[i] ? wm_quantile_edges(edges, &all.t[i], QUANTILES) : 0;

		for (size_t k = 0; k < m; k++)
			keys[points++] = wm_key_of(log_x ? fmax(edges[k], 1e-6) : edges[k]);
	}
	if (points == 0)
		return 0;
	if (wm_tally_of(&at, keys, points, s) < 0)
		return -ENOMEM;
	out = wm_series_add(f, WM_SERIES_CDF, at.n, all.has);
	if (out == NULL)
		return -ENOMEM;
	out->name = name;
	out->title = title;
	out->unit = unit;
	out->log_x = log_x;
	for (size_t k = 0; k < at.n; k++)
		out->x[k] = wm_key_value(at.key[k]);
	for (size_t i = 0; i < WM_INPUTS; i++)
		if (all.has[i])
			fill_cdf(out->y[i], out->x, at.n, &all.t[i]);
	return 0;
}

static double place(double v, bool log_x)
{
	return log_x ? log10(fmax(v, 1e-6)) : v;
}

int wm_series_add_histogram(struct wm_fidelity *f, const char *name, const char *title, const char *unit, bool log_x,
	double *const v[WM_INPUTS], const size_t n[WM_INPUTS], struct wm_scratch *s)
{
	double lo = (double)INFINITY, hi = -(double)INFINITY, width;
	struct tallies all;
	struct wm_series *out;

	if (tally_all(&all, v, n, s) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < WM_INPUTS; i++) {
		if (!all.has[i])
			continue;
		lo = fmin(lo, place(wm_key_value(all.t[i].key[0]), log_x));
		hi = fmax(hi, place(wm_key_value(all.t[i].key[all.t[i].n - 1]), log_x));
	}
	if (!(lo <= hi))
		return 0;
	width = hi > lo ? (hi - lo) / HISTOGRAM : 1;
	out = wm_series_add(f, WM_SERIES_HISTOGRAM, HISTOGRAM + 1, all.has);
	if (out == NULL)
		return -ENOMEM;
	out->name = name;
	out->title = title;
	out->unit = unit;
	out->log_x = log_x;
	for (size_t k = 0; k <= HISTOGRAM; k++)
		out->x[k] = log_x ? pow(10, lo + (double)k * width) : lo + (double)k * width;
	for (size_t i = 0; i < WM_INPUTS; i++) {
		const struct wm_tally *t = &all.t[i];

		for (size_t k = 0; all.has[i] && k < t->n; k++) {
			double bin = (place(wm_key_value(t->key[k]), log_x) - lo) / width;

			out->y[i][bin < HISTOGRAM - 1 ? (size_t)bin : HISTOGRAM - 1] +=
				(double)t->count[k] / (double)t->total;
		}
	}
	return 0;
}

struct plotting {
	struct wm_fidelity *f;
	const struct wm_trace *t; // WM_INPUTS
	struct wm_scratch *s;
};

static void which(bool has[WM_INPUTS], const struct plotting *p)
{
	for (size_t i = 0; i < WM_INPUTS; i++)
		has[i] = p->t[i].n > 0;
}

enum number { LEN, PAYLOAD, GAP, TGAP, FLOW_PKTS, FLOW_BYTES, FLOW_DUR };

static double flow_number(const struct wm_flow_row *r, enum number what)
{
	return what == FLOW_PKTS ? r->n : what == FLOW_BYTES ? r->bytes : r->dur_s;
}

static double *numbers_of(const struct wm_trace *t, enum number what, size_t *n, struct wm_scratch *s)
{
	const struct wm_flow_row *rows;
	double *v;

	if (what >= FLOW_PKTS) {
		rows = wm_flow_rows(t, n, s);
		v = rows == NULL ? NULL : wm_scratch_get(s, *n, sizeof(*v));
		for (size_t i = 0; v != NULL && i < *n; i++)
			v[i] = flow_number(&rows[i], what);
		return v;
	}
	v = wm_scratch_get(s, t->n, sizeof(*v));
	*n = 0;
	for (size_t i = 0; v != NULL && i < t->n; i++) {
		int64_t gap_ns = what == GAP ? t->gap_ns[i] : t->tgap_ns[i];

		if (what <= PAYLOAD)
			v[(*n)++] = t->field[what == LEN ? WM_F_LEN : WM_F_PAYLOAD][i];
		else if (gap_ns >= 0)
			v[(*n)++] = wm_seconds(gap_ns);
	}
	return v;
}

static int add_numbers(const struct plotting *p)
{
	static const struct {
		enum number what;
		const char *cdf;
		const char *histogram;
		const char *title;
		const char *unit;
		bool log_x;
	} plots[] = {
		{LEN, "cdf.len", "hist.len", "Packet length", "bytes", false},
		{PAYLOAD, "cdf.payload", "hist.payload", "Payload", "bytes", false},
		{GAP, "cdf.gap", "hist.gap", "Time since the packet before in the flow", "s", true},
		{TGAP, "cdf.tgap", "hist.tgap", "Time since the packet before in the trace", "s", true},
		{FLOW_PKTS, "cdf.flow_pkts", "hist.flow_pkts", "Packets of a flow", "packets", true},
		{FLOW_BYTES, "cdf.flow_bytes", "hist.flow_bytes", "Bytes of a flow", "bytes", true},
		{FLOW_DUR, "cdf.flow_dur", "hist.flow_dur", "Duration of a flow", "s", true},
	};
	const size_t mark = p->s->n;
	int rc = 0;

	for (size_t k = 0; k < sizeof(plots) / sizeof(plots[0]) && rc == 0; k++) {
		double *v[WM_INPUTS] = {NULL};
		size_t n[WM_INPUTS] = {0};

		for (size_t i = 0; i < WM_INPUTS; i++) {
			if (p->t[i].n == 0)
				continue;
			v[i] = numbers_of(&p->t[i], plots[k].what, &n[i], p->s);
			if (v[i] == NULL)
				return -ENOMEM;
		}
		rc = wm_series_add_cdf(p->f, plots[k].cdf, plots[k].title, plots[k].unit, plots[k].log_x, v, n, p->s);
		if (rc == 0)
			rc = wm_series_add_histogram(
				p->f, plots[k].histogram, plots[k].title, plots[k].unit, plots[k].log_x, v, n, p->s);
		wm_scratch_release(p->s, mark);
	}
	return rc;
}

static int add_rate(const struct plotting *p, bool in_bytes)
{
	const double span_s = wm_seconds(p->t[WM_INPUT_REAL].span_ns);
	const double *x[WM_INPUTS] = {NULL};
	double bin_s = 5 * wm_rate_bin_s(span_s);
	size_t n[WM_INPUTS] = {0}, most = 0;
	bool has[WM_INPUTS];
	struct wm_series *out;

	which(has, p);
	for (size_t i = 0; i < WM_INPUTS; i++) {
		if (!has[i])
			continue;
		x[i] = wm_rate_series(&p->t[i], in_bytes, bin_s, span_s, &n[i], p->s);
		if (x[i] == NULL)
			return -ENOMEM;
		most = n[i] > most ? n[i] : most;
	}
	most = most < RATE_POINTS ? most : RATE_POINTS;
	out = wm_series_add(p->f, WM_SERIES_RATE, most, has);
	if (out == NULL)
		return -ENOMEM;
	out->name = in_bytes ? "rate.bytes" : "rate.pkts";
	out->title = in_bytes ? "Bytes per second over time" : "Packets per second over time";
	out->unit = "s";
	for (size_t k = 0; k < most; k++)
		out->x[k] = (double)k * bin_s;
	for (size_t i = 0; i < WM_INPUTS; i++)
		for (size_t k = 0; has[i] && k < most; k++)
			out->y[i][k] = k < n[i] ? x[i][k] / bin_s : (double)NAN;
	return 0;
}

static int add_acf(const struct plotting *p)
{
	static const char *const names[] = {"acf.len", "acf.loggap", "acf.dir"};
	static const char *const titles[] = {"Autocorrelation of packet lengths in a flow",
		"Autocorrelation of log gaps in a flow", "Autocorrelation of directions in a flow"};
	struct wm_curves curves[WM_INPUTS];
	bool has[WM_INPUTS];

	which(has, p);
	for (size_t i = 0; i < WM_INPUTS; i++)
		if (has[i] && wm_find_curves(&curves[i], &p->t[i], p->s) < 0)
			return -ENOMEM;
	for (size_t k = 0; k < 3; k++) {
		struct wm_series *out = wm_series_add(p->f, WM_SERIES_ACF, WM_LAGS, has);

		if (out == NULL)
			return -ENOMEM;
		out->name = names[k];
		out->title = titles[k];
		out->unit = "packets";
		for (size_t lag = 0; lag < WM_LAGS; lag++)
			out->x[lag] = (double)lag + 1;
		for (size_t i = 0; i < WM_INPUTS; i++)
			if (has[i])
				memcpy(out->y[i],
					k == 0   ? curves[i].len
					: k == 1 ? curves[i].loggap
						 : curves[i].dir,
					WM_LAGS * sizeof(double));
	}
	return 0;
}

static int add_logscale(const struct plotting *p, bool in_bytes)
{
	const double span_s = wm_seconds(p->t[WM_INPUT_REAL].span_ns), bin_s = wm_rate_bin_s(span_s) / 10;
	struct wm_logscale scale[WM_INPUTS] = {{.n = 0}};
	bool has[WM_INPUTS];
	struct wm_series *out;
	size_t octaves = 0;

	which(has, p);
	for (size_t i = 0; i < WM_INPUTS; i++) {
		size_t n;
		double *x = has[i] ? wm_rate_series(&p->t[i], in_bytes, bin_s, span_s, &n, p->s) : NULL;

		if (has[i] && x == NULL)
			return -ENOMEM;
		if (has[i])
			wm_logscale_of(&scale[i], x, n);
		octaves = scale[i].n > octaves ? scale[i].n : octaves;
	}
	if (octaves == 0)
		return 0;
	out = wm_series_add(p->f, WM_SERIES_LOGSCALE, octaves, has);
	if (out == NULL)
		return -ENOMEM;
	out->name = in_bytes ? "logscale.bytes" : "logscale.pkts";
	out->title = in_bytes ? "Logscale diagram of bytes" : "Logscale diagram of packets";
	out->unit = "s";
	out->log_x = true;
	for (size_t j = 0; j < octaves; j++)
		out->x[j] = ldexp(bin_s, (int)j + 1);
	for (size_t i = 0; i < WM_INPUTS; i++)
		for (size_t j = 0; has[i] && j < octaves; j++)
			out->y[i][j] = j < scale[i].n ? scale[i].energy[j] : (double)NAN;
	return 0;
}

// Descending shares of the values of a field.
static int fill_ranks(double *y, const struct wm_trace *t, enum wm_field field, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, t->n, sizeof(*keys)), *counts, *spare;
	struct wm_tally tally;
	size_t n = 0;

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		if (t->field[field == WM_F_SVC ? WM_F_SVC : WM_F_TTL][i] >= 0)
			keys[n++] = (uint64_t)t->field[field][i];
	if (wm_tally_of(&tally, keys, n, s) < 0)
		return -ENOMEM;
	counts = wm_scratch_get(s, tally.n, sizeof(*counts));
	spare = wm_scratch_get(s, tally.n, sizeof(*spare));
	if (counts == NULL || spare == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < tally.n; i++)
		counts[i] = tally.count[i];
	wm_sort_u64(counts, tally.n, spare);
	for (size_t k = 0; k < RANKS && k < tally.n; k++)
		y[k] = (double)counts[tally.n - 1 - k] / (double)n;
	return 0;
}

static int add_ranks(const struct plotting *p, enum wm_field field, const char *name, const char *title)
{
	struct wm_series *out;
	bool has[WM_INPUTS];

	which(has, p);
	out = wm_series_add(p->f, WM_SERIES_RANK, RANKS, has);
	if (out == NULL)
		return -ENOMEM;
	out->name = name;
	out->title = title;
	out->unit = "rank";
	out->log_x = true;
	for (size_t k = 0; k < RANKS; k++)
		out->x[k] = (double)k + 1;
	for (size_t i = 0; i < WM_INPUTS; i++)
		if (has[i] && fill_ranks(out->y[i], &p->t[i], field, p->s) < 0)
			return -ENOMEM;
	return 0;
}

// A letter is direction and kind.
static uint64_t letter_of(const struct wm_trace *t, size_t i)
{
	return (uint64_t)t->field[WM_F_DIR][i] << 20 | (uint64_t)t->field[WM_F_KIND][i];
}

// "> SYN ACK", "< udp": from the client, from the server.
static void name_letter(char text[24], uint64_t letter)
{
	static const char *const flags[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
	const uint64_t kind = letter & ((1 << 20) - 1);
	char *at = text, *end = text + 24;

	at += snprintf(at, 24, "%c", letter >> 20 ? '<' : '>');
	if (kind >= WM_KIND_OPAQUE)
		(void)snprintf(at, (size_t)(end - at), " link %u", (unsigned)(kind - WM_KIND_OPAQUE));
	else if (kind >= WM_KIND_OTHER)
		(void)snprintf(at, (size_t)(end - at), " type 0x%04x", (unsigned)(kind - WM_KIND_OTHER));
	else if (kind >= WM_KIND_ICMP)
		(void)snprintf(at, (size_t)(end - at), " icmp type %u", (unsigned)(kind & 255));
	else if (kind == WM_KIND_PROTO + 17)
		(void)snprintf(at, (size_t)(end - at), " udp");
	else if (kind >= WM_KIND_PROTO)
		(void)snprintf(at, (size_t)(end - at), " proto %u", (unsigned)(kind - WM_KIND_PROTO));
	else if (kind == 0)
		(void)snprintf(at, (size_t)(end - at), " none");
	for (unsigned b = 0; kind > 0 && kind < WM_KIND_PROTO && b < 8; b++)
		if (kind & 1u << b && end - at > 5)
			at += snprintf(at, (size_t)(end - at), " %s", flags[b]);
}

// The most frequent letters of all inputs together. @return how many.
static size_t find_letters(uint64_t letters[LETTERS], const struct plotting *p)
{
	size_t n = 0, all = 0, found = 0;
	struct wm_tally t;
	uint64_t *keys;

	for (size_t i = 0; i < WM_INPUTS; i++)
		all += p->t[i].n;
	keys = wm_scratch_get(p->s, all, sizeof(*keys));
	if (keys == NULL)
		return 0;
	for (size_t i = 0; i < WM_INPUTS; i++)
		for (size_t k = 0; k < p->t[i].n; k++)
			keys[n++] = letter_of(&p->t[i], k);
	if (wm_tally_of(&t, keys, n, p->s) < 0)
		return 0;
	for (; found < LETTERS; found++) {
		size_t best = SIZE_MAX;

		for (size_t k = 0; k < t.n; k++)
			if (t.count[k] > 0 && (best == SIZE_MAX || t.count[k] > t.count[best]))
				best = k;
		if (best == SIZE_MAX)
			break;
		letters[found] = t.key[best];
		t.count[best] = 0;
	}
	return found;
}

static size_t index_of(const uint64_t *letters, size_t n, uint64_t letter)
{
	size_t k = 0;

	while (k < n && letters[k] != letter)
		k++;
	return k; // n: another
}

static int add_bigrams(const struct plotting *p)
{
	uint64_t letters[LETTERS];
	size_t n = find_letters(letters, p);
	struct wm_series *out;
	bool has[WM_INPUTS];

	which(has, p);
	if (n == 0)
		return -ENOMEM;
	out = wm_series_add(p->f, WM_SERIES_BIGRAM, n + 1, has);
	if (out == NULL)
		return -ENOMEM;
	out->name = "bigram.dir_flags";
	out->title = "Two packets in a row of a flow, by direction and kind";
	for (size_t k = 0; k < n; k++)
		name_letter(out->labels[k], letters[k]);
	(void)snprintf(out->labels[n], sizeof(*out->labels), "others");
	for (size_t i = 0; i < WM_INPUTS; i++) {
		const struct wm_trace *t = &p->t[i];
		double pairs = 0;

		for (size_t k = 0; k + 1 < t->n; k++) {
			if (!wm_trace_follows(t, k, 1))
				continue;
			out->y[i][index_of(letters, n, letter_of(t, k)) * (n + 1)
				  + index_of(letters, n, letter_of(t, k + 1))]++;
			pairs++;
		}
		for (size_t k = 0; pairs > 0 && k < (n + 1) * (n + 1); k++)
			out->y[i][k] /= pairs;
	}
	return 0;
}

int wm_series_of_traces(struct wm_fidelity *f, const struct wm_trace *traces, struct wm_scratch *s)
{
	const struct plotting p = {f, traces, s};
	const size_t mark = s->n;
	int rc = add_numbers(&p);

	for (int in_bytes = 0; in_bytes < 2 && rc == 0 && traces[WM_INPUT_REAL].span_ns > 0; in_bytes++) {
		rc = add_rate(&p, in_bytes);
		if (rc == 0)
			rc = add_logscale(&p, in_bytes);
		wm_scratch_release(s, mark);
	}
	if (rc == 0)
		rc = add_acf(&p);
	wm_scratch_release(s, mark);
	if (rc == 0)
		rc = add_bigrams(&p);
	wm_scratch_release(s, mark);
	if (rc == 0)
		rc = add_ranks(&p, WM_F_SRC, "rank.src", "Source addresses by rank");
	if (rc == 0)
		rc = add_ranks(&p, WM_F_DST, "rank.dst", "Destination addresses by rank");
	if (rc == 0)
		rc = add_ranks(&p, WM_F_SVC, "rank.svc", "Server ports by rank");
	wm_scratch_release(s, mark);
	return rc;
}
