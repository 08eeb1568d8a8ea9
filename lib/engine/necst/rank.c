// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/rank.h>

#include <errno.h>
#include <stdlib.h>

struct entry {
	uint64_t value;
	uint32_t count;
	uint32_t rank;
};

static int by_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int by_count(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->value > y->value) - (x->value < y->value);
}

static int by_value(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

static size_t distinct(struct entry *entries, const uint64_t *sorted, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || sorted[i] != sorted[i - 1])
			entries[k++] = (struct entry){.value = sorted[i]};
		entries[k - 1].count++;
	}
	return k;
}

static int copy_out(uint64_t **values, uint32_t **counts, const struct entry *entries, size_t n)
{
	uint64_t *v = malloc((n + 1) * sizeof(*v));
	uint32_t *c = malloc((n + 1) * sizeof(*c));

	if (v == NULL || c == NULL) {
		free(v);
		free(c);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		v[i] = entries[i].value;
		c[i] = entries[i].count;
	}
	if (values != NULL)
		*values = v;
	else
		free(v);
	if (counts != NULL)
		*counts = c;
	else
		free(c);
	return 0;
}

// entries are by value, and one of them has it.
static uint32_t rank_of(const struct entry *entries, size_t k, uint64_t value)
{
	size_t lo = 0, hi = k;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (entries[mid].value <= value)
			lo = mid;
		else
			hi = mid;
	}
	return entries[lo].rank;
}

long necst_rank(uint32_t *rank, const uint64_t *keys, size_t n, size_t most, uint64_t **values, uint32_t **counts)
{
	uint64_t *sorted = malloc((n + 1) * sizeof(*sorted));
	struct entry *entries = malloc((n + 1) * sizeof(*entries));
	size_t k, used;
	long rc = -ENOMEM;

	if (sorted == NULL || entries == NULL)
		goto out;
	for (size_t i = 0; i < n; i++)
		sorted[i] = keys[i];
	qsort(sorted, n, sizeof(*sorted), by_u64);
	k = distinct(entries, sorted, n);
	qsort(entries, k, sizeof(*entries), by_count);
	used = k < most ? k : most;
	for (size_t i = 0; i < k; i++)
		entries[i].rank = (uint32_t)(i < used ? i : used);
	if ((values != NULL || counts != NULL) && copy_out(values, counts, entries, used) < 0)
		goto out;
	qsort(entries, k, sizeof(*entries), by_value);
	for (size_t i = 0; i < n; i++)
		rank[i] = rank_of(entries, k, keys[i]);
	rc = (long)used;
out:
	free(sorted);
	free(entries);
	return rc;
}
