// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/lanes.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = NECST_SHARDS * NECST_LANES };

static const uint32_t FORGET = 16; // one in 16 inputs is left out in training

int necst_lanes_create(struct necst_lanes *l, size_t n_stretches)
{
	*l = (struct necst_lanes){0};
	l->order = malloc((n_stretches + 1) * sizeof(*l->order));
	l->stretch = malloc((n_stretches + 1) * sizeof(*l->stretch));
	l->owner = malloc(n_stretches + 1);
	if (l->order == NULL || l->stretch == NULL || l->owner == NULL) {
		necst_lanes_free(l);
		return -ENOMEM;
	}
	return 0;
}

void necst_lanes_free(struct necst_lanes *l)
{
	free(l->order);
	free(l->stretch);
	free(l->owner);
	*l = (struct necst_lanes){0};
}

static void shuffle(uint32_t *v, size_t n, struct wm_rng *rng)
{
	for (size_t i = n; i > 1; i--) {
		uint32_t j = wm_rng_below(rng, (uint32_t)i), tmp = v[i - 1];

		v[i - 1] = v[j];
		v[j] = tmp;
	}
}

uint32_t necst_lanes_deal(
	struct necst_lanes *l, const struct necst_stretch *stretches, size_t n, uint64_t seed, uint64_t epoch)
{
	uint32_t length[NECST_SHARDS * NECST_LANES] = {0}, longest = 0;
	struct wm_rng rng;

	for (size_t i = 0; i < n; i++)
		l->order[i] = (uint32_t)i;
	wm_rng_init(&rng, seed, WM_STREAM_TRAIN, epoch);
	if (epoch != UINT64_MAX)
		shuffle(l->order, n, &rng);
	memset(l->lane, 0, sizeof(l->lane));
	for (size_t i = 0; i < n; i++) {
		size_t least = 0;

		for (size_t k = 1; k < LANES; k++)
			least = length[k] < length[least] ? k : least;
		l->owner[i] = (uint8_t)least;
		length[least] += stretches[l->order[i]].n;
		l->lane[least].n++;
	}
	for (size_t k = 0, at = 0; k < LANES; k++) {
		l->lane[k].stretch = l->stretch + at;
		at += l->lane[k].n;
		l->lane[k].n = 0;
		longest = length[k] > longest ? length[k] : longest;
	}
	for (size_t i = 0; i < n; i++) {
		struct necst_lane *to = &l->lane[l->owner[i]];

		to->stretch[to->n++] = l->order[i];
	}
	return longest;
}

// Budgets are wishes: in training they are off by a class or two for a stretch, and some inputs are left out, so that
// generation, which never meets them to the byte, finds itself in states that it has seen.
static void disturb(const struct necst_shard *s, int32_t *rows, struct necst_lane *l, struct wm_rng *rng)
{
	const uint32_t *first = s->offsets;

	if (l->offset == 0)
		for (int k = NECST_IN_SERVER; k <= NECST_IN_TIME; k++)
			l->off[k] =
				(int32_t)wm_rng_below(rng, 3) - 1
				+ (k == NECST_IN_SERVER || k == NECST_IN_TIME ? 0 : (int32_t)wm_rng_below(rng, 3) - 1);
	for (int k = 0; k < NECST_INPUTS; k++) {
		int32_t row = rows[k] + (k >= NECST_IN_SERVER ? l->off[k] : 0);
		int32_t lo = (int32_t)first[k], hi = (int32_t)first[k + 1] - 1;

		if (rows[k] != lo) // nothing left is nothing left
			rows[k] = row < lo ? lo : row > hi ? hi : row;
		if (wm_rng_below(rng, FORGET) == 0)
			rows[k] = -1;
	}
}

// Fill one (step, lane) of a shard with the lane's next packet.
static void fill(
	struct necst_shard *s, size_t i, struct necst_lane *l, const struct necst_stretch *all, struct wm_rng *rng)
{
	int32_t *rows = s->rows + i * NECST_INPUTS;
	uint32_t r;

	s->reset[i] = 0;
	s->record[i] = -1;
	if (l->at == l->n) {
		memset(rows, 0xff, NECST_INPUTS * sizeof(*rows));
		return;
	}
	r = all[l->stretch[l->at]].first + l->offset;
	s->reset[i] = l->offset == 0;
	s->record[i] = (int32_t)r;
	memcpy(rows, s->x->rows[r], NECST_INPUTS * sizeof(*rows));
	if (rng != NULL)
		disturb(s, rows, l, rng);
	if (++l->offset == all[l->stretch[l->at]].n) {
		l->at++;
		l->offset = 0;
	}
}

size_t necst_lanes_fill(
	struct necst_lanes *l, struct necst_shard *shards, const struct necst_stretch *stretches, struct wm_rng *rng)
{
	size_t n = 0;

	for (size_t k = 0; k < NECST_SHARDS; k++) {
		for (size_t i = 0; i < NECST_CHUNK; i++) {
			fill(&shards[k], i, &l->lane[k * NECST_LANES + i % NECST_LANES], stretches, rng);
			n += shards[k].record[i] >= 0;
		}
	}
	return n;
}
