// SPDX-License-Identifier: BSD-3-Clause
// tx: takes samples in time order, writes their frames into mbufs, and sends these when they are due: on one queue of a
// port or, where the two directions of a flow are split, on one queue of each of two. There is one row, one pace and
// one lcore for both, so the order of packets is that of their samples across the ports, too.
//
// What is built waits in a short row in front of the port. A counter that says "sent" is raised when the port has taken
// the packet. At any time the lcore rests: fresh + recycled = sent + oversize + lost + waiting in the row.
#pragma once

#include <packet/draft.h>
#include <plane/count.h>
#include <plane/feed.h>
#include <plane/lap.h>
#include <plane/ledger.h>
#include <plane/pace.h>
#include <plane/scout.h>
#include <plane/stamp.h>
#include <plane/timing.h>

#include <rte_mbuf.h>

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	WM_TX_BURST = 32,
	WM_TX_ROW = 256, // a power of two, at least two bursts
	WM_TX_LATE_NS = 10000,
};

// What all queues share.
struct wm_tx_run {
	// Written by control before it sets `go`, read-only after.
	struct wm_move still; // zero: the flows of fresh samples
	uint64_t start_tsc;   // departure of the first packet
	uint64_t end_ns;      // departures planned at or behind this are not made; UINT64_MAX = no end
	uint32_t catch_up;    // packets that may go out late, one behind the other, before the timeline shifts
	bool counted;         // budget is in force
	bool flows_counted;   // flows is in force

	// Written by control.
	_Atomic double tsc_per_ns; // follows the system's clock
	_Atomic uint64_t held_tsc; // for how long the timeline has been held so far
	atomic_uint epoch;         // odd = the timeline is held
	atomic_bool go;            // the rings are filled, the start is set
	atomic_bool stop;          // all lcores leave their loops

	// Written by all queues.
	alignas(64) _Atomic int64_t budget; // packets that no queue has claimed yet
	_Atomic int64_t flows;              // flows that are still to end
};

struct wm_tx_counts {
	wm_count fresh;     // samples taken from the workers' rings
	wm_count recycled;  // samples taken from an earlier lap
	wm_count sent;      // packets that the port took
	wm_count bytes;     // of these, without FCS
	wm_count padding;   // bytes that these lack to WM_FRAME_MIN
	wm_count oversize;  // dropped: longer than the port can send
	wm_count lost;      // dropped: built, and the run ended before the port took them, or its link was down
	wm_count link_down; // of these, because the link was down
	wm_count unused;    // samples that came when the queue was done
	wm_count starved;   // times the row ran empty for want of samples
	wm_count no_mbuf;   // times it had to wait for an mbuf
	wm_count port_full; // bursts that the port did not take whole
	wm_count late;      // packets that left more than WM_TX_LATE_NS after their time
	wm_count shifts;    // times the timeline was shifted, because packets were late
	wm_count shift_ns;  // by how much in all
	wm_count received;  // packets taken from the port and dropped, so that a looped port does not fill up
};

// What was sent of one model.
struct wm_tx_share {
	wm_count packets;
	wm_count bytes;
	wm_count padding;
};

// A queue of a port.
struct wm_tx_out {
	// Set up before the start, read-only after.
	const struct wm_form *const *forms; // of each model, as this port sends them
	const struct wm_stencils *stencils; // theirs
	uint32_t mtu;                       // longest packet behind the link header
	uint16_t port;
	uint16_t queue;
	bool receives;            // the port has a receive queue of this number, and nobody else looks at it
	struct wm_ledger *ledger; // of what is sent, for the receiver; NULL = nobody looks out for it
	struct wm_note *notes;    // the ledger's
	int stamp_field;          // of mbufs, where the port sends at time stamps: when,
	uint64_t stamp_flag;      // and that it is to

	// Its lcore alone.
	struct wm_stamp stamp; // the port's clock

	// Control writes the line that is to follow and raises the flag; the lcore takes it and lowers the flag.
	struct wm_stamp next_stamp;
	atomic_bool stamp_asked;

	// Written by control.
	atomic_bool down; // the port's link: what is due is lost

	// Written by its lcore, read by control.
	alignas(64) struct wm_tx_counts count;
};

struct wm_tx;
struct wm_whose;

// Build those of n drafts of an earlier lap, later_ns behind their time, that need neither a plan nor more than one
// mbuf each, up to the first that does; n mbufs lie ready in the row. @return how many.
typedef uint32_t wm_tx_plain_fn(
	struct wm_tx *tx, const struct wm_draft *d, uint32_t n, const struct wm_whose *whose, uint64_t later_ns);

struct wm_tx {
	// Set up before the start, read-only after.
	struct wm_tx_run *run;
	struct rte_mempool *pool; // of the first port
	uint32_t room;            // bytes in an mbuf behind the headers
	uint32_t max_len;         // longest frame: room, or more where mbufs may be chained
	uint8_t split;            // 1 = packets of servers leave on the second out, 0 = all on the first
	bool eager;               // workers may be held back: a block that stays short is not waited for
	bool paced;
	uint64_t lead; // ticks that packets are handed over ahead of their time, with time stamps; 0 = at their time
	bool mixed;    // there are several models: each one's share is counted
	const struct wm_stencil *stencils[UINT8_MAX + 1]; // by a sample's bits: of its model, as its out sends them
	struct wm_departures *departures;                 // who is told what was sent; NULL = nobody
	struct wm_lap *lap;                               // NULL = wait for fresh samples
	wm_tx_plain_fn *plain;
	uint8_t *scratch; // UINT16_MAX bytes: a frame before it is cut up

	// Its lcore alone.
	struct wm_feed feed;
	struct wm_pace pace;
	struct wm_scout scout;           // used at a rate
	bool again;                      // the pace's block is of an earlier lap
	struct rte_mbuf *row[WM_TX_ROW]; // n built ones from head on, then n_spare that are not
	uint64_t due[WM_TX_ROW];         // in TSC
	struct wm_tag tags[WM_TX_ROW];
	uint32_t head;
	uint32_t n;
	uint32_t n_spare;
	unsigned epoch;   // of the run, as far as it was followed
	uint64_t held;    // of the run's held_tsc, what the plan has been moved by
	uint32_t late;    // packets sent late since the last one on time
	uint64_t plan_ns; // planned departure of the packet built last
	double plan_tsc;  // the same in TSC since the start, shifts included
	int64_t moved_ns; // by how much departures are behind the plan, for shifts and changes of the rate
	uint32_t credit;  // packets claimed from the budget and not built yet
	bool ending;      // nothing more will be built
	bool starving;    // the row has run empty and that was counted

	// Control writes the rate that is to follow and raises the flag; its lcore takes it and lowers the flag.
	struct wm_pace next_pace;
	atomic_bool pace_asked;

	// Written by its lcore, read by control.
	alignas(64) atomic_bool done; // everything asked for was sent
	wm_count own_ns;              // the samples' own time of what was built last
	struct wm_timing timing;
	struct wm_tx_share share[WM_MODELS_MAX]; // if mixed
	struct wm_tx_out out[2]; // what is not of a port alone (starved, shifts) is counted at the first
};

static inline unsigned wm_tx_outs(const struct wm_tx *tx)
{
	return 1u + tx->split;
}

/** Index of the out that a packet leaves on, by its bits: that of its direction is the lowest. */
static inline unsigned wm_tx_side(const struct wm_tx *tx, uint8_t bits)
{
	static_assert(WM_BIT_REVERSE == 1, "a direction is an index");
	return bits & tx->split;
}

static inline double wm_tx_ticks_per_ns(const struct wm_tx *tx)
{
	return atomic_load_explicit(&tx->run->tsc_per_ns, memory_order_relaxed);
}

/** What wm_tx.plain is for this CPU. */
wm_tx_plain_fn *wm_tx_plain_best(void);

/** Once the outs are set up: find the stencils by a sample's bits. */
void wm_tx_init_stencils(struct wm_tx *tx);

/** Put up to `want` more packets into the row. */
void wm_tx_fill(struct wm_tx *tx, uint32_t want);

/** Reserve what an mbuf's note takes; before anything else of mbufs is reserved. Again and again is allowed.
 *  @return 0; -errno if a library or driver has that place of mbufs already. */
int wm_tx_prepare_mbufs(void);

/** Make all of a new pool's data zero, which is what tx takes for granted. */
void wm_tx_prepare_pool(struct rte_mempool *pool);

/**
 * One turn of its lcore: build what there is room for, send what is due.
 * @return whether there was anything to do.
 */
bool wm_tx_turn(struct wm_tx *tx);

/** Once its lcore has left the loop: free what waits, count it as lost. */
void wm_tx_finish(struct wm_tx *tx);
