// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/masks.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

_Static_assert(NECST_BEGINS <= 64 && NECST_TAILS <= 64, "a place is a bit of struct necst_reach");

void necst_masks_init(struct necst_masks *m, uint32_t n_families, const struct necst_kind *kind, uint32_t n_tokens)
{
	*m = (struct necst_masks){0};
	for (uint32_t t = 0; t < n_tokens; t++)
		if (kind[t].proto == 6)
			m->tcp[kind[t].family] = true;
	for (uint32_t f = 0; f < n_families; f++)
		m->first[f + 1] = m->first[f] + (m->tcp[f] ? NECST_MASKS_TCP : NECST_MASKS_OTHER);
}

// Whether a token was seen at a row's place; what is not TCP neither starts nor ends, so that does not matter there.
static bool seen(const struct necst_reach *r, bool tcp, uint32_t row)
{
	if (tcp)
		return (r->head >> (row / NECST_TAILS) & 1) != 0 && (r->tail >> (row % NECST_TAILS) & 1) != 0;
	return (r->head >> (row / NECST_LEFTS * 2) & 3) != 0 && (r->tail >> (row % NECST_LEFTS * 8) & 0xff) != 0;
}

// A family's row for one place; without a token that was seen there, all of the family's tokens.
static void fill_row(float *to, uint32_t token_pad, uint32_t family, bool tcp, uint32_t row,
	const struct necst_kind *kind, const struct necst_reach *reach, uint32_t n_tokens)
{
	bool any = false;

	for (int strict = 1; strict >= 0 && !any; strict--) {
		for (uint32_t t = 0; t < token_pad; t++) {
			bool may = t < n_tokens && kind[t].family == family && (!strict || seen(&reach[t], tcp, row));

			to[t] = may ? 0.0f : -INFINITY;
			any = any || may;
		}
	}
}

int necst_masks_fill(struct necst_masks *m, uint32_t n_families, uint32_t token_pad, const struct necst_kind *kind,
	const struct necst_reach *reach, uint32_t n_tokens)
{
	void *mem;

	if (posix_memalign(&mem, 64, ((size_t)m->first[n_families] * token_pad + 1) * sizeof(float)) != 0)
		return -ENOMEM;
	m->rows = mem;
	for (uint32_t f = 0; f < n_families; f++)
		for (uint32_t r = m->first[f]; r < m->first[f + 1]; r++)
			fill_row(m->rows + (size_t)r * token_pad, token_pad, f, m->tcp[f], r - m->first[f], kind, reach,
				n_tokens);
	return 0;
}

int necst_masks_pack(struct necst_masks *m, uint32_t n_families, uint32_t token_pad, const struct necst_kind *kind,
	uint32_t n_tokens, size_t words)
{
	m->words = words;
	m->may = calloc(m->first[n_families] * words + 1, sizeof(*m->may));
	if (m->may == NULL)
		return -ENOMEM;
	for (uint32_t f = 0; f < n_families; f++)
		for (uint32_t r = m->first[f]; r < m->first[f + 1]; r++)
			for (uint32_t t = 0, own = 0; t < n_tokens; t++) {
				if (kind[t].family != f)
					continue;
				if (m->rows[(size_t)r * token_pad + t] == 0)
					m->may[r * words + own / 32] |= 1u << own % 32;
				own++;
			}
	free(m->rows);
	m->rows = NULL;
	return 0;
}
