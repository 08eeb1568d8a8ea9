// SPDX-License-Identifier: BSD-3-Clause
// aggregate: traffic as a time series, and how it scales.
#pragma once

#include <fidelity/trace.h>

enum { WM_OCTAVES = 10 };

/** Per octave: log2 of the mean squared Haar detail, and how many details there are. */
struct wm_logscale {
	double energy[WM_OCTAVES];
	double details[WM_OCTAVES];
	size_t n;
};

/** About a thousandth of the span, rounded down to 1, 2 or 5 times a power of ten. */
double wm_rate_bin_s(double span_s);

/**
 * Sums of bytes or packets in bins of bin_s from the first packet of the part on. A part much longer than the real
 * trace (span_s) is cut.
 *
 * @return (n) NULL without memory.
 */
double *wm_rate_series(
	const struct wm_trace *t, bool in_bytes, double bin_s, double span_s, size_t *n, struct wm_scratch *s);

/** @param x (n) is used up. */
void wm_logscale_of(struct wm_logscale *out, double *x, size_t n);

/**
 * Hurst parameter: the slope of the logscale diagram over octaves 3 and up with at least 8 details, weighted, its bias
 * removed; NAN if there are fewer than three.
 *
 * Source: Abry, Veitch, "Wavelet analysis of long-range-dependent traffic", IEEE Trans. Inf. Theory 44(1), 1998.
 */
double wm_hurst(const struct wm_logscale *l);
