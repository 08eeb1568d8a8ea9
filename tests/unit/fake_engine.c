// SPDX-License-Identifier: BSD-3-Clause
#include "fake_engine.h"

#include <base/philox.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HANDSHAKE_AND_END = 6 };

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct wm_plan {
	const struct wm_engine_model *m;
	uint64_t seed, id, now_ns;
};

struct slot {
	struct wm_flow flow;
	uint32_t at; // packets made
};

struct wm_gen {
	const struct wm_engine_model *m;
	uint64_t seed;
	struct slot *slots;
	size_t n_slots;
};

static uint64_t hash(uint64_t seed, uint64_t id, uint32_t draw)
{
	const uint32_t ctr[4] = {draw, WM_STREAM_TEST, (uint32_t)id, (uint32_t)(id >> 32)};
	const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	uint32_t out[4];

	wm_philox(ctr, key, out);
	return (uint64_t)out[1] << 32 | out[0];
}

static const struct wm_form *forms(const struct wm_engine_model *m, size_t *n)
{
	static const struct wm_form all[FAKE_FORMS] = {
		{.head_len = 54, .l3 = 14, .l4 = 34, .ip = 4, .proto = 6},
		{.head_len = 42, .l3 = 14, .l4 = 34, .ip = 4, .proto = 17},
		{.head_len = 42, .l3 = 14, .l4 = 34, .ip = 4, .proto = 1},
		{.head_len = 74, .l3 = 14, .l4 = 54, .ip = 6, .proto = 6},
		{.head_len = 14, .l3 = 0, .l4 = 0},
	};

	(void)m;
	*n = FAKE_FORMS;
	return all;
}

static int plan_create(struct wm_plan **out, const struct wm_engine_model *m, uint64_t seed)
{
	struct wm_plan *p = malloc(sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	*p = (struct wm_plan){.m = m, .seed = seed};
	*out = p;
	return 0;
}

static void plan_next(struct wm_plan *p, struct wm_flow *flow)
{
	const struct wm_engine_model *m = p->m;
	uint64_t h = hash(p->seed, p->id, 0);
	bool rush = m->rush_at > 0 && p->id >= m->rush_at;

	if (p->id % m->burst == 0)
		p->now_ns += (h >> 8) % m->pause_ns / (rush ? 1000 : 1);
	*flow = (struct wm_flow){.id = p->id, .start_ns = p->now_ns, .ip = 4, .cls = (uint32_t)rush};
	flow->client[10] = flow->client[11] = flow->server[10] = flow->server[11] = 0xff;
	memcpy(flow->client + 12, &h, 4);
	memcpy(flow->server + 12, (uint8_t *)&h + 4, 4);
	flow->cport = (uint16_t)(1024 + h % 60000);
	flow->sport = 80;
	flow->proto = (const uint8_t[]){6, 6, 6, 6, 6, 17, 17, 1, 6, 0}[h % 10];
	flow->started = h % 10 < 5;
	if (flow->proto == 0) {
		flow->ip = 0;
	} else if (h % 10 == 0) {
		flow->ip = 6;
		flow->client[0] = flow->server[0] = 0x20;
	}
	flow->pkts[0] = 1 + (uint32_t)(h >> 20) % m->max_packets;
	if (m->long_every > 0 && p->id % m->long_every == 1)
		flow->pkts[0] *= 50;
	flow->duration_ns = (flow->pkts[0] + HANDSHAKE_AND_END) * m->gap_ns;
	p->id++;
}

static void plan_destroy(struct wm_plan *p)
{
	free(p);
}

static int gen_grow(struct wm_gen *g, size_t n_slots)
{
	struct slot *slots = reallocarray(g->slots, n_slots, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	g->slots = slots;
	g->n_slots = n_slots;
	return 0;
}

static int gen_create(struct wm_gen **out, const struct wm_engine_model *m, uint64_t seed, size_t n_slots)
{
	struct wm_gen *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return -ENOMEM;
	g->m = m;
	g->seed = seed;
	if (gen_grow(g, n_slots) < 0) {
		free(g);
		return -ENOMEM;
	}
	*out = g;
	return 0;
}

static void gen_begin(struct wm_gen *g, uint32_t slot, const struct wm_flow *flow)
{
	g->slots[slot] = (struct slot){.flow = *flow};
}

static void tcp_step(const struct slot *s, uint64_t h, struct wm_step *out)
{
	uint32_t open = s->flow.started ? 3 : 0, data = s->flow.pkts[0], i = s->at;

	out->form = s->flow.ip == 6 ? 3 : 0;
	out->window = 8192;
	out->flags = ACK;
	out->seq = WM_SEQ_NEXT;
	out->ack = WM_ACK_ALL;
	if (i < open) {
		out->flags = (const uint8_t[]){SYN, SYN | ACK, ACK}[i];
		out->reverse = i == 1;
		out->ack = i == 0 ? WM_ACK_NONE : WM_ACK_ALL;
	} else if (i < open + data) {
		out->flags = ACK | PSH;
		out->reverse = h >> 40 & 1;
		out->payload = (uint16_t)((h >> 41) % 1400);
		out->seq = h % 50 == 0 ? WM_SEQ_OLD : h % 50 == 1 ? WM_SEQ_HOLE : WM_SEQ_NEXT;
		out->ack = h % 47 == 0 ? WM_ACK_SAME : h % 47 == 1 ? WM_ACK_SOME : WM_ACK_ALL;
	} else if (s->flow.id % 7 == 3) {
		out->flags = RST;
		out->ack = WM_ACK_NONE;
		out->last = 1;
	} else {
		uint32_t end = i - open - data;

		out->flags = end < 2 ? FIN | ACK : ACK;
		out->reverse = end == 1;
		out->last = end == 2;
	}
	out->len = (uint16_t)((s->flow.ip == 6 ? 74 : 54) + out->payload);
}

static void step(const struct wm_gen *g, struct slot *s, struct wm_step *out)
{
	uint64_t h = hash(g->seed, s->flow.id, s->at + 1);

	*out = (struct wm_step){0};
	out->gap_ns = s->at == 0 || h % 4 == 0 ? 0 : h % g->m->gap_ns / (s->flow.cls != 0 ? 1000 : 1);
	if (s->flow.proto == 6) {
		tcp_step(s, h, out);
	} else {
		out->form = s->flow.proto == 17 ? 1 : s->flow.proto == 1 ? 2 : 4;
		out->reverse = s->at & 1;
		out->flags = s->flow.proto == 1 && !out->reverse ? 8 : 0;
		out->payload = (uint16_t)((h >> 41) % 1400);
		out->len = (uint16_t)((s->flow.proto != 0 ? 42 : 14) + out->payload);
		out->last = s->at + 1 >= s->flow.pkts[0];
	}
	s->at++;
}

static void gen_step(struct wm_gen *g, const uint32_t *slots, size_t n, struct wm_step *out)
{
	for (size_t i = 0; i < n; i++)
		step(g, &g->slots[slots[i]], &out[i]);
}

static void gen_destroy(struct wm_gen *g)
{
	if (g != NULL)
		free(g->slots);
	free(g);
}

const struct wm_engine fake_engine = {
	.name = "fake",
	.forms = forms,
	.plan_create = plan_create,
	.plan_next = plan_next,
	.plan_destroy = plan_destroy,
	.gen_create = gen_create,
	.gen_grow = gen_grow,
	.gen_begin = gen_begin,
	.gen_step = gen_step,
	.gen_destroy = gen_destroy,
};

int fake_forms(struct wm_form forms[FAKE_FORMS])
{
	static const struct {
		uint8_t ip, proto;
		uint16_t len;
	} kinds[FAKE_FORMS] = {{4, 6, 54}, {4, 17, 42}, {4, 1, 42}, {6, 6, 74}, {0, 0, 14}};

	for (size_t i = 0; i < FAKE_FORMS; i++) {
		uint8_t image[WM_FORM_HEAD_MAX] = {0};
		int rc;

		if (kinds[i].ip == 4) {
			memcpy(image + 12, "\x08\x00\x45\x10", 4);
			image[22] = 64;
			image[23] = kinds[i].proto;
		} else if (kinds[i].ip == 6) {
			memcpy(image + 12, "\x86\xdd\x60", 3);
			image[20] = kinds[i].proto;
			image[21] = 64;
		} else {
			memcpy(image, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xcc", 14);
		}
		if (kinds[i].proto == 6)
			image[kinds[i].len - 8] = 5 << 4;
		else if (kinds[i].proto == 1)
			image[34] = 8;
		rc = wm_form_init(&forms[i], image, kinds[i].len, NULL, NULL, 0, NULL);
		if (rc < 0)
			return rc;
	}
	return 0;
}
