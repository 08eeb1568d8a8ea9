// SPDX-License-Identifier: BSD-3-Clause
// tensor: the table for AVX-512 (F, BW, DQ, VL): 32 registers of 16 lanes.
#include <tensor/tables.h>

#include <immintrin.h>

enum { VW = 16, MR = 6 };
#define NV 4

typedef __m512 vf;
typedef __m512i vu;

#define v_load _mm512_loadu_ps
#define v_store _mm512_storeu_ps
#define v_set1 _mm512_set1_ps
#define v_add _mm512_add_ps
#define v_sub _mm512_sub_ps
#define v_mul _mm512_mul_ps
#define v_div _mm512_div_ps
#define v_max _mm512_max_ps
#define v_min _mm512_min_ps
#define v_fma _mm512_fmadd_ps
#define v_truncate _mm512_cvttps_epi32
#define v_largest _mm512_reduce_max_ps
#define vu_zero _mm512_setzero_si512
#define vu_add _mm512_add_epi32
#define vu_store _mm512_storeu_si512

static inline vf v_scale(vf p, vf z)
{
	__m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(z), 23);

	return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), exponent));
}

static inline uint32_t vu_sum(vu v)
{
	return (uint32_t)_mm512_reduce_add_epi32(v);
}

#include <tensor/vector.h>

const struct wm_kernels wm_kernels_avx512 = {
	.name = "avx512",
	.matmul = matmul,
	.add_rows = add_rows,
	.lstm = lstm,
	.sample = sample,
	.exp = exp_shifted,
	.lstm_train = lstm_train,
};
