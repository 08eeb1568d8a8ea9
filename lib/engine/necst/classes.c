// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/classes.h>

#include <engine/necst/gmm.h>
#include <engine/necst/schema.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEATURES = 5, COMPONENTS_MAX = 6, FLOWS_EACH = 30 };

static void features(float x[FEATURES], const struct wm_flow_record *f)
{
	x[0] = logf(1.0f + (float)f->pkts[0]);
	x[1] = logf(1.0f + (float)f->pkts[1]);
	x[2] = logf(1.0f + (float)f->bytes[0]);
	x[3] = logf(1.0f + (float)f->bytes[1]);
	x[4] = logf(1.0f + (float)(f->end_ns - f->start_ns) * 1e-6f);
}

static int split_service(struct necst_classes *c, const struct wm_dataset *ds, const uint32_t *service, uint32_t s,
	uint32_t room, float *x, uint64_t seed)
{
	uint32_t used[COMPONENTS_MAX];
	struct necst_gmm g;
	size_t n = 0, k_max;

	for (size_t i = 0; i < ds->n_flows; i++)
		if (service[i] == s)
			features(x + FEATURES * n++, &ds->flows[i]);
	if (n == 0)
		return 0;
	k_max = n / FLOWS_EACH + 1;
	k_max = k_max < COMPONENTS_MAX ? k_max : COMPONENTS_MAX;
	k_max = k_max < room ? k_max : room;
	if (necst_gmm_fit(&g, x, n, FEATURES, k_max, seed) < 0)
		return -ENOMEM;
	memset(used, 0xff, sizeof(used));
	for (size_t i = 0, at = 0; i < ds->n_flows; i++) {
		if (service[i] != s)
			continue;
		size_t comp = necst_gmm_assign(&g, x + FEATURES * at++);

		if (used[comp] == UINT32_MAX)
			used[comp] = c->n++;
		c->cls[i] = (uint16_t)used[comp];
	}
	necst_gmm_free(&g);
	return 0;
}

int necst_classes_fit(struct necst_classes *out, const struct wm_dataset *ds, const struct necst_vocab *v,
	uint64_t seed, struct wm_err *err)
{
	struct necst_classes c = {0};
	float *x = malloc((ds->n_flows * FEATURES + 1) * sizeof(*x));

	c.cls = calloc(ds->n_flows + 1, sizeof(*c.cls));
	if (x == NULL || c.cls == NULL)
		goto fail;
	for (uint32_t s = 0; s < v->n_services; s++) {
		uint32_t room = NECST_CLASSES_MAX - c.n - (v->n_services - s - 1);

		if (split_service(&c, ds, v->service, s, room, x, seed + 1000 + s) < 0)
			goto fail;
	}
	free(x);
	*out = c;
	return 0;

fail:
	free(x);
	necst_classes_free(&c);
	return wm_err_sys(err, -ENOMEM, "classing the flows");
}

void necst_classes_free(struct necst_classes *c)
{
	free(c->cls);
	*c = (struct necst_classes){0};
}
