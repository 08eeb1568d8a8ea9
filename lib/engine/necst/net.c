// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/net.h>

#include <nn/adam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int necst_net_create(struct necst_net *net, size_t n)
{
	*net = (struct necst_net){.n = n};
	net->w = calloc(n, sizeof(float));
	net->g = calloc(n, sizeof(float));
	net->m = calloc(n, sizeof(float));
	net->v = calloc(n, sizeof(float));
	if (net->w == NULL || net->g == NULL || net->m == NULL || net->v == NULL) {
		necst_net_free(net);
		return -ENOMEM;
	}
	return 0;
}

void necst_net_free(struct necst_net *net)
{
	free(net->w);
	free(net->g);
	free(net->m);
	free(net->v);
	*net = (struct necst_net){0};
}

void necst_net_init(struct necst_net *net, size_t at, size_t n, float deviation, uint64_t seed, uint64_t id)
{
	struct wm_rng rng;

	wm_rng_init(&rng, seed, WM_STREAM_INIT, id);
	for (size_t i = 0; i < n; i++)
		net->w[at + i] = deviation * wm_rng_normal(&rng);
}

void necst_net_update(struct necst_net *net, float rate, float decay, float max_norm)
{
	const struct wm_adam adam = {.lr = rate, .beta1 = 0.9f, .beta2 = 0.99f, .eps = 1e-8f, .weight_decay = decay};

	wm_clip_norm(net->g, net->n, max_norm);
	wm_adam_step(&adam, net->w, net->g, net->m, net->v, net->n, ++net->step);
	memset(net->g, 0, net->n * sizeof(float));
}
