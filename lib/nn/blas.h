// SPDX-License-Identifier: BSD-3-Clause
// nn: what there is to say to OpenBLAS.
//
// OpenBLAS picks its kernels when it is loaded, by CPU; the environment variable OPENBLAS_CORETYPE names others and is
// read only then: set it and execute yourself anew. It matters: 0.3.21 takes an AVX-512 CPU that it does not know (AMD
// Zen 4) for a Haswell, and its SkylakeX kernels are up to twice as fast there. Results differ in the last bits between
// kernels.
#pragma once

/** One thread a call: our own threads are the parallelism, and the result must not depend on their number. */
void wm_blas_single_thread(void);

/** @return the kernels in use, such as "Haswell". */
const char *wm_blas_core(void);
