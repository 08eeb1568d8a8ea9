// SPDX-License-Identifier: BSD-3-Clause
// masks: what cannot come next: another protocol's packets, and what was never seen so near the begin or the end of a
// flow. A SYN has its place, and a flow that closed in the capture closes. Rows of 0 and -inf to be added to the
// clusters' logits.
#pragma once

#include <engine/necst/schema.h>
#include <engine/necst/vocab.h>

#include <stdbool.h>

enum {
	NECST_HEADS = 9,                              // 0..7 packets so far, or more
	NECST_LEFTS = 7,                              // 1..6 packets left, or more
	NECST_BEGINS = NECST_HEADS * 2,               // times: begins with a SYN
	NECST_TAILS = NECST_LEFTS * 8,                // times: which ends have closed, and whether one does
	NECST_MASKS_TCP = NECST_BEGINS * NECST_TAILS, // rows of a family
	NECST_MASKS_OTHER = NECST_HEADS * NECST_LEFTS,
};

/** Where a token was seen: one bit a place. */
struct necst_reach {
	uint64_t head; // necst_head()
	uint64_t tail; // necst_tail()
};

/** Rows for all families. */
struct necst_masks {
	uint32_t first[NECST_FAMILIES_MAX + 1]; // row of each family
	bool tcp[NECST_FAMILIES_MAX];
	float *rows;   // (first[families], token_pad), on 64-byte lines
	uint32_t *may; // (first[families], words): the same as bits, one for each of the family's own clusters
	size_t words;
};

static inline uint32_t necst_place(const struct necst_progress *p)
{
	return p->position < NECST_HEADS ? p->position : NECST_HEADS - 1;
}

static inline uint32_t necst_left(const struct necst_progress *p)
{
	return p->pkts == 0 ? 0 : p->pkts < NECST_LEFTS ? p->pkts - 1 : NECST_LEFTS - 1;
}

static inline uint32_t necst_head(const struct necst_progress *p)
{
	return necst_place(p) << 1 | p->started;
}

static inline uint32_t necst_tail(const struct necst_progress *p)
{
	return necst_left(p) << 3 | (uint32_t)p->closing << 1 | p->ended;
}

static inline uint32_t necst_mask_row(const struct necst_masks *m, uint32_t family, const struct necst_progress *p)
{
	return m->first[family]
	       + (m->tcp[family] ? necst_head(p) * NECST_TAILS + necst_tail(p)
				 : necst_place(p) * NECST_LEFTS + necst_left(p));
}

/** Whether a packet of this kind begins to close its flow: FIN or RST. */
static inline bool necst_closes(const struct necst_kind *k)
{
	return k->proto == 6 && (k->flags & 5) != 0;
}

/** Note that a packet of this kind was sent. */
static inline void necst_note_close(struct necst_progress *p, const struct necst_kind *k)
{
	if (necst_closes(k))
		p->closing |= (uint8_t)(1 << k->reverse);
}

/**
 * Lay out the families' rows: `rows` stays NULL.
 *
 * @param kind (tokens) of each token.
 */
void necst_masks_init(struct necst_masks *m, uint32_t n_families, const struct necst_kind *kind, uint32_t n_tokens);

/** Allocate and fill the rows. @param reach (tokens). @return 0 or -ENOMEM. The rows are the caller's to free. */
int necst_masks_fill(struct necst_masks *m, uint32_t n_families, uint32_t token_pad, const struct necst_kind *kind,
	const struct necst_reach *reach, uint32_t n_tokens);

/**
 * Put bits, 1 = may come, in the place of the rows, which are freed.
 *
 * @param words Of 32 bits, that hold the clusters of any family.
 * @return 0 or -ENOMEM. `may` is the caller's too.
 */
int necst_masks_pack(struct necst_masks *m, uint32_t n_families, uint32_t token_pad, const struct necst_kind *kind,
	uint32_t n_tokens, size_t words);
