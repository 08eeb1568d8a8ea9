// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <dataset/intern.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t hash_of(const uint8_t *p, size_t len)
{
	uint64_t h = len * 0x9E3779B97F4A7C15u;

	for (; len > 0; p += 8) {
		size_t n = len < 8 ? len : 8;
		uint64_t v = 0;

		memcpy(&v, p, n);
		h = (h ^ v) * 0xBF58476D1CE4E5B9u;
		h ^= h >> 32;
		len -= n;
	}
	return (uint32_t)(h ^ h >> 29);
}

// @return the slot of an equal string, or the free slot where it would be.
static size_t slot_of(const struct wm_intern *in, uint32_t hash, const void *bytes, size_t len)
{
	size_t mask = in->n_slots - 1, i = hash & mask;

	for (; in->slots[i] != 0; i = (i + 1) & mask) { // at most half of them are taken
		const struct wm_interned *item = &in->items[in->slots[i] - 1];

		if (item->hash == hash && item->len == len && memcmp(in->bytes + item->at, bytes, len) == 0)
			break;
	}
	return i;
}

int64_t wm_intern_find(const struct wm_intern *in, const void *bytes, size_t len)
{
	size_t i;

	if (in->n_slots == 0)
		return -ENOENT;
	i = slot_of(in, hash_of(bytes, len), bytes, len);
	return in->slots[i] != 0 ? (int64_t)in->slots[i] - 1 : -ENOENT;
}

static int more_slots(struct wm_intern *in)
{
	size_t n = in->n_slots > 0 ? in->n_slots * 2 : 64;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < in->n; k++) {
		size_t i = in->items[k].hash & (n - 1);

		while (slots[i] != 0)
			i = (i + 1) & (n - 1);
		slots[i] = (uint32_t)k + 1;
	}
	free(in->slots);
	in->slots = slots;
	in->n_slots = n;
	return 0;
}

int64_t wm_intern_add(struct wm_intern *in, const void *bytes, size_t len)
{
	uint32_t hash = hash_of(bytes, len);
	size_t i;

	if (2 * (in->n + 1) > in->n_slots && more_slots(in) < 0)
		return -ENOMEM;
	i = slot_of(in, hash, bytes, len);
	if (in->slots[i] != 0)
		return (int64_t)in->slots[i] - 1;
	if (in->n_bytes + len > UINT32_MAX || in->n >= UINT32_MAX - 1)
		return -ENOMEM;
	if (wm_grow((void **)&in->items, &in->cap, in->n + 1, sizeof(*in->items)) < 0
		|| wm_grow((void **)&in->bytes, &in->cap_bytes, in->n_bytes + len + 1, 1)
			   < 0) // there, if the first is empty
		return -ENOMEM;
	in->items[in->n] = (struct wm_interned){.hash = hash, .at = (uint32_t)in->n_bytes, .len = (uint32_t)len};
	memcpy(in->bytes + in->n_bytes, bytes, len);
	in->n_bytes += len;
	in->slots[i] = (uint32_t)++in->n;
	return (int64_t)in->n - 1;
}

void wm_intern_free(struct wm_intern *in)
{
	free(in->slots);
	free(in->items);
	free(in->bytes);
	memset(in, 0, sizeof(*in));
}
