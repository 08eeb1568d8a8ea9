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
#include <plane/stats.h>
#include <plane/wish.h>
#include <synth/replay.h>
#include <synth/worker.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	bool own_network; // ports may be on interfaces that the machine's default route goes by
	bool split;       // packets of servers leave on the second port of each pair
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
	int (*ready)(
		void *arg, struct wm_err *err); // once EAL is up and the ports are open; -errno ends it there. Or NULL
	double stats_s;                         // report every so often; 0 = never
	void (*report)(void *arg, const struct wm_plane_stats *stats);
	void (*notice)(void *arg, const char *sentence); // something that the operator should know
	void *arg;                                       // of all three
	/** What left the ports, packet by packet with the system's time, and ticks that end flows; NULL every now and
	 *  then. In a thread of its own; not with `recycle`. Or NULL */
	void (*departed)(void *arg, const struct wm_sample *s);
	void *departed_arg;
};

/** A thread beside the lcores, on cores that none of them keeps busy if there are such. From `ready` on.
 *  @return 0; -errno. */
int wm_plane_thread(pthread_t *out, const char *name, void *(*main)(void *), void *arg);

/**
 * Start EAL, send, stop, clean EAL up. Once in a process.
 *
 * Thread: the caller becomes EAL's main lcore.
 * @param stats The final statistics; written if the run began, even if it failed.
 * @return 0; -errno with a sentence.
 */
int wm_plane_run(const struct wm_plane_options *options, struct wm_plane_stats *stats, struct wm_err *err);
