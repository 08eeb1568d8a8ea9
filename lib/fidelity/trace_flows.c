// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <fidelity/trace_pvt.h>
#include <packet/dissect.h>

#include <errno.h>
#include <stdlib.h>

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10 };

struct end {
	int32_t addr;
	int32_t port;
};

struct key { // without padding
	int32_t proto;
	struct end ends[2]; // the smaller first
};

// Of the latest flow with a key.
struct state {
	struct end client;
	uint32_t flow;
	uint32_t first_seq;
	bool closed; // FIN or RST seen
};

struct table {
	struct wm_intern keys;
	struct state *states; // by number of the key
	size_t cap_states;
	size_t n_states;
	uint32_t n_flows;
};

static bool same(struct end a, struct end b)
{
	return a.addr == b.addr && a.port == b.port;
}

static bool server_sends(const struct wm_trace *t, size_t i, uint8_t syn)
{
	int32_t from = t->field[WM_F_SPORT][i], to = t->field[WM_F_DPORT][i];

	if (syn == (SYN | ACK))
		return true;
	return syn != SYN && from >= 0 && wm_port_known((uint16_t)from) && !wm_port_known((uint16_t)to);
}

static int assign(struct table *tab, struct wm_trace *t, size_t i)
{
	const struct end src = {t->field[WM_F_SRC][i], t->field[WM_F_SPORT][i]};
	const struct end dst = {t->field[WM_F_DST][i], t->field[WM_F_DPORT][i]};
	const bool swap = src.addr > dst.addr || (src.addr == dst.addr && src.port > dst.port);
	const struct key key = {t->field[WM_F_PROTO][i], {swap ? dst : src, swap ? src : dst}};
	const int32_t flags = t->field[WM_F_FLAGS][i];
	const uint8_t syn = flags >= 0 ? (uint8_t)(flags & (SYN | ACK)) : 0;
	int64_t k = wm_intern_add(&tab->keys, &key, sizeof(key));
	struct state *s;
	bool reverse;

	if (k < 0 || wm_grow((void **)&tab->states, &tab->cap_states, (size_t)k + 1, sizeof(*s)) < 0)
		return -ENOMEM;
	s = &tab->states[k];
	if ((size_t)k == tab->n_states || (syn == SYN && s->closed && t->seq[i] != s->first_seq)) {
		tab->n_states += (size_t)k == tab->n_states;
		*s = (struct state){server_sends(t, i, syn) ? dst : src, tab->n_flows++, t->seq[i], false};
	}
	s->closed |= flags >= 0 && (flags & (FIN | RST)) != 0;
	reverse = !same(src, s->client);
	t->flow[i] = s->flow;
	t->field[WM_F_DIR][i] = reverse;
	t->field[WM_F_SVC][i] = reverse ? src.port : dst.port;
	t->field[WM_F_CPORT][i] = reverse ? dst.port : src.port;
	return 0;
}

int wm_trace_assign_flows(struct wm_trace *t)
{
	struct table tab = {.n_flows = 0};
	int rc = 0;

	for (size_t i = 0; i < t->n && rc == 0; i++)
		rc = assign(&tab, t, i);
	t->n_flows = tab.n_flows;
	wm_intern_free(&tab.keys);
	free(tab.states);
	return rc;
}

// What one end has sent and acknowledged.
struct sent {
	uint32_t next;
	uint32_t acked;
	bool known; // next is
	bool has_acked;
};

static int32_t ahead(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static void follow(struct wm_trace *t, size_t i, struct sent *me, const struct sent *peer)
{
	int32_t flags = t->field[WM_F_FLAGS][i];
	uint32_t seq = t->seq[i], ack = t->ack[i];
	uint32_t after = seq + (uint32_t)t->field[WM_F_PAYLOAD][i] + ((flags & SYN) != 0) + ((flags & FIN) != 0);

	if (me->known)
		t->sq[i] = seq == me->next ? WM_SQ_NEXT : ahead(seq, me->next) < 0 ? WM_SQ_OLD : WM_SQ_HOLE;
	if (!me->known || ahead(after, me->next) > 0)
		me->next = after;
	me->known = true;
	if ((flags & ACK) && peer->known) {
		bool back = me->has_acked && ahead(ack, me->acked) < 0;

		t->ak[i] = ahead(ack, peer->next) > 0 ? WM_AK_BEYOND : back ? WM_AK_BACK : WM_AK_GOOD;
		me->acked = back ? me->acked : ack;
		me->has_acked = true;
	}
}

void wm_trace_follow_tcp(struct wm_trace *t)
{
	struct sent ends[2] = {{.known = false}};

	for (size_t i = 0; i < t->n; i++) {
		int32_t flags = t->field[WM_F_FLAGS][i], dir = t->field[WM_F_DIR][i];

		if (t->pos[i] == 0)
			ends[0] = ends[1] = (struct sent){.known = false};
		t->sq[i] = WM_SQ_NONE;
		t->ak[i] = WM_AK_NONE;
		if (flags >= 0 && !(flags & RST)) // the numbers of a reset follow other rules
			follow(t, i, &ends[dir], &ends[!dir]);
	}
}
