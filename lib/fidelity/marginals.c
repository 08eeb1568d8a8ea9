// SPDX-License-Identifier: BSD-3-Clause
// Group A: each field by itself.
#include <fidelity/measure.h>

#include <errno.h>
#include <stdio.h>

// A field, the field that says which packets have it (none: WM_FIELDS), and how it is measured.
static const struct {
	const char *key;
	enum wm_field field;
	enum wm_field has;
	unsigned measures;
} fields[] = {
	{"A.len", WM_F_LEN, WM_FIELDS, WM_JSDX | WM_JSDQ | WM_W1N},
	{"A.hdr", WM_F_HDR, WM_FIELDS, WM_JSDX | WM_JSDQ | WM_W1N},
	{"A.payload", WM_F_PAYLOAD, WM_FIELDS, WM_JSDX | WM_JSDQ | WM_W1N},
	{"A.ttl", WM_F_TTL, WM_F_TTL, WM_JSDX | WM_W1N},
	{"A.flags", WM_F_FLAGS, WM_F_FLAGS, WM_JSDX},
	{"A.win", WM_F_WIN, WM_F_WIN, WM_JSDX | WM_JSDQ | WM_W1LOG},
	{"A.proto", WM_F_PROTO, WM_FIELDS, WM_JSDX},
	{"A.dir", WM_F_DIR, WM_FIELDS, WM_JSDX},
	{"A.svc", WM_F_SVC, WM_F_SVC, WM_JSDX},
	{"A.cport", WM_F_CPORT, WM_F_CPORT, WM_JSDQ | WM_W1N},
	{"A.sport", WM_F_SPORT, WM_F_SPORT, WM_JSDX},
	{"A.dport", WM_F_DPORT, WM_F_DPORT, WM_JSDX},
	{"A.src", WM_F_SRC, WM_F_TTL, WM_JSDR | WM_JSDV},
	{"A.dst", WM_F_DST, WM_F_TTL, WM_JSDR | WM_JSDV},
};

static int tally_field(
	struct wm_tally *out, const struct wm_trace *t, enum wm_field field, enum wm_field has, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, t->n, sizeof(*keys));
	size_t n = 0;

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		if (has == WM_FIELDS || t->field[has][i] >= 0)
			keys[n++] = wm_key_of(t->field[field][i]);
	return wm_tally_of(out, keys, n, s);
}

static int tally_gaps(struct wm_tally *out, const int64_t *gaps_ns, size_t n, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, n, sizeof(*keys));
	size_t m = 0;

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (gaps_ns[i] >= 0)
			keys[m++] = wm_key_of(wm_seconds(gaps_ns[i]));
	return wm_tally_of(out, keys, m, s);
}

static int measure_field(const struct wm_comparison *c, size_t i)
{
	struct wm_tally a, b;
	int rc = tally_field(&a, c->a, fields[i].field, fields[i].has, c->s);

	if (rc == 0)
		rc = tally_field(&b, c->b, fields[i].field, fields[i].has, c->s);
	return rc < 0 ? rc : wm_compare_tallies(c->out, fields[i].key, &a, &b, fields[i].measures, wm_log_count, c->s);
}

static int measure_gaps(const struct wm_comparison *c, const char *key, const int64_t *ga, const int64_t *gb)
{
	struct wm_tally a, b;
	int rc = tally_gaps(&a, ga, c->a->n, c->s);

	if (rc == 0)
		rc = tally_gaps(&b, gb, c->b->n, c->s);
	return rc < 0 ? rc : wm_compare_tallies(c->out, key, &a, &b, WM_JSDQ | WM_W1N | WM_W1LOG, wm_log_time, c->s);
}

int wm_measure_marginals(const struct wm_comparison *c)
{
	const size_t mark = c->s->n;
	int rc = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && rc == 0; i++) {
		rc = measure_field(c, i);
		wm_scratch_release(c->s, mark);
	}
	if (rc == 0)
		rc = measure_gaps(c, "A.gap", c->a->gap_ns, c->b->gap_ns);
	wm_scratch_release(c->s, mark);
	if (rc == 0)
		rc = measure_gaps(c, "A.tgap", c->a->tgap_ns, c->b->tgap_ns);
	return rc;
}
