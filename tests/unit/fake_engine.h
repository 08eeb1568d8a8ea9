// SPDX-License-Identifier: BSD-3-Clause
// fake_engine: an engine that learns nothing and makes up flows by hashing (seed, flow, packet): TCP connections whole
// and joined on their way, UDP, pings and frames that are not IP; bursts of flows that start at once, bursts of packets
// without gaps, and now and then a long flow.
#pragma once

#include <engine/engine.h>

enum { FAKE_FORMS = 5 }; // TCP, UDP, ICMP over IPv4, TCP over IPv6, not IP

struct wm_engine_model {
	uint32_t burst;       // flows that start at the same time
	uint64_t pause_ns;    // most time between two bursts
	uint32_t max_packets; // of a flow, of TCP's beside handshake and end
	uint32_t long_every;  // one flow of so many is 50 times as long; 0 = none
	uint64_t gap_ns;      // most time between two packets of a flow
	uint64_t rush_at;     // the flow from which on all times are 1000 times shorter; 0 = never
};

extern const struct wm_engine fake_engine;

/** Forms that frames can be built of, as fake_engine numbers them. @return 0 or -EINVAL. */
int fake_forms(struct wm_form forms[FAKE_FORMS]);
