// SPDX-License-Identifier: BSD-3-Clause
#include <plane/watch.h>

#include <assert.h>

enum { ROW_MASK = WM_WATCH_ROW - 1 };

size_t wm_watch_size(size_t n_window, unsigned n_ledgers)
{
	return n_window * (sizeof(struct wm_flight) + sizeof(struct wm_bucket) + sizeof(uint64_t))
	       + WM_WATCH_ROW * sizeof(struct wm_arrival) + n_ledgers * (sizeof(uint64_t) + sizeof(unsigned));
}

void wm_watch_init(struct wm_watch *w, void *memory, size_t n_window, struct wm_ledger *const *ledgers,
	unsigned n_ledgers, double tsc_per_ns)
{
	*w = (struct wm_watch){.ledgers = ledgers, .n_ledgers = n_ledgers, .mask = n_window - 1};
	w->wait_tsc = (uint64_t)(WM_WATCH_WAIT_NS * tsc_per_ns);
	w->flights = memory;
	w->row = (struct wm_arrival *)(w->flights + n_window);
	w->seen = (uint64_t *)(w->row + WM_WATCH_ROW);
	w->latest = w->seen + n_window;
	w->buckets = (struct wm_bucket *)(w->latest + n_ledgers);
	w->turns = (unsigned *)(w->buckets + n_window);
	wm_spread_init(&w->latency);
}

void wm_watch_arrive(struct wm_watch *w, struct wm_note note, uint32_t len)
{
	w->row[w->row_head++ & ROW_MASK] = (struct wm_arrival){note, len};
}

static struct wm_flight *flight(const struct wm_watch *w, uint64_t number)
{
	return &w->flights[number & w->mask];
}

static struct wm_bucket *bucket(const struct wm_watch *w, uint64_t mark)
{
	return &w->buckets[(mark >> 20) & w->mask];
}

// Take a flight out of its bucket, where it stands behind `before` (0 = at the front).
static void forget(struct wm_watch *w, struct wm_bucket *b, uint32_t before, uint32_t at)
{
	struct wm_flight *f = &w->flights[at - 1];

	if (before > 0)
		w->flights[before - 1].next = f->next;
	else
		b->first = f->next;
	if (b->last == at)
		b->last = before;
	f->waiting = false;
}

// Packets that were noted first and are received, or are waited for no longer, make room.
static void settle(struct wm_watch *w, uint64_t now, bool all)
{
	for (; w->n_settled < w->n_noted; w->n_settled++) {
		struct wm_flight *f = flight(w, w->n_settled);
		struct wm_bucket *b = bucket(w, f->note.mark);

		if (!f->waiting)
			continue;
		if (!all && f->note.tsc + w->wait_tsc > now && w->n_noted - w->n_settled <= w->mask)
			break;
		assert(b->first == (w->n_settled & w->mask) + 1); // the oldest of its bucket
		forget(w, b, 0, b->first);
		wm_count_add(&w->count.lost, 1);
	}
}

static void take_note(struct wm_watch *w, unsigned ledger, const struct wm_note *note)
{
	uint32_t at = (uint32_t)(w->n_noted & w->mask) + 1;
	struct wm_bucket *b = bucket(w, note->mark);

	settle(w, 0, false);
	w->flights[at - 1] = (struct wm_flight){.note = *note, .ledger = (uint16_t)ledger, .waiting = true};
	if (b->first > 0)
		w->flights[b->last - 1].next = at;
	else
		b->first = at;
	b->last = at;
	w->n_noted++;
	wm_count_add(&w->count.noted, 1);
}

static bool take_notes(struct wm_watch *w)
{
	struct wm_note note;
	bool busy = false;

	for (unsigned i = 0; i < w->n_ledgers; i++)
		for (size_t n = 0; n <= w->mask && wm_ledger_take(w->ledgers[i], &note); n++) {
			take_note(w, i, &note);
			busy = true;
		}
	return busy;
}

static uint64_t number_of(const struct wm_watch *w, uint32_t at)
{
	return w->n_settled + ((at - 1 - w->n_settled) & w->mask);
}

// Of packets with the same mark the first that would be in order, or else, if all notes are there, the one that was
// sent first.
// @return 0 if none is waited for; *before is the one in front of it.
static uint32_t find(const struct wm_watch *w, uint64_t mark, bool all_noted, uint32_t *before)
{
	uint32_t found = 0, last = 0;

	for (uint32_t at = bucket(w, mark)->first; at > 0; last = at, at = w->flights[at - 1].next) {
		const struct wm_flight *f = &w->flights[at - 1];
		bool in_order = number_of(w, at) >= w->latest[f->ledger];

		if (f->note.mark != mark || (!in_order && (found > 0 || !all_noted)))
			continue;
		found = at;
		*before = last;
		if (in_order)
			break;
	}
	return found;
}

// Where its note may still come, a packet that is like one that was lost earlier is not taken for that one, late.
// @return false if no such packet is waited for.
static bool receive(struct wm_watch *w, const struct wm_arrival *a, bool all_noted)
{
	uint32_t before = 0, at = find(w, a->note.mark, all_noted, &before);
	const struct wm_flight *f;
	uint64_t number;

	if (at == 0)
		return false;
	f = &w->flights[at - 1];
	forget(w, bucket(w, a->note.mark), before, at);
	number = number_of(w, at);
	if (number >= w->latest[f->ledger])
		w->latest[f->ledger] = number + 1;
	else
		wm_count_add(&w->count.reordered, 1);
	wm_count_add(&w->count.received, 1);
	wm_count_add(&w->count.bytes, a->len);
	wm_spread_add(&w->latency, a->note.tsc > f->note.tsc ? a->note.tsc - f->note.tsc : 0);
	w->seen[(a->note.mark >> 20) & w->mask] = a->note.mark;
	return true;
}

// Are the notes in that arrivals may have to wait for? Asked before notes are taken.
static void ask_ledgers(struct wm_watch *w)
{
	if (w->asked == w->judged) {
		w->asked = w->row_head;
		for (unsigned i = 0; i < w->n_ledgers; i++)
			w->turns[i] = wm_ledger_turn(w->ledgers[i]);
	}
	for (unsigned i = 0; i < w->n_ledgers; i++)
		if (!wm_ledger_is_past(w->ledgers[i], w->turns[i]))
			return;
	w->judged = w->asked;
}

bool wm_watch_turn(struct wm_watch *w, uint64_t now)
{
	bool busy;

	ask_ledgers(w);
	busy = take_notes(w);
	for (; w->row_tail < w->row_head; w->row_tail++) {
		const struct wm_arrival *a = &w->row[w->row_tail & ROW_MASK];

		busy = true;
		if (receive(w, a, w->row_tail < w->judged))
			continue;
		if (w->row_tail >= w->judged)
			break;
		if (w->seen[(a->note.mark >> 20) & w->mask] == a->note.mark)
			wm_count_add(&w->count.duplicates, 1);
		else
			wm_count_add(&w->count.strangers, 1);
	}
	settle(w, now, false);
	return busy;
}

void wm_watch_finish(struct wm_watch *w)
{
	do
		(void)wm_watch_turn(w, 0);
	while (w->row_tail < w->row_head);
	while (take_notes(w))
		;
	settle(w, 0, true);
}
