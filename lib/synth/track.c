// SPDX-License-Identifier: BSD-3-Clause
#include <synth/track.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10 };

struct entry {
	struct entry *older, *newer; // flows in the order of their last packets
	uint64_t hash;
	uint64_t last_ns;
	uint32_t flow;
	uint32_t first_seq; // of its first packet
	bool used;
	bool closed;    // FIN or RST seen
	bool client_lo; // the client is the end that sorts first
};

struct wm_track {
	struct entry (*sets)[WM_TRACK_WAYS];
	size_t n_sets;
	struct entry open, closed; // heads of two circles: newer is the oldest flow, older the newest
	uint32_t n_flows;
	uint64_t n_cut;
};

int wm_track_create(struct wm_track **out, unsigned bits)
{
	struct wm_track *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	t->n_sets = (size_t)1 << bits;
	t->sets = calloc(t->n_sets, sizeof(*t->sets));
	if (t->sets == NULL) {
		free(t);
		return -ENOMEM;
	}
	t->open.older = t->open.newer = &t->open;
	t->closed.older = t->closed.newer = &t->closed;
	*out = t;
	return 0;
}

void wm_track_destroy(struct wm_track *t)
{
	if (t == NULL)
		return;
	free(t->sets);
	free(t);
}

static uint64_t stir(uint64_t h, const void *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	h = (h ^ word) * 0x9E3779B97F4A7C15u;
	return h ^ h >> 32;
}

// The same both ways. *src_lo: whether the sender is the end that sorts first.
static uint64_t hash_of(const struct wm_packet *p, bool *src_lo)
{
	int order = memcmp(p->src, p->dst, sizeof(p->src));
	uint16_t sport = p->sport, dport = p->dport;
	uint64_t rest, h = 0;

	*src_lo = order < 0 || (order == 0 && sport <= dport);
	h = stir(stir(h, *src_lo ? p->src : p->dst), (*src_lo ? p->src : p->dst) + 8);
	h = stir(stir(h, *src_lo ? p->dst : p->src), (*src_lo ? p->dst : p->src) + 8);
	rest = (uint64_t)(*src_lo ? sport : dport) << 48 | (uint64_t)(*src_lo ? dport : sport) << 32;
	rest |= p->net == WM_NET_OTHER ? (uint64_t)p->ethertype << 8 : (uint64_t)p->proto;
	h = stir(h, &rest);
	h = (h ^ h >> 27) * 0x94D049BB133111EBu;
	return h ^ h >> 31;
}

static bool server_sends(const struct wm_packet *p, bool tcp)
{
	uint8_t syn = tcp ? p->flags & (SYN | ACK) : 0;

	if (syn == (SYN | ACK))
		return true;
	return syn != SYN && p->net != WM_NET_OTHER && wm_port_known(p->sport) && !wm_port_known(p->dport);
}

static bool is_over(const struct entry *e, uint64_t now_ns)
{
	uint64_t silent_ns = now_ns - e->last_ns;

	return silent_ns > WM_TRACK_IDLE_NS || (e->closed && silent_ns > WM_TRACK_CLOSED_NS);
}

static bool opens_another(const struct entry *e, const struct wm_packet *p)
{
	return (p->flags & (SYN | ACK)) == SYN && e->closed && p->seq != e->first_seq;
}

static void unlink_entry(struct entry *e)
{
	e->older->newer = e->newer;
	e->newer->older = e->older;
}

static void append(struct entry *head, struct entry *e)
{
	e->older = head->older;
	e->newer = head;
	head->older->newer = e;
	head->older = e;
}

static void end(struct entry *e, struct wm_tracked *out)
{
	out->ended[out->n_ended++] = e->flow;
	e->used = false;
	unlink_entry(e);
}

// The oldest flows, if they are over. A packet begins one flow at most, so that two at each are enough to keep up.
static void expire(struct wm_track *t, uint64_t now_ns, struct wm_tracked *out)
{
	for (struct entry *head = &t->open; head != NULL; head = head == &t->open ? &t->closed : NULL)
		for (int i = 0; i < 2 && head->newer != head && is_over(head->newer, now_ns); i++)
			end(head->newer, out);
}

// The entry of a flow, or a free one (not used) for it.
static struct entry *find(struct wm_track *t, uint64_t hash, struct wm_tracked *out)
{
	struct entry *set = t->sets[hash & (t->n_sets - 1)], *spare = &set[0];

	for (int i = 0; i < WM_TRACK_WAYS; i++) {
		if (set[i].used && set[i].hash == hash)
			return &set[i];
		if (spare->used && (!set[i].used || set[i].last_ns < spare->last_ns))
			spare = &set[i];
	}
	if (spare->used) {
		t->n_cut++;
		end(spare, out);
	}
	return spare;
}

void wm_track_packet(struct wm_track *t, const struct wm_packet *pkt, struct wm_tracked *out)
{
	bool tcp = pkt->proto == WM_PROTO_TCP && pkt->net != WM_NET_OTHER, src_lo;
	uint64_t hash = hash_of(pkt, &src_lo);
	struct entry *e;

	*out = (struct wm_tracked){0};
	expire(t, pkt->time_ns, out);
	e = find(t, hash, out);
	if (e->used && (is_over(e, pkt->time_ns) || (tcp && opens_another(e, pkt))))
		end(e, out);
	if (e->used) {
		unlink_entry(e);
	} else {
		*e = (struct entry){.hash = hash, .flow = t->n_flows++, .first_seq = pkt->seq, .used = true};
		e->client_lo = src_lo != server_sends(pkt, tcp);
		out->first = true;
	}
	e->last_ns = pkt->time_ns;
	e->closed |= tcp && (pkt->flags & (FIN | RST)) != 0;
	append(e->closed ? &t->closed : &t->open, e);
	out->flow = e->flow;
	out->reverse = src_lo != e->client_lo;
}

bool wm_track_end(struct wm_track *t, uint32_t *flow)
{
	struct entry *e = t->open.newer != &t->open ? t->open.newer : t->closed.newer;

	if (e == &t->closed) {
		t->n_flows = 0;
		return false;
	}
	e->used = false;
	unlink_entry(e);
	*flow = e->flow;
	return true;
}

uint64_t wm_track_cut(const struct wm_track *t)
{
	return t->n_cut;
}
