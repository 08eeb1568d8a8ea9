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

// A window that came with this key, or -1.
static int32_t draw_next(const struct necst_windows *w, uint32_t key, uint32_t random)
{
	const struct necst_entry *e = necst_table_find(&w->next, key);

	return e != NULL ? (int32_t)necst_table_draw(&w->next, e, random) : -1;
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

// Whether the window follows from one before it, as far as is known; else it opens.
static bool follows(const struct necst_window_side *me, const struct necst_kind *k)
{
	return me->window >= 0 || !necst_window_counts(k);
}

uint32_t necst_window_first(const struct necst_windows *w, const struct necst_window_side side[2],
	const struct necst_kind *k, uint32_t profile)
{
	const struct necst_window_side *me = &side[k->reverse];
	const uint32_t key =
		necst_window_key(follows(me, k) ? NECST_WINDOW_FOLLOWS : NECST_WINDOW_OPENS, me, k, profile);

	__builtin_prefetch(&w->next.index[necst_table_hash(key, w->next.index_bits)]);
	return key;
}

uint16_t necst_window_draw(const struct necst_windows *w, const struct necst_window_side side[2],
	const struct necst_kind *k, uint32_t profile, uint32_t first, uint32_t random)
{
	const struct necst_window_side *me = &side[k->reverse], *peer = &side[!k->reverse];
	int32_t window = draw_next(w, first, random);

	if (window < 0 && follows(me, k))
		window = draw_next(w, necst_window_key(NECST_WINDOW_ANYWHERE, me, k, profile), random);
	if (window < 0 && me->window >= 0 && necst_window_counts(k))
		window = draw_change(w, me, necst_window_key(NECST_WINDOW_CHANGES, me, k, profile), random);
	if (window < 0 && follows(me, k) && (me->window < 0 || me->syn))
		window = draw_next(w, necst_window_key(NECST_WINDOW_OPENS, me, k, profile), random);
	if (window < 0 && (me->window < 0 || me->syn))
		window = draw_next(w, necst_window_key(NECST_WINDOW_SIDE, me, k, profile), random);
	if (window >= 0)
		return (uint16_t)window;
	if (me->window >= 0)
		return (uint16_t)me->window;
	// A side that this profile never heard from opens as wide as its peer, or all the way.
	return peer->window > 0 ? (uint16_t)peer->window : UINT16_MAX;
}
