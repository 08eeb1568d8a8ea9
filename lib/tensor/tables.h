// SPDX-License-Identifier: BSD-3-Clause
// tensor: the tables that not every CPU can run; reached through wm_kernels_all().
#pragma once

#include <tensor/tensor.h>

extern const struct wm_kernels wm_kernels_avx2;       // AVX2, FMA
extern const struct wm_kernels wm_kernels_avx512;     // AVX-512 F, BW, DQ, VL
extern const struct wm_kernels wm_kernels_avx512vnni; // and VNNI
