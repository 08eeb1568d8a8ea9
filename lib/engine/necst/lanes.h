// SPDX-License-Identifier: BSD-3-Clause
// lanes: the stretches of flows laid end to end on a fixed number of lanes, and chunks of steps cut from all of them.
#pragma once

#include <base/philox.h>
#include <engine/necst/shard.h>

struct necst_lane { // the stretches that a lane goes through, and where it is
	uint32_t *stretch;
	uint32_t n, at, offset;
	int32_t off[NECST_INPUTS]; // by how many classes its budgets are off in this stretch
};

struct necst_lanes {
	struct necst_lane lane[NECST_SHARDS * NECST_LANES];
	uint32_t *order;   // of the stretches
	uint32_t *stretch; // the lanes' lists, one behind the other
	uint8_t *owner;    // lane of each stretch
};

/** Room for this many stretches. @return 0 or -ENOMEM. */
int necst_lanes_create(struct necst_lanes *l, size_t n_stretches);
void necst_lanes_free(struct necst_lanes *l);

/**
 * Deal stretches out, each to the lane that has least so far.
 *
 * @param epoch Decides the order; UINT64_MAX = as they come.
 * @return the steps of the longest lane.
 */
uint32_t necst_lanes_deal(
	struct necst_lanes *l, const struct necst_stretch *stretches, size_t n, uint64_t seed, uint64_t epoch);

/**
 * Fill all shards with the lanes' next steps.
 *
 * @param shards NECST_SHARDS of them.
 * @param rng    To disturb the inputs, as in training; NULL = as they are.
 * @return how many packets the chunk has.
 */
size_t necst_lanes_fill(
	struct necst_lanes *l, struct necst_shard *shards, const struct necst_stretch *stretches, struct wm_rng *rng);
