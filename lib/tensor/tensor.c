// SPDX-License-Identifier: BSD-3-Clause
#include <tensor/tables.h>

#include <stdlib.h>
#include <string.h>

// Slowest first; a CPU that has the last also has those before.
static const struct wm_kernels *const all[] = {
	&wm_kernels_scalar,
#ifdef WM_TENSOR_X86
	&wm_kernels_avx2,
	&wm_kernels_avx512,
	&wm_kernels_avx512vnni,
#endif
};

size_t wm_kernels_all(const struct wm_kernels *const **tables)
{
	size_t n = 1;

#ifdef WM_TENSOR_X86
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
		n = 2;
		if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
			&& __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
			n = __builtin_cpu_supports("avx512vnni") ? 4 : 3;
	}
#endif
	*tables = all;
	return n;
}

const struct wm_kernels *wm_kernels_best(void)
{
	const struct wm_kernels *const *tables;
	const char *name = getenv("WIREMILL_KERNELS"); // NOLINT(concurrency-mt-unsafe): nothing here changes it
	size_t n = wm_kernels_all(&tables);

	for (size_t i = 0; name != NULL && i < n; i++)
		if (strcmp(tables[i]->name, name) == 0)
			return tables[i];
	return tables[n - 1];
}
