// SPDX-License-Identifier: BSD-3-Clause
// Group C: flows as rows.
#include <fidelity/measure.h>

#include <errno.h>

enum { MOMENTS = 1000 };

typedef double flow_field(const struct wm_flow_row *r);

static double pkts(const struct wm_flow_row *r)
{
	return r->n;
}

static double bytes(const struct wm_flow_row *r)
{
	return r->bytes;
}

static double dur(const struct wm_flow_row *r)
{
	return r->dur_s;
}

static double rev_pkts(const struct wm_flow_row *r)
{
	return r->rev_pkts;
}

static double rev_bytes(const struct wm_flow_row *r)
{
	return r->rev_bytes;
}

static double start(const struct wm_flow_row *r)
{
	return r->start_s;
}

static double end(const struct wm_flow_row *r)
{
	return r->end_s;
}

struct part {
	const struct wm_flow_row *rows;
	size_t n;
};

static double *column(const struct part *p, flow_field *of, struct wm_scratch *s)
{
	double *v = wm_scratch_get(s, p->n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < p->n; i++)
		v[i] = of(&p->rows[i]);
	return v;
}

// A column in ascending order.
static double *sorted(const struct part *p, flow_field *of, struct wm_scratch *s)
{
	double *v = column(p, of, s);
	uint64_t *keys = wm_scratch_get(s, p->n, sizeof(*keys)), *spare = wm_scratch_get(s, p->n, sizeof(*spare));

	if (v == NULL || keys == NULL || spare == NULL)
		return NULL;
	for (size_t i = 0; i < p->n; i++)
		keys[i] = wm_key_of(v[i]);
	wm_sort_u64(keys, p->n, spare);
	for (size_t i = 0; i < p->n; i++)
		v[i] = wm_key_value(keys[i]);
	return v;
}

static double *start_gaps(const struct part *p, struct wm_scratch *s)
{
	double *v = sorted(p, start, s);

	for (size_t i = 0; v != NULL && i + 1 < p->n; i++)
		v[i] = v[i + 1] - v[i];
	return v;
}

// Flows under way at evenly spaced moments from the first start to the last end.
static double *active(const struct part *p, struct wm_scratch *s)
{
	double *at = wm_scratch_get(s, MOMENTS, sizeof(*at)), *starts = sorted(p, start, s), *ends = sorted(p, end, s);
	size_t begun = 0, over = 0;
	double step;

	if (at == NULL || starts == NULL || ends == NULL)
		return NULL;
	step = (ends[p->n - 1] - starts[0]) / (MOMENTS - 1);
	for (size_t k = 0; k < MOMENTS; k++) {
		double t = k + 1 == MOMENTS ? ends[p->n - 1] : (double)k * step + starts[0];

		while (begun < p->n && starts[begun] <= t)
			begun++;
		while (over < p->n && ends[over] < t)
			over++;
		at[k] = (double)(begun - over);
	}
	return at;
}

static int compare_columns(const struct wm_comparison *c, const struct part *a, const struct part *b)
{
	static const struct {
		const char *key;
		flow_field *of;
		unsigned measures;
		double (*as)(double);
	} columns[] = {
		{"C.pkts", pkts, WM_JSDX | WM_JSDQ | WM_W1N | WM_W1LOG, wm_log_count},
		{"C.bytes", bytes, WM_JSDQ | WM_W1N | WM_W1LOG, wm_log_count},
		{"C.dur", dur, WM_JSDQ | WM_W1N | WM_W1LOG, wm_log_time},
		{"C.rev_pkts", rev_pkts, WM_JSDQ | WM_W1N, NULL},
		{"C.rev_bytes", rev_bytes, WM_JSDQ | WM_W1N, NULL},
	};

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const double *x = column(a, columns[i].of, c->s), *y = column(b, columns[i].of, c->s);

		if (x == NULL || y == NULL
			|| wm_compare_doubles(
				   c->out, columns[i].key, x, a->n, y, b->n, columns[i].measures, columns[i].as, c->s)
				   < 0)
			return -ENOMEM;
	}
	return 0;
}

int wm_measure_flows(const struct wm_comparison *c)
{
	struct part a, b;
	const double *x, *y;

	a.rows = wm_flow_rows(c->a, &a.n, c->s);
	b.rows = wm_flow_rows(c->b, &b.n, c->s);
	if (a.rows == NULL || b.rows == NULL)
		return -ENOMEM;
	if (a.n < WM_FEW)
		return 0;
	if (compare_columns(c, &a, &b) < 0)
		return -ENOMEM;
	x = start_gaps(&a, c->s);
	y = start_gaps(&b, c->s);
	if (x == NULL || y == NULL
		|| wm_compare_doubles(c->out, "C.startgap", x, a.n - 1, y, b.n > 0 ? b.n - 1 : 0,
			   WM_JSDQ | WM_W1N | WM_W1LOG, wm_log_time, c->s)
			   < 0)
		return -ENOMEM;
	x = active(&a, c->s);
	y = b.n > 0 ? active(&b, c->s) : x;
	if (x == NULL || y == NULL)
		return -ENOMEM;
	return wm_compare_doubles(
		c->out, "C.active", x, MOMENTS, y, b.n > 0 ? MOMENTS : 0, WM_JSDQ | WM_W1N, NULL, c->s);
}
