// SPDX-License-Identifier: BSD-3-Clause
// again: samples of an earlier lap (plane/lap.h) into packets.
#include <plane/fill_pvt.h>
#include <plane/frame.h>

#include <rte_prefetch.h>

enum {
	AHEAD = 64,      // drafts
	LAP_BLOCK = 100, // packets whose pace is set at once
};

// At a rate: know how long n drafts take by themselves, which leave later_ns behind their time.
static void know_lap(struct wm_tx *tx, const struct wm_draft *d, size_t n, uint64_t later_ns)
{
	struct wm_pace_block block = {0};

	if (!tx->paced || tx->pace.ns_per_unit == 0 || (tx->again && !wm_pace_wants(&tx->pace)))
		return;
	for (size_t i = 0; i < n && i < LAP_BLOCK; i++)
		wm_pace_block_add(&block, d[i].time_ns + later_ns, d[i].len);
	wm_pace_block(&tx->pace, &block);
	tx->again = true;
}

// Drafts come from memory, one behind the other: into the second cache, for so many at once would take all the buffers
// that misses of the first one have, and whatever else misses it would wait.
static inline void prefetch(const struct wm_draft *d)
{
	rte_prefetch1(d);
	rte_prefetch1((const uint8_t *)d + RTE_CACHE_LINE_SIZE);
}

// Build those of n drafts, at most a burst, that need neither a plan nor more than one mbuf each, up to the first that
// does. Mbufs lie ready. @return how many.
static uint32_t build_plain(
	struct wm_tx *tx, const struct wm_draft *d, uint32_t n, const struct wm_whose *whose, uint64_t later_ns)
{
	uint32_t at = (tx->head + tx->n) & WM_TX_ROW_MASK, room = tx->room, i = 0;
	const struct wm_stencil *const *stencils = tx->stencils;
	struct rte_mbuf *const *row = tx->row + at;
	struct wm_draft_job jobs[WM_TX_BURST], *job = jobs;
	uint64_t built = tx->built, *built_at = tx->built_at + at;
	uint8_t *bits = tx->bits + at;

	for (; i < n && d[i].len <= room; i++) {
		prefetch(&d[i + AHEAD]);
		if (likely(!wm_draft_is_sample(&d[i]))) {
			const struct wm_stencil *st = &stencils[d[i].bits][d[i].stencil];

			wm_frame_begin_draft(row[i], &d[i], st, whose->move);
			*job++ = (struct wm_draft_job){&d[i], st, wm_mbuf_payload(row[i])};
		} else {
			wm_tx_put_sample(tx, row[i], &d[i].sample, whose, d[i].time_ns + later_ns);
		}
		built += wm_tx_size(d[i].len, d[i].pad);
		built_at[i] = built;
		bits[i] = d[i].bits;
	}
	if (job > jobs)
		tx->putter->put(jobs, (size_t)(job - jobs), whose->move, later_ns);
	if (i > 0)
		tx->pace.last_ns = d[i - 1].time_ns + later_ns;
	tx->built = built;
	tx->n += i;
	tx->n_spare -= i;
	return i;
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
			i += build_plain(tx, d + i, RTE_MIN(n - i, tx->n_spare), &whose, later_ns);
		if (i == n)
			break;
		prefetch(&d[i + AHEAD]);
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
		second += wm_tx_side(tx, tx->bits[(tx->head + before + i) & WM_TX_ROW_MASK]);
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
