// SPDX-License-Identifier: BSD-3-Clause
#include <packet/draft_avx512.inc>
#include <packet/draft_pvt.h>

const struct wm_draft_putter wm_draft_putter_avx512 = {"avx512", WM_DRAFT_AVX512, wm_draft_put_avx512};
