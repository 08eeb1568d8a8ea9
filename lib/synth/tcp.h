// SPDX-License-Identifier: BSD-3-Clause
// tcp: the numbers of a TCP connection. The engine says what a segment is (flags, payload, how its numbers stand to
// what went before); this keeps both ends' sequence and acknowledgement numbers true to that.
//
// Where one end's packets take another way (it never speaks), it sends a segment for each bare acknowledgement.
//
// What is acknowledged was sent, an acknowledgement never goes back, SYN and FIN take one number each, and nothing is
// new behind a FIN: data or a second FIN there repeats what was sent before it.
#pragma once

#include <engine/engine.h>

#include <stdbool.h>
#include <stdint.h>

enum {
	WM_TCP_FIN = 0x01,
	WM_TCP_SYN = 0x02,
	WM_TCP_RST = 0x04,
	WM_TCP_ACK = 0x10,
};

enum { WM_TCP_STARTS = 16 };

struct wm_tcp_side {
	uint32_t next; // follows the last byte sent
	uint32_t base; // lowest number that the peer can acknowledge (behind the SYN)
	uint32_t ack;  // what this side acknowledged last
	// next before each of the last segments that moved it (before the hole if it left one), a ring
	uint32_t starts[WM_TCP_STARTS];
	uint8_t n_starts; // modulo 256
	uint16_t payload; // of the last segment that had any
	uint16_t most;    // largest payload
	bool spoke;
	bool syn; // its SYN was sent, seen or not: isn = base - 1
	bool fin;
	bool acked;  // ack is valid
	bool unseen; // its packets take another way; set after wm_tcp_begin()
};

struct wm_tcp {
	struct wm_tcp_side side[2]; // client, server
	bool started;               // begins with a handshake
};

/** @param isn Numbers of both ends: of the SYN, or of the first byte where a connection is joined on its way. */
void wm_tcp_begin(struct wm_tcp *tcp, const uint32_t isn[2], bool started);

/** The numbers of the next segment, which takes its place in the connection.
 *  @param payload Its bytes; step->payload is not looked at. */
void wm_tcp_step(struct wm_tcp *tcp, const struct wm_step *step, uint16_t payload, uint32_t *seq, uint32_t *ack);
