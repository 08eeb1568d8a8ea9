// SPDX-License-Identifier: BSD-3-Clause
// plane_pvt: everything of a run, and the parts of the plane that work on it: setup, start, core, control, end.
#pragma once

#include <plane/ahead.h>
#include <plane/clock.h>
#include <plane/departures.h>
#include <plane/guard.h>
#include <plane/plane.h>
#include <plane/port.h>
#include <plane/rx.h>
#include <plane/supply.h>
#include <plane/tx.h>

#include <pthread.h>

enum { WM_PLANE_TICK_US = 1000 }; // control's own pace where it has an lcore to itself

struct wm_plane;

// What one lcore does, turn by turn. Read-only after the start.
struct wm_core {
	struct wm_plane *plane;
	unsigned lcore;
	struct wm_tx *tx[WM_QUEUES_MAX];
	unsigned n_tx;
	struct wm_supply *supply[WM_WORKERS_MAX];
	unsigned n_supply;
	struct wm_rx *rx[WM_PORTS_MAX];
	unsigned n_rx;
};

struct wm_plane {
	const struct wm_plane_options *options;
	struct wm_roles roles;
	struct wm_tx_run run;
	const struct wm_form *forms[WM_MODELS_MAX]; // the models' own
	size_t n_forms[WM_MODELS_MAX];
	struct wm_port ports[RTE_MAX_ETHPORTS]; // as the operator has put them in order
	unsigned n_ports;
	struct wm_guard guard;                                   // of where they send
	unsigned n_queues;                                       // of each port
	bool grown;                                              // a port adds bytes to frames
	bool scheduled;                                          // time counts from 0, not from the first packet
	bool steered;                                            // somebody may steer a model
	struct wm_ahead ahead;                                   // if so
	const struct wm_form *const *dressed[2 * WM_QUEUES_MAX]; // of each queue and direction: its port's forms
	struct wm_core cores[WM_LCORES_MAX];
	unsigned n_cores;
	struct wm_tx *txs[WM_QUEUES_MAX]; // of all ports, or pairs of ports
	unsigned n_txs;
	struct wm_supply *supplies[WM_WORKERS_MAX + 1]; // of workers, and that of a capture last
	unsigned n_supplies;
	pthread_t reader;  // thread of the capture's supply
	bool has_reader;   // it was started
	pthread_t witness; // thread that hands departures over
	bool has_witness;
	atomic_bool witnessed; // all has been told
	struct wm_departures_reader readers[WM_QUEUES_MAX];
	struct wm_rx *rxs[WM_PORTS_MAX]; // of each port, if what comes back counts
	unsigned n_rxs;
	struct wm_ring *rings; // [supply * n_txs + queue]
	size_t n_rings;

	_Atomic double ticks_per_ns; // as they were at the start; 0 before
	_Atomic uint64_t paused_ns;  // the timeline was held, up to the last time that it went on
	_Atomic uint64_t hold_ns;    // it is held since; 0 = it is not

	// Control alone.
	struct wm_rate rate;         // that was asked for last
	struct wm_clock_point hold;  // when the timeline was held
	struct wm_clock_point clock; // before EAL began
	struct wm_clock_point go;    // the first departure
	struct wm_clock_point seen;  // when the clocks were compared last
	double timeline_ns;          // where the queues' timeline was then
	double own_speed;            // of the samples' own time, where it goes by the clock; 0
	uint64_t next_report_ns;
	uint64_t next_link_ns; // when links are looked at again
	atomic_bool deaf;      // the receiver leaves its loop
};

/** Tell the operator. */
__attribute__((format(printf, 2, 3))) void wm_plane_notice(const struct wm_plane *p, const char *fmt, ...);

/** Find, order and open the ports, with their forms. @return 0; -errno with a sentence. */
int wm_plane_open_ports(struct wm_plane *p, struct wm_err *err);

/** Find and open the ports, deal the roles, make workers, rings and queues: all but EAL itself. */
int wm_plane_setup(struct wm_plane *p, struct wm_err *err);
/** Accepts one that is half set up. */
void wm_plane_teardown(struct wm_plane *p);

/** How many slots to make of what was asked for; 0 = nothing was. @return a power of two. */
static inline size_t wm_slots(size_t asked, size_t otherwise)
{
	return rte_align64pow2(asked > 0 ? asked : otherwise);
}

/** The port of queue t; with split directions it serves two, one behind the other in the list. */
struct wm_port *wm_queue_port(struct wm_plane *p, unsigned t, unsigned side);

/** The NUMA node of what a queue works with: its port's, or that of its lcore. */
int wm_queue_node(struct wm_plane *p, unsigned t);

/** Make queue t, whose lcore is known. @return 0; -errno with a sentence. */
int wm_queue_setup(struct wm_plane *p, unsigned t, struct wm_err *err);

/** Look out for what port `from` sends, at its peer. @return 0; -errno with a sentence. */
int wm_receiver_setup(struct wm_plane *p, unsigned from, struct wm_err *err);

/** All that the two have made. */
void wm_queues_teardown(struct wm_plane *p);

/** Whether the caller wants the run to end. */
bool wm_plane_asked_to_stop(const struct wm_plane *p);

/** -errno of a worker or of the capture's supply that has failed; 0. */
int wm_plane_failure(const struct wm_plane *p);

/** Before the first departure: fill the rings, wait for links and for the clocks' measure. Queues wait. */
void wm_plane_warm_up(struct wm_plane *p);

/** Set the start, and let the queues go. */
void wm_plane_start(struct wm_plane *p);

/** Behind the last departure: all lcores leave their loops, the receiver once all is back that will be. */
void wm_plane_stop(struct wm_plane *p);

/** Once they have stopped: whether the run has ended because the traffic's own time has. */
bool wm_plane_is_over(const struct wm_plane *p);

/** Give back what was not sent, and sum up. */
void wm_plane_finish(struct wm_plane *p, struct wm_plane_stats *stats);

/** The pace of queue t at a rate. @return 0; -ENOTSUP with a sentence if the port does not know its speed. */
int wm_plane_pace(struct wm_plane *p, unsigned t, const struct wm_rate *rate, struct wm_pace *out, struct wm_err *err);

/** Turns of all that the lcore has to do until the run stops; `control` between them where it is not NULL. */
void wm_core_loop(struct wm_core *core, void (*control)(struct wm_plane *p));

/** A turn for every port that the lcore receives from. @return whether there was anything to do. */
bool wm_core_receive(struct wm_core *core);

/** For how long the timeline was held. */
uint64_t wm_plane_paused_ns(const struct wm_plane *p, uint64_t now_ns);

/** Sum up what has been counted; all but the rate, which control knows. */
void wm_plane_collect(const struct wm_plane *p, struct wm_plane_stats *stats);
