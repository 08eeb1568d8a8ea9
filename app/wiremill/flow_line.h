// SPDX-License-Identifier: BSD-3-Clause
// flow_line: a flow as text.
#pragma once

#include <packet/form.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct flow_side {
	uint64_t first_ns, last_ns;
	uint64_t packets;
	uint64_t bytes;    // of frames
	uint64_t ip_bytes; // of IP datagrams
	uint8_t flags;     // TCP: of all packets; ICMP: type of the first
	uint8_t code;      // ICMP: of the first
	uint8_t tos;       // of the first
};

struct flow_record {
	uint64_t key;
	uint32_t queue;         // that sends it again; 0 if it is fresh
	bool used;              // in its table
	uint8_t address[2][16]; // client, server; MAC if not IP
	uint16_t port[2];
	uint16_t ethertype; // if not IP
	uint8_t ip;         // 4, 6, 0
	bool lora;          // a LoRa device: the client's address is its own
	uint8_t proto;
	struct flow_side side[2]; // from the client, from the server
};

extern const char flow_csv_header[];
extern const char flow_label_header[];

/** One line for each direction with packets; nothing if the flow is not IP. */
void flow_write_csv(FILE *out, const struct flow_record *flow, const char *label);
void flow_write_label(FILE *out, const struct flow_record *flow, const char *label, const char *model);
