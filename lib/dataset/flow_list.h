// SPDX-License-Identifier: BSD-3-Clause
// flow_list: the flows of a capture or of a flow table, without packets: when each began, between whom, how much. What
// traffic that others make can follow.
//
// Of a capture, flows are those of dataset/dataset.h. A row of a table is a flow, or one direction of one: where tables
// have a row for each (UGR'16, NetShare, CIDDS), two rows whose ends are each other's and whose times overlap, or are
// no more than a second apart, are one flow. The client is the side without a well-known port, if just one side has
// one; else the source of the earlier row. Bytes of tables are those of IP; an Ethernet header is added for each
// packet.
//
// Tables may have names where addresses would be: each name becomes an address of 198.18.0.0/15 (RFC 2544, for tests).
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wm_listed_flow {
	uint64_t start_ns; // since the first one's
	uint64_t duration_ns;
	uint64_t bytes[2];  // of frames, from the client first
	uint32_t pkts[2];   // at least 1 in all
	uint8_t client[16]; // IPv4 mapped; MAC if not IP
	uint8_t server[16];
	uint16_t cport; // 0 also where it is not known
	uint16_t sport; // if not IP: ethertype
	uint8_t proto;  // IP protocol, 0 = not IP
	uint8_t ip;     // 4, 6, 0
	bool started;   // opened by a SYN (where flags are not known: TCP)
	bool ended;     // FIN or RST (likewise)
	bool joint;     // packets and bytes of both directions are in [0] together
};

struct wm_flow_list {
	struct wm_listed_flow *at; // by start
	size_t n;
	size_t n_names;       // names that became addresses
	uint64_t n_left_out;  // packets of a capture, rows of a table, that are in no flow
	struct wm_err fault;  // about the first of them, if the table tells
	struct wm_err damage; // where the file ends too early; empty if it does not
};

/**
 * Memory: some 100 bytes a flow; while a capture is read, 100 bytes a packet as well.
 *
 * @return 0; -errno with a sentence; -ENODATA if there is no flow.
 */
int wm_flow_list_read(struct wm_flow_list *out, const char *path, struct wm_err *err);
void wm_flow_list_free(struct wm_flow_list *list); // accepts one that is all zero
