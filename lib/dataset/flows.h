// SPDX-License-Identifier: BSD-3-Clause
// flows: packets in order of time -> flows, directions and what TCP numbers mean. Holds the flows in flight only.
#pragma once

#include <dataset/dataset.h>

/** A packet as it is kept until all are there and in order. */
struct wm_parsed {
	uint64_t time_ns;
	uint32_t src; // numbers of addresses
	uint32_t dst;
	union {
		uint32_t seq;  // before wm_flows_assign()
		uint32_t flow; // after it
	};
	union {
		uint32_t ack;
		struct {
			uint8_t reverse;
			uint8_t seq_class; // enum wm_seq
			uint8_t ack_class; // enum wm_ack
		};
	};
	uint16_t sport; // ethertype in both if not IP
	uint16_t dport;
	uint16_t len;
	uint16_t payload;
	uint16_t window;
	uint16_t form;
	uint8_t flags; // TCP flags or ICMP type
	uint8_t proto;
	uint8_t ip;
	bool echo; // seq is that of an ICMP echo
};

/**
 * Assign packets, which are in order of time, to flows.
 *
 * @param addresses 16 bytes for each address number.
 * @param flows     Grown and filled but for `first`; the caller frees it, on failure too.
 * @return 0 or -ENOMEM.
 */
int wm_flows_assign(struct wm_parsed *packets, size_t n, const uint8_t *addresses, uint64_t idle_ns,
	struct wm_flow_record **flows, size_t *n_flows);
