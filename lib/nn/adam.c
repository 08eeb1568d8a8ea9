// SPDX-License-Identifier: BSD-3-Clause
#include <nn/adam.h>

#include <math.h>

void wm_adam_step(const struct wm_adam *o, float *w, const float *g, float *m, float *v, size_t n, uint64_t step)
{
	const float b1 = o->beta1, b2 = o->beta2, eps = o->eps;
	// The moments' corrections, drawn out of the loop: m / c1 / (sqrt(v / c2) + eps).
	const float rate = (float)((double)o->lr / (1 - pow((double)b1, (double)step)));
	const float root = (float)(1 / sqrt(1 - pow((double)b2, (double)step)));
	const float keep = 1 - o->lr * o->weight_decay;

	for (size_t i = 0; i < n; i++) {
		m[i] = b1 * m[i] + (1 - b1) * g[i];
		v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
		w[i] = keep * w[i] - rate * m[i] / (sqrtf(v[i]) * root + eps);
	}
}

float wm_clip_norm(float *g, size_t n, float max_norm)
{
	double s[4] = {0}, norm;
	size_t i;

	for (i = 0; i + 4 <= n; i += 4)
		for (size_t j = 0; j < 4; j++)
			s[j] += (double)g[i + j] * (double)g[i + j];
	for (; i < n; i++)
		s[0] += (double)g[i] * (double)g[i];
	norm = sqrt((s[0] + s[1]) + (s[2] + s[3]));
	if (norm > (double)max_norm) {
		const float shrink = (float)((double)max_norm / norm);

		for (i = 0; i < n; i++)
			g[i] *= shrink;
	}
	return (float)norm;
}
