// SPDX-License-Identifier: BSD-3-Clause
// rhythm: which packets of a flow come soon and which late.
#pragma once

#include <fidelity/measure.h>

/** Put B.gap_rank.tie; a part of group B. @return 0 or -ENOMEM. */
int wm_measure_rhythm(const struct wm_comparison *c);
