// SPDX-License-Identifier: BSD-3-Clause
#include <plane/departures.h>

#include <base/grow.h>
#include <packet/raw.h>

#include <errno.h>

static bool push(struct wm_departures *d, const struct wm_sample *s)
{
	struct wm_sample *room;

	if (wm_ring_room(&d->ring, &room) == 0)
		return false;
	*room = *s;
	wm_ring_push(&d->ring, 1);
	return true;
}

// Say how many packets have passed by untold, so that the reader's count goes on.
static bool own_up(struct wm_departures *d)
{
	const struct wm_sample gap = {.time_ns = d->n_missed, .form = WM_FORM_TICK, .flags = WM_TICK_TIME};

	if (d->n_missed > 0 && !push(d, &gap))
		return false;
	d->n_missed = 0;
	return true;
}

void wm_departures_build(struct wm_departures *d, uint32_t at, const struct wm_sample *s, bool raw)
{
	d->row[at] = *s;
	if (raw)
		wm_raw_note(&d->row[at]);
	else
		d->row[at].seq = d->row[at].ack = 0;
	d->again[at] = false;
	d->n_built++;
}

void wm_departures_build_again(struct wm_departures *d, uint32_t at, const struct wm_sample *s, uint32_t lap)
{
	d->row[at] = *s;
	d->row[at].seq = d->queue;
	d->row[at].ack = lap;
	d->again[at] = true;
	d->n_built++;
}

void wm_departures_send(struct wm_departures *d, uint32_t at, uint32_t n, uint64_t tsc)
{
	for (uint32_t i = at; i < at + n; i++) {
		d->row[i].time_ns = tsc;
		if (own_up(d) && push(d, &d->row[i]))
			continue;
		d->n_missed++;
		wm_count_add(&d->untold, 1);
	}
}

void wm_departures_drop(struct wm_departures *d, uint32_t at, uint32_t n)
{
	for (uint32_t i = at; i < at + n; i++) {
		d->n_missed++;
		if (d->row[i].bits & WM_BIT_LAST && !d->again[i]) // else it ends with the lap
			wm_departures_end(d, &d->row[i]);
	}
}

void wm_departures_end(struct wm_departures *d, const struct wm_sample *s)
{
	const struct wm_sample tick = {
		.time_ns = d->n_built, .flow = s->flow, .form = WM_FORM_TICK, .flags = WM_TICK_FLOW, .bits = s->bits};

	// Without room the flow is written when the run ends.
	(void)(own_up(d) && push(d, &tick));
}

void wm_departures_end_lap(struct wm_departures *d, uint32_t lap)
{
	const struct wm_sample tick = {
		.time_ns = d->n_built, .seq = d->queue, .ack = lap, .form = WM_FORM_TICK, .flags = WM_TICK_LAP};

	(void)(own_up(d) && push(d, &tick));
}

// Ticks whose packets have all been seen. They are in order.
static int release(struct wm_departures_reader *r, void (*take)(void *arg, struct wm_sample *s), void *arg)
{
	int n = 0;

	for (; r->first_held < r->n_held && r->held[r->first_held].time_ns <= r->n_seen; n++)
		take(arg, &r->held[r->first_held++]);
	if (r->first_held == r->n_held)
		r->first_held = r->n_held = 0;
	return n;
}

int wm_departures_read(struct wm_departures *d, struct wm_departures_reader *r,
	void (*take)(void *arg, struct wm_sample *s), void *arg)
{
	const struct wm_sample *span;
	size_t n = wm_ring_peek(&d->ring, &span);
	int done = 0;

	for (size_t i = 0; i < n; i++) {
		struct wm_sample s = span[i];

		if (s.form == WM_FORM_TICK && s.flags != WM_TICK_TIME) {
			if (wm_grow((void **)&r->held, &r->cap, r->n_held + 1, sizeof(s)) < 0)
				return -ENOMEM;
			r->held[r->n_held++] = s;
		} else if (s.form == WM_FORM_TICK) {
			r->n_seen += s.time_ns;
		} else {
			r->n_seen++;
			take(arg, &s);
			done++;
		}
		done += release(r, take, arg);
	}
	wm_ring_pop(&d->ring, n);
	return done;
}
