// SPDX-License-Identifier: BSD-3-Clause
// schema: what both halves of the engine, the one that fits and the one that generates, must agree on: the inputs of
// the sequence model, its size, and the names of the tensors that carry it.
//
// The sequence model is one LSTM over the packets of a flow. For each packet it is shown, as a sum of embedding rows,
// the packet before (cluster, payload class, gap), the flow's class and position, and what is left of the flow's
// budgets; its state gives the probabilities of the packet's cluster and, given the cluster, of the gap before it. The
// rest of the packet (length, header form, window) is drawn from what was counted in that cluster.
#pragma once

#include <engine/necst/codes.h>

#include <stddef.h>
#include <stdint.h>

enum {
	NECST_UNITS = 64,
	NECST_TOKENS_MAX = 256,
	NECST_GAPS_MAX = 96,
	NECST_SIZES_MAX = 128,
	NECST_CLASSES_MAX = 96,
	NECST_FAMILIES_MAX = 64,
	NECST_GAP_PARTS = 8,  // linear pieces of a gap bin's distribution
	NECST_GAPS_ALIKE = 8, // gap bins that look the same as an input
};

/** Rows that are summed at each step, in this order. */
enum necst_input {
	NECST_IN_TOKEN, // cluster of the packet before; n_tokens = begin of flow
	NECST_IN_SIZE,  // class of its payload length; n_sizes = none
	NECST_IN_GAP,   // bin of the gap before that, coarsely; n_gaps = none
	NECST_IN_CLASS,
	NECST_IN_POSITION,
	NECST_IN_PKTS,   // left, exactly near the end
	NECST_IN_SERVER, // of those from the server, coarsely
	NECST_IN_BYTES0,
	NECST_IN_BYTES1,
	NECST_IN_TIME, // left of the duration
	NECST_INPUTS,
};

struct necst_dims {
	uint32_t tokens;
	uint32_t sizes;
	uint32_t gaps;
	uint32_t classes;
	uint32_t units;
	uint32_t gaps_alike;
};

/**
 * A gap's bin as an input. Neighbours look alike: shown the very bin, the model learns the noise of a few thousand gaps
 * by heart before it finds what they follow from.
 */
static inline uint32_t necst_gap_input(const struct necst_dims *d, uint32_t bin)
{
	return bin < d->gaps ? bin - bin % d->gaps_alike : bin;
}

/** First embedding row of each input; offsets[NECST_INPUTS] is the number of rows. */
static inline void necst_offsets(const struct necst_dims *d, uint32_t offsets[NECST_INPUTS + 1])
{
	const uint32_t sizes[NECST_INPUTS] = {
		d->tokens + 1,
		d->sizes + 1,
		d->gaps + 1,
		d->classes,
		NECST_CODES_COUNT,
		NECST_CODES_COUNT,
		NECST_CODES_SHARE,
		NECST_CODES_BYTES,
		NECST_CODES_BYTES,
		NECST_CODES_TIME,
	};

	offsets[0] = 0;
	for (int i = 0; i < NECST_INPUTS; i++)
		offsets[i + 1] = offsets[i] + sizes[i];
}

/** What a flow is like in the middle of it: all that the inputs are made of. */
struct necst_progress {
	uint32_t token; // of the packet before
	uint32_t size;
	uint32_t gap;
	uint32_t cls;
	uint32_t position; // packets so far
	uint32_t pkts;     // left
	uint32_t server;   // left from the server
	uint64_t bytes[2]; // left
	uint64_t time_ns;  // left
	uint8_t closing;   // which ends have sent FIN or RST: 1 = client, 2 = server
	uint8_t started;   // the flow begins with a SYN
	uint8_t ended;     // an end closes
};

static inline void necst_rows(
	const struct necst_progress *p, const uint32_t offsets[NECST_INPUTS + 1], int32_t rows[NECST_INPUTS])
{
	const uint32_t at[NECST_INPUTS] = {
		p->token,
		p->size,
		p->gap,
		p->cls,
		necst_code_count(p->position),
		necst_code_count(p->pkts),
		necst_code_share(p->server),
		necst_code_bytes(p->bytes[0]),
		necst_code_bytes(p->bytes[1]),
		necst_code_time(p->time_ns),
	};

	for (int i = 0; i < NECST_INPUTS; i++)
		rows[i] = (int32_t)(offsets[i] + at[i]);
}

/** Take a packet off what is left. */
static inline void necst_advance(struct necst_progress *p, uint32_t token, uint32_t size, uint32_t gap,
	unsigned reverse, uint32_t len, uint64_t gap_ns)
{
	p->token = token;
	p->size = size;
	p->gap = gap;
	p->position++;
	p->pkts -= p->pkts > 0;
	p->server -= reverse && p->server > 0;
	p->bytes[reverse] -= len < p->bytes[reverse] ? len : p->bytes[reverse];
	p->time_ns -= gap_ns < p->time_ns ? gap_ns : p->time_ns;
}
