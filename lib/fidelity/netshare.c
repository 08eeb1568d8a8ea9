// SPDX-License-Identifier: BSD-3-Clause
// Group N of captures: the fields of packet traces as NetShare compares them, in its units: divergences in nats, of
// addresses by rank; Wasserstein-1 distances of packet sizes, arrival times and flow sizes.
//
// Source: Yin, Lin, Jin, Fanti, Sekar, "Practical GAN-based Synthetic IP Header Trace Generation using NetShare",
// SIGCOMM 2022, section 6.
#include <fidelity/measure.h>

#include <errno.h>
#include <math.h>

static int tally_field(struct wm_tally *out, const struct wm_trace *t, enum wm_field field, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, t->n, sizeof(*keys));
	size_t n = 0;

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		if (t->field[WM_F_TTL][i] >= 0 && t->field[field][i] >= 0)
			keys[n++] = (uint64_t)t->field[field][i];
	return wm_tally_of(out, keys, n, s);
}

static int put_fields(const struct wm_comparison *c)
{
	static const struct {
		const char *name;
		enum wm_field field;
		bool ranked;
	} fields[] = {{"sa", WM_F_SRC, true}, {"da", WM_F_DST, true}, {"sp", WM_F_SPORT, false},
		{"dp", WM_F_DPORT, false}, {"pr", WM_F_PROTO, false}};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct wm_tally a, b;
		double d;

		if (tally_field(&a, c->a, fields[i].field, c->s) < 0
			|| tally_field(&b, c->b, fields[i].field, c->s) < 0)
			return -ENOMEM;
		if (a.total < WM_FEW)
			continue;
		d = b.total == 0       ? (double)INFINITY
		    : fields[i].ranked ? wm_jsd_ranked(&a, &b, c->s)
				       : wm_jsd_exact(&a, &b);
		if (d < 0)
			return -ENOMEM;
		wm_put(c->out, d * M_LN2, fields[i].ranked ? "N.%s.JSDr" : "N.%s.JSDx", fields[i].name);
	}
	return 0;
}

// Packets of each one-way 5-tuple.
static int tally_flow_sizes(struct wm_tally *out, const struct wm_trace *t, struct wm_scratch *s)
{
	static const enum wm_field tuple[] = {WM_F_PROTO, WM_F_SRC, WM_F_DST, WM_F_SPORT, WM_F_DPORT};
	uint64_t *keys = wm_scratch_get(s, t->n, sizeof(*keys)), *sizes;
	struct wm_tally flows;

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < sizeof(tuple) / sizeof(tuple[0]); k++)
			keys[i] = wm_mix(keys[i], (uint64_t)t->field[tuple[k]][i]);
	if (wm_tally_of(&flows, keys, t->n, s) < 0)
		return -ENOMEM;
	sizes = wm_scratch_get(s, flows.n, sizeof(*sizes));
	if (sizes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < flows.n; i++)
		sizes[i] = wm_key_of(flows.count[i]);
	return wm_tally_of(out, sizes, flows.n, s);
}

enum number { SIZE, ARRIVAL };

static int tally_numbers(struct wm_tally *out, const struct wm_trace *t, enum number what, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, t->n, sizeof(*keys));
	int64_t first_ns = INT64_MAX;
	size_t n = 0;

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		first_ns = t->time_ns[i] < first_ns ? t->time_ns[i] : first_ns;
	for (size_t i = 0; i < t->n; i++) {
		if (what == ARRIVAL)
			keys[n++] = wm_key_of((double)(t->time_ns[i] - first_ns) / 1e3);
		else if (t->field[WM_F_TTL][i] >= 0)
			keys[n++] = wm_key_of(t->field[WM_F_HDR][i] - t->l3[i] + (double)t->field[WM_F_PAYLOAD][i]);
	}
	return wm_tally_of(out, keys, n, s);
}

static void put_emd(const struct wm_comparison *c, const char *key, const struct wm_tally *a, const struct wm_tally *b)
{
	if (a->total > 0 && b->total > 0)
		wm_put(c->out, wm_w1(a, b, wm_as_is), "%s", key);
}

int wm_measure_netshare(const struct wm_comparison *c)
{
	const size_t mark = c->s->n;
	struct wm_tally a, b;

	if (put_fields(c) < 0)
		return -ENOMEM;
	wm_scratch_release(c->s, mark);
	if (tally_numbers(&a, c->a, SIZE, c->s) < 0 || tally_numbers(&b, c->b, SIZE, c->s) < 0)
		return -ENOMEM;
	put_emd(c, "N.ps.EMD", &a, &b);
	if (tally_numbers(&a, c->a, ARRIVAL, c->s) < 0 || tally_numbers(&b, c->b, ARRIVAL, c->s) < 0)
		return -ENOMEM;
	put_emd(c, "N.pat.EMD", &a, &b);
	wm_scratch_release(c->s, mark);
	if (tally_flow_sizes(&a, c->a, c->s) < 0 || tally_flow_sizes(&b, c->b, c->s) < 0)
		return -ENOMEM;
	put_emd(c, "N.fs.EMD", &a, &b);
	return 0;
}
