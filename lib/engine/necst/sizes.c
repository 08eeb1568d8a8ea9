// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/sizes.h>

#include <string.h>

enum { ATOMS_WANTED = 400, BINS_WANTED = 64 }; // a length with 1/400 of the packets is an atom

// Cut at these masses; false if that makes too many classes.
static bool cut(struct necst_sizes *s, const uint32_t *count, size_t total, size_t atom, size_t mass)
{
	size_t in_bin = 0;
	uint32_t n = 0;
	bool open = false;

	for (uint32_t len = 0; len <= UINT16_MAX; len++) {
		bool is_atom = count[len] >= atom && count[len] > 1;

		if (open && (is_atom || in_bin >= mass)) {
			n++;
			open = false;
			in_bin = 0;
		}
		if (n >= NECST_SIZES_MAX)
			return false;
		s->of[len] = (uint8_t)n;
		in_bin += count[len];
		open = open || count[len] > 0;
		if (is_atom) {
			n++;
			open = false;
			in_bin = 0;
		}
	}
	s->n = n + open;
	if (s->n == 0)
		s->n = 1;
	for (uint32_t len = 0; len <= UINT16_MAX; len++) // lengths beyond the last class belong to it
		if (s->of[len] >= s->n)
			s->of[len] = (uint8_t)(s->n - 1);
	return total == 0 || s->n <= NECST_SIZES_MAX;
}

void necst_sizes_fit(struct necst_sizes *s, const struct wm_dataset *ds, const struct necst_vocab *v)
{
	static const size_t coarser[] = {1, 2, 4, 8, 16, 32, 64};
	uint32_t count[UINT16_MAX + 1];
	size_t total = 0;

	memset(count, 0, sizeof(count));
	for (size_t i = 0; i < ds->n_records; i++) {
		if (necst_framed(&v->kinds[v->kind[i]]))
			continue;
		count[ds->records[i].payload]++;
		total++;
	}
	for (size_t i = 0; i < sizeof(coarser) / sizeof(coarser[0]); i++)
		if (cut(s, count, total, total * coarser[i] / ATOMS_WANTED + 1, total * coarser[i] / BINS_WANTED + 1))
			return;
	memset(s, 0, sizeof(*s));
	s->n = 1;
}
