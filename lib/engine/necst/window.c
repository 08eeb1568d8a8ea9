// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/window.h>

static uint32_t mix(uint32_t h, uint32_t word)
{
	h = (h ^ word) * 0x9e3779b1u;
	return h ^ h >> 15;
}

static uint32_t shape_of(const struct necst_kind *k)
{
	return (uint32_t)k->reverse | (k->flags & 7u) << 1 | (uint32_t)k->has_payload << 4 | (uint32_t)k->proto << 5;
}

uint32_t necst_window_key(
	enum necst_window_level level, const struct necst_window_side *s, const struct necst_kind *k, uint32_t profile)
{
	const bool counts = necst_window_counts(k);
	uint32_t h = mix(level, level == NECST_WINDOW_SIDE ? k->reverse : shape_of(k) << 1 | (counts && s->syn));

	if (level != NECST_WINDOW_ANYWHERE)
		h = mix(h, profile);
	if (level > NECST_WINDOW_OPENS)
		h = mix(h, counts ? necst_code_bytes(s->heard) : 0);
	if (level == NECST_WINDOW_FOLLOWS || level == NECST_WINDOW_ANYWHERE)
		h = mix(h, counts ? (uint32_t)s->window : 0);
	return h;
}

// A window of the first of two levels that knows one, or -1.
static int32_t draw_level(const struct necst_windows *w, const enum necst_window_level level[2],
	const struct necst_window_side *me, const struct necst_kind *k, uint32_t profile, uint32_t random)
{
	for (int i = 0; i < 2; i++) {
		const struct necst_entry *e = necst_table_find(&w->next, necst_window_key(level[i], me, k, profile));

		if (e != NULL)
			return (int32_t)necst_table_draw(&w->next, e, random);
	}
	return -1;
}

// By the change that comes with such a packet. @return the window, or -1 where nothing is known. None closes by a
// change alone: no window was seen to close from here.
static int32_t draw_change(
	const struct necst_windows *w, const struct necst_window_side *me, uint32_t key, uint32_t random)
{
	const struct necst_entry *e = me->syn ? NULL : necst_table_find(&w->step, key);
	int32_t window;

	if (e == NULL)
		return -1;
	window = me->window + (int16_t)necst_table_draw(&w->step, e, random);
	return window > 0 && window <= UINT16_MAX ? window : me->window;
}

void necst_window_prefetch(const struct necst_windows *w, const struct necst_window_side side[2],
	const struct necst_kind *k, uint32_t profile)
{
	const struct necst_window_side *me = &side[k->reverse];
	const bool follows = me->window >= 0 || !necst_window_counts(k);
	const uint32_t key = necst_window_key(follows ? NECST_WINDOW_FOLLOWS : NECST_WINDOW_OPENS, me, k, profile);

	__builtin_prefetch(&w->next.index[necst_table_hash(key, w->next.index_bits)]);
}

uint16_t necst_window_draw(const struct necst_windows *w, const struct necst_window_side side[2],
	const struct necst_kind *k, uint32_t profile, uint32_t random)
{
	static const enum necst_window_level opens[] = {NECST_WINDOW_OPENS, NECST_WINDOW_SIDE},
					     follows[] = {NECST_WINDOW_FOLLOWS, NECST_WINDOW_ANYWHERE};
	const struct necst_window_side *me = &side[k->reverse], *peer = &side[!k->reverse];
	int32_t window = -1;

	if (me->window >= 0 || !necst_window_counts(k))
		window = draw_level(w, follows, me, k, profile, random);
	if (window < 0 && me->window >= 0 && necst_window_counts(k))
		window = draw_change(w, me, necst_window_key(NECST_WINDOW_CHANGES, me, k, profile), random);
	if (window < 0 && (me->window < 0 || me->syn))
		window = draw_level(w, opens, me, k, profile, random);
	if (window >= 0)
		return (uint16_t)window;
	if (me->window >= 0)
		return (uint16_t)me->window;
	// A side that this profile never heard from opens as wide as its peer, or all the way.
	return peer->window > 0 ? (uint16_t)peer->window : UINT16_MAX;
}
