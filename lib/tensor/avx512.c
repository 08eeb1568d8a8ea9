// SPDX-License-Identifier: BSD-3-Clause
// tensor: the table for AVX-512 (F, BW, DQ, VL): 32 registers of 16 lanes.
#include <tensor/tables.h>

#include <immintrin.h>

enum { VW = 16, MR = 6 };
#define NV 4

typedef __m512 vf;
typedef __m512i vu;

static inline vf v_load(const float *p)
{
	return _mm512_loadu_ps(p);
}

static inline void v_store(float *p, vf v)
{
	_mm512_storeu_ps(p, v);
}

static inline vf v_set1(float x)
{
	return _mm512_set1_ps(x);
}

static inline vf v_max(vf a, vf b)
{
	return _mm512_max_ps(a, b);
}

static inline vf v_min(vf a, vf b)
{
	return _mm512_min_ps(a, b);
}

static inline vf v_fma(vf a, vf b, vf c)
{
	return _mm512_fmadd_ps(a, b, c);
}

static inline vf v_scale(vf p, vf z)
{
	__m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(z), 23);

	return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), exponent));
}

static inline float v_largest(vf v)
{
	return _mm512_reduce_max_ps(v);
}

static inline vu vu_zero(void)
{
	return _mm512_setzero_si512();
}

static inline void vu_store(uint32_t *p, vu v)
{
	_mm512_storeu_si512(p, v);
}

static inline vu vu_add(vu a, vu b)
{
	return _mm512_add_epi32(a, b);
}

static inline uint32_t vu_sum(vu v)
{
	return (uint32_t)_mm512_reduce_add_epi32(v);
}

static inline vu v_truncate(vf v)
{
	return _mm512_cvttps_epi32(v);
}

#include <tensor/vector.inc>

const struct wm_kernels wm_kernels_avx512 = {
	.name = "avx512",
	.matmul = matmul,
	.add_rows = add_rows,
	.lstm = lstm,
	.sample = sample,
	.exp = exp_shifted,
	.lstm_train = lstm_train,
};
