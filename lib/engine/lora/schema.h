// SPDX-License-Identifier: BSD-3-Clause
// schema: the rows of the tensors of a LoRa model, which both halves of the engine agree on. All are little-endian
// arrays of what the file says they are; `none` is LORA_NONE.
#pragma once

#include <stdint.h>

#define LORA_NONE UINT32_MAX
#define LORA_ANY UINT64_MAX

enum {
	LORA_TIME_BITS = 60,             // no time in a model is longer than 2^60 ns
	LORA_LINKS_MAX = 8,              // gateways of a device
	LORA_KNOTS = 257,                // of a table, at most
	LORA_ADVANCE_REPEAT = 0,         // values of an advance chain: the same frame again,
	LORA_ADVANCE_RESET = UINT16_MAX, // the counter begins anew, else by how much it goes on
};

enum lora_flag {
	LORA_RESIDENT = 1 << 0,  // there when the capture ended
	LORA_GRID = 1 << 1,      // the interval's table is a shift against a grid of period_ns
	LORA_ANONYMOUS = 1 << 2, // not one device: each frame has another address
};

struct lora_device { // tensor lora.device, U32
	uint32_t address;
	uint32_t flags;
	uint32_t fcnt;     // its next one
	uint32_t interval; // table
	uint32_t repeat;   // table: times until a frame is sent again; none = never
	uint32_t advance;  // chain; none = by hear and again
	uint32_t hear;     // probability that a frame is heard, of 2^32 - 1
	uint32_t again;    // probability that the next reception is the same frame again, of 2^32 - 1
	uint32_t message;  // chain
	uint32_t channel;  // chain
	uint32_t link;     // the first of its links
	uint32_t n_links;
};

struct lora_time {          // tensor lora.time, U64
	uint64_t period_ns; // mean interval
	uint64_t life_ns;   // mean; 0 = stays
	uint64_t next_ns;   // when its clock strikes next, since the capture's end; LORA_ANY = no one knows
};

struct lora_link { // tensor lora.link, U32
	uint32_t gateway;
	uint32_t hear; // probability, of 2^32 - 1
	uint32_t rssi; // table of 1/256 dBm
	uint32_t snr;  // table of 1/256 of a quarter of a dB
};

// What is added to the tables' values, and the processes beneath:
//	x[t] = a1 x[t-1] + a2 x[t-2] + sa e[t],  y[t] = b1 y[t-1] + sb (rho e[t] + rho' f[t]),  rho^2 + rho'^2 = 1
// with x, y, e, f of variance 1.
struct lora_fade { // tensor lora.fade, F32
	float rssi, snr;
	float a1, a2, sa;
	float b1, sb, rho;
};

struct lora_message { // tensor lora.message, U8
	uint8_t mhdr, fctrl, fport, kind, len, sf, bw, cr, crc, sync;
};

struct lora_table { // tensor lora.table, U32: knots (tensor lora.knot, I64) at equal steps of probability, ascending
	uint32_t first, n;
};

struct lora_chain {        // tensor lora.chain, U32
	uint32_t first, n; // states
};

struct lora_state { // tensor lora.state, U32
	uint32_t value;
	uint32_t until;    // how often it and those before it in the chain came
	uint32_t first, n; // moves
};

struct lora_move {      // tensor lora.move, U32
	uint32_t state; // of the chain, from 0
	uint32_t until; // how often it and those before it in the row came
};

struct lora_newcomer {   // tensor lora.newcomer, U32
	uint32_t device; // one like it comes,
	uint32_t until;  // with this weight, less that of those before it
};
