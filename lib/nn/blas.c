// SPDX-License-Identifier: BSD-3-Clause
#include <nn/blas.h>

#include <cblas.h>

void wm_blas_single_thread(void)
{
	openblas_set_num_threads(1);
}

const char *wm_blas_core(void)
{
	return openblas_get_corename();
}
