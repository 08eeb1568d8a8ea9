// SPDX-License-Identifier: BSD-3-Clause
// tensor: the table for AVX2 and FMA: 16 registers of 8 lanes.
#include <tensor/tables.h>

#include <immintrin.h>

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

static inline void vu_store(uint32_t *p, vu v)
{
	_mm256_storeu_si256((__m256i_u *)p, v);
}

static inline vu vu_add(vu a, vu b)
{
	return _mm256_add_epi32(a, b);
}

static inline uint32_t vu_sum(vu v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_unpackhi_epi64(s, s));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 1));
	return (uint32_t)_mm_cvtsi128_si32(s);
}

static inline vu v_truncate(vf v)
{
	return _mm256_cvttps_epi32(v);
}

#include <tensor/vector.inc>

const struct wm_kernels wm_kernels_avx2 = {
	.name = "avx2",
	.matmul = matmul,
	.add_rows = add_rows,
	.lstm = lstm,
	.sample = sample,
	.exp = exp_shifted,
	.lstm_train = lstm_train,
};
