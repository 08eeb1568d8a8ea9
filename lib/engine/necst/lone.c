// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/lone.h>

#include <engine/necst/emit.h>
#include <engine/necst/keys.h>

#include <errno.h>
#include <stdlib.h>

static uint64_t total_of(const struct necst_table *t, uint32_t key)
{
	const struct necst_entry *e = necst_table_find(t, key);

	return e == NULL ? 0 : necst_table_total(t, e);
}

// Counts of a family's packets whose payload says their length, and of those whose header does: these are not counted
// by service, and are shared out as the others are.
static void count_families(struct necst_lone *l, const struct necst_table *shape, const struct necst_kind *kind,
	uint64_t (*n)[NECST_FAMILIES_MAX], uint32_t n_services)
{
	for (uint32_t t = 0; t < l->n_tokens; t++) {
		const uint64_t count = total_of(shape, t);

		n[necst_framed(&kind[t])][kind[t].family] += count;
		l->tokens[(size_t)(n_services + kind[t].family) * l->n_tokens + t] = count;
	}
}

static void count_service(struct necst_lone *l, uint32_t service, const struct necst_table *size,
	const struct necst_table *shape, const struct necst_kind *kind, uint64_t (*n)[NECST_FAMILIES_MAX])
{
	uint64_t *row = l->tokens + (size_t)service * l->n_tokens, all = 0;
	uint32_t family = 0;

	for (uint32_t t = 0; t < l->n_tokens; t++) {
		for (uint32_t c = 0; c < l->n_sizes; c++) {
			const uint64_t count = total_of(size, necst_key_size(service, t, c));

			row[t] += count;
			l->sizes[(size_t)t * l->n_sizes + c] += count;
		}
		family = row[t] > 0 ? kind[t].family : family;
		all += row[t];
	}
	for (uint32_t t = 0; t < l->n_tokens && all > 0; t++)
		if (necst_framed(&kind[t]) && kind[t].family == family)
			row[t] = total_of(shape, t) * all / (n[0][family] > 0 ? n[0][family] : 1);
}

static void sum_rows(uint64_t *at, size_t n_rows, size_t n)
{
	for (size_t r = 0; r < n_rows; r++)
		for (size_t i = 1; i < n; i++)
			at[r * n + i] += at[r * n + i - 1];
}

int necst_lone_open(struct necst_lone *l, const struct necst_table *size, const struct necst_table *shape,
	const struct necst_kind *kind, const struct necst_dims *dims, uint32_t n_families)
{
	uint64_t n[2][NECST_FAMILIES_MAX] = {{0}};

	l->n_tokens = dims->tokens;
	l->n_sizes = dims->sizes;
	l->tokens = calloc((size_t)(NECST_SERVICES_MAX + n_families) * l->n_tokens + 1, sizeof(*l->tokens));
	l->sizes = calloc((size_t)l->n_tokens * l->n_sizes + 1, sizeof(*l->sizes));
	if (l->tokens == NULL || l->sizes == NULL) {
		necst_lone_close(l);
		return -ENOMEM;
	}
	count_families(l, shape, kind, n, NECST_SERVICES_MAX);
	for (uint32_t s = 0; s < NECST_SERVICES_MAX; s++)
		count_service(l, s, size, shape, kind, n);
	sum_rows(l->tokens, NECST_SERVICES_MAX + n_families, l->n_tokens);
	sum_rows(l->sizes, l->n_tokens, l->n_sizes);
	return 0;
}

void necst_lone_close(struct necst_lone *l)
{
	free(l->tokens);
	free(l->sizes);
	*l = (struct necst_lone){0};
}

// The first place whose running sum is above a random share of the last, which is below 2^32: packets of a capture; 0
// where nothing was counted.
static uint32_t draw(const uint64_t *upto, uint32_t n, uint32_t random)
{
	const uint64_t at = n > 0 ? upto[n - 1] * random >> 32 : 0;
	uint32_t lo = 0, hi = n > 0 ? n - 1 : 0;

	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;

		if (upto[mid] > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

uint32_t necst_lone_token(const struct necst_lone *l, uint32_t service, uint32_t family, uint32_t random)
{
	const uint64_t *row = l->tokens + (size_t)service * l->n_tokens;

	if (l->n_tokens > 0 && row[l->n_tokens - 1] == 0)
		row = l->tokens + (size_t)(NECST_SERVICES_MAX + family) * l->n_tokens;
	return draw(row, l->n_tokens, random);
}

uint32_t necst_lone_size(const struct necst_lone *l, uint32_t token, uint32_t random)
{
	return draw(l->sizes + (size_t)token * l->n_sizes, l->n_sizes, random);
}
