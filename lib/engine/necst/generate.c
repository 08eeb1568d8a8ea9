// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/generate.h>

#include <base/philox.h>
#include <base/zeros.h>

#include <errno.h>
#include <math.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
	TILE = 64,  // flows that go through the matrix product together; any number gives the same bits
	DRAWS = 8,  // random numbers that a packet takes at most
	BLOCKS = 3, // of Philox that hold them, wherever in the first one they begin
	WORDS = 4,  // of a block
};

_Static_assert(WORDS - 1 + DRAWS <= BLOCKS * WORDS, "a packet's random numbers are there before it is drawn");

struct slot {
	struct necst_progress left;
	uint64_t id;            // of the flow, in its stream of random numbers
	const uint32_t *random; // this step's: see struct wm_gen
	uint32_t block;         // of the stream, where this step's begin
	uint32_t drawn;         // of this step's blocks
	uint32_t profile;
	uint32_t family;
	uint32_t service;
	uint32_t echo;        // payload of the last echo request
	uint64_t duration_ns; // planned
	struct necst_silence silence;
	struct necst_progress whole; // the budgets as they were given
	uint32_t again;              // how often half of them is given anew
	struct necst_window_side window[2];
	struct necst_owed owed;
};

struct wm_gen {
	const struct wm_engine_model *m;
	uint64_t seed;
	size_t n_slots;
	struct slot *slot;
	uint8_t *h;      // (n_slots, units) states
	int16_t *c;      // (n_slots, units) cells
	uint8_t *x;      // (TILE, units) states of the tile
	int16_t *input;  // (TILE, 4 units) sums of embedding rows
	int16_t *gates;  // (TILE, 4 units)
	int16_t *logits; // (TILE, columns)

	alignas(64) uint32_t random[WORDS][BLOCKS][TILE]; // numbers that the tile's flows draw next
};

__extension__ typedef unsigned __int128 bins; // of gaps, a bit each
_Static_assert(NECST_GAPS_MAX < 8 * sizeof(bins), "a bit for each bin and one behind them");

// What is drawn from the logits.
struct draw {
	uint32_t token, size, gap;
	uint32_t window; // TCP: the key by which its window is drawn
};

int necst_gen_create(struct wm_gen **out, const struct wm_engine_model *m, uint64_t seed, size_t n_slots)
{
	const size_t units = m->seq.dims.units;
	struct wm_gen *g = wm_zeros(1, sizeof(*g));

	if (g == NULL)
		return -ENOMEM;
	g->m = m;
	g->seed = seed;
	g->x = wm_zeros(TILE * units, sizeof(*g->x));
	g->input = wm_zeros(TILE * 4 * units, sizeof(*g->input));
	g->gates = wm_zeros(TILE * 4 * units, sizeof(*g->gates));
	g->logits = wm_zeros(TILE * m->weights.columns, sizeof(*g->logits));
	if (g->x == NULL || g->input == NULL || g->gates == NULL || g->logits == NULL
		|| necst_gen_grow(g, n_slots) < 0) {
		necst_gen_destroy(g);
		return -ENOMEM;
	}
	*out = g;
	return 0;
}

int necst_gen_grow(struct wm_gen *g, size_t n_slots)
{
	const size_t units = g->m->seq.dims.units;
	struct slot *slot;
	uint8_t *h;
	int16_t *c;

	if (n_slots <= g->n_slots)
		return 0;
	slot = calloc(n_slots, sizeof(*slot));
	h = wm_zeros(n_slots * units, sizeof(*h));
	c = wm_zeros(n_slots * units, sizeof(*c));
	if (slot == NULL || h == NULL || c == NULL) {
		free(slot);
		free(h);
		free(c);
		return -ENOMEM;
	}
	if (g->n_slots > 0) {
		memcpy(slot, g->slot, g->n_slots * sizeof(*slot));
		memcpy(h, g->h, g->n_slots * units * sizeof(*h));
		memcpy(c, g->c, g->n_slots * units * sizeof(*c));
	}
	free(g->slot);
	free(g->h);
	free(g->c);
	g->slot = slot;
	g->h = h;
	g->c = c;
	g->n_slots = n_slots;
	return 0;
}

void necst_gen_destroy(struct wm_gen *g)
{
	if (g == NULL)
		return;
	free(g->slot);
	free(g->h);
	free(g->c);
	free(g->x);
	free(g->input);
	free(g->gates);
	free(g->logits);
	free(g);
}

void necst_gen_begin(struct wm_gen *g, uint32_t slot, const struct wm_flow *flow)
{
	const struct necst_dims *d = &g->m->seq.dims;
	struct slot *s = &g->slot[slot];

	s->left = (struct necst_progress){
		.token = d->tokens,
		.size = d->sizes,
		.gap = d->gaps,
		.cls = necst_flow_class(flow->cls),
		.pkts = flow->pkts[0] + flow->pkts[1],
		.server = flow->pkts[1],
		.bytes = {flow->bytes[0], flow->bytes[1]},
		.time_ns = flow->duration_ns,
		.started = flow->started,
		.ended = necst_flow_ended(flow->cls),
	};
	s->family = necst_flow_family(flow->cls);
	s->profile = flow->profile;
	s->service = necst_flow_service(flow->cls);
	s->duration_ns = flow->duration_ns;
	s->silence = (struct necst_silence){0};
	s->whole = s->left;
	s->again = flow->laps > 1 ? 2 * (flow->laps - 1) : 0;
	s->echo = 0;
	s->owed = (struct necst_owed){0};
	s->window[0] = s->window[1] = (struct necst_window_side){.window = -1};
	s->id = flow->id << 5 | flow->model;
	s->block = s->drawn = 0;
	memset(g->h + (size_t)slot * d->units, WM_STATE_ZERO, d->units * sizeof(*g->h));
	memset(g->c + (size_t)slot * d->units, 0, d->units * sizeof(*g->c));
}

// Flows come in any order: their memory is asked for a tile ahead.
static void prefetch(const struct wm_gen *g, const uint32_t *slots, size_t n)
{
	const size_t units = g->m->seq.dims.units;

	for (size_t i = 0; i < n; i++) {
		const char *slot = (const char *)&g->slot[slots[i]], *h = (const char *)(g->h + slots[i] * units),
			   *c = (const char *)(g->c + slots[i] * units);

		for (size_t at = 0; at < sizeof(struct slot); at += 64)
			__builtin_prefetch(slot + at, 1);
		for (size_t at = 0; at < units * sizeof(*g->h); at += 64)
			__builtin_prefetch(h + at, 1);
		for (size_t at = 0; at < units * sizeof(*g->c); at += 64)
			__builtin_prefetch(c + at, 1);
	}
}

static void copy_state(uint8_t *to, const uint8_t *from, size_t units)
{
	for (size_t u = 0; u < units; u += WM_WIDE)
		memcpy(to + u, from + u, WM_WIDE);
}

// The tile's states and logits, one step on. Flows of one family stand side by side.
static void advance_states(struct wm_gen *g, const uint32_t *slots, size_t n)
{
	const struct necst_weights *w = &g->m->weights;
	const struct wm_kernels *k = g->m->kernels;
	const size_t units = g->m->seq.dims.units;
	const int16_t *rows[NECST_INPUTS];
	int32_t at[NECST_INPUTS];

	for (size_t i = 0; i < n; i++) {
		necst_rows(&g->slot[slots[i]].left, g->m->offsets, at);
		for (int j = 0; j < NECST_INPUTS; j++)
			rows[j] = w->emb + (size_t)at[j] * 4 * units;
		k->add_fixed(g->input + i * 4 * units, rows, NECST_INPUTS, 4 * units);
		copy_state(g->x + i * units, g->h + (size_t)slots[i] * units, units);
	}
	k->affine(g->gates, 4 * units, &w->gates, g->input, 4 * units, g->x, units, n);
	for (size_t i = 0; i < n; i++) {
		k->lstm(g->x + i * units, g->c + (size_t)slots[i] * units, g->gates + i * 4 * units, units);
		copy_state(g->h + (size_t)slots[i] * units, g->x + i * units, units);
	}
	for (size_t i = 0, end; i < n; i = end) {
		const uint32_t family = g->slot[slots[i]].family;

		for (end = i + 1; end < n && g->slot[slots[end]].family == family;)
			end++;
		k->affine(g->logits + i * w->columns, w->columns, &w->head[family].columns, NULL, 0, g->x + i * units,
			units, end - i);
	}
}

// The random numbers of a flow are those of its wm_rng; whole tiles of them are made at once.
static void fill_random(struct wm_gen *g, const uint32_t *slots, size_t n)
{
	const uint32_t key[2] = {(uint32_t)g->seed, (uint32_t)(g->seed >> 32)};

	for (size_t i = 0; i < n; i++) {
		struct slot *s = &g->slot[slots[i]];

		s->block += s->drawn / WORDS;
		s->drawn %= WORDS;
		s->random = &g->random[0][0][i];
		for (uint32_t b = 0; b < BLOCKS; b++) {
			g->random[0][b][i] = s->block + b;
			g->random[1][b][i] = WM_STREAM_PACKET;
			g->random[2][b][i] = (uint32_t)s->id;
			g->random[3][b][i] = (uint32_t)(s->id >> 32);
		}
	}
	for (uint32_t b = 0; b < BLOCKS; b++)
		g->m->kernels->philox(g->random[0][b], BLOCKS * TILE, key, wm_pad(n));
}

static const int16_t *logits_of(const struct wm_gen *g, size_t i)
{
	return g->logits + i * g->m->weights.columns;
}

static uint32_t next_random(struct slot *s)
{
	const uint32_t at = s->drawn++;

	return s->random[(at % WORDS * BLOCKS + at / WORDS) * TILE];
}

// Each flow's cluster.
static void draw_tokens(struct wm_gen *g, const uint32_t *slots, size_t n, struct draw *draw)
{
	const struct wm_engine_model *m = g->m;
	uint32_t drawn[TILE], left[TILE][NECST_TOKENS_MAX / 32];
	struct wm_draw d[TILE];

	for (size_t i = 0; i < n; i++) {
		struct slot *s = &g->slot[slots[i]];
		const uint32_t n_tokens = m->weights.head[s->family].n_tokens;

		d[i] = (struct wm_draw){.rows = {logits_of(g, i)},
			.may = m->masks.may + necst_mask_row(&m->masks, s->family, &s->left) * m->masks.words,
			.n = n_tokens > 0 ? n_tokens : 1,
			.random = next_random(s)};
		if (m->masks.tcp[s->family] && necst_owed_rule(left[i], &m->owed, s->family, &s->owed, d[i].may))
			d[i].may = left[i];
	}
	m->kernels->sample(drawn, d, n, 1);
	for (size_t i = 0; i < n; i++) {
		const struct slot *s = &g->slot[slots[i]];
		const struct necst_head *head = &m->weights.head[s->family];

		// 0: no cluster of this family and direction, only in a model that was tampered with
		draw[i].token = drawn[i] < head->n_tokens ? head->token[drawn[i]] : 0;
	}
}

// Classes of the payloads' lengths: dims.sizes where the header image says it, the first where there is no payload.
static void draw_classes(struct wm_gen *g, const uint32_t *slots, size_t n, struct draw *draw)
{
	const struct necst_weights *w = &g->m->weights;
	const uint32_t n_sizes = g->m->seq.dims.sizes;
	uint32_t drawn[TILE];
	uint8_t at[TILE];
	struct wm_draw d[TILE];
	size_t n_drawn = 0;

	for (size_t i = 0; i < n; i++) {
		const struct necst_kind *k = &g->m->kind[draw[i].token];
		struct slot *s = &g->slot[slots[i]];
		uint32_t random;

		draw[i].size = necst_framed(k) ? n_sizes : 0;
		if (necst_framed(k))
			continue;
		random = next_random(s); // taken in either case
		if (!k->has_payload)
			continue;
		at[n_drawn] = (uint8_t)i;
		d[n_drawn++] = (struct wm_draw){.rows = {logits_of(g, i) + w->head[s->family].n_tokens,
							w->size_tok + (size_t)draw[i].token * w->size_pad},
			.n = n_sizes,
			.random = random};
	}
	g->m->kernels->sample(drawn, d, n_drawn, 2);
	for (size_t i = 0; i < n_drawn; i++)
		draw[at[i]].size = drawn[i]; // cppcheck-suppress uninitvar ; filled as far as n_drawn
}

// The longest gap that what is left of a flow's time has room for.
static uint64_t longest_gap(const struct slot *s)
{
	return 2 * s->left.time_ns + s->duration_ns / 16;
}

// First of the bins that the time before a packet may have, some of which has passed: none that ends before that or
// that is far longer than what is left of the flow's duration. @param may Bits of all of them.
static uint32_t allow_bins(
	const struct wm_engine_model *m, const struct slot *s, uint32_t token, uint32_t may[NECST_GAPS_MAX / 32])
{
	const uint64_t passed = necst_clock(&m->clocks, &s->silence, token, m->kind[token].reverse);
	const uint32_t first = passed > 0 ? necst_gap_bin(&m->gaps, passed) : 0,
		       last = necst_gap_bin(&m->gaps, passed + longest_gap(s));
	const bins bits = ((bins)1 << (last + 1)) - ((bins)1 << first);

	for (int i = 0; i < NECST_GAPS_MAX / 32; i++)
		may[i] = (uint32_t)(bits >> 32 * i);
	return first;
}

// Bins of the times before the packets; gaps.n for a flow's first packet.
static void draw_gap_bins(struct wm_gen *g, const uint32_t *slots, size_t n, struct draw *draw)
{
	const struct wm_engine_model *m = g->m;
	const struct necst_weights *w = &m->weights;
	uint32_t drawn[TILE], may[TILE][NECST_GAPS_MAX / 32], first[TILE] = {0};
	struct wm_draw d[TILE];
	size_t n_drawn = 0;

	for (size_t i = 0; i < n; i++) {
		struct slot *s = &g->slot[slots[i]];

		if (s->left.position == 0)
			continue;
		first[i] = allow_bins(m, s, draw[i].token, may[i]);
		d[n_drawn++] =
			(struct wm_draw){.rows = {logits_of(g, i) + w->head[s->family].n_tokens + m->seq.dims.sizes,
						 w->gap_tok + (size_t)draw[i].token * w->gap_pad,
						 w->gap_size + (size_t)draw[i].size * w->gap_pad},
				.may = may[i],
				.n = m->gaps.n,
				.random = next_random(s)};
	}
	m->kernels->sample(drawn, d, n_drawn, 3);
	for (size_t i = n; i-- > 0;) {
		if (g->slot[slots[i]].left.position == 0)
			draw[i].gap = m->gaps.n;
		else // the first, if all that may come are too unlikely to be drawn
			draw[i].gap = drawn[--n_drawn] < m->gaps.n ? drawn[n_drawn] : first[i];
	}
}

// The gap itself. The last one meets the flow's planned end if that is in its bin; where it is the only one it is the
// duration, so that what waits for a reply starts after it. One before it from the bin of all that is left leaves as
// much as such gaps do. A bin may reach far beyond what is left.
static uint64_t draw_gap(const struct wm_engine_model *m, struct slot *s, const struct draw *d, uint64_t passed_ns)
{
	const uint32_t random = next_random(s);
	const uint64_t left = s->left.time_ns, time = necst_gap_draw(&m->gaps, d->gap, random),
		       gap = time > passed_ns ? time - passed_ns : 0;
	const bool last = s->left.pkts == 1, only = last && s->left.position == 1,
		   all = left > 0 && necst_gap_is_in(&m->gaps, d->gap, passed_ns + left);
	uint64_t rest;

	if (m->level == WM_LEVEL_PACKET)
		return gap;
	if (only || (last && all))
		return left;
	if (!last && all && necst_gap_was_seen(&m->gaps, passed_ns + left)
		&& necst_rest_draw(&m->rests, &m->gaps, d->token, s->left.pkts, random, &rest))
		return rest < left ? left - rest : 0;
	return gap < longest_gap(s) ? gap : longest_gap(s);
}

// A value of the first key's row, or of the second's where the first is not there; `none` without either.
static uint32_t draw_either(const struct necst_table *t, uint32_t key, const struct necst_table *u, uint32_t other,
	uint32_t random, uint32_t none)
{
	const struct necst_entry *e = necst_table_find(t, key);

	if (e != NULL)
		return necst_table_draw(t, e, random);
	e = necst_table_find(u, other);
	return e != NULL ? necst_table_draw(u, e, random) : none;
}

static uint32_t draw_form(const struct wm_engine_model *m, struct slot *s, uint32_t token, uint32_t payload)
{
	const uint32_t random = next_random(s);
	uint32_t group = draw_either(&m->group, necst_key_token(s->profile, token), &m->end,
		necst_key_end(s->profile, &m->kind[token]), random, UINT32_MAX);

	if (group == UINT32_MAX)
		group = draw_either(&m->shape, token, &m->shape, token, random, 0);

	return draw_either(&m->form, necst_key_form(group, payload), &m->any, group, next_random(s), 0);
}

// Payload of a packet that is as long as its class says. An echo reply carries what the request did (RFC 792, RFC
// 4443).
static uint32_t draw_payload(const struct wm_engine_model *m, struct slot *s, uint32_t token, uint32_t size)
{
	const struct necst_kind *k = &m->kind[token];
	const bool request = (k->proto == 1 && k->flags == 8) || (k->proto == 58 && k->flags == 128);
	const bool reply = (k->proto == 1 && k->flags == 0) || (k->proto == 58 && k->flags == 129);
	const uint32_t random = next_random(s);
	uint32_t payload = 0;

	if (k->has_payload)
		payload = draw_either(&m->size, necst_key_size(s->service, token, size), &m->size_any,
			necst_key_size(0, token, size), random, 0);
	if (request)
		s->echo = payload;
	return reply && s->echo > 0 ? s->echo : payload;
}

// Length, payload and form of a packet, which must agree.
static void draw_size(
	const struct wm_engine_model *m, struct slot *s, uint32_t token, uint32_t size, struct wm_step *step)
{
	const bool framed = necst_framed(&m->kind[token]);
	uint32_t payload = framed ? 0 : draw_payload(m, s, token, size), frame, least;
	const struct necst_entry *padded;
	const struct wm_form *form;

	step->form = (uint16_t)draw_form(m, s, token, payload);
	form = &m->forms[step->form];
	least = (uint32_t)form->head_len + form->pad;
	padded = framed ? necst_table_find(&m->frame, step->form) : NULL;
	if (padded != NULL) {
		frame = necst_table_draw(&m->frame, padded, next_random(s));
		step->len = (uint16_t)(frame >> 16 > least ? frame >> 16 : least);
		step->payload = (uint16_t)frame;
		return;
	}
	if (form->payload_len > 0)
		payload = form->payload_len; // an example of another length than was drawn stays whole
	if (payload + least > m->longest)    // a long payload behind options that it was not seen with
		payload = m->longest > least ? m->longest - least : 0;
	step->payload = (uint16_t)payload;
	step->len = (uint16_t)(least + step->payload);
}

static uint64_t refill(uint64_t left, uint64_t whole)
{
	const uint64_t more = left + whole / 2;

	return more < whole ? more : whole;
}

// A flow that goes on goes back to its middle: where it has a quarter of its packets left it is where it had three.
static void go_on(struct slot *s)
{
	const struct necst_progress *whole = &s->whole;
	struct necst_progress *left = &s->left;
	const uint32_t half = whole->pkts / 2;

	if (s->again == 0 || left->pkts > whole->pkts / 4)
		return;
	s->again--;
	left->pkts += half;
	left->position -= half < left->position ? half : left->position;
	left->server = (uint32_t)refill(left->server, whole->server);
	left->time_ns = refill(left->time_ns, whole->time_ns);
	for (int d = 0; d < 2; d++)
		left->bytes[d] = refill(left->bytes[d], whole->bytes[d]);
}

// What the packet is, but for its size and window.
static void begin_packet(const struct wm_engine_model *m, struct slot *s, struct draw *d, struct wm_step *step)
{
	const struct necst_kind *k = &m->kind[d->token];
	const uint64_t passed = necst_clock(&m->clocks, &s->silence, d->token, k->reverse);

	if (k->proto == 6)
		d->window = necst_window_first(&m->windows, s->window, k, s->profile);
	*step = (struct wm_step){.gap_ns = s->left.position > 0 ? draw_gap(m, s, d, passed) : 0,
		.flags = k->flags,
		.reverse = k->reverse,
		.seq = k->seq,
		.ack = k->ack};
}

static void draw_window(const struct wm_engine_model *m, struct slot *s, const struct draw *d, struct wm_step *step)
{
	const struct necst_kind *k = &m->kind[d->token];

	if (k->proto != 6)
		return;
	step->window = necst_window_draw(&m->windows, s->window, k, s->profile, d->window, next_random(s));
	necst_window_note(s->window, k, step->window, step->payload);
}

static void note_packet(const struct wm_engine_model *m, struct slot *s, const struct draw *d, struct wm_step *step)
{
	const struct necst_kind *k = &m->kind[d->token];

	necst_advance(&s->left, d->token, d->size, necst_gap_input(&m->seq.dims, d->gap), k->reverse, step->len,
		step->gap_ns);
	necst_hear(&s->silence, k->reverse, step->gap_ns);
	necst_note_close(&s->left, k);
	necst_owed_note(&s->owed, k, step->payload);
	go_on(s);
	step->last = s->left.pkts == 0;
}

// @param at (n) of each flow's packet in out.
static void finish_packets(
	struct wm_gen *g, const uint32_t *slots, const uint8_t *at, size_t n, struct draw *draw, struct wm_step *out)
{
	const struct wm_engine_model *m = g->m;

	for (size_t i = 0; i < n; i++)
		begin_packet(m, &g->slot[slots[i]], &draw[i], &out[at[i]]);
	for (size_t i = 0; i < n; i++)
		draw_size(m, &g->slot[slots[i]], draw[i].token, draw[i].size, &out[at[i]]);
	for (size_t i = 0; i < n; i++)
		draw_window(m, &g->slot[slots[i]], &draw[i], &out[at[i]]);
	for (size_t i = 0; i < n; i++)
		note_packet(m, &g->slot[slots[i]], &draw[i], &out[at[i]]);
}

// The packet level alone: clusters come as often as the flow's service has them, whatever came before, and what follows
// from the cluster is all that is known of a packet.
static void step_lone(struct wm_gen *g, const uint32_t *slots, size_t n, struct wm_step *out)
{
	const struct wm_engine_model *m = g->m;
	const struct necst_weights *w = &m->weights;
	struct draw draw[TILE];
	uint8_t at[TILE];

	fill_random(g, slots, n);
	for (size_t i = 0; i < n; i++) {
		struct slot *s = &g->slot[slots[i]];
		struct draw d = {.token = necst_lone_token(&m->lone, s->service, s->family, next_random(s)),
			.size = m->seq.dims.sizes,
			.gap = m->gaps.n};

		if (!necst_framed(&m->kind[d.token]))
			d.size = necst_lone_size(&m->lone, d.token, next_random(s));
		if (s->left.position > 0)
			m->kernels->sample(&d.gap,
				&(struct wm_draw){.rows = {w->gap_b, w->gap_tok + (size_t)d.token * w->gap_pad,
							  w->gap_size + (size_t)d.size * w->gap_pad},
					.n = m->gaps.n,
					.random = next_random(s)},
				1, 3);
		draw[i] = d;
		at[i] = (uint8_t)i;
	}
	finish_packets(g, slots, at, n, draw, out);
}

// Bring flows of one family together. @param at (n) where each of them was.
static void gather_families(const struct wm_gen *g, uint32_t *tile, uint8_t *at, const uint32_t *slots, size_t n)
{
	uint8_t place[NECST_FAMILIES_MAX + 1] = {0};

	for (size_t i = 0; i < n; i++)
		place[g->slot[slots[i]].family + 1]++;
	for (uint32_t f = 1; f < g->m->n_families; f++)
		place[f] = (uint8_t)(place[f] + place[f - 1]);
	for (size_t i = 0; i < n; i++) {
		const uint8_t to = place[g->slot[slots[i]].family]++;

		tile[to] = slots[i];
		at[to] = (uint8_t)i;
	}
}

// Stage by stage for the whole tile: so the draws of different flows overlap in the CPU.
static void step_tile(struct wm_gen *g, const uint32_t *slots, size_t n, struct wm_step *out)
{
	uint32_t tile[TILE];
	uint8_t at[TILE];
	struct draw draw[TILE];

	gather_families(g, tile, at, slots, n);
	advance_states(g, tile, n);
	fill_random(g, tile, n);
	draw_tokens(g, tile, n, draw);
	draw_classes(g, tile, n, draw);
	draw_gap_bins(g, tile, n, draw);
	finish_packets(g, tile, at, n, draw, out);
}

void necst_gen_step(struct wm_gen *g, const uint32_t *slots, size_t n, struct wm_step *out)
{
	for (size_t at = 0; at < n; at += TILE) {
		const size_t tile = n - at < TILE ? n - at : TILE, next = n - at - tile;

		prefetch(g, slots + at + tile, next < TILE ? next : TILE);
		if (g->m->level == WM_LEVEL_PACKET)
			step_lone(g, slots + at, tile, out + at);
		else
			step_tile(g, slots + at, tile, out + at);
	}
}
