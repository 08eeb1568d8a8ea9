// SPDX-License-Identifier: BSD-3-Clause
#include "blas.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

// OpenBLAS 0.3.21 knows AVX-512 CPUs by their model numbers. On one that is newer than itself it falls back to its
// Haswell kernels, which are half as fast there: 110 against 210 GFLOP/s in single precision.
static bool wants_avx512_kernels(void)
{
	if (getenv("OPENBLAS_CORETYPE") != NULL)
		return false;
#ifdef __x86_64__
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
	       && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
	return false;
#endif
}

// NOLINTBEGIN(concurrency-mt-unsafe): there is one thread
void blas_settle(char **argv)
{
	static const char guard[] = "WIREMILL_BLAS_SETTLED"; // a second round would be an endless one
	bool wide = wants_avx512_kernels();

	if (getenv(guard) != NULL || (!wide && getenv("OPENBLAS_NUM_THREADS") != NULL))
		return;
	if (setenv(guard, "1", 1) != 0)
		return;
	(void)setenv("OPENBLAS_NUM_THREADS", "1", 0); // the threads are the engine's own
	if (wide)
		(void)setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
	(void)execv("/proc/self/exe", argv);
}
// NOLINTEND(concurrency-mt-unsafe)
