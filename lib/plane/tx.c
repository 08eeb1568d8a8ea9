// SPDX-License-Identifier: BSD-3-Clause
#include <plane/frame.h>
#include <plane/mark.h>
#include <plane/nic.h>
#include <plane/tx.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>

#include <string.h>

enum {
	ROW_MASK = WM_TX_ROW - 1,
	BURST_NS = 1000000, // so far ahead more is built than is sent at once
	SOON_NS = 400,      // a packet that is due so soon is waited for: building another would make it late
};

static_assert((int)WM_DEPARTURES_ROW == (int)WM_TX_ROW, "one beside the other");

static void prepare_mbuf(struct rte_mempool *pool, void *arg, void *obj, unsigned i)
{
	struct rte_mbuf *m = obj;

	(void)arg;
	(void)i;
	memset(m->buf_addr, 0, rte_pktmbuf_data_room_size(pool));
	wm_mbuf_note(m)->holds = WM_HOLDS_ZEROS;
}

int wm_tx_prepare_mbufs(void)
{
	static const struct rte_mbuf_dynfield note = {.name = "wiremill_dynfield_note",
		.size = sizeof(struct wm_mbuf_note),
		.align = alignof(struct wm_mbuf_note)};
	const size_t at = offsetof(struct rte_mbuf, dynfield1[WM_NOTE_FIELD]);

	return rte_mbuf_dynfield_register_offset(&note, at) == (int)at ? 0 : -rte_errno;
}

void wm_tx_prepare_pool(struct rte_mempool *pool)
{
	(void)rte_mempool_obj_iter(pool, prepare_mbuf, NULL);
}

void wm_tx_init_stencils(struct wm_tx *tx)
{
	for (unsigned bits = 0; bits <= UINT8_MAX; bits++)
		tx->stencils[bits] = tx->out[wm_tx_side(tx, (uint8_t)bits)].stencils[bits >> WM_MODEL_SHIFT].list;
}

// A port that loops what it sends back to itself (net_ring) is full until somebody takes it out.
static void receive(struct wm_tx_out *out)
{
	struct rte_mbuf *in[WM_TX_BURST];
	uint16_t n = rte_eth_rx_burst(out->port, out->queue, in, WM_TX_BURST);

	rte_pktmbuf_free_bulk(in, n);
	wm_count_add(&out->count.received, n);
}

// How many of the first n packets of the row leave on the same out as the first.
static uint32_t same_side(const struct wm_tx *tx, uint32_t n)
{
	uint32_t at = tx->head & ROW_MASK, run = 1;
	unsigned side = wm_tx_side(tx, tx->tags[at].bits);

	while (run < n && wm_tx_side(tx, tx->tags[at + run].bits) == side)
		run++;
	return run;
}

// When a packet of the row that is handed over at `now` leaves.
static uint64_t leaves_at(const struct wm_tx *tx, uint32_t at, uint64_t now)
{
	return tx->lead > 0 && tx->due[at] > now ? tx->due[at] : now;
}

// Send n packets of the row, from `at` on, and leave notes of what the port has taken.
static uint16_t send_noted(struct wm_tx *tx, const struct wm_tx_out *out, uint32_t at, uint16_t n)
{
	struct rte_mbuf **pkts = tx->row + at;
	uint32_t noted = wm_ledger_begin(out->ledger, n);
	uint64_t marks[WM_TX_BURST], now;
	uint16_t sent;

	for (uint32_t i = 0; i < noted; i++)
		marks[i] = wm_mark(rte_pktmbuf_mtod(pkts[i], const uint8_t *), pkts[i]->data_len);
	now = rte_rdtsc();
	for (uint32_t i = 0; i < noted; i++)
		wm_ledger_put(out->ledger, i, (struct wm_note){marks[i], leaves_at(tx, at + i, now)});
	sent = rte_eth_tx_burst(out->port, out->queue, pkts, n);
	wm_ledger_end(out->ledger, noted, sent);
	return sent;
}

// The port's link is down, and packets whose time has come do not wait for it: the run goes on without them.
static void drop(struct wm_tx *tx, struct wm_tx_out *out, uint32_t n)
{
	rte_pktmbuf_free_bulk(tx->row + (tx->head & ROW_MASK), n);
	if (tx->departures != NULL)
		wm_departures_drop(tx->departures, tx->head & ROW_MASK, n);
	tx->head += n;
	tx->n -= n;
	wm_count_add(&out->count.lost, n);
	wm_count_add(&out->count.link_down, n);
}

// The port took n packets of the row, from `at` on, in a call made at `now`. Where it sends them at the times stamped
// on them, those are their departures, unless it got them too late for that.
static void note_times(struct wm_tx *tx, uint32_t at, uint32_t n, uint64_t now)
{
	uint64_t late_ticks = (uint64_t)(WM_TX_LATE_NS * wm_tx_ticks_per_ns(tx)), late = 0, bunched = 0;

	for (uint32_t i = 0; i < n; i++) {
		wm_timing_add(&tx->timing, (int64_t)(leaves_at(tx, at + i, now) - tx->due[at + i]));
		late += now > tx->due[at + i] + late_ticks;
		bunched += i > 0 && tx->due[at + i] > tx->due[at + i - 1] && now >= tx->due[at + i];
	}
	if (late > 0)
		wm_count_add(&tx->out[0].count.late, late);
	if (bunched > 0)
		wm_count_add(&tx->timing.bunched, bunched);
}

// The port took n packets of the row, from `at` on.
static void count_sent(struct wm_tx *tx, struct wm_tx_out *out, uint32_t at, uint32_t n)
{
	const struct wm_tag *tags = tx->tags + at;
	uint32_t bytes = 0, padding = 0;

	for (uint32_t i = 0; i < n; i++) {
		bytes += tags[i].len;
		padding += tags[i].pad;
	}
	wm_count_add(&out->count.sent, n);
	wm_count_add(&out->count.bytes, bytes);
	wm_count_add(&out->count.padding, padding);
	for (uint32_t i = 0; tx->mixed && i < n; i++) {
		struct wm_tx_share *share = &tx->share[tags[i].bits >> WM_MODEL_SHIFT];

		wm_count_add(&share->packets, 1);
		wm_count_add(&share->bytes, tags[i].len);
		wm_count_add(&share->padding, tags[i].pad);
	}
}

static void tell_departures(struct wm_tx *tx, uint32_t at, uint32_t n, uint64_t now)
{
	if (tx->lead == 0) {
		wm_departures_send(tx->departures, at, n, now);
		return;
	}
	for (uint32_t i = at; i < at + n; i++)
		wm_departures_send(tx->departures, i, 1, leaves_at(tx, i, now));
}

// Offer the first n packets of the row, at most a burst, to their port.
static void offer(struct wm_tx *tx, uint32_t n)
{
	uint32_t at = tx->head & ROW_MASK, sent;
	uint64_t now = 0;
	struct wm_tx_out *out = &tx->out[wm_tx_side(tx, tx->tags[at].bits)];

	n = RTE_MIN(n, RTE_MIN((uint32_t)WM_TX_BURST, WM_TX_ROW - at));
	if (tx->split)
		n = same_side(tx, n);
	if (unlikely(atomic_load_explicit(&out->down, memory_order_relaxed)) && tx->paced) {
		drop(tx, out, n);
		return;
	}
	if (tx->paced || tx->departures != NULL)
		now = rte_rdtsc();
	if (tx->lead > 0 && tx->paced)
		wm_nic_stamp(tx, out, at, n, now);
	if (out->ledger == NULL)
		sent = rte_eth_tx_burst(out->port, out->queue, tx->row + at, (uint16_t)n);
	else
		sent = send_noted(tx, out, at, (uint16_t)n);
	if (likely(sent > 0))
		count_sent(tx, out, at, sent);
	if (tx->paced)
		note_times(tx, at, sent, now);
	if (tx->departures != NULL)
		tell_departures(tx, at, sent, now);
	tx->head += sent;
	tx->n -= sent;
	if (unlikely(sent < n)) {
		wm_count_add(&out->count.port_full, 1);
		if (out->receives)
			receive(out);
	}
}

static bool turn_at_once(struct wm_tx *tx)
{
	if (tx->n == 0)
		wm_tx_fill(tx, WM_TX_BURST);
	if (tx->n == 0)
		return false;
	offer(tx, tx->n);
	return true;
}

// What is still to come goes out that much later.
static void move_plan(struct wm_tx *tx, uint64_t by)
{
	tx->plan_tsc += (double)by;
	for (uint32_t i = 0; i < tx->n; i++)
		tx->due[(tx->head + i) & ROW_MASK] += by;
}

// Too many packets have gone out late.
static void shift(struct wm_tx *tx, uint64_t by)
{
	uint64_t by_ns = (uint64_t)((double)by / wm_tx_ticks_per_ns(tx));

	move_plan(tx, by);
	wm_timing_shift(&tx->timing, by);
	tx->moved_ns += (int64_t)by_ns;
	tx->late = 0;
	wm_count_add(&tx->out[0].count.shifts, 1);
	wm_count_add(&tx->out[0].count.shift_ns, by_ns);
}

// How many packets are due, or will be in the lead that the port gets. One that will be soon is waited for.
static uint32_t count_due(const struct wm_tx *tx, uint64_t *now)
{
	uint64_t soon = (uint64_t)(SOON_NS * wm_tx_ticks_per_ns(tx));
	uint32_t n = 0;

	*now = rte_rdtsc();
	if (tx->lead == 0 && tx->n > 0
		&& tx->due[tx->head & ROW_MASK] - *now < soon) // both unsigned: not if it is late
		while (*now < tx->due[tx->head & ROW_MASK])
			*now = rte_rdtsc();
	while (n < tx->n && n < WM_TX_BURST && tx->due[(tx->head + n) & ROW_MASK] <= *now + tx->lead)
		n++;
	return n;
}

// Packets of a burst leave faster than they are built: those of one are, before it begins.
static bool is_in_burst(const struct wm_tx *tx, uint64_t now)
{
	return tx->n < WM_TX_ROW - WM_TX_BURST
	       && tx->due[(tx->head + tx->n - 1) & ROW_MASK] < now + (uint64_t)(BURST_NS * wm_tx_ticks_per_ns(tx));
}

static bool turn_paced(struct wm_tx *tx)
{
	uint32_t before = tx->n, n;
	uint64_t now, lag;

	n = count_due(tx, &now);
	if (n == 0) {
		if (tx->n < WM_TX_BURST || is_in_burst(tx, now))
			wm_tx_fill(tx, tx->late > 0 ? WM_TX_BURST : 1);
		return tx->n > before;
	}
	lag = leaves_at(tx, (tx->head + n - 1) & ROW_MASK, now) - tx->due[(tx->head + n - 1) & ROW_MASK];
	offer(tx, n);
	if ((double)lag <= WM_TX_LATE_NS * wm_tx_ticks_per_ns(tx))
		tx->late = 0;
	else
		tx->late += before - tx->n;
	if (tx->late >= tx->run->catch_up)
		shift(tx, lag);
	return true;
}

// This queue has sent what it was asked for, others have not: the samples that still come for it would fill its rings,
// and the workers would wait for it instead of making what the others need.
static bool turn_unused(struct wm_tx *tx)
{
	uint32_t n = 0;

	for (; n < WM_TX_BURST && wm_feed_peek(&tx->feed) != NULL; n++)
		wm_feed_take(&tx->feed);
	wm_feed_release(&tx->feed);
	wm_count_add(&tx->out[0].count.unused, n);
	atomic_store_explicit(&tx->done, true, memory_order_release);
	return n > 0;
}

// What waits in the row moves with the rate: gaps become `stretch` times as long, or, where that is not known, as the
// rate has them in the mean.
static void stretch_row(struct wm_tx *tx, uint64_t now, double stretch)
{
	double ticks_per_ns = wm_tx_ticks_per_ns(tx), before = tx->plan_tsc;
	double even = tx->pace.kind == WM_RATE_PPS ? tx->pace.ns_per_unit * ticks_per_ns : 0;

	for (uint32_t i = 0; i < tx->n; i++) {
		uint64_t *due = &tx->due[(tx->head + i) & ROW_MASK];

		if (stretch == 0)
			*due = now + (uint64_t)(i * even);
		else if (*due > now)
			*due = now + (uint64_t)((double)(*due - now) * stretch);
		tx->plan_tsc = (double)(*due - tx->run->start_tsc);
	}
	tx->moved_ns += (int64_t)((tx->plan_tsc - before) / ticks_per_ns);
}

// From as fast as the port takes them to a rate: the plan begins here.
static void begin_plan(struct wm_tx *tx, uint64_t now)
{
	tx->plan_tsc = (double)(now - tx->run->start_tsc);
	tx->pace.due_ns = tx->plan_tsc / wm_tx_ticks_per_ns(tx);
	tx->plan_ns = (uint64_t)tx->pace.due_ns;
	tx->moved_ns = 0;
	for (uint32_t i = 0; i < tx->n; i++)
		tx->due[(tx->head + i) & ROW_MASK] = now;
}

// Another rate. What waits in the row moves with it, and what comes goes on behind that.
static void take_pace(struct wm_tx *tx)
{
	uint64_t now = RTE_MAX(rte_rdtsc(), tx->run->start_tsc); // asked for before the start, it holds from there on
	bool paced = tx->next_pace.kind != WM_RATE_MAX;
	struct wm_pace_block next = {0};
	double stretch;

	if (paced) {
		if (!tx->paced || tx->again)
			tx->pace.block.n = 0;
		if (!tx->paced)
			begin_plan(tx, now);
		if (!tx->paced || tx->pace.ns_per_unit == 0) // the feed has gone on without it
			wm_scout_init(&tx->scout, &tx->feed);
		if (tx->pace.block.n == 0)
			(void)wm_scout_look(&tx->scout, 2 * WM_PACE_BLOCK);
		next = tx->pace.block.n == 0 && tx->next_pace.ns_per_unit > 0 ? wm_scout_take(&tx->scout) : next;
		stretch = wm_pace_switch(&tx->pace, &tx->next_pace, &next);
		tx->again = false;
		if (tx->paced)
			stretch_row(tx, now, stretch);
	}
	tx->timing.began = false;
	tx->paced = paced;
	atomic_store_explicit(&tx->pace_asked, false, memory_order_release);
}

// The timeline is held, or was and goes on. @return whether it is.
static bool is_held(struct wm_tx *tx, unsigned epoch)
{
	uint64_t held;

	if (epoch % 2 == 1)
		return true;
	held = atomic_load_explicit(&tx->run->held_tsc, memory_order_relaxed); // behind the epoch, which is acquired
	move_plan(tx, held - tx->held);
	tx->held = held;
	tx->epoch = epoch;
	return false;
}

bool wm_tx_turn(struct wm_tx *tx)
{
	unsigned epoch = atomic_load_explicit(&tx->run->epoch, memory_order_acquire); // release: wm_plane's hold()

	if (unlikely(epoch != tx->epoch) && is_held(tx, epoch))
		return false;
	if (unlikely(atomic_load_explicit(&tx->pace_asked, memory_order_acquire))) // release: wm_plane_take_rate()
		take_pace(tx);
	if (unlikely(tx->ending) && tx->n == 0)
		return turn_unused(tx);
	for (unsigned side = 0; tx->lead > 0 && side < wm_tx_outs(tx); side++)
		wm_nic_take(&tx->out[side]);
	return tx->paced ? turn_paced(tx) : turn_at_once(tx);
}

void wm_tx_finish(struct wm_tx *tx)
{
	for (; tx->n > 0; tx->n--, tx->head++) {
		uint32_t at = tx->head & ROW_MASK;

		rte_pktmbuf_free(tx->row[at]);
		wm_count_add(&tx->out[wm_tx_side(tx, tx->tags[at].bits)].count.lost, 1);
	}
	for (; tx->n_spare > 0; tx->n_spare--, tx->head++)
		rte_pktmbuf_free(tx->row[tx->head & ROW_MASK]);
}
