// SPDX-License-Identifier: BSD-3-Clause
// gmm: Gaussian mixtures with full covariances, fitted by EM; the number of components is the one with the least BIC.
//
// Source: Dempster, Laird, Rubin 1977 (EM); Arthur, Vassilvitskii 2007 (k-means++); Schwarz 1978 (BIC).
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { NECST_GMM_DIMS_MAX = 8 };

struct necst_gmm {
	size_t dims;
	size_t k;
	double *weight; // (k)
	double *mean;   // (k, dims)
	double *chol;   // (k, dims, dims) lower Cholesky factors of the covariances
	double bic;
};

/**
 * Fit mixtures of 1, 2, ... at most k_max components to x (n, dims) and keep the one with the least BIC (the search
 * ends when two more in a row have not lowered it). The same x and seed give the same mixture.
 *
 * @return 0 or -ENOMEM.
 */
int necst_gmm_fit(struct necst_gmm *out, const float *x, size_t n, size_t dims, size_t k_max, uint64_t seed);

/** The component with the greatest posterior for one point. */
size_t necst_gmm_assign(const struct necst_gmm *g, const float *x);

void necst_gmm_free(struct necst_gmm *g);
