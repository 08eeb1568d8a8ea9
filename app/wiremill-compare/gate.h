// SPDX-License-Identifier: BSD-3-Clause
// gate: limits that a report must keep.
#pragma once

#include <base/err.h>
#include <fidelity/fidelity.h>

enum { GATE_LIMITS_MAX = 64 };

struct gate_limit {
	char name[64];
	double most;
};

struct gate {
	struct gate_limit limits[GATE_LIMITS_MAX];
	size_t n;
};

/**
 * Add a limit METRIC=VALUE. METRIC is the key of a metric ("A.len.JSDx", its value) or with ".ratio" behind it; "score"
 * or "strict" of all groups, or of one group with its letter before it ("B.score").
 *
 * @return 0; -EINVAL with a sentence.
 */
int gate_add(struct gate *g, const char *text, struct wm_err *err);

/** What a limit is about. @return NAN if it was not measured. */
double gate_value(const struct gate_limit *limit, const struct wm_fidelity *f);

/** Whether a limit is kept; what was not measured does not keep it. */
bool gate_keeps(const struct gate_limit *limit, const struct wm_fidelity *f);
