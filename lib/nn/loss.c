// SPDX-License-Identifier: BSD-3-Clause
#include <nn/loss.h>
#include <tensor/tensor.h>

#include <math.h>
#include <string.h>

// Both in four chains: one would take the latency of an operation for each element.
static float largest(const float *x, size_t n)
{
	float m[4] = {x[0], x[0], x[0], x[0]};
	size_t j;

	for (j = 0; j + 4 <= n; j += 4)
		for (size_t v = 0; v < 4; v++)
			m[v] = x[j + v] > m[v] ? x[j + v] : m[v];
	for (; j < n; j++)
		m[0] = x[j] > m[0] ? x[j] : m[0];
	m[0] = m[0] > m[1] ? m[0] : m[1];
	m[2] = m[2] > m[3] ? m[2] : m[3];
	return m[0] > m[2] ? m[0] : m[2];
}

static double sum(const float *x, size_t n)
{
	double s[4] = {0};
	size_t j;

	for (j = 0; j + 4 <= n; j += 4)
		for (size_t v = 0; v < 4; v++)
			s[v] += (double)x[j + v];
	for (; j < n; j++)
		s[0] += (double)x[j];
	return (s[0] + s[1]) + (s[2] + s[3]);
}

double wm_softmax_nll(
	float *dlogits, const float *logits, size_t ld, const int32_t *target, size_t m, size_t n, float scale)
{
	const struct wm_kernels *kernels = wm_kernels_best();
	double nll = 0;

	for (size_t r = 0; r < m; r++) {
		const float *l = logits + r * ld;
		float *d = dlogits + r * ld;
		float max, margin, share;
		double total;

		if (target[r] < 0) {
			memset(d, 0, n * sizeof(*d));
			continue;
		}
		max = largest(l, n);
		margin = max - l[target[r]]; // before d overwrites it
		kernels->exp(d, l, max, n);
		total = sum(d, n);
		nll += log(total) + (double)margin;
		share = (float)((double)scale / total);
		for (size_t j = 0; j < n; j++)
			d[j] *= share;
		d[target[r]] -= scale;
	}
	return nll;
}

double wm_gauss_kl(float *dmu, float *dlv, const float *mu, const float *lv, size_t n, float scale)
{
	enum { CHUNK = 64 };
	const struct wm_kernels *kernels = wm_kernels_best();
	float var[CHUNK];
	double kl = 0;

	for (size_t i = 0; i < n; i += CHUNK) {
		const size_t len = n - i < CHUNK ? n - i : CHUNK;

		kernels->exp(var, lv + i, 0, len);
		for (size_t j = 0; j < len; j++) {
			kl += 0.5 * (double)(mu[i + j] * mu[i + j] + (var[j] - 1 - lv[i + j]));
			dmu[i + j] += scale * mu[i + j];
			dlv[i + j] += 0.5f * scale * (var[j] - 1);
		}
	}
	return kl;
}
