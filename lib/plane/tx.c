// SPDX-License-Identifier: BSD-3-Clause
#include <plane/frame.h>
#include <plane/mark.h>
#include <plane/tx.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <string.h>

enum {
	ROW_MASK = WM_TX_ROW - 1,
	CLAIM = WM_TX_BURST, // packets claimed from the budget at once
	ETH_LEN = 14,
	LATE_NS = 10000, // from here on a packet is late
};

// What became of the attempt to build one more packet.
enum outcome { BUILT, DROPPED, NO_SAMPLE, NO_MBUF, NO_MORE };

size_t wm_tx_priv_size(void)
{
	return RTE_ALIGN_CEIL(sizeof(struct wm_mbuf_note), RTE_MBUF_PRIV_ALIGN);
}

static void prepare_mbuf(struct rte_mempool *pool, void *arg, void *obj, unsigned i)
{
	struct rte_mbuf *m = obj;

	(void)arg;
	(void)i;
	memset(m->buf_addr, 0, rte_pktmbuf_data_room_size(pool));
	wm_mbuf_note(m)->dirty = 0;
}

void wm_tx_prepare_pool(struct rte_mempool *pool)
{
	(void)rte_mempool_obj_iter(pool, prepare_mbuf, NULL);
}

// How many of `want` packets may be built: of those that the whole run may still send, some are claimed at a time.
static uint32_t claim(struct wm_tx *tx, uint32_t want)
{
	struct wm_tx_run *run = tx->run;

	if (run->flows_counted && atomic_load_explicit(&run->flows, memory_order_relaxed) <= 0)
		return 0;
	if (!run->counted)
		return want;
	if (tx->credit == 0) {
		int64_t left = atomic_fetch_sub_explicit(&run->budget, CLAIM, memory_order_relaxed);

		tx->credit = left <= 0 ? 0 : left < CLAIM ? (uint32_t)left : CLAIM;
	}
	return RTE_MIN(want, tx->credit);
}

static struct rte_mbuf *take_mbuf(struct wm_tx *tx)
{
	if (tx->n_spare == 0) {
		if (rte_pktmbuf_alloc_bulk(tx->pool, tx->spare, WM_TX_BURST) != 0)
			return NULL;
		tx->n_spare = WM_TX_BURST;
	}
	return tx->spare[--tx->n_spare];
}

// Mbufs for a frame of len bytes, chained where one is too small.
static struct rte_mbuf *take_mbufs(struct wm_tx *tx, uint32_t len)
{
	struct rte_mbuf *first = take_mbuf(tx), *last = first;

	for (uint32_t have = tx->room; first != NULL && have < len; have += tx->room) {
		struct rte_mbuf *m = take_mbuf(tx);

		if (m == NULL) {
			rte_pktmbuf_free(first);
			return NULL;
		}
		last->next = m;
		last = m;
		first->nb_segs++;
	}
	return first;
}

static bool fits(
	const struct wm_tx *tx, const struct wm_tx_out *out, const struct wm_form *form, const struct wm_sample *s)
{
	return s->len <= tx->max_len && s->len <= out->mtu + (form->l3 > 0 ? form->l3 : ETH_LEN);
}

static double ticks_per_ns(const struct wm_tx *tx)
{
	return atomic_load_explicit(&tx->run->tsc_per_ns, memory_order_relaxed);
}

// Plan the departure of a packet and set the time of its sample, which some header fields follow.
// @return false if that is beyond the end of the run.
static bool plan(struct wm_tx *tx, uint32_t len, uint64_t *due, uint64_t *time_ns)
{
	uint64_t due_ns;

	if (!tx->paced)
		return true;
	due_ns = wm_pace_due(&tx->pace, *time_ns, len);
	tx->plan_tsc += (double)(due_ns - tx->plan_ns) * ticks_per_ns(tx);
	tx->plan_ns = due_ns;
	*due = tx->run->start_tsc + (uint64_t)tx->plan_tsc;
	if (tx->pace.kind != WM_RATE_MODEL)
		*time_ns = due_ns;
	return *time_ns < tx->run->end_ns;
}

static void put_frame(struct wm_tx *tx, struct rte_mbuf *m, const struct wm_form *form, const struct wm_sample *s)
{
	if (likely(s->len <= tx->room))
		wm_frame_put(m, form, s);
	else
		wm_frame_put_chain(m, tx->room, tx->scratch, form, s);
}

// The out that a sample's packet leaves on: the bit of its direction is the lowest.
static unsigned side_of(const struct wm_tx *tx, const struct wm_sample *s)
{
	static_assert(WM_BIT_REVERSE == 1, "a direction is an index");
	return s->bits & tx->split;
}

// Build the packet of a sample that goes out at time_ns of the timeline.
static enum outcome build_one(struct wm_tx *tx, const struct wm_sample *s, uint64_t time_ns)
{
	unsigned side = side_of(tx, s);
	struct wm_tx_out *out = &tx->out[side];
	const struct wm_form *form = &out->forms[wm_sample_model(s)][s->form];
	uint32_t at = (tx->head + tx->n) & ROW_MASK;
	struct wm_sample moved;
	struct rte_mbuf *m;

	if (unlikely(!fits(tx, out, form, s))) {
		wm_count_add(&out->count.oversize, 1);
		return DROPPED;
	}
	m = take_mbufs(tx, s->len);
	if (m == NULL)
		return NO_MBUF;
	if (!plan(tx, s->len, &tx->due[at], &time_ns)) {
		rte_pktmbuf_free(m);
		return NO_MORE;
	}
	if (!tx->paced || tx->pace.kind == WM_RATE_MODEL) {
		put_frame(tx, m, form, s);
	} else {
		moved = *s;
		moved.time_ns = time_ns;
		put_frame(tx, m, form, &moved);
	}
	if (tx->run->flows_counted && (s->bits & WM_BIT_LAST))
		tx->ending |= atomic_fetch_sub_explicit(&tx->run->flows, 1, memory_order_relaxed) <= 1;
	tx->row[at] = m;
	tx->side[at] = (uint8_t)side;
	tx->n++;
	return BUILT;
}

// Flows that ended without a packet that says so.
static void end_flows(struct wm_tx *tx)
{
	int64_t n = tx->feed.n_flows;

	tx->feed.n_flows = 0;
	if (tx->run->flows_counted)
		tx->ending |= atomic_fetch_sub_explicit(&tx->run->flows, n, memory_order_relaxed) <= n;
}

// Build packets of up to `want` samples that the workers have made.
static enum outcome build_fresh(struct wm_tx *tx, uint32_t want)
{
	enum outcome outcome = BUILT;
	uint64_t n[2] = {0, 0};

	for (uint32_t i = 0; i < want && outcome <= DROPPED && !tx->ending; i++) {
		const struct wm_sample *s = wm_feed_peek(&tx->feed);

		if (s == NULL) {
			outcome = NO_SAMPLE;
			break;
		}
		outcome = build_one(tx, s, tx->lap != NULL ? s->time_ns + tx->lap->late_ns : s->time_ns);
		if (outcome > DROPPED)
			break;
		if (tx->lap != NULL)
			wm_lap_keep(tx->lap, s);
		n[side_of(tx, s)]++;
		wm_feed_take(&tx->feed);
	}
	if (tx->feed.n_flows > 0)
		end_flows(tx);
	wm_feed_release(&tx->feed);
	for (unsigned side = 0; side < wm_tx_outs(tx); side++)
		wm_count_add(&tx->out[side].count.fresh, n[side]);
	return outcome;
}

// The same of samples of an earlier lap.
static enum outcome build_again(struct wm_tx *tx, uint32_t want)
{
	enum outcome outcome = BUILT;
	struct wm_sample s;
	uint64_t n[2] = {0, 0};

	for (uint32_t i = 0; i < want && outcome <= DROPPED && !tx->ending; i++) {
		if (!wm_lap_peek(tx->lap, &s)) {
			outcome = NO_SAMPLE;
			break;
		}
		outcome = build_one(tx, &s, s.time_ns);
		if (outcome > DROPPED)
			break;
		wm_lap_take(tx->lap, s.time_ns);
		n[side_of(tx, &s)]++;
	}
	for (unsigned side = 0; side < wm_tx_outs(tx); side++)
		wm_count_add(&tx->out[side].count.recycled, n[side]);
	return outcome;
}

// Put up to `want` more packets into the row. Where fresh samples are missing and the row was empty, others go again.
static void build(struct wm_tx *tx, uint32_t want)
{
	uint32_t before = tx->n, allowed;
	enum outcome outcome;

	if (tx->ending)
		return;
	allowed = claim(tx, RTE_MIN(want, WM_TX_ROW - before));
	outcome = allowed > 0 ? build_fresh(tx, allowed) : NO_MORE;
	if (outcome == NO_SAMPLE && tx->lap == NULL && wm_feed_ended(&tx->feed))
		outcome = NO_MORE;
	if (outcome == NO_SAMPLE && tx->lap != NULL && before == 0)
		outcome = build_again(tx, allowed - tx->n);
	if (tx->run->counted)
		tx->credit -= tx->n - before;
	if (outcome == NO_MBUF)
		wm_count_add(&tx->out[0].count.no_mbuf, 1);
	if (outcome == NO_SAMPLE && tx->n == 0 && !tx->starving)
		wm_count_add(&tx->out[0].count.starved, 1);
	tx->starving = outcome == NO_SAMPLE && tx->n == 0;
	tx->ending |= outcome == NO_MORE;
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

	while (run < n && tx->side[at + run] == tx->side[at])
		run++;
	return run;
}

// Send a burst and leave notes of what the port has taken.
static uint16_t send_noted(const struct wm_tx_out *out, struct rte_mbuf **pkts, uint16_t n)
{
	uint32_t noted = wm_ledger_begin(out->ledger, n);
	uint64_t marks[WM_TX_BURST], now;
	uint16_t sent;

	for (uint32_t i = 0; i < noted; i++)
		marks[i] = wm_mark(rte_pktmbuf_mtod(pkts[i], const uint8_t *), pkts[i]->data_len);
	now = rte_rdtsc();
	for (uint32_t i = 0; i < noted; i++)
		wm_ledger_put(out->ledger, i, (struct wm_note){marks[i], now});
	sent = rte_eth_tx_burst(out->port, out->queue, pkts, n);
	wm_ledger_end(out->ledger, noted, sent);
	return sent;
}

// The port's link is down, and packets whose time has come do not wait for it: the run goes on without them.
static void drop(struct wm_tx *tx, struct wm_tx_out *out, uint32_t n)
{
	rte_pktmbuf_free_bulk(tx->row + (tx->head & ROW_MASK), n);
	tx->head += n;
	tx->n -= n;
	wm_count_add(&out->count.lost, n);
	wm_count_add(&out->count.link_down, n);
}

// Offer the first n packets of the row, at most a burst, to their port.
static void offer(struct wm_tx *tx, uint32_t n)
{
	uint32_t at = tx->head & ROW_MASK, sent;
	struct wm_tx_out *out = &tx->out[tx->side[at]];
	uint64_t bytes = 0;

	n = RTE_MIN(n, RTE_MIN((uint32_t)WM_TX_BURST, WM_TX_ROW - at));
	if (tx->split)
		n = same_side(tx, n);
	if (unlikely(atomic_load_explicit(&out->down, memory_order_relaxed)) && tx->paced) {
		drop(tx, out, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		bytes += tx->row[at + i]->pkt_len;
	if (out->ledger == NULL)
		sent = rte_eth_tx_burst(out->port, out->queue, tx->row + at, (uint16_t)n);
	else
		sent = send_noted(out, tx->row + at, (uint16_t)n);
	for (uint32_t i = sent; i < n; i++)
		bytes -= tx->row[at + i]->pkt_len;
	tx->head += sent;
	tx->n -= sent;
	wm_count_add(&out->count.sent, sent);
	wm_count_add(&out->count.bytes, bytes);
	if (unlikely(sent < n)) {
		wm_count_add(&out->count.port_full, 1);
		if (out->receives)
			receive(out);
	}
}

static bool turn_at_once(struct wm_tx *tx)
{
	if (tx->n == 0)
		build(tx, WM_TX_BURST);
	if (tx->n == 0)
		return false;
	offer(tx, tx->n);
	return true;
}

// Too many packets have gone out late: what is still to come goes out that much later.
static void shift(struct wm_tx *tx, uint64_t by)
{
	tx->plan_tsc += (double)by;
	for (uint32_t i = 0; i < tx->n; i++)
		tx->due[(tx->head + i) & ROW_MASK] += by;
	tx->late = 0;
	wm_count_add(&tx->out[0].count.shifts, 1);
	wm_count_add(&tx->out[0].count.shift_ns, (uint64_t)((double)by / ticks_per_ns(tx)));
}

static bool turn_paced(struct wm_tx *tx)
{
	uint64_t now = rte_rdtsc(), lag;
	uint32_t n = 0, before = tx->n;

	while (n < tx->n && n < WM_TX_BURST && tx->due[(tx->head + n) & ROW_MASK] <= now)
		n++;
	if (n == 0) {
		if (tx->n < WM_TX_BURST)
			build(tx, tx->late > 0 ? WM_TX_BURST : 1);
		return tx->n > before;
	}
	lag = now - tx->due[(tx->head + n - 1) & ROW_MASK];
	offer(tx, n);
	if ((double)lag <= LATE_NS * ticks_per_ns(tx))
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

bool wm_tx_turn(struct wm_tx *tx)
{
	if (unlikely(tx->ending) && tx->n == 0)
		return turn_unused(tx);
	return tx->paced ? turn_paced(tx) : turn_at_once(tx);
}

void wm_tx_finish(struct wm_tx *tx)
{
	for (; tx->n > 0; tx->n--, tx->head++) {
		uint32_t at = tx->head & ROW_MASK;

		rte_pktmbuf_free(tx->row[at]);
		wm_count_add(&tx->out[tx->side[at]].count.lost, 1);
	}
	rte_pktmbuf_free_bulk(tx->spare, tx->n_spare);
	tx->n_spare = 0;
}
