// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/aggregate.h>
#include <fidelity/series_pvt.h>

#include <errno.h>
#include <math.h>

enum { RATE_POINTS = 400 };

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

static double flow_number(const struct wm_flow_row *r, unsigned what)
{
	return what == FLOW_PKTS ? r->n : what == FLOW_BYTES ? r->bytes : r->dur_s;
}

static double *numbers_of_flows(size_t *n, const struct wm_trace *t, unsigned what, struct wm_scratch *s)
{
	const struct wm_flow_row *rows = wm_flow_rows(t, n, s);
	double *v = rows == NULL ? NULL : wm_scratch_get(s, *n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < *n; i++)
		v[i] = flow_number(&rows[i], what);
	return v;
}

static double *numbers_of_packets(size_t *n, const struct wm_trace *t, unsigned what, struct wm_scratch *s)
{
	double *v = wm_scratch_get(s, t->n, sizeof(*v));

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

static int find_numbers(struct wm_samples *out, const void *from, unsigned what, struct wm_scratch *s)
{
	const struct wm_trace *t = from;

	for (size_t i = 0; i < WM_INPUTS; i++) {
		if (t[i].n == 0)
			continue;
		out->v[i] = what >= FLOW_PKTS ? numbers_of_flows(&out->n[i], &t[i], what, s)
					      : numbers_of_packets(&out->n[i], &t[i], what, s);
		if (out->v[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

// A field's values where packets have them: addresses where there is IP, ports where there are any.
static int find_values(struct wm_samples *out, const void *from, unsigned what, struct wm_scratch *s)
{
	for (size_t i = 0; i < WM_INPUTS; i++) {
		const struct wm_trace *t = (const struct wm_trace *)from + i;
		const int32_t *there = what == WM_F_SVC ? t->field[WM_F_SVC] : t->field[WM_F_TTL];

		if (t->n == 0)
			continue;
		out->v[i] = wm_scratch_get(s, t->n, sizeof(**out->v));
		if (out->v[i] == NULL)
			return -ENOMEM;
		for (size_t k = 0; k < t->n; k++)
			if (there[k] >= 0)
				out->v[i][out->n[i]++] = t->field[what][k];
	}
	return 0;
}

static const struct wm_number numbers[] = {
	{LEN, "len", "Packet length", "bytes", false},
	{PAYLOAD, "payload", "Payload", "bytes", false},
	{GAP, "gap", "Time since the packet before in the flow", "s", true},
	{TGAP, "tgap", "Time since the packet before in the trace", "s", true},
	{FLOW_PKTS, "flow_pkts", "Packets of a flow", "packets", true},
	{FLOW_BYTES, "flow_bytes", "Bytes of a flow", "bytes", true},
	{FLOW_DUR, "flow_dur", "Duration of a flow", "s", true},
};
static const struct wm_number ranks[] = {
	{WM_F_SRC, "src", "Source addresses by rank", "rank", true},
	{WM_F_DST, "dst", "Destination addresses by rank", "rank", true},
	{WM_F_SVC, "svc", "Server ports by rank", "rank", true},
};

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
		if (!has[i] || span_s <= 0)
			continue;
		x[i] = wm_rate_series(&p->t[i], in_bytes, bin_s, span_s, &n[i], p->s);
		if (x[i] == NULL)
			return -ENOMEM;
		most = n[i] > most ? n[i] : most;
	}
	most = most < RATE_POINTS ? most : RATE_POINTS;
	out = wm_series_add(p->f, WM_SERIES_RATE, in_bytes ? "rate.bytes" : "rate.pkts",
		in_bytes ? "Bytes per second over time" : "Packets per second over time", most, has);
	if (out == NULL)
		return -ENOMEM;
	out->unit = "s";
	for (size_t k = 0; k < most; k++)
		out->x[k] = (double)k * bin_s;
	for (size_t i = 0; i < WM_INPUTS; i++)
		for (size_t k = 0; x[i] != NULL && k < most; k++)
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
		struct wm_series *out = wm_series_add(p->f, WM_SERIES_ACF, names[k], titles[k], WM_LAGS, has);

		if (out == NULL)
			return -ENOMEM;
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
		double *x;

		if (!has[i] || span_s <= 0)
			continue;
		x = wm_rate_series(&p->t[i], in_bytes, bin_s, span_s, &n, p->s);
		if (x == NULL)
			return -ENOMEM;
		wm_logscale_of(&scale[i], x, n);
		octaves = scale[i].n > octaves ? scale[i].n : octaves;
	}
	out = wm_series_add(p->f, WM_SERIES_LOGSCALE, in_bytes ? "logscale.bytes" : "logscale.pkts",
		in_bytes ? "Logscale diagram of bytes" : "Logscale diagram of packets", octaves, has);
	if (out == NULL)
		return -ENOMEM;
	out->unit = "s";
	out->log_x = true;
	for (size_t j = 0; j < octaves; j++)
		out->x[j] = ldexp(bin_s, (int)j + 1);
	for (size_t i = 0; i < WM_INPUTS; i++)
		for (size_t j = 0; has[i] && j < octaves; j++)
			out->y[i][j] = j < scale[i].n ? scale[i].energy[j] : (double)NAN;
	return 0;
}

int wm_series_of_traces(struct wm_fidelity *f, const struct wm_trace *traces, struct wm_scratch *s)
{
	const struct plotting p = {f, traces, s};
	const size_t mark = s->n;
	int rc = wm_series_add_distributions(f, numbers, sizeof(numbers) / sizeof(numbers[0]), find_numbers, traces, s);

	for (int in_bytes = 0; in_bytes < 2 && rc == 0; in_bytes++) {
		rc = add_rate(&p, in_bytes);
		if (rc == 0)
			rc = add_logscale(&p, in_bytes);
		wm_scratch_release(s, mark);
	}
	if (rc == 0)
		rc = add_acf(&p);
	wm_scratch_release(s, mark);
	if (rc == 0)
		rc = wm_series_add_bigrams(f, traces, s);
	wm_scratch_release(s, mark);
	if (rc == 0)
		rc = wm_series_add_ranks(f, ranks, sizeof(ranks) / sizeof(ranks[0]), find_values, traces, s);
	return rc;
}
