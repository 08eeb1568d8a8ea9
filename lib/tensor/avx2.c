// SPDX-License-Identifier: BSD-3-Clause
// tensor: the table for AVX2 and FMA: 16 registers of 8 lanes.
#include <tensor/tables.h>

#include <immintrin.h>

enum { VW = 8, MR = 6 };
#define NV 2

typedef __m256 vf;
typedef __m256i vu;

#define v_load _mm256_loadu_ps
#define v_store _mm256_storeu_ps
#define v_set1 _mm256_set1_ps
#define v_add _mm256_add_ps
#define v_sub _mm256_sub_ps
#define v_mul _mm256_mul_ps
#define v_div _mm256_div_ps
#define v_max _mm256_max_ps
#define v_min _mm256_min_ps
#define v_fma _mm256_fmadd_ps
#define v_truncate _mm256_cvttps_epi32
#define vu_zero _mm256_setzero_si256
#define vu_add _mm256_add_epi32

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

static inline void vu_store(uint32_t *out, vu v)
{
	_mm256_storeu_si256((__m256i_u *)out, v);
}

static inline uint32_t vu_sum(vu v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_unpackhi_epi64(s, s));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 1));
	return (uint32_t)_mm_cvtsi128_si32(s);
}

#include <tensor/vector.h>

const struct wm_kernels wm_kernels_avx2 = {
	.name = "avx2",
	.matmul = matmul,
	.add_rows = add_rows,
	.lstm = lstm,
	.sample = sample,
	.exp = exp_shifted,
	.lstm_train = lstm_train,
};
