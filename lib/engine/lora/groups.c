// SPDX-License-Identifier: BSD-3-Clause
#include <engine/lora/groups.h>

#include <base/bytes.h>

#include <errno.h>
#include <stdlib.h>

enum { ADVANCE_MAX = 4096 }; // a counter that goes on by more has begun anew

static const uint64_t together_ns = UINT64_C(3000000000); // gateways tell of one frame within that time

// ---------------------------------------------------------------------------------------------- which device

struct keyed {
	uint64_t key;
	uint32_t reception;
};

static const uint64_t anonymous_key = UINT64_C(1) << 63;

// Counters of both directions differ, so each is a device of its own. What was received with errors belongs to the
// device whose address it shows if that is otherwise known; else nothing in it can be told from noise.
static uint64_t key_of(const struct wm_lora *l)
{
	bool down = l->kind == WM_LORA_DATA && (wm_lora_mtype(l) & 1) != 0;

	if (l->kind == WM_LORA_OTHER)
		return anonymous_key | wm_lora_mtype(l);
	return (uint64_t)l->kind << 33 | (uint64_t)down << 32 | wm_be32(l->addr);
}

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->reception > y->reception) - (x->reception < y->reception);
}

// Addresses that were never received without errors.
static bool disown(struct keyed *k, size_t n, const struct wm_receptions *set)
{
	bool any = false;

	for (size_t i = 0, end; i < n; i = end) {
		bool good = false;

		for (end = i; end < n && k[end].key == k[i].key; end++)
			good |= set->at[k[end].reception].lora.crc != WM_LORA_CRC_BAD;
		for (size_t j = i; !good && j < end; j++)
			k[j].key = anonymous_key | UINT64_C(1) << 62 | set->at[k[j].reception].lora.kind;
		any |= !good;
	}
	return any;
}

// ---------------------------------------------------------------------------------------------- frames

static int describe(struct lora_sent *s, struct lora_book *b, const struct wm_lora *l)
{
	const struct lora_message m = {.mhdr = l->kind == WM_LORA_OTHER && wm_lora_mtype(l) < 6 ? 0xe0 : l->mhdr,
		.fctrl = l->fctrl,
		.fport = l->fport,
		.kind = l->kind,
		.len = l->len,
		.sf = l->sf,
		.bw = l->bw,
		.cr = l->cr,
		.crc = l->crc,
		.sync = l->sync};
	int64_t message = wm_intern_add(&b->messages, &m, sizeof(m));
	int64_t channel = wm_intern_add(&b->frequencies, &l->freq_hz, sizeof(l->freq_hz));

	if (message < 0 || channel < 0)
		return -ENOMEM;
	s->message = (uint32_t)message;
	s->channel = (uint32_t)channel;
	return 0;
}

// Whether a reception is of the frame that was sent last, at a gateway that has not told of it yet.
static bool is_echo(const struct lora_groups *g, const struct lora_sent *s, const struct wm_reception *r)
{
	const struct wm_reception *first = &g->set->at[g->order[s->reception]];

	if (r->digest != first->digest || r->time_ns - first->time_ns > together_ns)
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		if (g->set->at[g->order[s->reception + i]].lora.gateway == r->lora.gateway)
			return false;
	return true;
}

static uint32_t advance_of(const struct lora_groups *g, const struct lora_group *d, const struct lora_sent *before,
	const struct wm_reception *r)
{
	const struct wm_reception *last = &g->set->at[g->order[before->reception]];
	uint32_t by = (uint16_t)(r->lora.fcnt - last->lora.fcnt);

	if (d->anonymous)
		return 1;
	if (r->lora.kind == WM_LORA_JOIN) // whose number is drawn
		return r->digest == last->digest ? LORA_ADVANCE_REPEAT : 1;
	return by <= ADVANCE_MAX ? by : LORA_ADVANCE_RESET;
}

// The frames of one device: receptions order[at .. at + n).
static int add_frames(struct lora_groups *g, struct lora_book *b, struct lora_group *d, uint32_t at, uint32_t n)
{
	uint64_t first_ns = 0; // when the frame before was sent first
	struct lora_sent *s = NULL;

	d->sent = (uint32_t)g->n_sent;
	for (uint32_t i = at; i < at + n; i++) {
		const struct wm_reception *r = &g->set->at[g->order[i]];
		struct lora_sent *before = s;

		if (s != NULL && is_echo(g, s, r)) {
			s->n++;
			continue;
		}
		s = &g->sent[g->n_sent];
		*s = (struct lora_sent){.time_ns = r->time_ns, .reception = i, .n = 1, .advance = LORA_NONE};
		if (describe(s, b, &r->lora) < 0)
			return -ENOMEM;
		if (before != NULL)
			s->advance = advance_of(g, d, before, r);
		if (s->advance == LORA_ADVANCE_REPEAT) {
			s->since_ns = r->time_ns - before->time_ns;
		} else {
			s->since_ns = before != NULL ? r->time_ns - first_ns : 0;
			first_ns = r->time_ns;
			d->n_new++;
		}
		g->n_sent++;
		d->n_sent++;
	}
	return 0;
}

// ---------------------------------------------------------------------------------------------- families

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

// Network (upper half of the address), and type and length of most of what it sends.
static void set_family(const struct lora_groups *g, struct lora_group *d, uint32_t *scratch)
{
	const struct wm_lora *l = lora_of(g, &g->sent[d->sent]);
	uint32_t best = 0, best_n = 0;

	for (uint32_t i = 0; i < d->n_sent; i++) {
		const struct wm_lora *f = lora_of(g, &g->sent[d->sent + i]);

		scratch[i] = (uint32_t)f->mhdr << 8 | f->len;
	}
	qsort(scratch, d->n_sent, sizeof(*scratch), by_number);
	for (uint32_t i = 0, end; i < d->n_sent; i = end) {
		for (end = i; end < d->n_sent && scratch[end] == scratch[i]; end++)
			;
		if (end - i > best_n) {
			best = scratch[i];
			best_n = end - i;
		}
	}
	d->family = (uint64_t)wm_be16(l->addr) << 16 | best;
	if (d->anonymous)
		d->family |= anonymous_key;
}

static int by_family(const void *a, const void *b)
{
	const struct lora_group *x = a, *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return (x->sent > y->sent) - (x->sent < y->sent);
}

// ---------------------------------------------------------------------------------------------- all

static int gather(struct lora_groups *g, struct lora_book *b, struct keyed *k, size_t n)
{
	uint32_t *scratch = calloc(n, sizeof(*scratch));
	int rc = scratch == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < n; i++)
		k[i] = (struct keyed){key_of(&g->set->at[i].lora), (uint32_t)i};
	qsort(k, n, sizeof(*k), by_key);
	if (disown(k, n, g->set))
		qsort(k, n, sizeof(*k), by_key);
	for (size_t i = 0; i < n; i++)
		g->order[i] = k[i].reception;
	for (size_t i = 0, end; i < n && rc == 0; i = end) {
		struct lora_group *d = &g->at[g->n++];

		for (end = i; end < n && k[end].key == k[i].key; end++)
			;
		*d = (struct lora_group){.anonymous = (k[i].key & anonymous_key) != 0};
		rc = add_frames(g, b, d, (uint32_t)i, (uint32_t)(end - i));
		if (rc == 0)
			set_family(g, d, scratch);
	}
	free(scratch);
	return rc;
}

int lora_groups_make(struct lora_groups *out, struct lora_book *b, const struct wm_receptions *set)
{
	struct keyed *k = calloc(set->n, sizeof(*k));
	struct lora_groups g = {.set = set};
	int rc = -ENOMEM;

	g.order = calloc(set->n, sizeof(*g.order));
	g.sent = calloc(set->n, sizeof(*g.sent));
	g.at = calloc(set->n, sizeof(*g.at));
	if (k != NULL && g.order != NULL && g.sent != NULL && g.at != NULL)
		rc = gather(&g, b, k, set->n);
	free(k);
	if (rc < 0) {
		lora_groups_free(&g);
		return rc;
	}
	qsort(g.at, g.n, sizeof(*g.at), by_family);
	*out = g;
	return 0;
}

void lora_groups_free(struct lora_groups *g)
{
	free(g->order);
	free(g->sent);
	free(g->at);
	*g = (struct lora_groups){0};
}
