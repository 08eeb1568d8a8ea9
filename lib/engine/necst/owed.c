// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/owed.h>

#include <errno.h>
#include <stdlib.h>

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

void necst_owed_note(struct necst_owed *o, const struct necst_kind *k, uint16_t payload)
{
	uint16_t *mine = &o->by[k->reverse], *theirs = &o->by[!k->reverse];

	if (k->proto != 6 || k->flags & RST)
		return;
	if (k->seq != WM_SEQ_OLD && (payload > 0 || k->flags & (SYN | FIN)) && *theirs < UINT16_MAX)
		++*theirs;
	if (k->ack == WM_ACK_ALL)
		*mine = 0;
	else if (k->ack == WM_ACK_SOME && *mine > 1)
		--*mine;
}

static bool can_be(const struct necst_kind *k, uint32_t level)
{
	if (k->proto != 6 || k->flags & RST)
		return true;
	return k->ack == WM_ACK_SOME ? level > 1 : k->ack == WM_ACK_SAME ? level > 0 : true;
}

int necst_owed_fill(
	struct necst_owed_masks *m, uint32_t n_families, const struct necst_kind *kind, uint32_t n_tokens, size_t words)
{
	m->words = words;
	m->may = calloc((size_t)n_families * NECST_OWED_ROWS * words + 1, sizeof(*m->may));
	if (m->may == NULL)
		return -ENOMEM;
	for (uint32_t row = 0; row < n_families * NECST_OWED_ROWS; row++) {
		const uint32_t pair = row % NECST_OWED_ROWS,
			       level[2] = {pair / NECST_OWED_LEVELS, pair % NECST_OWED_LEVELS};

		for (uint32_t t = 0, own = 0; t < n_tokens; t++) {
			if (kind[t].family != row / NECST_OWED_ROWS)
				continue;
			if (can_be(&kind[t], level[kind[t].reverse]))
				m->may[row * words + own / 32] |= 1u << own % 32;
			own++;
		}
	}
	return 0;
}

bool necst_owed_rule(uint32_t *out, const struct necst_owed_masks *m, uint32_t family, const struct necst_owed *o,
	const uint32_t *may)
{
	const uint32_t *row = m->may + (family * NECST_OWED_ROWS + necst_owed_row(o)) * m->words;
	uint32_t any = 0;

	for (size_t i = 0; i < m->words; i++)
		any |= out[i] = may[i] & row[i];
	return any != 0;
}
