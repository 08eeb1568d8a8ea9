// SPDX-License-Identifier: BSD-3-Clause
// tensor: the table for AVX-512 with VNNI, which multiplies and adds fixed point numbers in one instruction.
#define WM_TABLE wm_kernels_avx512vnni
#define WM_TABLE_NAME "avx512vnni"
#include <tensor/avx512.inc>
