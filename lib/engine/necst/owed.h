// SPDX-License-Identifier: BSD-3-Clause
// owed: what each end of a TCP connection has not acknowledged yet, and which clusters that rules out. How an
// acknowledgement stands to what the peer sent follows from it: with nothing owed it is of all, with one segment it is
// of all or of none. A network that does not count would say otherwise, and repeat an acknowledgement for it.
#pragma once

#include <engine/necst/vocab.h>

#include <stdbool.h>
#include <stdint.h>

enum {
	NECST_OWED_LEVELS = 3, // no segment, one, more
	NECST_OWED_ROWS = NECST_OWED_LEVELS * NECST_OWED_LEVELS,
};

struct necst_owed {
	uint16_t by[2]; // segments that an end has not acknowledged: client, server
};

/** Bits of a family's own clusters that may come, one row for each pair of levels. */
struct necst_owed_masks {
	uint32_t *may; // (families, NECST_OWED_ROWS, words)
	size_t words;
};

static inline uint32_t necst_owed_level(uint16_t n)
{
	return n < NECST_OWED_LEVELS - 1 ? n : NECST_OWED_LEVELS - 1;
}

static inline uint32_t necst_owed_row(const struct necst_owed *o)
{
	return necst_owed_level(o->by[0]) * NECST_OWED_LEVELS + necst_owed_level(o->by[1]);
}

/** Note a packet of this kind, as synth/tcp.c will number it: part of what is owed is its first segment. */
void necst_owed_note(struct necst_owed *o, const struct necst_kind *k, uint16_t payload);

/** @param kind (n_tokens). @param words Of 32 bits, that hold the clusters of any family. @return 0 or -ENOMEM. */
int necst_owed_fill(struct necst_owed_masks *m, uint32_t n_families, const struct necst_kind *kind, uint32_t n_tokens,
	size_t words);

/** Those of `may` that are not ruled out. @param out (words). @return false: all are; out is of no use. */
bool necst_owed_rule(uint32_t *out, const struct necst_owed_masks *m, uint32_t family, const struct necst_owed *o,
	const uint32_t *may);
