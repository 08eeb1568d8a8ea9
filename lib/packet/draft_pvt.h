// SPDX-License-Identifier: BSD-3-Clause
// draft_pvt: the ways to put drafts, each in a file of its own.
#pragma once

#include <packet/draft.h>

extern const struct wm_draft_putter wm_draft_putter_avx512; // and BW, VL, VBMI
