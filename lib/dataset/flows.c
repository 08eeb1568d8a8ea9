// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <dataset/flows.h>
#include <packet/dissect.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t closed_ns = 240 * 1000000000ull; // twice the segment lifetime: RFC 9293 section 3.4.2

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10 };
static const uint32_t none = UINT32_MAX;

struct key {
	uint32_t addr[2]; // the smaller (address, port) first
	uint16_t port[2];
	uint8_t proto;
	uint8_t ip;
};

// What one end has sent and acknowledged.
struct end {
	uint32_t next; // sequence number
	uint32_t acked;
	bool sent; // next is known
	bool has_acked;
};

// A flow in flight.
struct state {
	struct key key;
	uint32_t hash;
	uint32_t flow;
	uint32_t client;    // number of its address
	uint16_t port;      // the client's
	bool closed;        // FIN or RST seen
	uint32_t first_seq; // of its first packet
	uint64_t last_ns;
	uint32_t older; // in its list
	uint32_t newer;
	struct end ends[2]; // client, server
};

// States in order of their last packet.
struct list {
	uint32_t oldest;
	uint32_t newest;
};

struct table {
	uint32_t *slots; // number of a state + 1, 0 = free; linear probing
	size_t n_slots;
	struct state *states;
	size_t n_states; // ever used
	size_t cap_states;
	size_t n_live;
	uint32_t spare;       // unused states, linked by `newer`
	struct list lists[2]; // open, closed
	struct wm_flow_record *flows;
	size_t n_flows;
	size_t cap_flows;
};

static bool keys_equal(const struct key *a, const struct key *b)
{
	return a->addr[0] == b->addr[0] && a->addr[1] == b->addr[1] && a->port[0] == b->port[0]
	       && a->port[1] == b->port[1] && a->proto == b->proto && a->ip == b->ip;
}

static struct key key_of(const struct wm_parsed *p)
{
	bool swap = p->src > p->dst || (p->src == p->dst && p->sport > p->dport);

	return (struct key){
		.addr = {swap ? p->dst : p->src, swap ? p->src : p->dst},
		.port = {swap ? p->dport : p->sport, swap ? p->sport : p->dport},
		.proto = p->proto,
		.ip = p->ip,
	};
}

static uint32_t hash_of(const struct key *k)
{
	uint64_t h = ((uint64_t)k->addr[0] << 32 | k->addr[1]) * 0x9E3779B97F4A7C15u;

	h ^= h >> 32;
	h = (h ^ ((uint64_t)k->port[0] << 32 | (uint64_t)k->port[1] << 16 | (uint64_t)k->proto << 8 | k->ip))
	    * 0xBF58476D1CE4E5B9u;
	return (uint32_t)((h ^ h >> 32) * 0x94D049BB133111EBu >> 32);
}

static void unlink_state(struct table *t, uint32_t i)
{
	struct state *s = &t->states[i];
	struct list *list = &t->lists[s->closed];

	if (s->older != none)
		t->states[s->older].newer = s->newer;
	else
		list->oldest = s->newer;
	if (s->newer != none)
		t->states[s->newer].older = s->older;
	else
		list->newest = s->older;
}

static void link_newest(struct table *t, uint32_t i)
{
	struct state *s = &t->states[i];
	struct list *list = &t->lists[s->closed];

	s->older = list->newest;
	s->newer = none;
	if (list->newest != none)
		t->states[list->newest].newer = i;
	else
		list->oldest = i;
	list->newest = i;
}

// The slots behind a freed one move up, so that no probe ends too early.
static void free_slot(struct table *t, size_t i)
{
	size_t mask = t->n_slots - 1;

	for (size_t k = (i + 1) & mask; t->slots[k] != 0; k = (k + 1) & mask) {
		size_t home = t->states[t->slots[k] - 1].hash & mask;

		if (((k - home) & mask) >= ((k - i) & mask)) {
			t->slots[i] = t->slots[k];
			i = k;
		}
	}
	t->slots[i] = 0;
}

static void forget(struct table *t, uint32_t i)
{
	size_t mask = t->n_slots - 1, slot = t->states[i].hash & mask;

	while (t->slots[slot] != i + 1)
		slot = (slot + 1) & mask;
	free_slot(t, slot);
	unlink_state(t, i);
	t->states[i].newer = t->spare;
	t->spare = i;
	t->n_live--;
}

static void expire(struct table *t, uint64_t now_ns, uint64_t idle_ns)
{
	const uint64_t limits[2] = {idle_ns, idle_ns < closed_ns ? idle_ns : closed_ns};

	for (int closed = 0; closed < 2; closed++) {
		const struct list *list = &t->lists[closed];

		while (list->oldest != none && now_ns - t->states[list->oldest].last_ns > limits[closed])
			forget(t, list->oldest);
	}
}

static int more_slots(struct table *t)
{
	size_t n = t->n_slots > 0 ? t->n_slots * 2 : 1024;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < t->n_slots; k++) {
		size_t i;

		if (t->slots[k] == 0)
			continue;
		for (i = t->states[t->slots[k] - 1].hash & (n - 1); slots[i] != 0; i = (i + 1) & (n - 1))
			continue;
		slots[i] = t->slots[k];
	}
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
	return 0;
}

// @return the state's number, or none without memory. A new one has flow none, and is in no list.
static uint32_t find_state(struct table *t, const struct key *key)
{
	uint32_t hash = hash_of(key), s;
	size_t i;

	if (2 * (t->n_live + 1) > t->n_slots && more_slots(t) < 0)
		return none;
	for (i = hash & (t->n_slots - 1); t->slots[i] != 0; i = (i + 1) & (t->n_slots - 1)) {
		s = t->slots[i] - 1;
		assert(t->states != NULL && s < t->n_states);
		if (t->states[s].hash == hash && keys_equal(&t->states[s].key, key))
			return s;
	}
	s = t->spare;
	if (s != none)
		t->spare = t->states[s].newer;
	else if (wm_grow((void **)&t->states, &t->cap_states, t->n_states + 1, sizeof(*t->states)) < 0)
		return none;
	else
		s = (uint32_t)t->n_states++;
	t->states[s] = (struct state){.key = *key, .hash = hash, .flow = none};
	t->slots[i] = s + 1;
	t->n_live++;
	return s;
}

static bool server_sends(const struct wm_parsed *p, bool tcp)
{
	uint8_t syn = tcp ? p->flags & (SYN | ACK) : 0;

	if (syn == (SYN | ACK))
		return true;
	return syn != SYN && p->ip != 0 && wm_port_known(p->sport) && !wm_port_known(p->dport);
}

static int open_flow(struct table *t, struct state *s, const struct wm_parsed *p, const uint8_t *addresses)
{
	bool tcp = p->proto == WM_PROTO_TCP && p->ip != 0, reverse = server_sends(p, tcp);
	uint32_t client = reverse ? p->dst : p->src, server = reverse ? p->src : p->dst;
	struct wm_flow_record *f;

	if (t->n_flows >= none || wm_grow((void **)&t->flows, &t->cap_flows, t->n_flows + 1, sizeof(*f)) < 0)
		return -ENOMEM;
	*s = (struct state){.key = s->key,
		.hash = s->hash,
		.flow = (uint32_t)t->n_flows,
		.client = client,
		.port = reverse ? p->dport : p->sport,
		.first_seq = p->seq};
	f = &t->flows[t->n_flows++];
	*f = (struct wm_flow_record){.cport = s->port,
		.sport = reverse ? p->sport : p->dport,
		.proto = p->proto,
		.ip = p->ip,
		.started = tcp && (p->flags & (SYN | ACK)) == SYN,
		.start_ns = p->time_ns};
	memcpy(f->client, addresses + 16 * (size_t)client, 16);
	memcpy(f->server, addresses + 16 * (size_t)server, 16);
	if (p->ip == 0)
		f->cport = 0;
	return 0;
}

static int32_t ahead(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static enum wm_seq follow_seq(struct end *me, const struct wm_parsed *p)
{
	uint32_t after = p->seq + p->payload + ((p->flags & SYN) != 0) + ((p->flags & FIN) != 0);
	int32_t d = ahead(p->seq, me->next);
	bool first = !me->sent;

	if (p->flags & RST) // its numbers follow other rules, and nothing follows them
		return !first && d == 0 ? WM_SEQ_NEXT : WM_SEQ_NONE;
	if (first || ahead(after, me->next) > 0)
		me->next = after;
	me->sent = true;
	return first || d == 0 ? WM_SEQ_NEXT : d < 0 ? WM_SEQ_OLD : WM_SEQ_HOLE;
}

static enum wm_ack follow_ack(struct end *me, const struct end *peer, const struct wm_parsed *p)
{
	enum wm_ack how = WM_ACK_SOME;

	if (!(p->flags & ACK))
		return WM_ACK_NONE;
	if (!peer->sent)
		return WM_ACK_ALL;
	if (ahead(p->ack, peer->next) >= 0)
		how = WM_ACK_ALL;
	else if (me->has_acked && ahead(p->ack, me->acked) <= 0)
		how = WM_ACK_SAME;
	if (!(p->flags & RST) && (!me->has_acked || ahead(p->ack, me->acked) > 0)) {
		me->acked = p->ack;
		me->has_acked = true;
	}
	return how;
}

static int assign(struct table *t, struct wm_parsed *p, const uint8_t *addresses)
{
	bool tcp = p->proto == WM_PROTO_TCP && p->ip != 0, reverse;
	enum wm_seq seq = WM_SEQ_NONE;
	enum wm_ack ack = WM_ACK_NONE;
	struct key key = key_of(p);
	uint32_t i = find_state(t, &key);
	struct wm_flow_record *f;
	struct state *s;

	if (i == none)
		return -ENOMEM;
	s = &t->states[i];
	if (s->flow != none)
		unlink_state(t, i); // until it is known which list it is to be in
	if (s->flow == none || (tcp && (p->flags & (SYN | ACK)) == SYN && s->closed && p->seq != s->first_seq)) {
		if (open_flow(t, s, p, addresses) < 0)
			return -ENOMEM;
	}
	f = &t->flows[s->flow];
	reverse = !(p->src == s->client && p->sport == s->port);
	if (tcp) {
		ack = follow_ack(&s->ends[reverse], &s->ends[!reverse], p);
		seq = follow_seq(&s->ends[reverse], p);
		s->closed |= (p->flags & (FIN | RST)) != 0;
		f->ended = s->closed;
	} else if (p->echo && f->cport == 0) {
		f->cport = (uint16_t)(p->seq >> 16);
	}
	f->n++;
	f->pkts[reverse]++;
	f->bytes[reverse] += p->len;
	f->end_ns = s->last_ns = p->time_ns;
	link_newest(t, i);
	p->flow = s->flow;
	p->reverse = reverse;
	p->seq_class = (uint8_t)seq;
	p->ack_class = (uint8_t)ack;
	return 0;
}

int wm_flows_assign(struct wm_parsed *packets, size_t n, const uint8_t *addresses, uint64_t idle_ns,
	struct wm_flow_record **flows, size_t *n_flows)
{
	struct table t = {.spare = none, .lists = {{none, none}, {none, none}}};
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		expire(&t, packets[i].time_ns, idle_ns);
		rc = assign(&t, &packets[i], addresses);
	}
	free(t.slots);
	free(t.states);
	*flows = t.flows;
	*n_flows = t.n_flows;
	return rc;
}
