// SPDX-License-Identifier: BSD-3-Clause
// order: the order of a window's samples, by a radix sort of their times and a merge of those that share one.
#pragma once

#include <packet/sample.h>

#include <stddef.h>
#include <stdint.h>

struct wm_order {
	uint64_t time; // since the window's start
	uint32_t at;   // place in the array of samples
};

/**
 * Sort by wm_sample_order(), samples that compare equal by their place.
 *
 * @param order Room for n; the answer. @param scratch Room for n.
 * @param n     Less than 2^32.
 * @param from, end Every sample's time is in from .. end-1.
 */
void wm_order_samples(struct wm_order *order, struct wm_order *scratch, const struct wm_sample *samples, size_t n,
	uint64_t from, uint64_t end);
