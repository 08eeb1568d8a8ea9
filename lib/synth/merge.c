// SPDX-License-Identifier: BSD-3-Clause
#include <synth/merge.h>
#include <synth/worker.h>

#include <errno.h>
#include <stdlib.h>

// How much is merged at once, and how much of a ring is taken before it is given back: little, so that the producer can
// go on meanwhile.
enum { CHUNK = 256, HOLD = 1024 };

struct input {
	struct wm_ring *ring;
	const struct wm_sample *at, *end; // samples in the ring that were not taken yet
	size_t held;                      // in the ring up to end, not released
};

struct wm_merge {
	struct input *inputs;
	size_t n;
	struct wm_sample chunk[CHUNK];
};

int wm_merge_create(struct wm_merge **out, struct wm_ring *const *rings, size_t n)
{
	struct wm_merge *m = aligned_alloc(64, (sizeof(*m) + 63) / 64 * 64);

	if (m == NULL)
		return -ENOMEM;
	m->n = n;
	m->inputs = calloc(n, sizeof(*m->inputs));
	if (m->inputs == NULL) {
		free(m);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		m->inputs[i].ring = rings[i];
	*out = m;
	return 0;
}

void wm_merge_destroy(struct wm_merge *m)
{
	if (m == NULL)
		return;
	free(m->inputs);
	free(m);
}

// Give back what was taken, look at what came. @return whether there is something.
static bool refill(struct input *in)
{
	size_t n;

	wm_ring_pop(in->ring, in->held);
	n = wm_ring_peek(in->ring, &in->at);
	if (n > HOLD)
		n = HOLD;
	in->end = in->at + n;
	in->held = n;
	return n > 0;
}

// Every input that may still bring something has to show its next sample before any can be taken.
static bool all_ready(struct wm_merge *m)
{
	size_t i = 0;

	while (i < m->n) {
		struct input *in = &m->inputs[i];

		if (in->at < in->end || refill(in)) {
			i++;
		} else if (wm_ring_ended(in->ring)) {
			*in = m->inputs[--m->n];
		} else if (!refill(in)) {
			return false;
		}
	}
	return m->n > 0;
}

static struct input *first(struct wm_merge *m)
{
	struct input *best = &m->inputs[0];

	for (size_t i = 1; i < m->n; i++)
		if (wm_sample_order(m->inputs[i].at, best->at) < 0)
			best = &m->inputs[i];
	return best;
}

size_t wm_merge_next(struct wm_merge *m, const struct wm_sample **at)
{
	size_t n = 0;

	if (!all_ready(m))
		return 0;
	if (m->n == 1) {
		struct input *in = &m->inputs[0];

		*at = in->at;
		n = (size_t)(in->end - in->at);
		in->at = in->end;
		return n;
	}
	while (n < CHUNK) {
		struct input *in = first(m);

		m->chunk[n++] = *in->at++;
		if (in->at == in->end) // what the chunk may point at stays in the rings until the next call
			break;
	}
	*at = m->chunk;
	return n;
}

bool wm_merge_ended(struct wm_merge *m)
{
	return !all_ready(m) && m->n == 0;
}
