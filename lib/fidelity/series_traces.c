// SPDX-License-Identifier: BSD-3-Clause
// The series of captures.
#include <fidelity/aggregate.h>
#include <fidelity/measure.h>
#include <fidelity/series.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_BINS = 200, KINDS = 10, KIND_BITS = 20 };

struct maker {
	struct wm_fidelity *f;
	const struct wm_trace *traces; // (WM_INPUTS)
	struct wm_scratch *s;
};

// A value of a packet; NAN if it has none.
typedef double packet_value(const struct wm_trace *t, size_t i);
typedef double flow_value(const struct wm_flow_row *r);

static double packet_len(const struct wm_trace *t, size_t i)
{
	return t->field[WM_F_LEN][i];
}

static double some_time(int64_t ns)
{
	return ns < 0 ? (double)NAN : fmax(wm_seconds(ns), 1e-6);
}

static double packet_gap(const struct wm_trace *t, size_t i)
{
	return some_time(t->gap_ns[i]);
}

static double trace_gap(const struct wm_trace *t, size_t i)
{
	return some_time(t->tgap_ns[i]);
}

static double or_nan(int32_t v)
{
	return v < 0 ? (double)NAN : v;
}

static double packet_window(const struct wm_trace *t, size_t i)
{
	return or_nan(t->field[WM_F_WIN][i]);
}

static double packet_ttl(const struct wm_trace *t, size_t i)
{
	return or_nan(t->field[WM_F_TTL][i]);
}

static double server_port(const struct wm_trace *t, size_t i)
{
	return or_nan(t->field[WM_F_SVC][i]);
}

static double client_port(const struct wm_trace *t, size_t i)
{
	return or_nan(t->field[WM_F_CPORT][i]);
}

static double source(const struct wm_trace *t, size_t i)
{
	return t->field[WM_F_TTL][i] < 0 ? (double)NAN : t->field[WM_F_SRC][i];
}

static double destination(const struct wm_trace *t, size_t i)
{
	return t->field[WM_F_TTL][i] < 0 ? (double)NAN : t->field[WM_F_DST][i];
}

static double flow_packets(const struct wm_flow_row *r)
{
	return r->n;
}

static double flow_bytes(const struct wm_flow_row *r)
{
	return r->bytes;
}

static double flow_duration(const struct wm_flow_row *r)
{
	return fmax(r->dur_s, 1e-6);
}

static const struct {
	struct wm_series like;
	packet_value *of;
	int (*add)(struct wm_fidelity *f, const struct wm_series *like, const struct wm_tally samples[WM_INPUTS]);
} packet_series[] = {
	{{.name = "cdf.len", .title = "Packet length", .unit = "bytes"}, packet_len, wm_series_add_cdf},
	{{.name = "histogram.len", .title = "Packet length, how often", .unit = "bytes"}, packet_len,
		wm_series_add_histogram},
	{{.name = "cdf.gap", .title = "Time between packets of a flow", .unit = "s", .log_x = true}, packet_gap,
		wm_series_add_cdf},
	{{.name = "histogram.gap", .title = "Time between packets of a flow, how often", .unit = "s", .log_x = true},
		packet_gap, wm_series_add_histogram},
	{{.name = "cdf.tgap", .title = "Time between any packets", .unit = "s", .log_x = true}, trace_gap,
		wm_series_add_cdf},
	{{.name = "cdf.win", .title = "TCP window", .unit = "bytes"}, packet_window, wm_series_add_cdf},
	{{.name = "histogram.ttl", .title = "Time to live", .unit = "hops"}, packet_ttl, wm_series_add_histogram},
	{{.name = "rank.svc", .title = "Server ports", .unit = "rank", .log_x = true}, server_port, wm_series_add_rank},
	{{.name = "cdf.cport", .title = "Client ports", .unit = "port"}, client_port, wm_series_add_cdf},
	{{.name = "rank.src", .title = "Source addresses", .unit = "rank", .log_x = true}, source, wm_series_add_rank},
	{{.name = "rank.dst", .title = "Destination addresses", .unit = "rank", .log_x = true}, destination,
		wm_series_add_rank},
};

static const struct {
	struct wm_series like;
	flow_value *of;
} flow_series[] = {
	{{.name = "cdf.flow_pkts", .title = "Packets of a flow", .unit = "packets", .log_x = true}, flow_packets},
	{{.name = "cdf.flow_bytes", .title = "Bytes of a flow", .unit = "bytes", .log_x = true}, flow_bytes},
	{{.name = "cdf.flow_dur", .title = "Duration of a flow", .unit = "s", .log_x = true}, flow_duration},
};

static int tally_packets(struct wm_tally *out, const struct wm_trace *t, packet_value *of, struct wm_scratch *s)
{
	double *v = wm_scratch_get(s, t->n, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		double x = of(t, i);

		if (!isnan(x))
			v[n++] = x;
	}
	return wm_tally_doubles(out, v, n, s);
}

static int tally_flows(struct wm_tally *out, const struct wm_trace *t, flow_value *of, struct wm_scratch *s)
{
	size_t n;
	const struct wm_flow_row *rows = wm_flow_rows(t, &n, s);
	double *v = rows != NULL ? wm_scratch_get(s, n, sizeof(*v)) : NULL;

	for (size_t i = 0; v != NULL && i < n; i++)
		v[i] = of(&rows[i]);
	return v != NULL ? wm_tally_doubles(out, v, n, s) : -ENOMEM;
}

static int add_values(struct maker *m)
{
	const size_t mark = m->s->n;
	int rc = 0;

	for (size_t i = 0; i < sizeof(packet_series) / sizeof(packet_series[0]) && rc == 0; i++) {
		struct wm_tally samples[WM_INPUTS] = {{.n = 0}};

		for (int role = 0; role < WM_INPUTS && rc == 0; role++)
			rc = tally_packets(&samples[role], &m->traces[role], packet_series[i].of, m->s);
		if (rc == 0)
			rc = packet_series[i].add(m->f, &packet_series[i].like, samples);
		wm_scratch_release(m->s, mark);
	}
	for (size_t i = 0; i < sizeof(flow_series) / sizeof(flow_series[0]) && rc == 0; i++) {
		struct wm_tally samples[WM_INPUTS] = {{.n = 0}};

		for (int role = 0; role < WM_INPUTS && rc == 0; role++)
			rc = m->traces[role].n > 0
				     ? tally_flows(&samples[role], &m->traces[role], flow_series[i].of, m->s)
				     : 0;
		if (rc == 0)
			rc = wm_series_add_cdf(m->f, &flow_series[i].like, samples);
		wm_scratch_release(m->s, mark);
	}
	return rc;
}

// A new series with its own copy of what is measured for each trace: at most `most` numbers.
static int add_measured(struct maker *m, const struct wm_series *like, size_t most,
	int (*measure)(struct maker *m, const struct wm_series *s, const struct wm_trace *t, double *y, size_t *n))
{
	struct wm_series *all = reallocarray(m->f->series, m->f->n_series + 1, sizeof(*all)), *s;

	if (all == NULL)
		return -ENOMEM;
	m->f->series = all;
	s = &all[m->f->n_series++];
	*s = *like;
	s->x = calloc(most, sizeof(*s->x));
	if (s->x == NULL)
		return -ENOMEM;
	for (int role = 0; role < WM_INPUTS; role++) {
		size_t n = 0;

		if (m->traces[role].n == 0)
			continue;
		s->y[role] = malloc(most * sizeof(*s->y[role]));
		if (s->y[role] == NULL)
			return -ENOMEM;
		for (size_t i = 0; i < most; i++)
			s->y[role][i] = NAN;
		if (measure(m, s, &m->traces[role], s->y[role], &n) < 0)
			return -ENOMEM;
		s->n = n > s->n ? n : s->n;
	}
	return 0;
}

// Bins of a rate: of the real capture's span, and no more of longer ones.
static double rate_bin_s(const struct maker *m)
{
	return fmax(wm_seconds(m->traces[WM_INPUT_REAL].span_ns), 1e-6) / RATE_BINS;
}

static bool in_bytes(const struct wm_series *s)
{
	return strstr(s->name, "bytes") != NULL;
}

static int measure_rate(struct maker *m, const struct wm_series *s, const struct wm_trace *t, double *y, size_t *n)
{
	const double bin_s = rate_bin_s(m);
	const size_t mark = m->s->n;
	size_t n_all;
	const double *x = wm_rate_series(t, in_bytes(s), bin_s, bin_s * RATE_BINS, &n_all, m->s);

	if (x == NULL)
		return -ENOMEM;
	*n = n_all < RATE_BINS ? n_all : RATE_BINS;
	for (size_t i = 0; i < *n; i++)
		y[i] = x[i] / bin_s;
	wm_scratch_release(m->s, mark);
	return 0;
}

static bool follows(const void *trace, size_t i, size_t k)
{
	return wm_trace_follows(trace, i, k);
}

static int measure_acf(struct maker *m, const struct wm_series *s, const struct wm_trace *t, double *y, size_t *n)
{
	const size_t mark = m->s->n;
	double *x = wm_scratch_get(m->s, t->n, sizeof(*x));
	const struct wm_pairs pairs = {follows, t, 100};

	if (x == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		x[i] = strcmp(s->name, "acf.len") == 0   ? packet_len(t, i)
		       : strcmp(s->name, "acf.dir") == 0 ? t->field[WM_F_DIR][i]
							 : wm_log_time(t->gap_ns[i] > 0 ? wm_seconds(t->gap_ns[i]) : 0);
	wm_acf(y, x, t->n, &pairs);
	*n = WM_LAGS;
	wm_scratch_release(m->s, mark);
	return 0;
}

// Bins of the finest octave, as the metrics of group E have them.
static double octave_bin_s(const struct maker *m)
{
	return wm_rate_bin_s(fmax(wm_seconds(m->traces[WM_INPUT_REAL].span_ns), 1e-6)) / 10;
}

static int measure_logscale(struct maker *m, const struct wm_series *s, const struct wm_trace *t, double *y, size_t *n)
{
	const size_t mark = m->s->n;
	struct wm_logscale l;
	size_t n_all;
	double *x = wm_rate_series(
		t, in_bytes(s), octave_bin_s(m), wm_seconds(m->traces[WM_INPUT_REAL].span_ns), &n_all, m->s);

	if (x == NULL)
		return -ENOMEM;
	wm_logscale_of(&l, x, n_all);
	memcpy(y, l.energy, l.n * sizeof(*y));
	*n = l.n;
	wm_scratch_release(m->s, mark);
	return 0;
}

static int add_over_time(struct maker *m)
{
	static const struct {
		struct wm_series like;
		size_t most;
		int (*measure)(
			struct maker *m, const struct wm_series *s, const struct wm_trace *t, double *y, size_t *n);
	} all[] = {
		{{WM_SERIES_RATE, .name = "rate.pkts", .title = "Packets per second", .unit = "s"}, RATE_BINS,
			measure_rate},
		{{WM_SERIES_RATE, .name = "rate.bytes", .title = "Bytes per second", .unit = "s"}, RATE_BINS,
			measure_rate},
		{{WM_SERIES_ACF, .name = "acf.len", .title = "Lengths of packets of a flow", .unit = "packets apart"},
			WM_LAGS, measure_acf},
		{{WM_SERIES_ACF, .name = "acf.loggap", .title = "Times between packets of a flow",
			 .unit = "packets apart"},
			WM_LAGS, measure_acf},
		{{WM_SERIES_ACF, .name = "acf.dir", .title = "Directions of packets of a flow",
			 .unit = "packets apart"},
			WM_LAGS, measure_acf},
		{{WM_SERIES_LOGSCALE, .name = "logscale.pkts", .title = "Packets, by scale", .unit = "s",
			 .log_x = true},
			WM_OCTAVES, measure_logscale},
		{{WM_SERIES_LOGSCALE, .name = "logscale.bytes", .title = "Bytes, by scale", .unit = "s", .log_x = true},
			WM_OCTAVES, measure_logscale},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct wm_series *s;

		if (add_measured(m, &all[i].like, all[i].most, all[i].measure) < 0)
			return -ENOMEM;
		s = &m->f->series[m->f->n_series - 1];
		for (size_t k = 0; k < s->n; k++)
			s->x[k] = s->kind == WM_SERIES_RATE  ? (double)k * rate_bin_s(m)
				  : s->kind == WM_SERIES_ACF ? (double)k + 1
							     : ldexp(octave_bin_s(m), (int)k + 1);
	}
	return 0;
}

// A packet's direction and kind as one number.
static uint64_t letter_of(const struct wm_trace *t, size_t i)
{
	return (uint64_t)t->field[WM_F_DIR][i] << KIND_BITS | (uint64_t)t->field[WM_F_KIND][i];
}

static size_t put_flags(char *out, size_t room, unsigned flags)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
	size_t used = 0;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags >> i & 1 && used < room)
			used += (size_t)snprintf(out + used, room - used, "%s%s", used > 0 ? " " : "", names[i]);
	return used;
}

// ">" is from the client, "<" from the server.
static void put_letter(char out[24], uint64_t letter)
{
	const unsigned kind = (unsigned)(letter & (((uint64_t)1 << KIND_BITS) - 1));
	char *at = out + 2;

	(void)snprintf(out, 24, "%s ", letter >> KIND_BITS ? "<" : ">");
	if (kind >= WM_KIND_OPAQUE)
		(void)snprintf(at, 22, "link type %u", kind - WM_KIND_OPAQUE);
	else if (kind >= WM_KIND_OTHER)
		(void)snprintf(at, 22, kind == WM_KIND_OTHER + 0x0806 ? "ARP" : "type 0x%04x", kind - WM_KIND_OTHER);
	else if (kind >= WM_KIND_ICMP6)
		(void)snprintf(at, 22, "ICMPv6 %u", kind - WM_KIND_ICMP6);
	else if (kind >= WM_KIND_ICMP)
		(void)snprintf(at, 22, "ICMP %u", kind - WM_KIND_ICMP);
	else if (kind >= WM_KIND_PROTO)
		(void)snprintf(at, 22, kind == WM_KIND_PROTO + 17 ? "UDP" : "protocol %u", kind - WM_KIND_PROTO);
	else if (put_flags(at, 22, kind) == 0)
		(void)snprintf(at, 22, "no flags");
}

struct alphabet {
	uint64_t letters[KINDS]; // the most frequent ones of the real capture; all others have the number n
	size_t n;
};

static size_t number_of(const struct alphabet *a, uint64_t letter)
{
	size_t i = 0;

	while (i < a->n && a->letters[i] != letter)
		i++;
	return i;
}

static int find_alphabet(struct alphabet *out, const struct wm_trace *t, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, t->n, sizeof(*keys));
	struct wm_tally letters;

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		keys[i] = letter_of(t, i);
	if (wm_tally_of(&letters, keys, t->n, s) < 0)
		return -ENOMEM;
	for (out->n = 0; out->n < KINDS && out->n < letters.n; out->n++) {
		size_t best = 0;

		for (size_t i = 1; i < letters.n; i++)
			if (letters.count[i] > letters.count[best])
				best = i;
		out->letters[out->n] = letters.key[best];
		letters.count[best] = 0;
	}
	return 0;
}

static void count_pairs(double *y, size_t n, const struct wm_trace *t, const struct alphabet *a)
{
	double all = 0;

	for (size_t i = 0; i + 1 < t->n; i++) {
		if (!wm_trace_follows(t, i, 1))
			continue;
		y[number_of(a, letter_of(t, i)) * n + number_of(a, letter_of(t, i + 1))]++;
		all++;
	}
	for (size_t i = 0; i < n * n; i++)
		y[i] /= all > 0 ? all : 1;
}

static int add_pairs(struct maker *m)
{
	const size_t mark = m->s->n;
	struct wm_series *all = reallocarray(m->f->series, m->f->n_series + 1, sizeof(*all)), *s;
	struct alphabet a;

	if (all == NULL)
		return -ENOMEM;
	m->f->series = all;
	if (find_alphabet(&a, &m->traces[WM_INPUT_REAL], m->s) < 0)
		return -ENOMEM;
	wm_scratch_release(m->s, mark);
	s = &all[m->f->n_series++];
	*s = (struct wm_series){WM_SERIES_BIGRAM, .name = "pairs.dir_flags", .title = "Directions and kinds of packets",
		.unit = "", .n = a.n + 1};
	s->labels = calloc(s->n, sizeof(*s->labels));
	if (s->labels == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < a.n; i++)
		put_letter(s->labels[i], a.letters[i]);
	(void)snprintf(s->labels[a.n], sizeof(s->labels[a.n]), "any other");
	for (int role = 0; role < WM_INPUTS; role++) {
		if (m->traces[role].n == 0)
			continue;
		s->y[role] = calloc(s->n * s->n, sizeof(*s->y[role]));
		if (s->y[role] == NULL)
			return -ENOMEM;
		count_pairs(s->y[role], s->n, &m->traces[role], &a);
	}
	return 0;
}

int wm_series_of_traces(struct wm_fidelity *f, const struct wm_trace traces[WM_INPUTS], struct wm_scratch *s)
{
	struct maker m = {f, traces, s};
	const size_t mark = s->n;
	int rc = add_values(&m);

	if (rc == 0)
		rc = add_over_time(&m);
	if (rc == 0)
		rc = add_pairs(&m);
	wm_scratch_release(s, mark);
	return rc;
}
