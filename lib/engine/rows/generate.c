// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <engine/rows/compiled.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 8 }; // for another server than the client itself

static const uint64_t time_end = UINT64_C(1) << 63;

// A host: one that is known, or one that came up just now.
struct peer {
	uint32_t known; // 0 = it has an address of its own
	char text[WM_ROWS_ADDRESS];
};

// What is remembered of a client: as it was learned (book.c).
struct habit {
	struct peer server;
	bool any;
	uint32_t app;  // + 1
	uint32_t port; // + 1
};

// A conversation in flight.
struct talk {
	uint64_t time_ns; // of its next row
	uint64_t id;
	uint16_t port[2];
	struct peer peer[2]; // client, server
	struct wm_rng rng;
	struct rows_side side[2];
	uint32_t v[ROWS_COLUMNS];
};

struct due {
	uint64_t time_ns, id;
	uint32_t slot;
};

struct rows_gen {
	struct peer ends[2]; // of the row handed out, whose conversation may be over
	const struct rows_model *m;
	uint64_t seed;
	uint64_t n;                           // conversations so far
	uint64_t next_ns;                     // when the next one begins
	uint32_t v[ROWS_COLUMNS];             // of the last one
	struct habit *habits;                 // (hosts) by known host
	struct peer recent[ROWS_BACK];        // clients, the last one first
	struct habit recent_habit[ROWS_BACK]; // of those that are not known
	struct peer last_server;
	struct talk *talks;
	size_t n_talks, cap;
	uint32_t *free;
	size_t n_free, free_cap;
	struct due *heap;
	size_t n_heap, heap_cap;
};

int rows_gen_create(struct rows_gen **out, const struct rows_model *m, uint64_t seed)
{
	struct rows_gen *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return -ENOMEM;
	g->habits = calloc(m->hosts.n + 1, sizeof(*g->habits));
	if (g->habits == NULL) {
		free(g);
		return -ENOMEM;
	}
	g->m = m;
	g->seed = seed;
	rows_follow_talk(g->v, NULL);
	*out = g;
	return 0;
}

void rows_gen_destroy(struct rows_gen *g)
{
	if (g == NULL)
		return;
	free(g->habits);
	free(g->talks);
	free(g->free);
	free(g->heap);
	free(g);
}

// ---------------------------------------------------------------------------------------------- what is due

static bool is_before(const struct due *a, const struct due *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->id < b->id;
}

static int push(struct rows_gen *g, struct due d)
{
	size_t at = g->n_heap;

	if (wm_grow((void **)&g->heap, &g->heap_cap, g->n_heap + 1, sizeof(*g->heap)) < 0)
		return -ENOMEM;
	g->n_heap++;
	while (at > 0 && is_before(&d, &g->heap[(at - 1) / 2])) {
		g->heap[at] = g->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	g->heap[at] = d;
	return 0;
}

static struct due pop(struct rows_gen *g)
{
	const struct due top = g->heap[0], last = g->heap[--g->n_heap];
	size_t at = 0;

	for (size_t child; (child = 2 * at + 1) < g->n_heap; at = child) {
		child += child + 1 < g->n_heap && is_before(&g->heap[child + 1], &g->heap[child]);
		if (!is_before(&g->heap[child], &last))
			break;
		g->heap[at] = g->heap[child];
	}
	g->heap[at] = last;
	return top;
}

// ---------------------------------------------------------------------------------------------- drawing

static uint32_t draw(const struct rows_model *m, int field, uint32_t *v, struct wm_rng *rng)
{
	return v[rows_fields[field].target] = rows_chain_draw(&m->chains[field], v, rng, 0);
}

static uint64_t between(uint64_t lo, uint64_t hi, struct wm_rng *rng)
{
	const uint64_t n = hi - lo + 1, high = (uint64_t)wm_rng_u32(rng) << 32;

	return lo + ((high | wm_rng_u32(rng)) % n);
}

static uint64_t draw_number(const struct rows_model *m, int number, int field, uint32_t *v, struct wm_rng *rng)
{
	const struct rows_numbers *n = &m->numbers[number];
	const struct rows_bin *bin;
	uint32_t exact;

	if (n->n == 0)
		return 0;
	bin = &n->bins[draw(m, field, v, rng)];
	if (bin->lo == bin->hi)
		return bin->lo;
	exact = draw(m, field + 1, v, rng);
	return exact > 0 ? n->exact[exact - 1] : between(bin->lo, bin->hi, rng);
}

static uint64_t draw_bytes(
	const struct rows_model *m, int number, int field, uint64_t packets, uint32_t *v, struct wm_rng *rng)
{
	const struct rows_numbers *n = &m->numbers[number];
	const struct rows_bin *bin;
	uint64_t lo, hi;
	uint32_t exact;

	if (n->n == 0)
		return 0;
	bin = &n->bins[draw(m, field, v, rng)];
	if (packets > 0 && bin->hi >= time_end / packets)
		return 0; // only in a model that was tampered with
	lo = rows_bytes_least(bin->lo, packets);
	hi = rows_bytes_most(bin->hi, packets);
	if (lo >= hi)
		return lo;
	exact = draw(m, field + 1, v, rng);
	return exact > 0 ? n->exact[exact - 1] : between(lo, hi, rng);
}

// ---------------------------------------------------------------------------------------------- conversations

static const char *name_of(const struct rows_model *m, const struct peer *p)
{
	return p->known > 0 ? m->hosts.at[p->known - 1] : p->text;
}

static struct peer known(uint32_t number)
{
	return (struct peer){.known = number};
}

// An address that was not there before, in a network in which such addresses come up.
static struct peer newcomer(const struct rows_model *m, int role, struct wm_rng *rng)
{
	struct peer p = {0};
	const struct rows_network *net;
	uint8_t a[16];
	uint32_t keep;

	if (m->n_newcomers[role] == 0)
		role = !role;
	if (m->n_newcomers[role] == 0)
		return known(1 + wm_rng_below(rng, (uint32_t)m->hosts.n));
	net = &m->newcomers[role][wm_rng_below(rng, (uint32_t)m->n_newcomers[role])];
	for (int i = 0; i < 16; i += 4) {
		const uint32_t random = wm_rng_u32(rng);

		memcpy(a + i, &random, sizeof(random));
	}
	keep = wm_rng_below(rng, 65536);
	if (net->six) {
		memcpy(a, net->head, 8);
		(void)inet_ntop(AF_INET6, a, p.text, sizeof(p.text));
		return p;
	}
	memcpy(a, net->head, keep < m->keep[role][1] ? 3 : keep < m->keep[role][0] ? 2 : 1);
	a[3] = (uint8_t)(1 + a[3] % 254);
	(void)inet_ntop(AF_INET, a, p.text, sizeof(p.text));
	return p;
}

static bool same_peer(const struct rows_model *m, const struct peer *a, const struct peer *b)
{
	return strcmp(name_of(m, a), name_of(m, b)) == 0;
}

// The client, and what is remembered of it.
static struct peer draw_client(struct rows_gen *g, struct talk *t, struct habit *h)
{
	const uint32_t ref = draw(g->m, ROWS_F_CLIENT, t->v, &t->rng);
	struct peer p;

	*h = (struct habit){0};
	if (ref >= ROWS_CLIENT_KNOWN) {
		p = known(ref - ROWS_CLIENT_KNOWN + 1);
	} else if (ref < ROWS_BACK && ref < g->n) {
		p = g->recent[ref];
		*h = g->recent_habit[ref];
	} else {
		p = newcomer(g->m, 0, &t->rng);
	}
	if (p.known > 0)
		*h = g->habits[p.known];
	return p;
}

static struct peer draw_server(struct rows_gen *g, struct talk *t, const struct habit *h)
{
	struct peer p = {0};

	for (int tries = 0; tries < TRIES; tries++) {
		const uint32_t ref = draw(g->m, ROWS_F_SERVER, t->v, &t->rng);

		if (ref >= ROWS_SERVER_KNOWN)
			p = known(ref - ROWS_SERVER_KNOWN + 1);
		else if (ref == ROWS_SERVER_LAST && h->any)
			p = h->server;
		else if (ref == ROWS_SERVER_P1_SERVER && g->n > 0)
			p = g->last_server;
		else if (ref == ROWS_SERVER_P1_CLIENT && g->n > 0)
			p = g->recent[0];
		else
			p = newcomer(g->m, 1, &t->rng);
		if (!same_peer(g->m, &p, &t->peer[0]))
			break;
	}
	return p;
}

static void draw_ports(const struct rows_model *m, struct talk *t, struct habit *h)
{
	const struct rows_app_model *app = &m->apps[t->v[ROWS_APP]];
	uint32_t ref;

	t->port[0] = 0;
	t->port[1] = (uint16_t)app->port;
	if (!m->ported[app->proto])
		return;
	if ((app->port & ROWS_APP_FRESH) && m->n_fresh_ports > 0) {
		// A port near one that was seen: of its block, on its side of the well-known ones.
		const uint16_t like = m->fresh_ports[wm_rng_below(&t->rng, (uint32_t)m->n_fresh_ports)];

		t->port[1] = (uint16_t)(like - like % ROWS_PORT_BLOCK + wm_rng_below(&t->rng, ROWS_PORT_BLOCK));
		if (t->port[1] == 0)
			t->port[1] = like;
	}
	ref = draw(m, ROWS_F_PORT, t->v, &t->rng);
	if (ref >= ROWS_PORT_ATOMS && ref - ROWS_PORT_ATOMS < m->n_atoms) {
		t->port[0] = m->atoms[ref - ROWS_PORT_ATOMS];
		return;
	}
	if (ref < ROWS_PORT_BLOCKS && h->port > 0 && h->port - 1 + ref <= UINT16_MAX)
		t->port[0] = (uint16_t)(h->port - 1 + ref);
	else
		t->port[0] =
			(uint16_t)((ref < ROWS_PORT_BLOCKS ? 128u + wm_rng_below(&t->rng, 128) : ref - ROWS_PORT_BLOCKS)
					   * ROWS_PORT_BLOCK
				   + wm_rng_below(&t->rng, ROWS_PORT_BLOCK));
	h->port = t->port[0] + 1u;
}

static int take_slot(struct rows_gen *g, uint32_t *slot)
{
	if (g->n_free > 0) {
		*slot = g->free[--g->n_free];
		return 0;
	}
	if (wm_grow((void **)&g->talks, &g->cap, g->n_talks + 1, sizeof(*g->talks)) < 0
		|| wm_grow((void **)&g->free, &g->free_cap, g->n_talks + 1, sizeof(*g->free)) < 0)
		return -ENOMEM;
	*slot = (uint32_t)g->n_talks++;
	return 0;
}

// When the next one begins is drawn when this one does.
static int draw_start(struct rows_gen *g, struct talk *t)
{
	uint64_t gap;

	t->v[ROWS_SLOT] = rows_slot(g->next_ns, g->m->phase_ns, g->m->period_ns);
	if (g->n == 0) {
		t->v[ROWS_GAP] = t->v[ROWS_GAP_X] = ROWS_SKIP;
		t->time_ns = 0;
		return 0;
	}
	gap = draw_number(g->m, ROWS_N_GAP, ROWS_F_GAP, t->v, &t->rng);
	if (gap > time_end / g->m->time_unit_ns || g->next_ns + gap * g->m->time_unit_ns >= time_end)
		return -ERANGE;
	t->time_ns = g->next_ns += gap * g->m->time_unit_ns;
	return 0;
}

static void remember(struct rows_gen *g, const struct talk *t, struct habit h)
{
	h.server = t->peer[1];
	h.any = true;
	h.app = t->v[ROWS_APP] + 1;
	if (t->peer[0].known > 0)
		g->habits[t->peer[0].known] = h;
	memmove(&g->recent[1], &g->recent[0], (ROWS_BACK - 1) * sizeof(g->recent[0]));
	memmove(&g->recent_habit[1], &g->recent_habit[0], (ROWS_BACK - 1) * sizeof(g->recent_habit[0]));
	g->recent[0] = t->peer[0];
	g->recent_habit[0] = h;
	g->last_server = t->peer[1];
	memcpy(g->v, t->v, sizeof(g->v));
	g->n++;
}

static int begin_talk(struct rows_gen *g, uint32_t *slot)
{
	struct talk *t;
	struct habit h;
	int rc = take_slot(g, slot);

	if (rc < 0)
		return rc;
	t = &g->talks[*slot];
	memset(t, 0, sizeof(*t));
	t->id = g->n;
	wm_rng_init(&t->rng, g->seed, WM_STREAM_ROWS, t->id);
	rows_follow_talk(t->v, g->n > 0 ? g->v : NULL);
	rc = draw_start(g, t);
	if (rc < 0)
		return rc;
	t->peer[0] = draw_client(g, t, &h);
	t->v[ROWS_CLIENT] = t->peer[0].known;
	t->v[ROWS_L_SERVER] = h.any ? 1 + h.server.known : 0;
	t->v[ROWS_L_APP] = h.app;
	t->peer[1] = draw_server(g, t, &h);
	t->v[ROWS_SERVER] = t->peer[1].known;
	(void)draw(g->m, ROWS_F_APP, t->v, &t->rng);
	t->v[ROWS_PROTO] = g->m->apps[t->v[ROWS_APP]].proto;
	t->v[ROWS_PORT] = ROWS_NOTHING;
	draw_ports(g->m, t, &h);
	remember(g, t, h);
	rows_begin_talk(t->v, t->side);
	do // a conversation has a row
		(void)draw(g->m, ROWS_F_NEXT, t->v, &t->rng);
	while (t->v[ROWS_NEXT] == ROWS_END && wm_rng_u32(&t->rng) % 64 != 0);
	if (t->v[ROWS_NEXT] == ROWS_END)
		t->v[ROWS_NEXT] = ROWS_FORWARD;
	t->v[ROWS_WAIT] = ROWS_SKIP;
	return 0;
}

// ---------------------------------------------------------------------------------------------- rows

static void put_ends(struct rows_gen *g, const struct talk *t, struct wm_row *row)
{
	const struct rows_model *m = g->m;
	const int from = t->v[ROWS_NEXT] == ROWS_REVERSE;
	const uint32_t proto = m->apps[t->v[ROWS_APP]].proto;

	g->ends[0] = t->peer[from];
	g->ends[1] = t->peer[!from];
	row->src = name_of(m, &g->ends[0]);
	row->dst = name_of(m, &g->ends[1]);
	row->proto = m->protos.at[proto];
	row->sport = t->port[from];
	row->dport = t->port[!from];
	if (!m->ported[proto] && m->n_pairs > 0) {
		row->sport = m->pairs[t->v[ROWS_PORTS]].sport;
		row->dport = m->pairs[t->v[ROWS_PORTS]].dport;
	}
}

static void make_row(struct rows_gen *g, struct talk *t, struct wm_row *row)
{
	const struct rows_model *m = g->m;
	uint32_t *v = t->v;

	rows_begin_row(v, t->side);
	v[ROWS_PORTS] = m->ported[v[ROWS_PROTO]] ? ROWS_SKIP : draw(m, ROWS_F_PORTS, v, &t->rng);
	for (int i = 0; i < WM_TABLE_CATEGORIES; i++)
		row->category[i] =
			m->categories[i].n > 0 ? m->categories[i].at[draw(m, ROWS_F_CATEGORY + i, v, &t->rng)] : "";
	row->packets[0] = draw_number(m, ROWS_N_PKT, ROWS_F_PKT, v, &t->rng);
	v[ROWS_PKT_EXACT] = row->packets[0] < UINT32_MAX ? (uint32_t)row->packets[0] : UINT32_MAX;
	v[ROWS_PKT_OCT] = rows_octave(row->packets[0]);
	row->packets[1] = draw_number(m, ROWS_N_RPKT, ROWS_F_RPKT, v, &t->rng);
	v[ROWS_RPKT_EXACT] = row->packets[1] < UINT32_MAX ? (uint32_t)row->packets[1] : UINT32_MAX;
	v[ROWS_RPKT_OCT] = rows_octave(row->packets[1]);
	row->bytes[0] = draw_bytes(m, ROWS_N_BYT, ROWS_F_BYT, row->packets[0], v, &t->rng);
	v[ROWS_BYT_OCT] = rows_octave(row->bytes[0]);
	row->bytes[1] = draw_bytes(m, ROWS_N_RBYT, ROWS_F_RBYT, row->packets[1], v, &t->rng);
	row->duration_ns = draw_number(m, ROWS_N_TD, ROWS_F_TD, v, &t->rng) * m->duration_unit_ns;
	row->time_ns = m->first_ns + t->time_ns;
	put_ends(g, t, row);
	rows_end_row(v, t->side);
}

// What comes behind a row. @return whether there is one.
static bool go_on(const struct rows_model *m, struct talk *t)
{
	uint64_t wait;

	if (draw(m, ROWS_F_NEXT, t->v, &t->rng) == ROWS_END)
		return false;
	wait = draw_number(m, ROWS_N_WAIT, ROWS_F_WAIT, t->v, &t->rng);
	if (wait > time_end / m->time_unit_ns || t->time_ns + wait * m->time_unit_ns >= time_end)
		return false;
	t->time_ns += wait * m->time_unit_ns;
	return true;
}

int rows_gen_next(struct rows_gen *g, struct wm_row *row)
{
	struct due d;
	uint32_t slot;
	int rc = 0;

	// A conversation is drawn when the one before it has begun: its own start is not known before.
	while (rc == 0 && (g->n_heap == 0 || g->heap[0].time_ns > g->next_ns)) {
		rc = begin_talk(g, &slot);
		if (rc == 0)
			rc = push(g, (struct due){g->talks[slot].time_ns, g->talks[slot].id, slot});
	}
	if (rc < 0)
		return rc;
	d = pop(g);
	make_row(g, &g->talks[d.slot], row);
	if (row->time_ns >= time_end)
		return -ERANGE;
	if (!go_on(g->m, &g->talks[d.slot])) {
		g->free[g->n_free++] = d.slot;
		return 0;
	}
	return push(g, (struct due){g->talks[d.slot].time_ns, d.id, d.slot});
}
