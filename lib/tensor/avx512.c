// SPDX-License-Identifier: BSD-3-Clause
// tensor: the table for AVX-512 (F, BW, DQ, VL).
#define WM_TABLE wm_kernels_avx512
#define WM_TABLE_NAME "avx512"
#include <tensor/avx512.inc>
