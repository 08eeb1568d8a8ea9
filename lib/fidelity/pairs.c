// SPDX-License-Identifier: BSD-3-Clause
// Group T: every two fields together. Source: total variation of 2-way marginals as in Zhang et al., "PrivSyn", USENIX
// Security 2021.
#include <fidelity/pairs.h>

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { DECILES = 10, CATEGORIES = 20, FIRST_ROLE = 6 };

int wm_levels_of_number(uint16_t *to, const double *v, size_t n, const double *ref, size_t n_ref, struct wm_scratch *s)
{
	double *known = wm_scratch_get(s, n_ref, sizeof(*known)), edges[DECILES + 1];
	size_t n_known = 0, n_edges = 0;
	struct wm_tally t;

	if (known == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n_ref; i++)
		if (!isnan(ref[i]))
			known[n_known++] = ref[i];
	if (wm_tally_doubles(&t, known, n_known, s) < 0)
		return -ENOMEM;
	if (n_known > 0)
		n_edges = wm_quantile_edges(edges, &t, DECILES);
	for (size_t i = 0; i < n; i++)
		to[i] = isnan(v[i]) || n_edges == 0 ? WM_LEVEL_NONE : (uint16_t)wm_quantile_bin(v[i], edges, n_edges);
	return 0;
}

int wm_levels_of_category(
	uint16_t *to, const double *v, size_t n, const double *ref, size_t n_ref, size_t most, struct wm_scratch *s)
{
	struct wm_tally t;
	uint64_t *keys;
	uint32_t *order;
	size_t top;
	uint16_t *rank;

	if (wm_tally_doubles(&t, ref, n_ref, s) < 0)
		return -ENOMEM;
	keys = wm_scratch_get(s, t.n, sizeof(*keys));
	order = wm_scratch_get(s, t.n, sizeof(*order));
	rank = wm_scratch_get(s, t.n, sizeof(*rank));
	if (keys == NULL || order == NULL || rank == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t.n; i++)
		keys[i] = UINT32_MAX - t.count[i];
	if (wm_sort_order(order, keys, t.n, s) < 0)
		return -ENOMEM;
	top = t.n < most - 1 ? t.n : most - 1;
	for (size_t i = 0; i < t.n; i++)
		rank[order[i]] = (uint16_t)(i < top ? i : most - 1);
	for (size_t i = 0; i < n; i++) {
		uint64_t key = wm_key_of(v[i]);
		size_t lo = 0, hi = t.n;

		while (lo < hi) {
			size_t mid = (lo + hi) / 2;

			if (t.key[mid] < key)
				lo = mid + 1;
			else
				hi = mid;
		}
		to[i] = lo < t.n && t.key[lo] == key ? rank[lo] : (uint16_t)(most - 1);
	}
	return 0;
}

static double distance(const double *p, const double *q)
{
	double sum = 0;

	for (size_t c = 0; c < WM_LEVELS * WM_LEVELS; c++)
		sum += fabs(p[c] - q[c]) / 2;
	return sum;
}

// Of fields i and k: to both, but what a packet is tied to in its flow's roles (who serves, who speaks) counts for
// these alone. Where roles are wrong, nothing else is.
static void add_ties(struct wm_ties *ties, size_t i, size_t k, struct wm_ties more)
{
	if (i >= FIRST_ROLE || k < FIRST_ROLE)
		wm_ties_add(&ties[i], more);
	if (k >= FIRST_ROLE || i < FIRST_ROLE)
		wm_ties_add(&ties[k], more);
}

void wm_put_pairs(struct wm_values *out, uint16_t *const *a, size_t na, uint16_t *const *b, size_t nb, size_t fields,
	const char *const *names)
{
	double p[WM_LEVELS * WM_LEVELS], q[WM_LEVELS * WM_LEVELS], sum = 0, worst = 0;
	struct wm_ties ties[WM_PAIR_FIELDS_MAX] = {{0}};

	assert(fields <= WM_PAIR_FIELDS_MAX);
	if (na == 0 || nb == 0 || fields < 2)
		return;
	for (size_t i = 0; i < fields; i++) {
		for (size_t k = 0; k < i; k++) {
			double tvd;

			wm_pair_shares(p, &(struct wm_pair){a[i], a[k], na});
			wm_pair_shares(q, &(struct wm_pair){b[i], b[k], nb});
			tvd = distance(p, q);
			sum += tvd;
			worst = fmax(worst, tvd);
			if (names != NULL)
				add_ties(ties, i, k, wm_ties_of(p, na, q, nb));
		}
	}
	wm_put(out, sum / ((double)(fields * (fields - 1)) / 2), "T.pairs.TVD");
	wm_put(out, worst, "T.worst_pair.TVDmax");
	for (size_t i = 0; names != NULL && i < fields; i++)
		wm_put(out, wm_ties_differ(&ties[i]), "T.%s.tie", names[i]);
}

static const struct {
	enum wm_field field;
	bool category;
} packet_fields[] = {
	{WM_F_LEN, false},
	{WM_F_PAYLOAD, false},
	{WM_F_TTL, true},
	{WM_F_FLAGS, true},
	{WM_F_WIN, false},
	{WM_F_PROTO, true},
	{WM_F_SVC, true}, // FIRST_ROLE
	{WM_F_DIR, true},
};
enum { PACKET_FIELDS = sizeof(packet_fields) / sizeof(packet_fields[0]) };
static const char *const packet_names[PACKET_FIELDS] = {"len", "payload", "ttl", "flags", "win", "proto", "svc", "dir"};

static double *column(const struct wm_trace *t, size_t k, struct wm_scratch *s)
{
	double *v = wm_scratch_get(s, t->n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < t->n; i++)
		v[i] = t->field[packet_fields[k].field][i];
	return v;
}

static int find_levels(
	uint16_t *to[PACKET_FIELDS], const struct wm_trace *t, const struct wm_trace *ref, struct wm_scratch *s)
{
	for (size_t k = 0; k < PACKET_FIELDS; k++) {
		size_t mark;
		double *v, *of_ref;
		int rc;

		to[k] = wm_scratch_get(s, t->n, sizeof(**to));
		mark = s->n;
		v = column(t, k, s);
		of_ref = column(ref, k, s);
		if (to[k] == NULL || v == NULL || of_ref == NULL)
			return -ENOMEM;
		if (packet_fields[k].category)
			rc = wm_levels_of_category(to[k], v, t->n, of_ref, ref->n, CATEGORIES, s);
		else
			rc = wm_levels_of_number(to[k], v, t->n, of_ref, ref->n, s);
		for (size_t i = 0; i < t->n; i++)
			if (v[i] < 0) // has none
				to[k][i] = WM_LEVEL_NONE;
		wm_scratch_release(s, mark);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int wm_measure_pairwise(const struct wm_comparison *c)
{
	uint16_t *a[PACKET_FIELDS], *b[PACKET_FIELDS];

	if (find_levels(a, c->a, c->ref, c->s) < 0 || find_levels(b, c->b, c->ref, c->s) < 0)
		return -ENOMEM;
	wm_put_pairs(c->out, a, c->a->n, b, c->b->n, PACKET_FIELDS, packet_names);
	return 0;
}
