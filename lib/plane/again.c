// SPDX-License-Identifier: BSD-3-Clause
// again: samples of an earlier lap (plane/lap.h) into packets.
#include <plane/plain.h>

enum { LAP_BLOCK = 100 }; // packets whose pace is set at once

// At a rate: know how long n drafts take by themselves, which leave later_ns behind their time.
static void know_lap(struct wm_tx *tx, const struct wm_draft *d, size_t n, uint64_t later_ns)
{
	struct wm_pace_block block = {0};

	if (!tx->paced || tx->pace.ns_per_unit == 0 || (tx->again && !wm_pace_wants(&tx->pace)))
		return;
	for (size_t i = 0; i < n && i < LAP_BLOCK; i++)
		wm_pace_block_add(&block, d[i].time_ns + later_ns, d[i].tag.len);
	wm_pace_block(&tx->pace, &block);
	tx->again = true;
}

static inline void put_scalar(uint8_t *payload, const struct wm_draft *d, const struct wm_stencil *st,
	const struct wm_move *move, uint64_t later_ns)
{
	wm_draft_put(payload, d, st, move, d->time_ns + later_ns);
}

uint32_t wm_tx_plain_scalar(
	struct wm_tx *tx, const struct wm_draft *d, uint32_t n, const struct wm_whose *whose, uint64_t later_ns)
{
	return wm_tx_plain(tx, d, n, whose, later_ns, put_scalar);
}

wm_tx_plain_fn *wm_tx_plain_best(void)
{
	static wm_tx_plain_fn *const by_isa[WM_DRAFT_ISAS] = {
		[WM_DRAFT_SCALAR] = wm_tx_plain_scalar,
#ifdef WM_PACKET_X86
		[WM_DRAFT_AVX512] = wm_tx_plain_avx512,
#endif
	};

	return by_isa[wm_draft_putter_best()->isa];
}

// Whoever writes down what is sent is told of a packet, the last of the row, that goes out again.
static void tell_again(struct wm_tx *tx, const struct wm_draft *d)
{
	const struct wm_lap *l = tx->lap;
	struct wm_sample s = l->samples[d - l->kept];

	wm_lap_move(&s, &l->shift);
	wm_departures_build_again(tx->departures, (tx->head + tx->n - 1) & WM_TX_ROW_MASK, &s, l->lap);
}

// Build the packets of n drafts of an earlier lap, as far as that goes. @return how many.
static uint32_t build_span(
	struct wm_tx *tx, const struct wm_draft *d, uint32_t n, uint64_t later_ns, enum wm_built *outcome)
{
	const struct wm_whose whose = {.lap = tx->lap, .move = &tx->lap->move};
	bool plain = !tx->paced && !tx->run->flows_counted && tx->departures == NULL;
	uint32_t i = 0;

	while (i < n && !tx->ending) {
		if (plain && wm_tx_reserve(tx))
			i += tx->plain(tx, d + i, RTE_MIN(n - i, tx->n_spare), &whose, later_ns);
		if (i == n)
			break;
		wm_tx_prefetch(&d[i]);
		*outcome = wm_tx_build_one(tx, &d[i], &whose, d[i].time_ns + later_ns);
		if (*outcome != WM_BUILT)
			break;
		if (tx->departures != NULL)
			tell_again(tx, &d[i]);
		i++;
	}
	return i;
}

// The last n packets of the row, behind the first `before`, are of an earlier lap.
static void count_recycled(struct wm_tx *tx, uint32_t before, uint32_t n)
{
	uint64_t second = 0;

	for (uint32_t i = 0; tx->split && i < n; i++)
		second += wm_tx_side(tx, tx->tags[(tx->head + before + i) & WM_TX_ROW_MASK].bits);
	wm_count_add(&tx->out[0].count.recycled, n - second);
	if (second > 0)
		wm_count_add(&tx->out[1].count.recycled, second);
}

enum wm_built wm_tx_build_again(struct wm_tx *tx, uint32_t want)
{
	uint32_t done = 0, before = tx->n;
	enum wm_built outcome = WM_BUILT;

	while (done < want && outcome == WM_BUILT && !tx->ending) {
		uint32_t lap = tx->lap->lap, built;
		uint64_t later_ns;
		size_t at, n = wm_lap_peek(tx->lap, &at, &later_ns);
		const struct wm_draft *d = &tx->lap->kept[at];

		if (tx->departures != NULL && tx->lap->lap != lap)
			wm_departures_end_lap(tx->departures, lap);
		if (n == 0) {
			outcome = WM_NO_SAMPLE;
			break;
		}
		know_lap(tx, d, n, later_ns);
		n = RTE_MIN(n, (size_t)(want - done));
		if (tx->again && tx->paced && tx->pace.block.n > 0)
			n = RTE_MIN(n, (size_t)tx->pace.block.n);
		built = build_span(tx, d, (uint32_t)n, later_ns, &outcome);
		if (built > 0)
			wm_lap_take(tx->lap, built, d[built - 1].time_ns + later_ns);
		done += built;
	}
	count_recycled(tx, before, done);
	return outcome;
}
