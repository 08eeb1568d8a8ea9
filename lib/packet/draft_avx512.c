// SPDX-License-Identifier: BSD-3-Clause
// wm_draft_put() in vectors: a draft is two of 64 bytes, of which a permutation gathers what changes into lanes; these
// are added to, summed, and put among the other bytes on the way out.
#include <packet/draft_pvt.h>

#include <immintrin.h>

static_assert(sizeof(struct wm_draft) == 128 && offsetof(struct wm_draft, head) + WM_DRAFT_HEAD == 128,
	"headers end where the second vector does");

enum {
	TICKS = 1 << WM_LANE_STAMP | 1 << WM_LANE_ECHO,
	CLIENTS = 1 << WM_LANE_CLIENT | 1 << WM_LANE_IP_CLIENT,
	SUMS = 1 << WM_LANE_SUM | 1 << WM_LANE_IP_SUM,
};

// Lanes 64 bits wide hold the time in each even one of 32.
static_assert(WM_LANE_STAMP % 2 == 0 && WM_LANE_ECHO % 2 == 0 && WM_LANE_ID % 2 == 0, "where the time is");

// The lanes as on this lap and at this time, in host order; what is above 16-bit fields is of no use.
static inline __m512i move_lanes(
	__m512i lanes, const struct wm_draft *d, const uint32_t *by, const struct wm_move *move, __m512i time)
{
	__m512i ids = _mm512_set1_epi32((int)WM_IPV4_ID_FACTOR);
	__m512i to = _mm512_add_epi32(lanes, _mm512_load_si512(by));

	to = _mm512_mask_add_epi32(to, TICKS, to, _mm512_srli_epi64(time, WM_TS_SHIFT));
	to = _mm512_mask_add_epi32(to, CLIENTS, to, _mm512_set1_epi32((int)move->host[d->host]));
	// Where the mask has no bit, the port stays: (mask & to) | (~mask & lanes).
	to = _mm512_mask_ternarylogic_epi32(to, 1 << WM_LANE_PORT, lanes,
		_mm512_set1_epi32((int)wm_load32((const uint8_t *)d + offsetof(struct wm_draft, port_mask))), 0xE4);
	return _mm512_mask_mullo_epi32(to, 1 << WM_LANE_ID, _mm512_xor_si512(lanes, time), ids);
}

// In network order: four numbers; an address, a port and a sum; the upper half that is an id, an address and a sum.
static inline __m512i order_lanes(__m512i lanes, uint64_t present)
{
	const __m512i order = _mm512_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11,
		10, 9, 8, 7, 6, 5, 4, 1, 0, 2, 3, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 4, 5, 3, 2, 1, 0, 12, 13, 14, 15,
		8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	return _mm512_maskz_shuffle_epi8(present, lanes, order);
}

// Both checksums, in the upper halves of the sums' lanes.
static inline __m512i sum_lanes(__m512i lanes, uint16_t if_zero)
{
	__m512i sum =
		_mm512_add_epi32(_mm512_and_si512(lanes, _mm512_set1_epi32(0xffff)), _mm512_srli_epi32(lanes, 16));
	__mmask32 zero;

	sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, _MM_PERM_BADC));
	sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, _MM_PERM_CDAB));
	sum = _mm512_add_epi32(sum, _mm512_shuffle_i64x2(sum, sum, 0xB1)); // blocks 0 and 1, 2 and 3
	sum = _mm512_add_epi32(sum, _mm512_rol_epi32(sum, 16));            // as wm_sum_fold() does
	lanes = _mm512_mask_xor_epi32(lanes, SUMS, sum, _mm512_set1_epi32(-1));
	zero = _mm512_mask_testn_epi16_mask(1 << (2 * WM_LANE_SUM + 1), lanes, lanes);
	return _mm512_mask_set1_epi16(lanes, zero, (short)if_zero);
}

static void put_all(const struct wm_draft_job *jobs, size_t n, const struct wm_move *move, uint64_t later_ns)
{
	const __m512i later = _mm512_set1_epi64((long long)later_ns);
	// Three blocks, without what is above the 16 bits of an id's key.
	const __mmask64 gathered = (UINT64_C(1) << 4 * WM_LANES) - 1 - (UINT64_C(12) << 4 * WM_LANE_ID);

	for (const struct wm_draft_job *job = jobs; job < jobs + n; job++) {
		const struct wm_draft *d = job->draft;
		const struct wm_stencil *st = job->stencil;
		const uint8_t *from = (const uint8_t *)d, *to = st->put + WM_DRAFT_HEAD;
		__m512i low = _mm512_load_si512(from), high = _mm512_load_si512(from + 64);
		__m512i time = _mm512_add_epi64(_mm512_set1_epi64((long long)d->time_ns), later);
		__m512i lanes = _mm512_maskz_permutex2var_epi8(gathered, low, _mm512_loadu_si512(st->gather), high);

		lanes = move_lanes(lanes, d, move->by[st->move], move, time);
		lanes = sum_lanes(order_lanes(lanes, st->present), st->if_zero);
		low = _mm512_permutex2var_epi8(low, _mm512_load_si512(to - 128), lanes);
		high = _mm512_permutex2var_epi8(high, _mm512_load_si512(to - 64), lanes);
		_mm512_store_si512(job->payload - 128, low);
		_mm512_store_si512(job->payload - 64, high);
	}
}

const struct wm_draft_putter wm_draft_putter_avx512 = {"avx512", put_all};
