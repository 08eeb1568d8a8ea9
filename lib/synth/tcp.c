// SPDX-License-Identifier: BSD-3-Clause
#include <synth/tcp.h>

enum { UNSEEN_LEN = 1448 }; // a full segment on Ethernet with time stamps

// Sequence numbers are compared modulo 2^32 (RFC 9293 section 3.4).
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

void wm_tcp_begin(struct wm_tcp *tcp, const uint32_t isn[2], bool started)
{
	*tcp = (struct wm_tcp){.started = started};
	for (int i = 0; i < 2; i++) {
		tcp->side[i] = (struct wm_tcp_side){.next = isn[i], .base = isn[i]};
		for (int k = 0; k < WM_TCP_STARTS; k++)
			tcp->side[i].starts[k] = isn[i];
	}
}

static void note_start(struct wm_tcp_side *me)
{
	me->starts[me->n_starts++ % WM_TCP_STARTS] = me->next;
}

static uint32_t advance(struct wm_tcp_side *me, uint32_t n, bool fin)
{
	uint32_t seq = me->next;

	if (n > 0) {
		note_start(me);
		me->next += n;
	}
	me->fin |= fin;
	return seq;
}

// A SYN has its one place, however often it is sent.
static uint32_t place_syn(struct wm_tcp_side *me, uint16_t payload, bool fin)
{
	if (!me->syn) {
		me->base = advance(me, 1u + payload + fin, fin) + 1;
		me->syn = true;
	}
	return me->base - 1;
}

static uint32_t place_old(struct wm_tcp_side *me, uint16_t payload, bool fin)
{
	if (payload <= 1 && !fin)
		return me->next - 1; // a keep-alive (RFC 9293 section 3.8.4)
	// More than was ever sent cannot be repeated; where a connection was joined nobody knows how much that is.
	if (me->syn && payload > me->next - me->base)
		return advance(me, (uint32_t)payload + fin, fin);
	if (fin)
		(void)advance(me, 1, true);
	return me->next - fin - payload;
}

static uint32_t place(const struct wm_tcp *tcp, struct wm_tcp_side *me, const struct wm_step *step, uint16_t payload)
{
	const struct wm_tcp_side *peer = &tcp->side[!step->reverse];
	bool fin = step->flags & WM_TCP_FIN;

	if (step->flags & WM_TCP_SYN)
		return place_syn(me, payload, fin);
	if (step->flags & WM_TCP_RST) // to a SYN: RFC 9293 section 3.10.7.1
		return tcp->started && !me->spoke && !me->syn && peer->syn && step->flags & WM_TCP_ACK ? 0 : me->next;
	if (me->fin) {
		uint32_t sent = me->next - 1 - me->base;
		uint32_t back = me->syn && payload > sent ? sent : payload;

		return payload > 0 || fin ? me->next - 1 - back : me->next;
	}
	if (step->seq == WM_SEQ_OLD && (me->spoke || me->syn))
		return place_old(me, payload, fin);
	if (step->seq == WM_SEQ_HOLE && me->spoke) {
		uint32_t seq = me->next + (me->payload > 0 ? me->payload : 1u + payload);

		note_start(me);
		me->next = seq + payload + fin;
		me->fin |= fin;
		return seq;
	}
	return advance(me, (uint32_t)payload + fin, fin);
}

// Where the first segment ends of those that are not acknowledged yet, if it is not the only one. Of those whose starts
// are forgotten any may be as large as the largest.
static uint32_t some_of(const struct wm_tcp_side *me, const struct wm_tcp_side *peer)
{
	uint32_t from = me->acked && before(peer->base, me->ack) ? me->ack : peer->base;

	for (unsigned i = 0; i < WM_TCP_STARTS; i++) {
		uint32_t start = peer->starts[(peer->n_starts + i) % WM_TCP_STARTS];

		if (before(from, start))
			return before(start, from + peer->most) || peer->most == 0 ? start : from + peer->most;
	}
	return from;
}

// Whether an unseen peer has sent something since: why else would this segment have been sent?
static bool answers_unseen(
	const struct wm_tcp_side *me, const struct wm_tcp_side *peer, const struct wm_step *step, uint16_t payload)
{
	return peer->unseen && !peer->spoke && me->acked && payload == 0 && step->ack == WM_ACK_ALL
	       && (step->flags & (WM_TCP_SYN | WM_TCP_FIN | WM_TCP_RST | WM_TCP_ACK)) == WM_TCP_ACK;
}

static uint32_t acknowledge(const struct wm_tcp *tcp, struct wm_tcp_side *me, struct wm_tcp_side *peer, uint8_t class)
{
	uint32_t ack;

	// The peer's SYN went another way: it was sent, or there were nothing to acknowledge.
	if (tcp->started && !peer->spoke && !peer->syn)
		(void)place_syn(peer, 0, false);
	ack = peer->next;
	if (class == WM_ACK_SAME && me->acked)
		ack = me->ack;
	else if (class == WM_ACK_SOME)
		ack = some_of(me, peer);
	if (me->acked && before(ack, me->ack))
		ack = me->ack;
	me->ack = ack;
	me->acked = true;
	return ack;
}

void wm_tcp_step(struct wm_tcp *tcp, const struct wm_step *step, uint16_t payload, uint32_t *seq, uint32_t *ack)
{
	struct wm_tcp_side *me = &tcp->side[step->reverse], *peer = &tcp->side[!step->reverse];

	if (answers_unseen(me, peer, step, payload))
		peer->next += UNSEEN_LEN;
	*seq = place(tcp, me, step, payload);
	*ack = step->flags & WM_TCP_ACK ? acknowledge(tcp, me, peer, step->ack) : 0;
	if (step->flags & WM_TCP_RST)
		return;
	me->spoke = true;
	if (payload > 0)
		me->payload = payload;
	if (payload > me->most)
		me->most = payload;
}
