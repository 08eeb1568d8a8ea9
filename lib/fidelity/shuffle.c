// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/shuffle.h>

enum { POOL = 4, SEED_WORDS = 8 };

static uint32_t hashed(uint32_t v, uint32_t *constant, uint32_t by)
{
	v ^= *constant;
	*constant *= by;
	v *= *constant;
	return v ^ v >> 16;
}

static uint32_t mixed(uint32_t x, uint32_t y)
{
	uint32_t v = 0xca01f9ddu * x - 0x4973f715u * y;

	return v ^ v >> 16;
}

// Spreads a seed over 256 bits.
static void spread(uint64_t out[SEED_WORDS / 2], uint32_t seed)
{
	uint32_t pool[POOL], constant = 0x43b0d7e5u, words[SEED_WORDS];

	for (unsigned i = 0; i < POOL; i++)
		pool[i] = hashed(i == 0 ? seed : 0, &constant, 0x931e8875u);
	for (unsigned from = 0; from < POOL; from++)
		for (unsigned to = 0; to < POOL; to++)
			if (from != to)
				pool[to] = mixed(pool[to], hashed(pool[from], &constant, 0x931e8875u));
	constant = 0x8b51f9ddu;
	for (unsigned i = 0; i < SEED_WORDS; i++)
		words[i] = hashed(pool[i % POOL], &constant, 0x58f38dedu);
	for (unsigned i = 0; i < SEED_WORDS / 2; i++)
		out[i] = words[2 * i] | (uint64_t)words[2 * i + 1] << 32;
}

static void step(struct wm_shuffler *s)
{
	const wm_u128 by = (wm_u128)0x2360ed051fc65da4u << 64 | 0x4385df649fccf645u;

	s->state = s->state * by + s->step;
}

void wm_shuffler_init(struct wm_shuffler *s, uint32_t seed)
{
	uint64_t bits[SEED_WORDS / 2];

	spread(bits, seed);
	*s = (struct wm_shuffler){.step = ((wm_u128)bits[2] << 64 | bits[3]) << 1 | 1};
	step(s);
	s->state += (wm_u128)bits[0] << 64 | bits[1];
	step(s);
}

static uint32_t draw(struct wm_shuffler *s)
{
	uint64_t v;
	unsigned turn;

	if (s->has_half) {
		s->has_half = false;
		return s->half;
	}
	step(s);
	v = (uint64_t)(s->state >> 64) ^ (uint64_t)s->state;
	turn = (unsigned)(s->state >> 122);
	v = v >> turn | v << (-turn & 63);
	s->half = (uint32_t)(v >> 32);
	s->has_half = true;
	return (uint32_t)v;
}

// 0 .. most, each as likely: as many bits as most has, again while they are above it.
static uint32_t draw_to(struct wm_shuffler *s, uint32_t most)
{
	const uint32_t bits = UINT32_MAX >> __builtin_clz(most);
	uint32_t v;

	do
		v = draw(s) & bits;
	while (v > most);
	return v;
}

void wm_shuffle(struct wm_shuffler *s, uint32_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (size_t i = n; i-- > 1;) {
		const uint32_t k = draw_to(s, (uint32_t)i), swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
}
