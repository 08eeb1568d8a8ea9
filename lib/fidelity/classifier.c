// SPDX-License-Identifier: BSD-3-Clause
// Group F: whether trees can tell synthetic packets, windows and flows from real ones. They see no addresses and no
// client's ports, which would tell the time of day.
#include <fidelity/measure.h>
#include <fidelity/twosample.h>

#include <errno.h>
#include <math.h>

enum { WINDOW = 8, WINDOW_STEP = 4 };

// A trace with what its samples are made of.
struct source {
	const struct wm_trace *t;
	uint64_t *part;    // by packet: the stretch of a flow that it is in ...
	uint64_t *content; // ... and a hash of what is in the stretch
	const struct wm_flow_row *flows;
	uint32_t *flow_at; // by row: the flow that begins there
};

static double log_seconds(int64_t ns)
{
	return ns < 0 ? (double)NAN : wm_log_time(wm_seconds(ns));
}

static uint64_t hash_packet(const struct wm_trace *t, size_t i, uint32_t place)
{
	uint64_t h = wm_mix(0, place);

	h = wm_mix(h, (uint64_t)t->field[WM_F_DIR][i]);
	h = wm_mix(h, (uint64_t)t->field[WM_F_KIND][i]);
	h = wm_mix(h, (uint64_t)t->field[WM_F_LEN][i]);
	return wm_mix(h, t->gap_ns[i] > 0 ? (uint64_t)t->gap_ns[i] : 0);
}

static int find_parts(struct source *out, const struct wm_trace *t, uint32_t stretch, struct wm_scratch *s)
{
	out->t = t;
	out->part = wm_scratch_get(s, t->n, sizeof(*out->part));
	out->content = wm_scratch_get(s, t->n, sizeof(*out->content));
	if (out->part == NULL || out->content == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		out->part[i] = (uint64_t)t->flow[i] * (t->n + 1) + t->pos[i] / stretch;
	for (size_t i = 0, end; i < t->n; i = end) {
		uint64_t sum = 0;

		for (end = i; end < t->n && out->part[end] == out->part[i]; end++)
			sum += hash_packet(t, end, t->pos[end] % stretch);
		for (size_t k = i; k < end; k++)
			out->content[k] = sum;
	}
	return 0;
}

static const enum wm_field packet_fields[] = {
	WM_F_LEN, WM_F_HDR, WM_F_PAYLOAD, WM_F_TTL, WM_F_FLAGS, WM_F_WIN, WM_F_PROTO, WM_F_SVC, WM_F_DIR};
static const enum wm_field window_fields[] = {WM_F_DIR, WM_F_KIND, WM_F_LEN, WM_F_PAYLOAD};
static const enum wm_field flow_fields[] = {WM_F_SVC, WM_F_PROTO, WM_F_TTL, WM_F_WIN, WM_F_KIND};
enum {
	PACKET_FIELDS = sizeof(packet_fields) / sizeof(packet_fields[0]),
	WINDOW_FIELDS = sizeof(window_fields) / sizeof(window_fields[0]),
	FLOW_FIELDS = sizeof(flow_fields) / sizeof(flow_fields[0]),
	FLAGS = 4, // FIN, SYN, RST, PSH
	FLOW_NUMBERS = 13,
};

static void fill_packet(double *x, const void *from, uint32_t i)
{
	const struct wm_trace *t = ((const struct source *)from)->t;

	for (size_t k = 0; k < PACKET_FIELDS; k++)
		x[k] = t->field[packet_fields[k]][i];
	x[PACKET_FIELDS] = log_seconds(t->gap_ns[i]);
	x[PACKET_FIELDS + 1] = log_seconds(t->tgap_ns[i]);
}

static void fill_window(double *x, const void *from, uint32_t first)
{
	const struct wm_trace *t = ((const struct source *)from)->t;

	for (size_t k = 0; k < WINDOW_FIELDS; k++)
		for (uint32_t i = first; i < first + WINDOW; i++)
			*x++ = t->field[window_fields[k]][i];
	for (uint32_t i = first; i < first + WINDOW; i++)
		*x++ = log_seconds(t->gap_ns[i]);
}

struct moments {
	double len, len2, len_max, len_min, loggap, loggap_max;
	double flags[FLAGS];
};

static struct moments moments_of(const struct wm_trace *t, const struct wm_flow_row *r)
{
	struct moments m = {.len_min = (double)INFINITY, .loggap_max = -(double)INFINITY};

	for (size_t i = r->first; i < (size_t)r->first + r->n; i++) {
		double len = t->field[WM_F_LEN][i];
		double loggap = wm_log_time(t->gap_ns[i] > 0 ? wm_seconds(t->gap_ns[i]) : 0);

		m.len += len;
		m.len2 += len * len;
		m.len_max = fmax(m.len_max, len);
		m.len_min = fmin(m.len_min, len);
		m.loggap += loggap;
		m.loggap_max = fmax(m.loggap_max, loggap);
		for (unsigned k = 0; k < FLAGS; k++)
			m.flags[k] += t->field[WM_F_FLAGS][i] > 0 && (t->field[WM_F_FLAGS][i] & 1 << k);
	}
	m.len /= r->n;
	m.len2 /= r->n;
	m.loggap /= r->n;
	return m;
}

static void fill_flow(double *x, const void *from, uint32_t first)
{
	const struct source *src = from;
	const struct wm_trace *t = src->t;
	const struct wm_flow_row *r = &src->flows[src->flow_at[first]];
	const struct moments m = moments_of(t, r);
	const double numbers[FLOW_NUMBERS] = {wm_log_count(r->n), wm_log_count(r->bytes), wm_log_time(r->dur_s), m.len,
		sqrt(fmax(m.len2 - m.len * m.len, 0)), m.len_max, m.len_min, m.loggap, m.loggap_max,
		t->field[WM_F_LEN][first], t->field[WM_F_LEN][first + r->n - 1], r->rev_pkts, r->rev_bytes};

	for (size_t k = 0; k < FLOW_NUMBERS; k++)
		*x++ = numbers[k];
	for (size_t k = 0; k < FLOW_FIELDS; k++)
		*x++ = t->field[flow_fields[k]][first];
	for (size_t k = 0; k < FLAGS; k++)
		*x++ = m.flags[k];
}

// Which rows samples of a kind begin at; all if NULL.
typedef bool begins(const struct wm_trace *t, size_t i);

static bool begins_window(const struct wm_trace *t, size_t i)
{
	return t->pos[i] % WINDOW_STEP == 0 && wm_trace_follows(t, i, WINDOW - 1);
}

static bool begins_flow(const struct wm_trace *t, size_t i)
{
	return i == 0 || t->flow[i] != t->flow[i - 1];
}

static const struct {
	const char *key;
	begins *at;
	size_t cols;
	void (*fill)(double *x, const void *from, uint32_t row);
} kinds[] = {
	{"F.packets.auc", NULL, PACKET_FIELDS + 2, fill_packet},
	{"F.windows.auc", begins_window, WINDOW *(WINDOW_FIELDS + 1), fill_window},
	{"F.flows.auc", begins_flow, FLOW_NUMBERS + FLOW_FIELDS + FLAGS, fill_flow},
};

static size_t count_beginnings(const struct wm_trace *t, begins *at)
{
	size_t n = 0;

	for (size_t i = 0; at != NULL && i < t->n; i++)
		n += at(t, i);
	return at == NULL ? t->n : n;
}

static int candidates_of(struct wm_candidates *out, const struct source *src, begins *at, struct wm_scratch *s)
{
	uint32_t *rows = wm_scratch_get(s, src->t->n, sizeof(*rows));

	if (rows == NULL)
		return -ENOMEM;
	*out = (struct wm_candidates){.from = src, .rows = rows, .part = src->part, .content = src->content};
	for (size_t i = 0; i < src->t->n; i++)
		if (at == NULL || at(src->t, i))
			rows[out->n++] = (uint32_t)i;
	return 0;
}

static int find_flows(struct source *src, struct wm_scratch *s)
{
	size_t n;

	src->flows = wm_flow_rows(src->t, &n, s);
	src->flow_at = wm_scratch_get(s, src->t->n, sizeof(*src->flow_at));
	if (src->flows == NULL || src->flow_at == NULL)
		return -ENOMEM;
	for (size_t f = 0; f < n; f++)
		src->flow_at[src->flows[f].first] = (uint32_t)f;
	return 0;
}

int wm_measure_classifier(const struct wm_comparison *c)
{
	const size_t mark = c->s->n;
	const uint32_t stretch = c->ref->n / 50 > 64 ? (uint32_t)(c->ref->n / 50) : 64;
	int rc = 0;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]) && rc == 0; k++) {
		struct wm_two_sample t = {.cols = kinds[k].cols, .fill = kinds[k].fill};
		struct source a = {.t = NULL}, b = {.t = NULL};
		double auc;

		t.most = count_beginnings(c->ref, kinds[k].at) / 2;
		t.most = t.most < WM_TWO_SAMPLE_MOST ? t.most : WM_TWO_SAMPLE_MOST;
		if (t.most < WM_FEW)
			continue;
		if (find_parts(&a, c->a, stretch, c->s) < 0 || find_parts(&b, c->b, stretch, c->s) < 0
			|| find_flows(&a, c->s) < 0 || find_flows(&b, c->s) < 0
			|| candidates_of(&t.a, &a, kinds[k].at, c->s) < 0
			|| candidates_of(&t.b, &b, kinds[k].at, c->s) < 0)
			return -ENOMEM;
		rc = wm_two_sample_test(&auc, &t, c->s);
		if (rc == 0)
			wm_put(c->out, auc, "%s", kinds[k].key);
		wm_scratch_release(c->s, mark);
	}
	return rc;
}
