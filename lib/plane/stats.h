// SPDX-License-Identifier: BSD-3-Clause
// stats: the numbers of a run, whether it sends on ports or writes a pcap, and their names: whoever shows them, on the
// terminal, as JSON, by telemetry or to Prometheus, goes by these tables.
#pragma once

#include <packet/sample.h>
#include <plane/choice.h>
#include <plane/pace.h>
#include <plane/roles.h>
#include <plane/timing.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// What a queue has done with samples: fresh + recycled = sent + oversize + lost + waiting.
struct wm_plane_queue {
	uint16_t port;
	uint16_t queue;
	uint64_t fresh;
	uint64_t recycled;
	uint64_t sent;       // taken by the port; written to the pcap
	uint64_t bytes;      // of these, without FCS
	uint64_t padding;    // bytes that these lack to the least frame, WM_FRAME_MIN
	uint64_t oversize;   // dropped: longer than the port can send
	uint64_t lost;       // dropped: the run ended before the port took them, or its link was down
	uint64_t link_down;  // of these, because the link was down
	uint64_t starved;    // times there was no sample
	uint64_t no_mbuf;    // times it had to wait for a packet buffer
	uint64_t port_full;  // bursts that the port did not take whole
	uint64_t late;       // packets that left more than 10 us after their time
	uint64_t shifts;     // times the timeline was shifted
	uint64_t shift_ns;   // by how much in all
	uint64_t unlabelled; // sent, and missing in the labels: who writes them was too slow
	uint64_t received;   // packets that came back and were dropped without a look
};

struct wm_plane_port {
	uint16_t port;
	char name[WM_PORT_NAME_MAX];
	bool up;
	bool stamps;        // packets leave at the times stamped on them, by the port's clock; otherwise by the TSC
	uint64_t speed_bps; // 0 = it does not know
	uint64_t downs;     // times its link went down
	uint64_t down_ns;   // for how long in all
	uint64_t errors;    // packets that it took and then could not send, as it says itself
	uint64_t missed;    // packets that came in and found no room, as it says itself
};

struct wm_plane_latency {
	double min_ns;
	double median_ns;
	double p99_ns;
	double max_ns;
};

// A direction through the device under test: what was sent on one port and should come in on another.
// sent = noted + unseen, and that of the port's queues; noted = received + lost + under_way.
struct wm_plane_way {
	uint16_t from;
	uint16_t to;
	uint64_t sent;
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

// What one model, or the capture, has of the packets sent.
struct wm_plane_model {
	uint64_t packets;
	uint64_t bytes;
	uint64_t padding;
	uint64_t flows; // begun; counted in a pcap alone
};

// generated = the queues' fresh + queued (at the end of the run: queued samples are dropped).
struct wm_plane_stats {
	bool pcap;            // it writes a pcap: there are no queues, and `total` has what was written
	bool paused;          // the timeline stands still
	struct wm_rate rate;  // that is asked for now
	double elapsed_s;     // since the first departure
	uint64_t paused_ns;   // of these
	uint64_t traffic_ns;  // pcap: time of the last packet
	uint64_t generated;   // samples that workers made
	uint64_t queued;      // of these, not yet taken by a queue
	uint64_t waiting;     // built, in front of the ports
	uint64_t ring_used;   // samples and ticks in the rings
	uint64_t ring_room;   // that there can be
	uint64_t port_errors; // of all ports
	uint64_t flows;       // begun; counted in a pcap alone, as is the next
	uint64_t flows_ended;
	unsigned n_workers;
	struct wm_plane_queue total;
	unsigned n_queues;
	struct wm_plane_queue queue[WM_QUEUES_MAX];
	unsigned n_ports;
	struct wm_plane_port port[WM_PORTS_MAX];
	unsigned n_ways; // 0 if nobody looked at what came back
	struct wm_plane_way way[WM_PORTS_MAX];
	unsigned n_models; // and captures
	struct wm_plane_model model[WM_MODELS_MAX];
	struct wm_timing_tally timing; // of gaps between packets, where a rate is kept
};

enum wm_field_kind {
	WM_FIELD_COUNT, // uint64_t that only grows
	WM_FIELD_LEVEL, // uint64_t that comes and goes
	WM_FIELD_NS,    // uint64_t nanoseconds that only grow
};

struct wm_field {
	const char *name;   // in JSON and telemetry; those in nanoseconds end in _ns, and as seconds in _s
	const char *metric; // as Prometheus wants it, without prefix and _total
	enum wm_field_kind kind;
	size_t offset;
	const char *help; // one sentence
};

struct wm_fields {
	const struct wm_field *at;
	size_t n;
};

extern const struct wm_fields wm_fields_run;   // of struct wm_plane_stats
extern const struct wm_fields wm_fields_queue; // of struct wm_plane_queue, and so on
extern const struct wm_fields wm_fields_port;
extern const struct wm_fields wm_fields_way;
extern const struct wm_fields wm_fields_model;

static inline uint64_t wm_field_value(const struct wm_field *f, const void *of)
{
	uint64_t value;

	memcpy(&value, (const char *)of + f->offset, sizeof(value));
	return value;
}

/** Add up: all but the numbers of port and queue. */
void wm_plane_queue_add(struct wm_plane_queue *sum, const struct wm_plane_queue *q);

// How fast something went.
struct wm_rates {
	double packets; // a second, as are bits: of frames with FCS, and with preamble and gap
	double bits_l2;
	double bits_l1;
};

/** Of so many packets, with so many bytes and the padding that they lack, in so many seconds. */
static inline struct wm_rates wm_rates(uint64_t packets, uint64_t bytes, uint64_t padding, double seconds)
{
	double l2 = 8 * ((double)(bytes + padding) + (double)packets * WM_FRAME_FCS);

	if (!(seconds > 0))
		return (struct wm_rates){0};
	return (struct wm_rates){
		.packets = (double)packets / seconds,
		.bits_l2 = l2 / seconds,
		.bits_l1 = (l2 + 8 * (double)packets * WM_FRAME_LINE) / seconds,
	};
}

/** What the queues of one port have done together. */
void wm_plane_port_sum(struct wm_plane_queue *out, const struct wm_plane_stats *stats, uint16_t port);
