// SPDX-License-Identifier: BSD-3-Clause
// inspect: looks at what a queue sends again, where rte_eth_tx_burst() is called: each frame is to be the reference's
// (wm_frame_build()) of the sample whose turn it is, on its lap and at its time, with checksums that a receiver finds
// right. Frames that are the same are counted: those of one lap may be, as a model's pure ACKs are where nothing tells
// them apart; those of two laps may not.
#pragma once

#include <packet/checksum.h>
#include <packet/dissect.h>
#include <packet/form.h>
#include <plane/count.h>
#include <plane/lap.h>

#include <rte_ethdev.h>

#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct inspect_frame {
	uint64_t hash;
	uint32_t lap;
};

struct inspect {
	const struct wm_sample *samples;
	const struct wm_form *forms;
	const wm_count *sent; // packets that the port has taken
	uint64_t sent_before;
	struct wm_lap lap; // a copy of the queue's, which goes the same way
	struct inspect_frame *frames;
	size_t n, want;  // frames
	uint64_t wrong;  // other bytes than the reference's, or another sample
	uint64_t unsure; // IP, TCP or UDP checksums that are not right
};

static inline bool inspect_checksums(const uint8_t *frame, uint32_t len)
{
	struct wm_packet p;
	uint32_t l4_len, addr_len;
	uint64_t sum;

	wm_dissect(&p, WM_LINK_ETHERNET, 0, frame, len, len);
	if (p.net == WM_NET_IPV4 && wm_sum_fold(wm_sum_add(0, frame + p.l3, (frame[p.l3] & 0xfu) * 4)) != 0xffff)
		return false;
	if (p.net == WM_NET_OTHER || (p.proto != WM_PROTO_TCP && p.proto != WM_PROTO_UDP) || p.fragment)
		return true;
	if (p.proto == WM_PROTO_UDP && p.net == WM_NET_IPV4 && wm_load16(frame + p.l4 + 6) == 0)
		return true; // there is none (RFC 768)
	addr_len = p.net == WM_NET_IPV4 ? 4 : 16;
	l4_len = p.head_len - p.l4 + p.payload;
	sum = wm_sum_add(0, p.src + 16 - addr_len, addr_len) + wm_sum_add(0, p.dst + 16 - addr_len, addr_len);
	sum += (uint64_t)htobe16(p.proto) + htobe16((uint16_t)l4_len);
	return wm_sum_fold(wm_sum_add(sum, frame + p.l4, l4_len)) == 0xffff;
}

static inline uint64_t inspect_hash(const uint8_t *frame, uint32_t len)
{
	uint64_t h = len, word;

	for (uint32_t at = 0; at < len; at += sizeof(word)) {
		word = 0;
		memcpy(&word, frame + at, len - at < sizeof(word) ? len - at : sizeof(word));
		h = (h ^ word) * 0x9E3779B97F4A7C15u;
		h ^= h >> 29;
	}
	return h;
}

static inline void inspect_one(struct inspect *in, const struct rte_mbuf *m)
{
	uint8_t want[UINT16_MAX], room[UINT16_MAX];
	const uint8_t *frame = rte_pktmbuf_read(m, 0, m->pkt_len, room);
	struct wm_sample s;
	uint64_t later_ns;
	size_t at = 0;

	(void)wm_lap_peek(&in->lap, &at, &later_ns);
	s = in->samples[at];
	wm_lap_take(&in->lap, 1, s.time_ns + later_ns);
	wm_lap_move(&s, &in->lap.shift);
	s.time_ns += later_ns;
	wm_frame_build(want, &in->forms[s.form], &s, false);
	in->wrong += m->pkt_len != s.len || memcmp(frame, want, s.len) != 0;
	in->unsure += !inspect_checksums(frame, m->pkt_len);
	in->frames[in->n++] = (struct inspect_frame){inspect_hash(frame, m->pkt_len), in->lap.lap};
}

static inline uint16_t inspect_take(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *arg)
{
	struct inspect *in = arg;
	uint64_t taken = wm_count_get(in->sent) - in->sent_before; // what the port did not take comes again

	(void)port;
	(void)queue;
	for (size_t i = in->n - taken; i < n && in->n < in->want; i++)
		inspect_one(in, pkts[i]);
	return n;
}

static inline int inspect_order(const void *a, const void *b)
{
	const struct inspect_frame *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

/** Count frames that were there before: in the same lap, and in another. Leaves them in another order. */
static inline void inspect_repeats(struct inspect *in, size_t *same_lap, size_t *other_lap)
{
	*same_lap = *other_lap = 0;
	qsort(in->frames, in->n, sizeof(*in->frames), inspect_order);
	for (size_t i = 1; i < in->n; i++)
		if (in->frames[i].hash == in->frames[i - 1].hash)
			++*(in->frames[i].lap == in->frames[i - 1].lap ? same_lap : other_lap);
}
