// SPDX-License-Identifier: BSD-3-Clause
// fill: samples into packets, in front of the port.
#include <packet/raw.h>
#include <plane/fill_pvt.h>
#include <plane/frame.h>

enum {
	CLAIM = WM_TX_BURST, // packets claimed from the budget at once
	ETH_LEN = 14,
	SCOUT = 3, // samples looked at for each that is taken
};

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

bool wm_tx_reserve(struct wm_tx *tx)
{
	uint32_t at, n;

	if (likely(tx->n_spare > 0))
		return true;
	if (tx->n == 0)
		tx->head = 0;
	at = (tx->head + tx->n) & WM_TX_ROW_MASK;
	n = RTE_MIN((uint32_t)WM_TX_BURST, RTE_MIN(WM_TX_ROW - at, WM_TX_ROW - tx->n));
	if (rte_mempool_get_bulk(tx->pool, (void **)&tx->row[at], n) != 0)
		return false;
	tx->n_spare = n;
	return true;
}

static void unchain(struct rte_mbuf *first)
{
	if (first->next == NULL)
		return;
	rte_pktmbuf_free(first->next);
	first->next = NULL;
	first->nb_segs = 1;
}

// Add mbufs to the first one, as many as a frame of len bytes takes.
static bool chain(const struct wm_tx *tx, struct rte_mbuf *first, uint32_t len)
{
	struct rte_mbuf *last = first;

	for (uint32_t have = tx->room; have < len; have += tx->room) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(tx->pool);

		if (m == NULL) {
			unchain(first);
			return false;
		}
		last->next = m;
		last = m;
		first->nb_segs++;
	}
	return true;
}

static bool fits(
	const struct wm_tx *tx, const struct wm_tx_out *out, const struct wm_form *form, const struct wm_sample *s)
{
	return s->len <= tx->max_len && s->len <= out->mtu + (form->l3 > 0 ? form->l3 : ETH_LEN);
}

// Plan the departure of a packet and set the time of its sample, which some header fields follow.
// @return false if that is beyond the end of the run.
static bool plan(struct wm_tx *tx, uint32_t len, uint64_t *due, uint64_t *time_ns)
{
	uint64_t due_ns;

	if (!tx->paced) {
		tx->pace.last_ns = *time_ns;
		return true;
	}
	due_ns = wm_pace_due(&tx->pace, *time_ns, len);
	tx->plan_tsc += (double)(due_ns - tx->plan_ns) * wm_tx_ticks_per_ns(tx);
	tx->plan_ns = due_ns;
	*due = tx->run->start_tsc + (uint64_t)tx->plan_tsc;
	if (tx->pace.kind != WM_RATE_MODEL || tx->pace.switched)
		*time_ns = due_ns;
	return *time_ns + (uint64_t)tx->moved_ns < tx->run->end_ns; // modulo 2^64: what is moved was planned
}

// At a rate: know how long the fresh samples that come next take by themselves. @return false if too few are there.
static bool know_pace(struct wm_tx *tx)
{
	struct wm_pace_block block;

	if (tx->pace.ns_per_unit == 0)
		return true;
	if (!wm_pace_wants(&tx->pace) && !tx->again) {
		(void)wm_scout_look(&tx->scout, SCOUT);
		return true;
	}
	if (!wm_scout_look(&tx->scout, 2 * WM_PACE_BLOCK)
		&& (tx->n > 0 || !(wm_scout_stuck(&tx->scout) || (tx->eager && tx->scout.next.n > 0))))
		return false;
	block = wm_scout_take(&tx->scout);
	if (tx->lap != NULL)
		block.last_ns += tx->lap->late_ns;
	wm_pace_block(&tx->pace, &block);
	tx->again = false;
	return true;
}

void wm_tx_put_sample(
	struct wm_tx *tx, struct rte_mbuf *m, const struct wm_sample *s, const struct wm_whose *whose, uint64_t time_ns)
{
	const struct wm_form *form = &tx->out[wm_tx_side(tx, s->bits)].forms[wm_sample_model(s)][s->form];
	struct wm_sample moved = *s;

	if (whose->lap != NULL)
		wm_lap_move(&moved, &whose->lap->shift);
	moved.time_ns = time_ns;
	if (likely(s->len <= tx->room))
		wm_frame_put(m, form, &moved);
	else
		wm_frame_put_chain(m, tx->room, tx->scratch, form, &moved);
}

static inline void put_draft(
	struct wm_tx *tx, struct rte_mbuf *m, const struct wm_draft *d, const struct wm_whose *whose, uint64_t time_ns)
{
	if (likely(!wm_draft_is_sample(d)))
		wm_frame_put_draft(m, d, wm_tx_stencil(tx, d), whose->move, time_ns);
	else
		wm_tx_put_sample(tx, m, &d->sample, whose, time_ns);
}

enum wm_built wm_tx_build_one(
	struct wm_tx *tx, const struct wm_draft *d, const struct wm_whose *whose, uint64_t time_ns)
{
	uint32_t len = d->tag.len, at;
	struct rte_mbuf *m;

	if (unlikely(!wm_tx_reserve(tx)))
		return WM_NO_MBUF;
	at = (tx->head + tx->n) & WM_TX_ROW_MASK;
	m = tx->row[at];
	if (unlikely(len > tx->room) && !chain(tx, m, len))
		return WM_NO_MBUF;
	if (!plan(tx, len, &tx->due[at], &time_ns)) {
		unchain(m);
		return WM_NO_MORE;
	}
	put_draft(tx, m, d, whose, time_ns);
	if (tx->run->flows_counted && (d->tag.bits & WM_BIT_LAST))
		tx->ending |= atomic_fetch_sub_explicit(&tx->run->flows, 1, memory_order_relaxed) <= 1;
	tx->tags[at] = d->tag;
	tx->n++;
	tx->n_spare--;
	return WM_BUILT;
}

// The same of a fresh one. Whatever can be worked out once is, and kept if it is to be sent again.
static enum wm_built build_sample(struct wm_tx *tx, const struct wm_sample *s)
{
	const struct wm_whose whose = {.move = &tx->run->still};
	struct wm_tx_out *out = &tx->out[wm_tx_side(tx, s->bits)];
	unsigned model = wm_sample_model(s);
	enum wm_built outcome;
	struct wm_draft draft;

	if (unlikely(!fits(tx, out, &out->forms[model][s->form], s))) {
		wm_count_add(&out->count.oversize, 1);
		if (tx->paced)
			wm_pace_skip(&tx->pace, s->len);
		if (tx->departures != NULL && (s->bits & WM_BIT_LAST))
			wm_departures_end(tx->departures, s);
		return WM_DROPPED;
	}
	wm_draft_make(&draft, s, &out->stencils[model]);
	draft.tag.pad = (uint8_t)(s->len < WM_FRAME_MIN ? WM_FRAME_MIN - s->len : 0);
	if (s->len > tx->room)
		wm_draft_keep(&draft, s);
	outcome = wm_tx_build_one(tx, &draft, &whose, s->time_ns + (tx->lap != NULL ? tx->lap->late_ns : 0));
	if (outcome == WM_BUILT && tx->departures != NULL)
		wm_departures_build(tx->departures, (tx->head + tx->n - 1) & WM_TX_ROW_MASK, s,
			wm_form_is_raw(&out->forms[model][s->form]));
	if (outcome == WM_BUILT && tx->lap != NULL)
		wm_lap_keep(tx->lap, &draft, s);
	return outcome;
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
static enum wm_built build_fresh(struct wm_tx *tx, uint32_t want)
{
	enum wm_built outcome = WM_BUILT;
	uint64_t n[2] = {0, 0};

	for (uint32_t i = 0; i < want && outcome <= WM_DROPPED && !tx->ending; i++) {
		const struct wm_sample *s = wm_feed_peek(&tx->feed);

		if (s == NULL || (tx->paced && !know_pace(tx))) {
			outcome = WM_NO_SAMPLE;
			break;
		}
		outcome = build_sample(tx, s);
		if (outcome > WM_DROPPED)
			break;
		n[wm_tx_side(tx, s->bits)]++;
		wm_feed_take(&tx->feed);
	}
	if (tx->feed.n_flows > 0)
		end_flows(tx);
	wm_feed_release(&tx->feed);
	wm_count_add(&tx->out[0].count.fresh, n[0]);
	if (tx->split)
		wm_count_add(&tx->out[1].count.fresh, n[1]);
	return outcome;
}

// Put up to `want` more packets into the row. Where fresh samples are missing and the row was empty, others go again.
void wm_tx_fill(struct wm_tx *tx, uint32_t want)
{
	uint32_t before = tx->n, allowed;
	enum wm_built outcome;

	if (tx->ending)
		return;
	allowed = claim(tx, RTE_MIN(want, WM_TX_ROW - before));
	outcome = allowed > 0 ? build_fresh(tx, allowed) : WM_NO_MORE;
	if (outcome == WM_NO_SAMPLE && wm_feed_ended(&tx->feed))
		outcome = WM_NO_MORE;
	if (outcome == WM_NO_SAMPLE && tx->lap != NULL && before == 0)
		outcome = wm_tx_build_again(tx, allowed - tx->n);
	if (tx->run->counted)
		tx->credit -= tx->n - before;
	atomic_store_explicit(&tx->own_ns, tx->pace.last_ns, memory_order_relaxed);
	if (outcome == WM_NO_MBUF)
		wm_count_add(&tx->out[0].count.no_mbuf, 1);
	if (outcome == WM_NO_SAMPLE && tx->n == 0 && !tx->starving)
		wm_count_add(&tx->out[0].count.starved, 1);
	tx->starving = outcome == WM_NO_SAMPLE && tx->n == 0;
	tx->ending |= outcome == WM_NO_MORE;
}
