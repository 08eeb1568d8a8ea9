// SPDX-License-Identifier: BSD-3-Clause
#include <packet/fold.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 1024 };

struct address {
	uint64_t half[2]; // 0, 0: a free place; that is no host's address
};

// Open addressing, at most half full.
struct set {
	struct address *at;
	size_t room; // a power of two
	size_t n;
};

struct wm_fold {
	const struct wm_map *map;
	struct set before, after;
	uint64_t mapped;
};

// Source: Steele, Lea, Flood 2014 (SplitMix64's finaliser).
static size_t place(const struct address *a, size_t room)
{
	uint64_t h = a->half[0] ^ a->half[1] * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return (size_t)(h ^ h >> 31) & (room - 1);
}

static struct address *find(const struct set *s, const struct address *a)
{
	size_t i = place(a, s->room);

	while ((s->at[i].half[0] | s->at[i].half[1]) != 0 && memcmp(&s->at[i], a, sizeof(*a)) != 0)
		i = (i + 1) & (s->room - 1);
	return &s->at[i];
}

static bool grow(struct set *s)
{
	struct set more = {.at = calloc(s->room * 2, sizeof(*more.at)), .room = s->room * 2, .n = s->n};

	if (more.at == NULL)
		return false;
	for (size_t i = 0; i < s->room; i++)
		if ((s->at[i].half[0] | s->at[i].half[1]) != 0)
			*find(&more, &s->at[i]) = s->at[i];
	free(s->at);
	*s = more;
	return true;
}

// @return whether the address is new.
static bool add(struct set *s, const struct address *a)
{
	struct address *at = find(s, a);

	if ((a->half[0] | a->half[1]) == 0 || memcmp(at, a, sizeof(*a)) == 0 || s->n == WM_FOLD_MOST)
		return false;
	if (s->n >= s->room / 2) {
		if (!grow(s))
			return false;
		at = find(s, a);
	}
	*at = *a;
	s->n++;
	return true;
}

int wm_fold_create(struct wm_fold **out, const struct wm_map *map)
{
	struct wm_fold *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	f->map = map;
	f->before = (struct set){.at = calloc(FIRST_ROOM, sizeof(*f->before.at)), .room = FIRST_ROOM};
	f->after = (struct set){.at = calloc(FIRST_ROOM, sizeof(*f->after.at)), .room = FIRST_ROOM};
	if (f->before.at == NULL || f->after.at == NULL) {
		wm_fold_destroy(f);
		return -ENOMEM;
	}
	*out = f;
	return 0;
}

void wm_fold_destroy(struct wm_fold *f)
{
	if (f == NULL)
		return;
	free(f->before.at);
	free(f->after.at);
	free(f);
}

void wm_fold_add(struct wm_fold *f, const uint8_t addr[16])
{
	struct address was, is;
	uint8_t now[16];

	memcpy(&was, addr, sizeof(was));
	if (!add(&f->before, &was))
		return;
	memcpy(now, addr, sizeof(now));
	wm_map_address(f->map, now);
	memcpy(&is, now, sizeof(is));
	f->mapped += memcmp(&was, &is, sizeof(is)) != 0;
	(void)add(&f->after, &is);
}

uint64_t wm_fold_count(const struct wm_fold *f, uint64_t *mapped)
{
	if (mapped != NULL)
		*mapped = f->mapped;
	return f->before.n - f->after.n;
}
