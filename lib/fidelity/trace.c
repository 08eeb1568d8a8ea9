// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/tally.h>
#include <fidelity/trace_pvt.h>

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	size_t offset;
	size_t size;
} others[] = {
	{offsetof(struct wm_trace, time_ns), sizeof(int64_t)},
	{offsetof(struct wm_trace, gap_ns), sizeof(int64_t)},
	{offsetof(struct wm_trace, tgap_ns), sizeof(int64_t)},
	{offsetof(struct wm_trace, flow), sizeof(uint32_t)},
	{offsetof(struct wm_trace, pos), sizeof(uint32_t)},
	{offsetof(struct wm_trace, rpos), sizeof(uint32_t)},
	{offsetof(struct wm_trace, back), 1},
	{offsetof(struct wm_trace, sq), 1},
	{offsetof(struct wm_trace, ak), 1},
	{offsetof(struct wm_trace, ip_ck), 1},
	{offsetof(struct wm_trace, l4_ck), 1},
	{offsetof(struct wm_trace, l3), 1},
	{offsetof(struct wm_trace, seq), sizeof(uint32_t)},
	{offsetof(struct wm_trace, ack), sizeof(uint32_t)},
};

enum { N_COLUMNS = WM_FIELDS + sizeof(others) / sizeof(others[0]) };

static void **column_of(struct wm_trace *t, size_t i, size_t *size)
{
	if (i < WM_FIELDS) {
		*size = sizeof(int32_t);
		return (void **)&t->field[i];
	}
	*size = others[i - WM_FIELDS].size;
	return (void **)(void *)((char *)t + others[i - WM_FIELDS].offset);
}

double wm_seconds(int64_t ns)
{
	return ns < 0 ? (double)NAN : (double)ns / 1e9;
}

int wm_trace_resize(struct wm_trace *t, size_t n)
{
	for (size_t i = 0; i < N_COLUMNS; i++) {
		size_t size;
		void **column = column_of(t, i, &size), *bigger = reallocarray(*column, n > 0 ? n : 1, size);

		if (bigger == NULL)
			return -ENOMEM;
		*column = bigger;
	}
	return 0;
}

static void gather(void *to, const void *from, size_t size, const uint32_t *rows, size_t n)
{
	switch (size) {
	case 1:
		for (size_t i = 0; i < n; i++)
			((uint8_t *)to)[i] = ((const uint8_t *)from)[rows[i]];
		break;
	case sizeof(uint32_t):
		for (size_t i = 0; i < n; i++)
			((uint32_t *)to)[i] = ((const uint32_t *)from)[rows[i]];
		break;
	default:
		for (size_t i = 0; i < n; i++)
			((uint64_t *)to)[i] = ((const uint64_t *)from)[rows[i]];
	}
}

int wm_trace_take(struct wm_trace *out, const struct wm_trace *t, const uint32_t *rows, size_t n)
{
	struct wm_trace part = {.n = n, .n_flows = t->n_flows, .span_ns = t->span_ns, .links = t->links}, whole = *t;

	for (size_t i = 0; i < N_COLUMNS; i++) {
		size_t size;
		void **to = column_of(&part, i, &size), **from = column_of(&whole, i, &size);

		if (*from == NULL) // sequence numbers that are no longer needed
			continue;
		*to = reallocarray(NULL, n > 0 ? n : 1, size);
		if (*to == NULL) {
			wm_trace_free(&part);
			return -ENOMEM;
		}
		gather(*to, *from, size, rows, n);
	}
	*out = part;
	return 0;
}

int wm_trace_append(struct wm_trace *out, const struct wm_trace *t, const uint32_t *rows, size_t n)
{
	struct wm_trace whole = *t;

	for (size_t i = 0; i < N_COLUMNS; i++) {
		size_t size;
		void **to = column_of(out, i, &size), **from = column_of(&whole, i, &size), *more;

		if (*from == NULL || *to == NULL)
			continue;
		more = reallocarray(*to, out->n + n > 0 ? out->n + n : 1, size);
		if (more == NULL)
			return -ENOMEM;
		*to = more;
		gather((char *)more + out->n * size, *from, size, rows, n);
	}
	for (size_t i = out->n; i < out->n + n; i++)
		out->flow[i] += (uint32_t)out->n_flows;
	out->n += n;
	out->n_flows += t->n_flows;
	out->span_ns = out->span_ns > t->span_ns ? out->span_ns : t->span_ns;
	out->links |= t->links;
	return 0;
}

void wm_trace_free(struct wm_trace *t)
{
	for (size_t i = 0; i < N_COLUMNS; i++) {
		size_t size;

		free(*column_of(t, i, &size));
	}
	memset(t, 0, sizeof(*t));
}

uint32_t *wm_trace_runs(const struct wm_trace *t, size_t *n_runs, struct wm_scratch *s)
{
	size_t n = 0;
	uint32_t *runs;

	for (size_t i = 0; i < t->n; i++)
		n += i == 0 || t->flow[i] != t->flow[i - 1];
	runs = wm_scratch_get(s, n + 1, sizeof(*runs));
	if (runs == NULL)
		return NULL;
	*n_runs = n;
	n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (i == 0 || t->flow[i] != t->flow[i - 1])
			runs[n++] = (uint32_t)i;
	runs[n] = (uint32_t)t->n;
	return runs;
}

uint32_t *wm_trace_order(const struct wm_trace *t, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, t->n, sizeof(*keys));
	uint32_t *order = wm_scratch_get(s, t->n, sizeof(*order));

	for (size_t i = 0; keys != NULL && i < t->n; i++)
		keys[i] = (uint64_t)t->time_ns[i];
	return keys == NULL || order == NULL || wm_sort_order(order, keys, t->n, s) < 0 ? NULL : order;
}
