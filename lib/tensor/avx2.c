// SPDX-License-Identifier: BSD-3-Clause
// tensor: the table for AVX2 and FMA: 16 registers of 8 lanes.
#include <tensor/curves.h>
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

static inline vu vu_up(vu v, vu n)
{
	return _mm256_sllv_epi32(v, n);
}

static inline vu vu_down(vu v, vu n)
{
	return _mm256_srav_epi32(v, n);
}

static inline vu vu_widen(const int16_t *p)
{
	return _mm256_cvtepi16_epi32(_mm_loadu_si128((const void *)p));
}

static inline vu vu_four(const uint8_t *p)
{
	int32_t four;

	memcpy(&four, p, sizeof(four));
	return _mm256_set1_epi32(four);
}

static inline vu vu_dot(vu sum, vu a, vu b)
{
	return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)));
}

static inline vu vu_narrow(vu a, vu b)
{
	return _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
}

static inline vu vu_xor(vu a, vu b)
{
	return _mm256_xor_si256(a, b);
}

static inline vu vu_set1(uint32_t x)
{
	return _mm256_set1_epi32((int)x);
}

static inline vu vu_set16(int16_t x)
{
	return _mm256_set1_epi16(x);
}

static inline vu vu_multiply(vu a, uint32_t x, vu *high)
{
	const vu even = _mm256_mul_epu32(a, vu_set1(x)), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), vu_set1(x));

	*high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
	return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}

static inline vu vh_adds(vu a, vu b)
{
	return _mm256_adds_epi16(a, b);
}

static inline vu vh_subs(vu a, vu b)
{
	return _mm256_subs_epi16(a, b);
}

static inline vu vh_max(vu a, vu b)
{
	return _mm256_max_epi16(a, b);
}

static inline vu vh_product(vu a, vu b)
{
	return _mm256_mulhrs_epi16(a, b);
}

// of[i] for each lane's i: those of the even lanes, then those of the odd ones.
static inline vu vh_look_up(const void *of, vu i)
{
	const vu even = _mm256_i32gather_epi32(of, _mm256_and_si256(i, _mm256_set1_epi32(UINT16_MAX)), 2),
		 odd = _mm256_i32gather_epi32(of, _mm256_srli_epi32(i, 16), 2);

	return _mm256_blend_epi16(even, _mm256_slli_epi32(odd, 16), 0xaa);
}

static inline vu vh_curve(const struct wm_curve *c, vu x)
{
	const vu piece = _mm256_srli_epi16(x, 10);

	return _mm256_add_epi16(
		vh_look_up(c->base, piece), _mm256_mulhi_epu16(_mm256_slli_epi16(x, 6), vh_look_up(c->slope, piece)));
}

static inline void vh_store_bytes(uint8_t *p, vu v)
{
	_mm_storeu_si128((void *)p, _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packus_epi16(v, v), 0xd8)));
}

static inline int16_t vh_largest(vu v)
{
	__m128i n = _mm_max_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	// The smallest of 8 unsigned ones is one instruction.
	n = _mm_minpos_epu16(_mm_xor_si128(n, _mm_set1_epi16(INT16_MAX)));
	return (int16_t)(_mm_extract_epi16(n, 0) ^ INT16_MAX);
}

// All bits of the lanes whose bit is set.
static inline vu vh_lanes(uint32_t bits)
{
	const vu lane =
		_mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, INT16_MIN);

	return _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_set1_epi16((int16_t)bits), lane), lane);
}

static inline vu vh_where(uint32_t bits, vu v)
{
	return _mm256_blendv_epi8(_mm256_set1_epi16(INT16_MIN), v, vh_lanes(bits));
}

static inline vu vh_weight(uint32_t bits, vu x)
{
	const vu piece = _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi16(WM_DECAY_PIECES - 1)),
		 of_one = _mm256_sub_epi16(vh_look_up(wm_decay_base, piece),
			 _mm256_mulhi_epu16(_mm256_slli_epi16(x, 12), vh_look_up(wm_decay_slope, piece))),
		 octaves = _mm256_srli_epi16(x, WM_LOGIT_BITS), low = _mm256_set1_epi32(UINT16_MAX),
		 even = _mm256_srlv_epi32(_mm256_and_si256(of_one, low), _mm256_and_si256(octaves, low)),
		 odd = _mm256_srlv_epi32(_mm256_srli_epi32(of_one, 16), _mm256_srli_epi32(octaves, 16)),
		 w = _mm256_avg_epu16(_mm256_or_si256(even, _mm256_slli_epi32(odd, 16)), vu_zero());

	return _mm256_and_si256(w, vh_lanes(bits));
}

static inline vu vh_add_pairs(vu sum, vu v)
{
	return _mm256_add_epi32(sum, _mm256_madd_epi16(v, _mm256_set1_epi16(1)));
}

static inline void v_run_up(uint32_t upto[17], const vu *sums)
{
	upto[0] = 0;
	vu_store(upto + 1, sums[0]);
	vu_store(upto + 9, sums[1]);
	for (int l = 1; l <= 16; l++)
		upto[l] += upto[l - 1];
}

static inline uint32_t v_count_upto(const uint32_t sums[16], uint32_t x)
{
	uint32_t n = 0;

	for (int l = 0; l < 16; l++)
		n += sums[l] <= x;
	return n;
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
