// SPDX-License-Identifier: BSD-3-Clause
#include <engine/lora/compiled.h>

#include <base/bytes.h>
#include <base/philox.h>
#include <engine/lora/draw.h>
#include <packet/semtech.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	DRAWS_MAX = 8,                   // intervals drawn one by one when a device was not heard for several
	EVENTS_MAX = 2 * LORA_LINKS_MAX, // of a frame: receptions and their acknowledgements
	HEAR_TRIES = 64,
	MIN_GAP_NS = 1000000, // between two frames of a device, which has one radio
	ACK_MIN_NS = 15000000,
	ACK_SPREAD_NS = 30000000,
};

static const uint64_t end_ns = UINT64_C(1) << 62;

struct event {
	uint64_t time_ns;
	struct wm_lora lora;
	uint32_t key;
	bool ack;
};

// A device that is there.
struct lane {
	const struct lora_device *d;
	const struct lora_time *time;
	struct wm_rng rng;
	uint64_t until_ns; // when it leaves
	uint64_t base_ns;  // its clock: of the frame before, without the shift of a grid
	uint64_t sent_ns;  // of the frame before
	uint64_t last_ns;  // of the event handed out before
	uint64_t n_sent;
	uint32_t flow;
	uint32_t key;
	uint32_t address;
	uint16_t fcnt;
	uint32_t advance, message, channel;             // states of its chains
	double x[LORA_LINKS_MAX][2], y[LORA_LINKS_MAX]; // of its links' processes
	struct event events[EVENTS_MAX];                // by time, the next one last
	unsigned n_events;
	struct event out; // the one handed out
	bool newcomer;
};

struct wm_gen {
	const struct wm_engine_model *e;
	uint64_t seed;
	struct lane *lanes;
};

static int64_t draw_table(const struct wm_engine_model *e, uint32_t table, struct wm_rng *rng)
{
	const struct lora_table *t = &e->tables[table];

	return lora_table_at(e->knots + t->first, t->n, wm_rng_u32(rng));
}

static uint64_t add_ns(uint64_t t, int64_t by)
{
	if (by < 0)
		return t > (uint64_t)-by ? t + (uint64_t)by : 0;
	return t + (uint64_t)by < end_ns ? t + (uint64_t)by : end_ns;
}

// ---------------------------------------------------------------------------------------------- radio

// The nearest whole number to v/256 in lo..hi. v is a sum of what a model says, and may be anything.
static int16_t near(double v, int lo, int hi)
{
	double whole = __builtin_floor((v + 128) / 256);

	return (int16_t)(whole < lo ? lo : whole > hi ? hi : whole);
}

// One step of the processes beneath RSSI and SNR of a link.
static void fade(const struct wm_engine_model *e, struct lane *l, uint32_t i, struct wm_lora *out)
{
	const struct lora_link *link = &e->links[l->d->link + i];
	const struct lora_fade *f = &e->fades[l->d->link + i];
	const struct lora_table *rssi = &e->tables[link->rssi], *snr = &e->tables[link->snr];
	double u = lora_draw_normal(wm_rng_u32(&l->rng)), v = lora_draw_normal(wm_rng_u32(&l->rng));
	double rho = (double)f->rho, rest = 1 - rho * rho;
	double x = (double)f->a1 * l->x[i][0] + (double)f->a2 * l->x[i][1] + (double)f->sa * u;
	double y = (double)f->b1 * l->y[i] + (double)f->sb * (rho * u + __builtin_sqrt(rest > 0 ? rest : 0) * v);

	l->x[i][1] = l->x[i][0];
	l->x[i][0] = x;
	l->y[i] = y;
	out->rssi = near((double)lora_table_at(e->knots + rssi->first, rssi->n, lora_normal_rank(x))
				 + __builtin_trunc((double)f->rssi * 256),
		-139, 0);
	out->snr = (int8_t)near((double)lora_table_at(e->knots + snr->first, snr->n, lora_normal_rank(y))
					+ __builtin_trunc((double)f->snr * 256),
		INT8_MIN, INT8_MAX);
}

// Which of its gateways hear a frame: at least one, as others were never seen.
static unsigned draw_hearers(const struct wm_engine_model *e, struct lane *l)
{
	unsigned heard = 0;

	if (l->d->n_links == 1)
		return 1;
	for (int n = 0; heard == 0 && n < HEAR_TRIES; n++)
		for (uint32_t i = 0; i < l->d->n_links; i++)
			heard |= (wm_rng_u32(&l->rng) <= e->links[l->d->link + i].hear ? 1u : 0u) << i;
	return heard != 0 ? heard : 1;
}

static void add_event(struct lane *l, const struct event *ev)
{
	unsigned i = l->n_events++;

	for (; i > 0 && l->events[i - 1].time_ns < ev->time_ns; i--)
		l->events[i] = l->events[i - 1];
	l->events[i] = *ev;
}

// The frame is in the air: hand it to all gateways that hear it.
static void transmit(const struct wm_engine_model *e, struct lane *l, const struct wm_lora *frame)
{
	unsigned heard = draw_hearers(e, l), n = 0;

	for (uint32_t i = 0; i < l->d->n_links; i++) {
		struct event ev = {.time_ns = l->sent_ns, .lora = *frame, .key = l->key};

		if (!(heard >> i & 1))
			continue;
		if (n++ > 0 && e->between != LORA_NONE)
			ev.time_ns = add_ns(ev.time_ns, draw_table(e, e->between, &l->rng));
		fade(e, l, i, &ev.lora);
		ev.lora.gateway = (uint16_t)e->links[l->d->link + i].gateway;
		add_event(l, &ev);
		if (!e->forwards)
			continue;
		ev.ack = true;
		ev.time_ns += ACK_MIN_NS + (ev.key * UINT32_C(0x9E3779B1) + i) % ACK_SPREAD_NS;
		add_event(l, &ev);
	}
}

// ---------------------------------------------------------------------------------------------- devices

// By how much the counter goes on until a frame of it is heard.
static uint32_t draw_advance(const struct wm_engine_model *e, struct lane *l)
{
	const struct lora_device *d = l->d;

	if (d->advance != LORA_NONE) {
		const struct lora_chain *c = &e->chains[d->advance];

		l->advance = lora_chain_step(c, e->states, e->moves, l->advance, &l->rng);
		return e->states[c->first + l->advance].value;
	}
	if (d->repeat != LORA_NONE && wm_rng_u32(&l->rng) < d->again)
		return LORA_ADVANCE_REPEAT;
	return 1 + (uint32_t)(lora_draw_misses(d->hear, wm_rng_u32(&l->rng)) % (UINT16_MAX - 1));
}

// The device's clock moves on by n intervals.
static void advance_clock(const struct wm_engine_model *e, struct lane *l, uint32_t n)
{
	const struct lora_device *d = l->d;
	uint32_t draws = d->flags & LORA_GRID ? 0 : n < DRAWS_MAX ? n : DRAWS_MAX;
	uint64_t rest_ns;

	for (uint32_t i = 0; i < draws; i++)
		l->base_ns = add_ns(l->base_ns, draw_table(e, d->interval, &l->rng));
	if (__builtin_mul_overflow(l->time->period_ns, (uint64_t)(n - draws), &rest_ns) || rest_ns > end_ns)
		rest_ns = end_ns;
	l->base_ns = add_ns(l->base_ns, (int64_t)rest_ns);
	l->sent_ns = d->flags & LORA_GRID ? add_ns(l->base_ns, draw_table(e, d->interval, &l->rng)) : l->base_ns;
}

static void new_frame(const struct wm_engine_model *e, struct lane *l)
{
	l->key = l->flow * UINT32_C(0x85EBCA77) ^ wm_rng_u32(&l->rng);
	l->message = lora_chain_step(&e->chains[l->d->message], e->states, e->moves, l->message, &l->rng);
	if (l->d->flags & LORA_ANONYMOUS) {
		l->address = (l->address & 0xffff0000) | wm_rng_below(&l->rng, 0x10000);
		l->fcnt = (uint16_t)wm_rng_u32(&l->rng);
	}
}

static struct wm_lora frame_of(const struct wm_engine_model *e, struct lane *l)
{
	const struct lora_chain *messages = &e->chains[l->d->message], *channels = &e->chains[l->d->channel];
	const struct lora_message *m = &e->messages[e->states[messages->first + l->message].value];
	uint32_t channel;
	struct wm_lora out = {.mhdr = m->mhdr,
		.fctrl = m->fctrl,
		.fport = m->fport,
		.kind = m->kind,
		.fcnt = l->fcnt,
		.sf = m->sf,
		.bw = m->bw,
		.cr = m->cr,
		.len = m->len,
		.crc = m->crc,
		.sync = m->sync};

	l->channel = lora_chain_step(channels, e->states, e->moves, l->channel, &l->rng);
	channel = e->states[channels->first + l->channel].value;
	out.freq_hz = e->frequencies[channel];
	out.channel = (uint8_t)(channel % 8); // of a concentrator's eight
	wm_put_be32(out.addr, l->address);
	return out;
}

// The device's next frame, and the receptions of it.
static void send(const struct wm_engine_model *e, struct lane *l)
{
	uint64_t before_ns = l->sent_ns;
	struct wm_lora frame;

	if (l->n_sent++ == 0) {
		new_frame(e, l);
	} else {
		uint32_t n = draw_advance(e, l);

		if (n == LORA_ADVANCE_REPEAT && l->d->repeat != LORA_NONE) {
			l->sent_ns = add_ns(l->sent_ns, draw_table(e, l->d->repeat, &l->rng));
		} else {
			bool reset = n == LORA_ADVANCE_RESET || n == LORA_ADVANCE_REPEAT;

			advance_clock(e, l, reset ? 1 : n);
			l->fcnt = (uint16_t)(reset ? 0 : l->fcnt + n);
			new_frame(e, l);
		}
		if (l->sent_ns < before_ns + MIN_GAP_NS)
			l->sent_ns = before_ns + MIN_GAP_NS;
	}
	frame = frame_of(e, l);
	transmit(e, l, &frame);
}

// ---------------------------------------------------------------------------------------------- the generator

int lora_gen_grow(struct wm_gen *g, size_t n_slots)
{
	struct lane *lanes = reallocarray(g->lanes, n_slots, sizeof(*lanes));

	if (lanes == NULL)
		return -ENOMEM;
	g->lanes = lanes;
	return 0;
}

int lora_gen_create(struct wm_gen **out, const struct wm_engine_model *e, uint64_t seed, size_t n_slots)
{
	struct wm_gen *g = calloc(1, sizeof(*g));

	if (g == NULL || lora_gen_grow(g, n_slots) < 0) {
		free(g);
		return -ENOMEM;
	}
	g->e = e;
	g->seed = seed;
	*out = g;
	return 0;
}

// The strike of a device's grid that a frame belongs to, which was sent within half a period of it.
static uint64_t strike_before(const struct lora_time *time, uint64_t sent_ns)
{
	uint64_t next_ns = time->next_ns == LORA_ANY ? 0 : time->next_ns, half_ns = time->period_ns / 2;

	if (time->period_ns == 0 || sent_ns + half_ns < next_ns)
		return sent_ns;
	return next_ns + (sent_ns + half_ns - next_ns) / time->period_ns * time->period_ns;
}

void lora_gen_begin(struct wm_gen *g, uint32_t slot, const struct wm_flow *flow)
{
	struct lane *l = &g->lanes[slot];

	*l = (struct lane){.d = &g->e->devices[flow->cls],
		.time = &g->e->times[flow->cls],
		.until_ns = flow->start_ns < end_ns ? flow->start_ns + flow->duration_ns : UINT64_MAX,
		.base_ns = flow->start_ns,
		.sent_ns = flow->start_ns,
		.last_ns = flow->start_ns,
		.flow = (uint32_t)flow->id,
		.address = wm_be32(flow->client + 12),
		.advance = LORA_NONE,
		.message = LORA_NONE,
		.channel = LORA_NONE};
	if (l->d->flags & LORA_GRID)
		l->base_ns = strike_before(l->time, flow->start_ns);
	wm_rng_init(&l->rng, g->seed, WM_STREAM_PACKET, flow->id);
	l->fcnt = flow->profile != 0 ? (uint16_t)wm_rng_u32(&l->rng) : (uint16_t)l->d->fcnt;
	for (uint32_t i = 0; i < l->d->n_links; i++) {
		l->x[i][0] = lora_draw_normal(wm_rng_u32(&l->rng));
		l->x[i][1] = lora_draw_normal(wm_rng_u32(&l->rng));
		l->y[i] = lora_draw_normal(wm_rng_u32(&l->rng));
	}
	send(g->e, l);
}

static void step(const struct wm_engine_model *e, struct lane *l, struct wm_step *out)
{
	struct event *ev = &l->out;
	uint64_t time_ns;

	*ev = l->events[--l->n_events];
	time_ns = ev->time_ns > l->last_ns ? ev->time_ns : l->last_ns;
	*out = (struct wm_step){.gap_ns = time_ns - l->last_ns, .reverse = ev->ack};
	out->form = (uint16_t)(e->forwards ? 2 * ev->lora.gateway + ev->ack : ev->lora.gateway);
	l->last_ns = time_ns;
	ev->lora.clock_us = (uint32_t)(time_ns / 1000);
	if (l->n_events > 0)
		return;
	send(e, l); // the next one, to know whether there is any
	out->last = l->sent_ns >= l->until_ns;
}

void lora_gen_step(struct wm_gen *g, const uint32_t *slots, size_t n, struct wm_step *out)
{
	for (size_t i = 0; i < n; i++)
		step(g->e, &g->lanes[slots[i]], &out[i]);
}

void lora_gen_finish(const struct wm_gen *g, uint32_t slot, struct wm_sample *s)
{
	const struct event *ev = &g->lanes[slot].out;

	s->lora = ev->lora;
	s->seq = ev->key;
	s->len = wm_lora_frame_len(&g->e->forms[s->form], s);
}

void lora_gen_destroy(struct wm_gen *g)
{
	free(g->lanes);
	free(g);
}
