// SPDX-License-Identifier: BSD-3-Clause
// plan_pvt: what plan.c, plan_length.c and follow.c know of a plan.
#pragma once

#include <engine/necst/plan.h>

enum {
	BLOCK = 16,         // flows that stay together
	WINDOW = 4 * BLOCK, // blocks change places inside it
};

struct deck {           // a flow's place among those that it may change budgets (or ports) with
	uint32_t first; // of them in a list of flows
	uint32_t n;
	uint32_t rank; // its own place
};

struct necst_plan_model {
	size_t n;
	uint64_t epoch_ns;
	uint64_t resolution_ns;
	const uint64_t *start, *duration;
	const uint32_t *profile, *cls, *service;
	const struct necst_plan_bytes *bytes;
	const struct necst_plan_ends *ends;
	const struct necst_plan_packets *pkts;
	const struct necst_plan_ports *ports;
	const struct necst_plan_kind *kind;
	const struct necst_plan_host *hosts; // (n_hosts)
	size_t n_hosts;
	struct deck *size_deck; // (n)
	uint32_t *size_list;    // (n)
	struct deck *port_deck;
	uint32_t *port_list;
	bool *bound;       // (n) the client's port is its own, whatever flow it is for
	bool *twin;        // (n) both ends have a port that is theirs alone: they take another one together
	uint32_t *by_ends; // (n) flows in order of protocol, server's port, server, client: see follow.c
	uint32_t *by_size; // (n) flows in order of protocol, server's port, packets
};

struct wm_plan {
	const struct necst_plan_model *m;
	uint64_t seed;
	uint64_t id;
	uint64_t epoch;
	uint64_t time_ns; // of the flow before
	size_t at;        // position in the epoch
	uint32_t order[WINDOW / BLOCK];
	uint64_t *until;   // (n) the epoch in which a flow that goes on is planned again; alone: how often it was drawn
	uint64_t begin_ns; // of the epoch
	uint64_t short_epoch; // that begins late,
	uint64_t skipped_ns;  // so much: see plan_length.c
	bool alone;           // without the aggregate level
	bool dense;           // epochs are shorter than the capture was: the weight is above 1
};

/** What the planner says of a row in a flow's cls: see necst_flow_class() and what follows it. */
static inline uint32_t necst_flow_cls(const struct necst_plan_model *m, size_t i, bool ended)
{
	return m->service[i] << 25 | (uint32_t)ended << 24 | (uint32_t)m->kind[i].family << 16 | m->cls[i];
}

/** Whether a flow that begins in what is skipped is there all the same, from the begin on: see plan_length.c. */
bool necst_plan_stays(const struct wm_plan *p, size_t i);

/** Order the flows for necst_plan_follow(). @return 0 or -ENOMEM. */
int necst_follow_open(struct necst_plan_model *m);
