// SPDX-License-Identifier: BSD-3-Clause
// plan: the aggregate level. The flows of the capture are kept as what they were planned to be (start, ends, class,
// budgets), and a run draws from them without replacement: a local block bootstrap, endless.
//
// An epoch is as long as the capture, or as flows started in it. Blocks of flows that follow each other stay together,
// with their start gaps, and change places with their neighbours only, so that bursts, correlations and slow changes of
// the load stay as they were while no epoch is like another. Budgets are dealt anew among the flows of the same class
// and header profile, client ports among the flows of the same client and service; large budgets are varied.
//
// A flow that was under way when the capture began and still when it ended is not planned anew in every epoch: it goes
// on, and has a chance of k / (k + 1) to outlive epoch k + 1 when it has outlived k, as what was seen at a moment that
// has nothing to do with it does. Other flows come again as others: their clients take other ports.
// Where flows are more than were learned (a weight above 1), epochs take less time than such a flow, and it is planned
// in each of them, for once: lives without a mean would leave its packets to a time that no run sees.
//
// Flow level alone: any flow may come at any time, at the rate that was learned (a Poisson process).
//
// Source: Kuensch 1989 (block bootstrap); Paparoditis, Politis 2002 (local block bootstrap); Gott 1993 (lifetimes of
// what is observed once); von Neumann 1951 (exponential numbers by comparisons).
#pragma once

#include <base/err.h>
#include <dataset/dataset.h>
#include <engine/engine.h>
#include <engine/necst/classes.h>
#include <engine/necst/vocab.h>

#include <stdbool.h>

// Rows of the tensors plan.*, one for each flow.
struct necst_plan_ends {
	uint32_t client, server; // rows of plan.hosts
};

struct necst_plan_ports {
	uint16_t client, server;
};

enum necst_plan_bits {
	NECST_STARTED = 1,
	NECST_ENDED = 2,
	NECST_GOES_ON = 4, // under way when the capture began and when it ended
};

struct necst_plan_kind {
	uint8_t proto, ip, family;
	uint8_t begin_end; // enum necst_plan_bits
};

struct necst_plan_packets {
	uint32_t by[2]; // direction
};

struct necst_plan_bytes {
	uint64_t by[2];
};

struct necst_plan_host {
	uint8_t address[16];
};

struct necst_plan_model; // checked tables, shared

int necst_plan_put(struct wm_model_writer *w, const struct wm_dataset *ds, const struct necst_vocab *v,
	const struct necst_classes *classes);

/** Check the tables of a model. @return 0 or -errno with a sentence. */
int necst_plan_open(struct necst_plan_model **out, const struct wm_model *m, uint32_t n_classes, uint32_t n_families,
	uint64_t resolution_ns, struct wm_err *err);
void necst_plan_close(struct necst_plan_model *m);

/** What the planner says in a flow's cls. */
static inline uint32_t necst_flow_class(uint32_t cls)
{
	return cls & 0xffff;
}

static inline uint32_t necst_flow_family(uint32_t cls)
{
	return cls >> 16 & 0xff;
}

static inline bool necst_flow_ended(uint32_t cls)
{
	return cls >> 24 & 1;
}

static inline uint32_t necst_flow_service(uint32_t cls)
{
	return cls >> 25;
}

/** The addresses of its flows' ends, 16 bytes each. */
const uint8_t *necst_plan_hosts(const struct necst_plan_model *m, size_t *n);
/** What an epoch holds, by its length: packets exactly, bytes as budgets wish them to be. */
void necst_plan_learned(const struct necst_plan_model *m, struct wm_learned *out);

/** @param level Without the aggregate level, flows are drawn one by one, and begin at any time. */
int necst_plan_create(struct wm_plan **out, const struct necst_plan_model *m, enum wm_level level, uint64_t seed);
void necst_plan_next(struct wm_plan *p, struct wm_flow *flow);
void necst_plan_weight(struct wm_plan *p, double weight);
/** Before the first flow (engine.h). */
void necst_plan_length(struct wm_plan *p, uint64_t packets, uint64_t duration_ns);
/** A flow as it is asked for (engine.h): what was learned is that of the flow that is nearest in ends, then in size. */
bool necst_plan_follow(const struct wm_plan *p, uint64_t id, const struct wm_listed_flow *asked, struct wm_flow *flow);
void necst_plan_destroy(struct wm_plan *p);
