// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/bins.h>
#include <fidelity/tally.h>

#include <errno.h>
#include <math.h>

// Writes the middles between distinct values. @return how many.
static size_t middles(double *edge, const uint64_t *sorted, size_t n, size_t distinct)
{
	size_t k = 0;

	for (size_t i = 1; i < n && k + 1 < distinct; i++)
		if (sorted[i] != sorted[i - 1])
			edge[k++] = (wm_key_value(sorted[i - 1]) + wm_key_value(sorted[i])) * .5;
	return k;
}

// Writes the quantiles k / WM_BINS, each the middle of the two values that it lies between. @return how many.
static size_t quantiles(double *edge, const uint64_t *sorted, size_t n)
{
	for (size_t k = 1; k < WM_BINS; k++) {
		const double at = (double)(n - 1) * ((double)k * (100. / WM_BINS) / 100);
		const double low = wm_key_value(sorted[(size_t)floor(at)]),
			     high = wm_key_value(sorted[(size_t)ceil(at)]);

		edge[k - 1] = high - (high - low) * .5;
	}
	return WM_BINS - 1;
}

static uint8_t bin_of(double v, const double *edge, size_t n)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (v <= edge[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return (uint8_t)low;
}

static size_t count_distinct(const uint64_t *sorted, size_t n)
{
	size_t distinct = n > 0;

	for (size_t i = 1; i < n; i++)
		distinct += sorted[i] != sorted[i - 1];
	return distinct;
}

int wm_bins_of(struct wm_bins *out, const double *x, size_t n, size_t cols, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, n, sizeof(*keys)), *spare = wm_scratch_get(s, n, sizeof(*spare));

	*out = (struct wm_bins){.n = n,
		.cols = cols,
		.bin = wm_scratch_get(s, cols * n, 1),
		.edge = wm_scratch_get(s, cols * (WM_BINS - 1), sizeof(double)),
		.n_bins = wm_scratch_get(s, cols, sizeof(uint16_t)),
		.lacks = wm_scratch_get(s, cols, sizeof(bool))};
	if (keys == NULL || spare == NULL || out->bin == NULL || out->edge == NULL || out->n_bins == NULL
		|| out->lacks == NULL)
		return -ENOMEM;
	for (size_t c = 0; c < cols; c++) {
		double *edge = out->edge + c * (WM_BINS - 1);
		size_t have = 0, distinct, edges;

		for (size_t i = 0; i < n; i++)
			if (!isnan(x[i * cols + c]))
				keys[have++] = wm_key_of(x[i * cols + c]);
		wm_sort_u64(keys, have, spare);
		distinct = count_distinct(keys, have);
		edges = distinct > WM_BINS ? quantiles(edge, keys, have) : middles(edge, keys, have, distinct);
		out->n_bins[c] = (uint16_t)(edges + 1);
		out->lacks[c] = have < n;
		for (size_t i = 0; i < n; i++) {
			const double v = x[i * cols + c];

			out->bin[c * n + i] = isnan(v) ? (uint8_t)out->n_bins[c] : bin_of(v, edge, edges);
		}
	}
	return 0;
}
