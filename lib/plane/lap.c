// SPDX-License-Identifier: BSD-3-Clause
#include <plane/lap.h>

#include <endian.h>
#include <string.h>

enum {
	LAP_GAP_NS = 1000, // between the end of a lap and the start of the next
	TCP_ACK = 0x10,
};

// A permutation of 32 bits (the finaliser of MurmurHash3): neighbouring laps are far apart.
static uint32_t scatter(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x85EBCA6Bu;
	x ^= x >> 13;
	x *= 0xC2B2AE35u;
	return x ^ x >> 16;
}

struct wm_lap_shift wm_lap_shift(uint32_t lap)
{
	uint32_t x = scatter(lap);

	if (lap == 0)
		return (struct wm_lap_shift){0};
	// Steps without a common divisor with 254 hosts and 2^14 or 2^15 ports: no pair comes back within 2 million
	// laps.
	return (struct wm_lap_shift){
		.host = (uint32_t)((uint64_t)lap * 101 % 254),
		.port = lap * 0x2D35u,
		.seq = {x, scatter(x + 1)},
	};
}

// .0 and .255 stay: they may be a network's own and its broadcast address. The address is stored as the word that it is
// read as again, or the reader would have to wait for the store.
static void move_host(uint8_t addr[16], uint32_t by)
{
	uint32_t word, host;

	memcpy(&word, addr + 12, sizeof(word));
	word = be32toh(word);
	host = word & 0xff;
	if (host == 0 || host == 255)
		return;
	host += by;
	word = htobe32((word & ~UINT32_C(0xff)) | (host > 254 ? host - 254 : host));
	memcpy(addr + 12, &word, sizeof(word));
}

// Within the range that the port belongs to; well-known ones stay.
static uint16_t move_port(uint16_t port, uint32_t by)
{
	uint32_t mask = port >= 0x8000 ? 0x7fff : port >= 0x4000 ? 0x3fff : 0;

	return (uint16_t)((port & ~mask) | ((port + by) & mask));
}

static bool is_multicast(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return addr[0] == 0xff || (addr[12] >= 224 && memcmp(addr, mapped, sizeof(mapped)) == 0);
}

void wm_lap_move(struct wm_sample *s, const struct wm_lap_shift *shift)
{
	bool reverse = (s->bits & WM_BIT_REVERSE) != 0;
	uint8_t *client = reverse ? s->dst : s->src;
	uint16_t *port = reverse ? &s->dport : &s->sport;

	if (!is_multicast(client))
		move_host(client, shift->host);
	if (s->sport == 0 && s->dport == 0) { // ICMP echo, or nothing that has numbers
		s->seq += shift->port << 16;
		return;
	}
	*port = move_port(*port, shift->port);
	s->seq += shift->seq[reverse && s->flags != 0]; // both ways of UDP, without flags, share their numbers
	if (s->flags & TCP_ACK)
		s->ack += shift->seq[!reverse];
}

void wm_lap_shift_drafts(struct wm_move *out, const struct wm_lap_shift *shift)
{
	wm_move_init(out, shift->port, shift->seq);
	for (unsigned host = 0; host < 256; host++) {
		uint8_t was[16] = {[15] = (uint8_t)host}, now[16] = {[15] = (uint8_t)host};

		move_host(now, shift->host);
		out->host[host] = wm_load32(now + 12) - wm_load32(was + 12);
	}
}

static void begin_lap(struct wm_lap *l, uint32_t lap)
{
	l->lap = lap;
	l->shift = wm_lap_shift(lap);
	wm_lap_shift_drafts(&l->move, &l->shift);
}

void wm_lap_init(struct wm_lap *l, struct wm_draft *kept, struct wm_sample *samples, size_t n_kept)
{
	*l = (struct wm_lap){.kept = kept, .samples = samples, .mask = n_kept - 1};
	begin_lap(l, 1);
}

size_t wm_lap_peek(struct wm_lap *l, size_t *at, uint64_t *later_ns)
{
	uint64_t oldest = l->n_kept > l->mask + 1 ? l->n_kept - l->mask - 1 : 0, before_ns;
	size_t n, side_by_side;

	if (l->n_kept == 0)
		return 0;
	if (l->cursor < oldest)
		l->cursor = oldest;
	if (l->cursor == l->n_kept) {
		l->cursor = oldest;
		begin_lap(l, l->lap + 1);
	}
	*at = l->cursor & l->mask;
	n = l->n_kept - l->cursor;
	side_by_side = l->mask + 1 - *at;
	if (l->cursor == oldest)
		before_ns = l->kept[*at].time_ns - LAP_GAP_NS;
	else
		before_ns = l->kept[(l->cursor - 1) & l->mask].time_ns;
	*later_ns = l->now_ns - before_ns;
	return n < side_by_side ? n : side_by_side;
}
