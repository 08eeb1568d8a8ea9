// SPDX-License-Identifier: BSD-3-Clause
// nn: what there is to say to OpenBLAS.
//
// OpenBLAS picks its kernels by CPU when it is loaded. A CPU that is newer than the library may be taken for an old
// one: without AVX-512 kernels it can be half as fast as it could. The environment variable OPENBLAS_CORETYPE names
// others (SkylakeX: AVX-512; Haswell: AVX2) and is read only then: set it and execute the program anew. Results differ
// in the last bits from kernel to kernel.
#pragma once

/** One thread a call: our own threads are the parallelism, and the result must not depend on their number. */
void wm_blas_single_thread(void);

/** @return the kernels in use, such as "Haswell". */
const char *wm_blas_core(void);
