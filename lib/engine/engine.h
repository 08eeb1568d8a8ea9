// SPDX-License-Identifier: BSD-3-Clause
// engine: the table of functions behind which the generating half of an engine stands, and the two things that pass
// through it: a flow that was planned goes in, its packets come out one by one.
#pragma once

#include <base/err.h>
#include <dataset/dataset.h>
#include <dataset/flow_list.h>
#include <model/model.h>
#include <packet/form.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A planned flow: the seam between the aggregate level and the packet level. */
struct wm_flow {
	uint64_t id; // counts up from 0 with start_ns
	uint64_t start_ns;
	uint8_t client[16]; // IPv4 mapped
	uint8_t server[16];
	uint16_t cport; // ICMP echo: identifier
	uint16_t sport;
	uint8_t proto;        // IP protocol, 0 = not IP
	uint8_t ip;           // 4, 6, 0
	uint8_t model;        // index of the model it comes from
	bool started;         // a TCP flow that begins with its handshake (otherwise it is joined on its way)
	uint32_t profile;     // how its two ends write headers (engine's own numbering)
	uint32_t cls;         // flow class (engine's own numbering)
	uint32_t pkts[2];     // budget by direction, from the client first; at least 1 in all
	uint64_t bytes[2];    // budget: a wish that steers the engine
	uint64_t duration_ns; // a wish too
	uint32_t laps;        // how often its budgets are given: a flow that outlived the capture goes on and on
};

/** One packet as the engine decides it; addresses, absolute time and TCP numbers are the synthesiser's. */
struct wm_step {
	uint64_t gap_ns;  // since the flow's packet before; 0 for its first
	uint16_t len;     // on the wire: the form's head_len + pad + payload
	uint16_t payload; // transport payload
	uint16_t window;
	uint16_t form;
	uint8_t flags;   // TCP flags or ICMP type
	uint8_t reverse; // 1 = from the server
	uint8_t seq;     // enum wm_seq (dataset/dataset.h)
	uint8_t ack;     // enum wm_ack
	uint8_t last;    // 1 = the flow ends with this packet
};

/** Where gateways of LoRa devices send what they received: IPv4, in host byte order. */
struct wm_lora_forward {
	uint32_t server;
	uint16_t port;
	uint32_t gateways; // their network: the first one has the address behind it
	unsigned prefix_len;
};

/** How much traffic a model makes at a weight of 1, over a long time. */
struct wm_learned {
	double flows_per_s;
	double packets_per_s;
	double bytes_per_s; // of frames, without FCS
	double settle_s;    // for how long flows have to have begun until (nearly) all of that is there
};

/** Which levels take part. */
enum wm_level {
	WM_LEVEL_AGGREGATE, // all: flows begin as they did, one with the other
	WM_LEVEL_FLOW,      // flows are drawn one by one, and begin at any time
	WM_LEVEL_PACKET,    // and each of their packets is drawn on its own
};

struct wm_engine_model; // read-only, shared by all workers
struct wm_gen;          // a worker's generator: the state of its flows
struct wm_plan;         // a planner: the aggregate level's state

struct wm_engine {
	const char *name;

	/** Check and compile a model; it stays borrowed until close. */
	int (*open)(struct wm_engine_model **out, const struct wm_model *m, struct wm_err *err);
	void (*close)(struct wm_engine_model *m);

	/** NULL = all levels always take part, or: choose, before anything is planned or made. */
	void (*set_level)(struct wm_engine_model *m, enum wm_level level);

	/** The forms that steps refer to. */
	const struct wm_form *(*forms)(const struct wm_engine_model *m, size_t *n);

	/**
	 * The aggregate level: an endless stream of flows in order of start, the same for the same seed.
	 * Sequential and cheap; every worker may run its own copy.
	 */
	int (*plan_create)(struct wm_plan **out, const struct wm_engine_model *m, uint64_t seed);
	void (*plan_next)(struct wm_plan *p, struct wm_flow *flow);
	/**
	 * NULL, or: so many times as many flows as planned begin from now on, in the same time where they are more.
	 * What is planned for longer than the capture was follows from it.
	 */
	void (*plan_weight)(struct wm_plan *p, double weight);
	/**
	 * NULL, or: how much will be asked for, before anything is planned. Where that is no multiple of what was
	 * learned, what is over is to be like more of it than its beginning.
	 * @param packets In all; 0 = not known. @param duration_ns Of the plan's time; 0 = not known; at least one is.
	 */
	void (*plan_length)(struct wm_plan *p, uint64_t packets, uint64_t duration_ns);
	/**
	 * NULL, or: in place of the aggregate level, plan a flow that somebody asks for. Its start, ends, packets,
	 * bytes and duration are as asked; what else a flow is comes from the one that was learned and is most like it.
	 * @param id Its number; out->id. @return false: the model knows no flows of that protocol.
	 */
	bool (*plan_follow)(
		const struct wm_plan *p, uint64_t id, const struct wm_listed_flow *asked, struct wm_flow *out);
	void (*plan_destroy)(struct wm_plan *p);

	/**
	 * The packet level. A generator has n_slots places for flows in flight; what a flow's packets are depends on
	 * (model, seed, flow) alone, never on its slot or on what other flows are stepped with it.
	 */
	int (*gen_create)(struct wm_gen **out, const struct wm_engine_model *m, uint64_t seed, size_t n_slots);
	/** More slots; flows in flight stay. */
	int (*gen_grow)(struct wm_gen *g, size_t n_slots);
	void (*gen_begin)(struct wm_gen *g, uint32_t slot, const struct wm_flow *flow);
	/** One more packet of each of n flows (distinct slots, none of which has had its last packet). */
	void (*gen_step)(struct wm_gen *g, const uint32_t *slots, size_t n, struct wm_step *out);
	/**
	 * NULL, or: complete the sample that was made of the slot's last step, where a frame is not that of an IP flow:
	 * what stands in place of the addresses, seq, ack, ports, and its length.
	 */
	void (*gen_finish)(const struct wm_gen *g, uint32_t slot, struct wm_sample *s);
	void (*gen_destroy)(struct wm_gen *g);

	/** NULL, or: the addresses of its flows' ends, 16 bytes each; the model's. */
	const uint8_t *(*hosts)(const struct wm_engine_model *m, size_t *n);

	/** NULL: its flows are no users that come and go, and there cannot be fewer or more of them; or: say what was
	 *  learned. */
	void (*learned)(const struct wm_engine_model *m, struct wm_learned *out);

	/** NULL = Ethernet, or: the link type (LINKTYPE_*) of the forms' frames. */
	int (*link)(const struct wm_engine_model *m);
	/**
	 * NULL, or: from now on forms are Ethernet frames of the datagrams in which gateways forward receptions. Called
	 * before forms(). @return 0; -errno with a sentence.
	 */
	int (*lora_forward)(struct wm_engine_model *m, const struct wm_lora_forward *to, struct wm_err *err);
};

/** The engine of that name, or NULL. */
const struct wm_engine *wm_engine_find(const char *name);
