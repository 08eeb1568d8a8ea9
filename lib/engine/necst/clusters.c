// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/clusters.h>

#include <engine/necst/gmm.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	COMPONENTS_MAX = 8, // of one kind
	PACKETS_EACH = 40,  // that a component must have on average
};

// The packets of each kind, next to one another: members[first[k] .. first[k + 1]).
static int sort_by_kind(uint32_t **members, uint32_t *first, const struct necst_vocab *v, size_t n)
{
	uint32_t *m = malloc((n + 1) * sizeof(*m)), at[NECST_KINDS_MAX + 1];

	if (m == NULL)
		return -ENOMEM;
	memset(first, 0, (v->n_kinds + 1) * sizeof(*first));
	for (size_t i = 0; i < n; i++)
		first[v->kind[i] + 1]++;
	for (size_t k = 0; k < v->n_kinds; k++)
		first[k + 1] += first[k];
	memcpy(at, first, (v->n_kinds + 1) * sizeof(*first));
	for (size_t i = 0; i < n; i++)
		m[at[v->kind[i]]++] = (uint32_t)i;
	*members = m;
	return 0;
}

// Split one kind's packets into tokens c->n, c->n + 1, ...
static int split_kind(struct necst_clusters *c, uint8_t kind, const uint32_t *member, size_t n, size_t k_max,
	const float *z, float *x, uint64_t seed)
{
	uint32_t used[COMPONENTS_MAX];
	struct necst_gmm g;

	for (size_t i = 0; i < n; i++)
		memcpy(x + i * NECST_LATENT, z + (size_t)member[i] * NECST_LATENT, NECST_LATENT * sizeof(float));
	if (necst_gmm_fit(&g, x, n, NECST_LATENT, k_max, seed) < 0)
		return -ENOMEM;
	memset(used, 0xff, sizeof(used));
	for (size_t i = 0; i < n; i++) {
		size_t comp = necst_gmm_assign(&g, x + i * NECST_LATENT);

		if (used[comp] == UINT32_MAX) {
			used[comp] = c->n++;
			c->kind[used[comp]] = kind;
			for (size_t d = 0; d < NECST_LATENT; d++)
				c->mean[used[comp]][d] = (float)g.mean[comp * NECST_LATENT + d];
		}
		c->token[member[i]] = (uint16_t)used[comp];
		c->weight[used[comp]] += 1;
	}
	necst_gmm_free(&g);
	return 0;
}

int necst_clusters_fit(struct necst_clusters *out, const struct necst_vocab *v, const struct necst_embedding *e,
	size_t n_records, uint64_t seed, struct wm_err *err)
{
	uint32_t first[NECST_KINDS_MAX + 1], *members = NULL;
	struct necst_clusters *c = out;
	float *x = malloc((n_records * NECST_LATENT + 1) * sizeof(*x));
	int rc = -ENOMEM;

	memset(c, 0, sizeof(*c));
	c->token = calloc(n_records + 1, sizeof(*c->token));
	if (x == NULL || c->token == NULL || sort_by_kind(&members, first, v, n_records) < 0)
		goto fail;
	for (size_t k = 0; k < v->n_kinds; k++) { // the frequent kinds come first and may split most
		size_t n = first[k + 1] - first[k], room = NECST_TOKENS_MAX - c->n - (v->n_kinds - k - 1);
		size_t k_max = n / PACKETS_EACH + 1;

		k_max = k_max < room ? k_max : room;
		k_max = k_max < COMPONENTS_MAX ? k_max : COMPONENTS_MAX;
		if (n == 0)
			continue;
		rc = split_kind(c, (uint8_t)k, members + first[k], n, k_max, e->z, x, seed + k);
		if (rc < 0)
			goto fail;
	}
	for (uint32_t t = 0; t < c->n; t++)
		c->weight[t] /= (float)n_records;
	free(members);
	free(x);
	return 0;

fail:
	free(members);
	free(x);
	necst_clusters_free(c);
	return wm_err_sys(err, rc, "clustering the packets");
}

void necst_clusters_free(struct necst_clusters *c)
{
	free(c->token);
	memset(c, 0, sizeof(*c));
}
