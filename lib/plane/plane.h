// SPDX-License-Identifier: BSD-3-Clause
// plane: models and captures onto the queues of network ports. The only room that knows DPDK; nothing of it shows here.
//
//	worker -> ring \                          / queue of a port
//	worker -> ring - feed (one time order) -> tx
//	...            /                          \ ...
//	                        receiver <- queues of ports
//
// Each worker has a ring for each queue. A flow belongs to one queue, by its number; with one queue the frames are
// those of pcap mode, in the same order. Where directions are split, a queue is one of each port of a pair.
#pragma once

#include <base/err.h>
#include <plane/choice.h>
#include <plane/pace.h>
#include <plane/roles.h>
#include <plane/timing.h>
#include <synth/replay.h>
#include <synth/worker.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What a queue has done with samples: fresh + recycled = sent + oversize + lost + waiting.
struct wm_plane_queue {
	uint16_t port;
	uint16_t queue;
	uint64_t fresh;
	uint64_t recycled;
	uint64_t sent;      // taken by the port
	uint64_t bytes;     // of these, without FCS
	uint64_t oversize;  // dropped: longer than the port can send
	uint64_t lost;      // dropped: the run ended before the port took them, or its link was down
	uint64_t link_down; // of these, because the link was down
	uint64_t starved;   // times there was no sample
	uint64_t no_mbuf;   // times it had to wait for a packet buffer
	uint64_t port_full; // bursts that the port did not take whole
	uint64_t late;      // packets that left more than 10 us after their time
	uint64_t shifts;    // times the timeline was shifted
	uint64_t shift_ns;  // by how much in all
	uint64_t received;  // packets that came back and were dropped without a look
};

struct wm_plane_port {
	uint16_t port;
	char name[WM_PORT_NAME_MAX];
	bool up;
	uint64_t downs;  // times its link went down
	double down_s;   // for how long in all
	uint64_t errors; // packets that it took and then could not send, as it says itself
	uint64_t missed; // packets that came in and found no room, as it says itself
};

struct wm_plane_latency {
	double min_ns;
	double median_ns;
	double p99_ns;
	double max_ns;
};

// A direction through the device under test: what was sent on one port and should come in on another.
// The queues' sent = noted + unseen; noted = received + lost + under_way.
struct wm_plane_way {
	uint16_t from;
	uint16_t to;
	uint64_t noted;                  // sent, and looked out for
	uint64_t unseen;                 // sent, and not: the receiver was too slow
	uint64_t received;               // each once
	uint64_t bytes;                  // of these, without FCS
	uint64_t lost;                   // not back within a second, or at the end
	uint64_t under_way;              // may still come
	uint64_t reordered;              // received behind one that its queue sent later
	uint64_t duplicates;             // received once more
	uint64_t strangers;              // came in on `to`, and nobody sent it, or it came too late
	struct wm_plane_latency latency; // of those received; zero without any
};

// generated = the queues' fresh + queued (at the end of the run: queued samples are dropped).
struct wm_plane_stats {
	double elapsed_s;   // since the first departure
	uint64_t generated; // samples that workers made
	uint64_t queued;    // of these, not yet taken by a queue
	uint64_t waiting;   // built, in front of the ports
	struct wm_plane_queue total;
	unsigned n_queues;
	struct wm_plane_queue queue[WM_QUEUES_MAX];
	unsigned n_workers;
	unsigned n_ports;
	struct wm_plane_port port[WM_PORTS_MAX];
	uint64_t port_errors; // of all ports
	unsigned n_ways;      // 0 if nobody looked at what came back
	struct wm_plane_way way[WM_PORTS_MAX];
	struct wm_timing_summary timing; // of gaps between packets, where a rate is kept
};

// What other threads ask of a run.
struct wm_plane_wish {
	pthread_mutex_t lock; // PTHREAD_MUTEX_INITIALIZER
	bool has_rate;
	struct wm_rate rate;
};

/** Ask a run for another rate: its queues go on at it, without a gap, within some milliseconds. Of `model` and `xN`,
 * the samples' own time is what counts, whatever the rate was before. Any thread, also before the run. */
void wm_plane_ask_rate(struct wm_plane_wish *wish, const struct wm_rate *rate);

struct wm_plane_options {
	int eal_argc; // program name and EAL's options, without "--"
	char **eal_argv;
	const struct wm_source *sources; // borrowed until wm_plane_run() returns
	size_t n_sources;
	struct wm_replay *replay; // a capture, instead of models or with them; its number is n_sources. NULL = none
	uint64_t seed;
	unsigned workers;                   // 0 = one for each lcore that is left for them
	unsigned queues;                    // of each port; 0 = 1
	const struct wm_port_choice *ports; // ports that come first, in this order, and what is theirs
	size_t n_ports;
	bool split; // packets of servers leave on the second port of each pair
	struct wm_role_choice roles;
	bool receive;               // look at what comes back
	size_t receive_window;      // packets that are looked out for, in each direction; 0 = 262144
	struct wm_rate rate;        // of all queues together; percent: of each port, of one port of a pair
	uint64_t packets;           // stop after so many; 0 = no end
	uint64_t flows;             // stop when so many have ended; 0 = no end
	double duration_s;          // stop after so long; 0 = no end
	bool recycle;               // send samples again where fresh ones are missing, instead of waiting for them
	size_t ring_samples;        // room of each ring; 0 = 131072 shared by a worker's rings
	size_t ring_bytes;          // instead: of all rings together, all filled before the start
	size_t recycle_samples;     // kept by each queue; 0 = 131072
	unsigned catch_up;          // packets that may go out late in a row before the timeline shifts; 0 = 32768
	unsigned mtu;               // 0 = as the port is
	struct wm_plane_wish *wish; // borrowed; NULL = there will be none
	const atomic_bool *stop;    // raised by the caller to end the run; NULL = never
	double stats_s;             // report every so often; 0 = never
	void (*report)(void *arg, const struct wm_plane_stats *stats);
	void (*notice)(void *arg, const char *sentence); // something that the operator should know
	void *arg;                                       // of both
};

/**
 * Start EAL, send, stop, clean EAL up. Once in a process.
 *
 * Thread: the caller becomes EAL's main lcore.
 * @param stats The final statistics; written if the run began, even if it failed.
 * @return 0; -errno with a sentence.
 */
int wm_plane_run(const struct wm_plane_options *options, struct wm_plane_stats *stats, struct wm_err *err);
