// SPDX-License-Identifier: BSD-3-Clause
#include <base/philox.h>

#include <math.h>

void wm_philox(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t c0 = ctr[0], c1 = ctr[1], c2 = ctr[2], c3 = ctr[3];
	uint32_t k0 = key[0], k1 = key[1];

	for (int round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)0xD2511F53u * c0;
		uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;

		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	out[0] = c0;
	out[1] = c1;
	out[2] = c2;
	out[3] = c3;
}

void wm_rng_init(struct wm_rng *rng, uint64_t seed, enum wm_stream stream, uint64_t id)
{
	rng->key[0] = (uint32_t)seed;
	rng->key[1] = (uint32_t)(seed >> 32);
	rng->ctr[0] = 0;
	rng->ctr[1] = (uint32_t)stream;
	rng->ctr[2] = (uint32_t)id;
	rng->ctr[3] = (uint32_t)(id >> 32);
	rng->used = 4;
}

float wm_rng_normal(struct wm_rng *rng)
{
	const float two_pi = 6.2831853f;
	float u = wm_rng_f32(rng), v = wm_rng_f32(rng);

	return sqrtf(-2.0f * logf(u)) * cosf(two_pi * v);
}
