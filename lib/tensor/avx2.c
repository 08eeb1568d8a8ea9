// SPDX-License-Identifier: BSD-3-Clause
// tensor: the table for AVX2 and FMA: 16 registers of 8 lanes.
#include <tensor/tables.h>

#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { VW = 8, MR = 6 };
#define NV 2

typedef __m256 vf;
typedef __m256i vu;

static inline vf v_load(const float *p)
{
	return _mm256_loadu_ps(p);
}

static inline void v_store(float *p, vf v)
{
	_mm256_storeu_ps(p, v);
}

static inline vf v_set1(float x)
{
	return _mm256_set1_ps(x);
}

static inline vf v_max(vf a, vf b)
{
	return _mm256_max_ps(a, b);
}

static inline vf v_min(vf a, vf b)
{
	return _mm256_min_ps(a, b);
}

static inline vf v_fma(vf a, vf b, vf c)
{
	return _mm256_fmadd_ps(a, b, c);
}

static inline vf v_scale(vf p, vf z)
{
	__m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(z), 23);

	return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
}

static inline float v_largest(vf v)
{
	__m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	m = _mm_max_ps(m, _mm_movehl_ps(m, m));
	m = _mm_max_ss(m, _mm_movehdup_ps(m));
	return _mm_cvtss_f32(m);
}

static inline vu vu_zero(void)
{
	return _mm256_setzero_si256();
}

static inline vu vu_load(const void *p)
{
	return _mm256_loadu_si256(p);
}

static inline void vu_store(void *p, vu v)
{
	_mm256_storeu_si256(p, v);
}

static inline vu vu_add(vu a, vu b)
{
	return _mm256_add_epi32(a, b);
}

static inline vu vu_add16(vu a, vu b)
{
	return _mm256_add_epi16(a, b);
}

static inline vu vu_shift(vu v, unsigned n)
{
	return _mm256_sll_epi32(v, _mm_cvtsi32_si128((int)n));
}

static inline vu vu_widen(const int16_t *p)
{
	return _mm256_cvtepi16_epi32(_mm_loadu_si128((const void *)p));
}

static inline vu vu_pair(const int16_t *p)
{
	int32_t pair;

	memcpy(&pair, p, sizeof(pair));
	return _mm256_set1_epi32(pair);
}

static inline vu vu_dot(vu sum, vu a, vu b)
{
	return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

static inline vu vu_xor(vu a, vu b)
{
	return _mm256_xor_si256(a, b);
}

static inline vu vu_set1(uint32_t x)
{
	return _mm256_set1_epi32((int)x);
}

static inline vu vu_multiply(vu a, uint32_t x, vu *high)
{
	const vu even = _mm256_mul_epu32(a, vu_set1(x)), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), vu_set1(x));

	*high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
	return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}

static inline vu vu_truncate(vf v)
{
	return _mm256_cvttps_epi32(v);
}

static inline vf v_float(vu v)
{
	return _mm256_cvtepi32_ps(v);
}

static inline void v_store_state(int16_t *p, vf v)
{
	__m256i i = _mm256_cvtps_epi32(v);

	_mm_storeu_si128((void *)p, _mm_packs_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1)));
}

static inline vf v_where(uint32_t bits, vf v)
{
	const vu lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
	const vu set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), lane), lane);

	return _mm256_blendv_ps(_mm256_set1_ps(-INFINITY), v, _mm256_castsi256_ps(set));
}

static inline uint32_t v_pick(const vu *sums, uint32_t random, uint32_t *below)
{
	uint32_t upto[17] = {0}, lane = 0;

	vu_store(upto + 1, sums[0]);
	vu_store(upto + 9, sums[1]);
	for (int l = 1; l <= 16; l++)
		upto[l] += upto[l - 1];
	*below = (uint32_t)((uint64_t)random * upto[16] >> 32);
	for (int l = 1; l <= 16; l++)
		lane += upto[l] <= *below;
	*below -= upto[lane];
	return lane;
}

#include <tensor/infer.inc>
#include <tensor/vector.inc>

const struct wm_kernels wm_kernels_avx2 = {
	.name = "avx2",
	.affine = affine,
	.add_fixed = add_fixed,
	.lstm = lstm,
	.sample = sample,
	.philox = philox,
	.matmul = matmul,
	.add_rows = add_rows,
	.exp = exp_shifted,
	.lstm_train = lstm_train,
};
