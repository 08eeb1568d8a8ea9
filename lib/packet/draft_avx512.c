// SPDX-License-Identifier: BSD-3-Clause
// wm_draft_put() in vectors: a draft is two of 64 bytes, of which a permutation gathers what changes into the lanes of
// a shorter one; these are added to, summed, and put among the other bytes on the way out.
#include <packet/draft_pvt.h>

#include <immintrin.h>

static_assert(sizeof(struct wm_draft) == 128 && offsetof(struct wm_draft, head) + WM_DRAFT_HEAD == 128,
	"headers end where the second vector does");

enum {
	TICKS = 1 << WM_LANE_STAMP | 1 << WM_LANE_ECHO,
	GATHERED = 0x33ffffff,                                          // of the last two lanes, the lower halves
	SUMS = 1 << (2 * WM_LANE_PORT + 1) | 1 << (2 * WM_LANE_ID + 1), // where the checksums are in the end, by halves
};

// Lanes 64 bits wide hold the time in each even one of 32.
static_assert(WM_LANE_STAMP % 2 == 0 && WM_LANE_ECHO % 2 == 0 && WM_LANE_ID % 2 == 0, "where the time is");

// The lanes as on this lap and at this time, in host order. The id is an upper half.
static inline __m256i move_lanes(
	__m256i lanes, const struct wm_draft *d, const uint32_t *by, const struct wm_move *move, __m256i time)
{
	const __m256i ids = _mm256_set1_epi32((int)WM_IPV4_ID_FACTOR);
	__m256i to = _mm256_add_epi32(lanes, _mm256_load_si256((const void *)by));

	to = _mm256_mask_add_epi32(to, TICKS, to, _mm256_srli_epi64(time, WM_TS_SHIFT));
	to = _mm256_mask_add_epi32(to, 1 << WM_LANE_CLIENT, to, _mm256_set1_epi32((int)move->host[d->host]));
	// Where the mask has no bit, the port stays, and so does the sum above it: (mask & to) | (~mask & lanes).
	to = _mm256_mask_ternarylogic_epi32(to, 1 << WM_LANE_PORT, lanes, _mm256_set1_epi32(d->port_mask), 0xE4);
	return _mm256_mask_mullo_epi32(to, 1 << WM_LANE_ID, _mm256_xor_si256(lanes, time), ids);
}

// As they are sent: four numbers; an address, a port and a sum, an id and a sum.
static inline __m256i order_lanes(__m256i lanes, uint32_t present)
{
	const __m256i order = _mm256_set_epi8(15, 14, 15, 14, 13, 12, 10, 11, 7, 6, 4, 5, 3, 2, 1, 0, 12, 13, 14, 15, 8,
		9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	return _mm256_maskz_shuffle_epi8(present, lanes, order);
}

// Both checksums, in place of the sums.
static inline __m256i sum_lanes(__m256i lanes, uint16_t if_zero)
{
	__m256i part, ip, sum;
	__mmask16 zero;

	// Halves: of numbers, address, port and its sum, id and its sum.
	part = _mm256_add_epi32(_mm256_and_si256(lanes, _mm256_set1_epi32(0xffff)), _mm256_srli_epi32(lanes, 16));
	// Each lane with the one after the next: what IPv4 covers is whole.
	ip = _mm256_add_epi32(part, _mm256_shuffle_epi32(part, _MM_PERM_BADC));
	sum = _mm256_blend_epi32(ip, part, 0xF0);
	sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, _MM_PERM_CDAB));
	sum = _mm256_add_epi32(sum, _mm256_permute4x64_epi64(sum, 0x4E)); // the numbers' block and the other one
	sum = _mm256_blend_epi32(sum, ip, 1 << WM_LANE_ID);
	sum = _mm256_add_epi32(sum, _mm256_rol_epi32(sum, 16)); // as wm_sum_fold() does
	lanes = _mm256_mask_sub_epi16(lanes, SUMS, _mm256_set1_epi16(-1), sum);
	zero = _mm256_mask_testn_epi16_mask(1 << (2 * WM_LANE_PORT + 1), lanes, lanes);
	return _mm256_mask_set1_epi16(lanes, zero, (short)if_zero);
}

static void put_all(const struct wm_draft_job *jobs, size_t n, const struct wm_move *move, uint64_t later_ns)
{
	const __m256i later = _mm256_set1_epi64x((long long)later_ns);

	for (const struct wm_draft_job *job = jobs; job < jobs + n; job++) {
		const struct wm_draft *d = job->draft;
		const struct wm_stencil *st = job->stencil;
		const uint8_t *from = (const uint8_t *)d, *to = st->put + WM_DRAFT_HEAD;
		__m512i low = _mm512_load_si512(from), high = _mm512_load_si512(from + 64), which;
		__m256i time = _mm256_add_epi64(_mm256_set1_epi64x((long long)d->time_ns), later), lanes;

		which = _mm512_castsi256_si512(_mm256_load_si256((const void *)st->gather));
		lanes = _mm512_castsi512_si256(_mm512_maskz_permutex2var_epi8(GATHERED, low, which, high));
		lanes = move_lanes(lanes, d, move->by[st->move], move, time);
		lanes = sum_lanes(order_lanes(lanes, st->present), st->if_zero);
		low = _mm512_permutex2var_epi8(low, _mm512_load_si512(to - 128), _mm512_castsi256_si512(lanes));
		high = _mm512_permutex2var_epi8(high, _mm512_load_si512(to - 64), _mm512_castsi256_si512(lanes));
		_mm512_store_si512(job->payload - 128, low);
		_mm512_store_si512(job->payload - 64, high);
	}
}

const struct wm_draft_putter wm_draft_putter_avx512 = {"avx512", put_all};
