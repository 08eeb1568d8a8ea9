// SPDX-License-Identifier: BSD-3-Clause
#include <synth/worker.h>

#include <base/grow.h>
#include <base/philox.h>
#include <synth/flight.h>
#include <synth/order.h>
#include <synth/worker_pvt.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH = 256, // flows that are stepped together: a few tiles of the engine's
	AHEAD = 8,   // flows whose state is on its way from memory
	WAIT = 1,    // what making a window returns if there is none now
};

// A growing array of samples.
struct samples {
	struct wm_sample *at;
	size_t n, cap;
};

struct wm_worker {
	struct wm_flight flights[WM_MODELS_MAX];
	size_t n_flights;
	unsigned index, n_workers;
	struct wm_worker_sizes sizes;
	int failed;

	uint64_t from, end;    // the window
	uint64_t span;         // length that the next one should have
	uint64_t until;        // none begins from then on
	struct samples window; // all samples of from .. end-1, as they came
	struct samples ahead;  // made before the window was narrowed: of later windows
	struct wm_order *order, *scratch;
	size_t order_cap, scratch_cap;
	size_t next; // in order: handed out next

	struct wm_step steps[BATCH];
};

static int reserve(struct samples *s, size_t n)
{
	return wm_grow((void **)&s->at, &s->cap, s->n + n, sizeof(*s->at));
}

// Move the samples of `from` that are inside (or not inside) the window to `to`; both keep their order.
static int sift(struct samples *from, struct samples *to, uint64_t end, bool inside)
{
	size_t kept = 0;
	int rc = reserve(to, from->n);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < from->n; i++) {
		if ((from->at[i].time_ns < end) == inside)
			to->at[to->n++] = from->at[i];
		else
			from->at[kept++] = from->at[i];
	}
	from->n = kept;
	return 0;
}

// End the window earlier. What was made for the time behind it is kept for later windows; flows that were stepped
// beyond it stop there at their next packet.
static int end_window(struct wm_worker *w, uint64_t end)
{
	w->end = end;
	return sift(&w->window, &w->ahead, end, false);
}

// While the window holds too much, shorten it; one of 1 ns is as short as time goes and holds what it has to.
static int narrow(struct wm_worker *w)
{
	int rc = 0;

	while (w->window.n >= w->sizes.cap && w->end - w->from > 1 && rc == 0)
		rc = end_window(w, w->from + (w->end - w->from + 3) / 4);
	return rc;
}

// The time of the first thing that happens next.
static uint64_t earliest(const struct wm_worker *w)
{
	uint64_t t = WM_TIME_END;

	for (size_t i = 0; i < w->ahead.n; i++)
		if (w->ahead.at[i].time_ns < t)
			t = w->ahead.at[i].time_ns;
	for (size_t k = 0; k < w->n_flights; k++) {
		const struct wm_flight *f = &w->flights[k];

		if (f->start_ns < t)
			t = f->start_ns;
		for (size_t i = 0; i < f->n_used; i++)
			if (f->due[i] < t)
				t = f->due[i];
	}
	return t;
}

static size_t count_due(const struct wm_worker *w, uint64_t end)
{
	size_t n = 0;

	for (size_t k = 0; k < w->n_flights; k++)
		for (size_t i = 0; i < w->flights[k].n_used; i++)
			n += w->flights[k].due[i] < end;
	return n;
}

// What it means that nothing happens before the end of time.
static int why_over(const struct wm_worker *w)
{
	size_t n_over = 0, n_held = 0;

	for (size_t k = 0; k < w->n_flights; k++) {
		n_over += w->flights[k].over;
		n_held += w->flights[k].course.held;
	}
	return n_held > 0 ? WAIT : n_over == w->n_flights ? -ENODATA : -ERANGE;
}

// Place the window: at the first thing that happens, so long that it should hold what it ought to.
static int open_window(struct wm_worker *w)
{
	uint64_t limit = w->until < WM_TIME_END ? w->until : WM_TIME_END;
	int rc = 0;

	w->window.n = 0;
	w->next = 0;
	for (size_t k = 0; k < w->n_flights; k++)
		wm_flight_steer(&w->flights[k], w->end);
	w->from = earliest(w);
	if (w->from >= WM_TIME_END)
		rc = why_over(w);
	else if (w->from >= limit)
		rc = WAIT;
	if (rc == WAIT && w->until < WM_TIME_END && w->end < w->until)
		w->end = w->until;
	if (rc != 0)
		return rc;
	w->end = w->span < limit - w->from ? w->from + w->span : limit;
	while (w->end - w->from > 1 && count_due(w, w->end) > w->sizes.cap)
		w->end = w->from + (w->end - w->from + 3) / 4;
	return sift(&w->ahead, &w->window, w->end, true);
}

// The packets that flows held back and that are inside this window.
static int take_pending(struct wm_worker *w, struct wm_flight *f)
{
	for (uint32_t slot = 0; slot < f->n_used; slot++) {
		int rc;

		if (f->due[slot] >= w->end)
			continue;
		rc = reserve(&w->window, 1);
		if (rc < 0)
			return rc;
		w->window.at[w->window.n++] = f->lanes[slot].pending;
		f->due[slot] = WM_DUE_NEVER;
		if (f->lanes[slot].pending.bits & WM_BIT_LAST)
			wm_flight_release(f, slot);
		else
			f->active[f->n_active++] = slot;
	}
	return 0;
}

// Begin flows while few are active; the others of this window wait, so that what is set up is still in the cache when
// it is stepped.
static int begin_flows(struct wm_worker *w, struct wm_flight *f)
{
	int rc = 0;

	while (f->n_active < BATCH && f->start_ns < w->end && rc == 0)
		rc = wm_flight_begin(f, w->index, w->n_workers);
	return rc;
}

// One more packet of each of the first n active flows. Those that stay inside the window move to the front of the list.
static size_t settle(struct wm_worker *w, struct wm_flight *f, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t slot = f->active[i];
		struct wm_lane *lane = &f->lanes[slot];
		struct wm_sample *s = &w->window.at[w->window.n];

		if (i + AHEAD < n)
			wm_flight_prefetch(f, f->active[i + AHEAD]);
		bool history = !wm_flight_sample(f, lane, &w->steps[i], s);

		if (f->engine->gen_finish != NULL)
			f->engine->gen_finish(f->gen, slot, s);
		if (!history && s->time_ns >= w->end) {
			lane->pending = *s;
			f->due[slot] = s->time_ns;
			continue;
		}
		w->window.n += !history;
		if (s->bits & WM_BIT_LAST)
			wm_flight_release(f, slot);
		else
			f->active[kept++] = slot;
	}
	return kept;
}

// Step a model's flows until each has a packet beyond the window: some flows at a time, whose states stay in the cache;
// others take the places of those that are done.
static int run(struct wm_worker *w, struct wm_flight *f)
{
	for (;;) {
		size_t n, kept, others;
		int rc = begin_flows(w, f);

		n = f->n_active < BATCH ? f->n_active : BATCH;
		if (rc < 0 || n == 0)
			return rc;
		rc = reserve(&w->window, n);
		if (rc < 0)
			return rc;
		f->engine->gen_step(f->gen, f->active, n, w->steps);
		kept = settle(w, f, n);
		others = f->n_active - n < n - kept ? f->n_active - n : n - kept;
		memmove(f->active + kept, f->active + f->n_active - others, others * sizeof(*f->active));
		f->n_active -= n - kept;
		rc = narrow(w);
		if (rc < 0)
			return rc;
	}
}

// The next window's length follows from what this one held; it changes slowly, as rates jump.
static void adapt(struct wm_worker *w)
{
	uint64_t span = w->end - w->from;
	wm_u128 want = (wm_u128)span * w->sizes.target / (w->window.n > 0 ? w->window.n : 1);
	uint64_t lo = span / 4 > 1 ? span / 4 : 1;
	uint64_t hi = span < WM_TIME_END / 4 ? span * 4 : WM_TIME_END;

	w->span = want < lo ? lo : want > hi ? hi : (uint64_t)want;
}

static int sort_window(struct wm_worker *w)
{
	size_t n = w->window.n;
	int rc = wm_grow((void **)&w->order, &w->order_cap, n, sizeof(*w->order));

	if (rc < 0)
		return rc;
	rc = wm_grow((void **)&w->scratch, &w->scratch_cap, n, sizeof(*w->scratch));
	if (rc < 0)
		return rc;
	wm_order_samples(w->order, w->scratch, w->window.at, n, w->from, w->end);
	return 0;
}

// @return 0; WAIT; -errno: there will be none.
static int make_window(struct wm_worker *w)
{
	int rc = open_window(w);

	if (rc != 0)
		return rc;
	for (size_t k = 0; k < w->n_flights && rc == 0; k++)
		rc = take_pending(w, &w->flights[k]);
	for (size_t k = 0; k < w->n_flights && rc == 0; k++)
		rc = run(w, &w->flights[k]);
	if (rc == 0)
		rc = sort_window(w);
	adapt(w);
	return rc;
}

size_t wm_worker_next(struct wm_worker *w, struct wm_sample *out, size_t n)
{
	size_t done = 0;

	while (done < n && w->failed == 0) {
		size_t left = w->window.n - w->next;

		if (left == 0) {
			int rc = make_window(w);

			if (rc == WAIT)
				break;
			w->failed = rc;
			continue;
		}
		if (left > n - done)
			left = n - done;
		for (size_t i = 0; i < left; i++) {
			if (i + AHEAD < left)
				__builtin_prefetch(&w->window.at[w->order[w->next + i + AHEAD].at]);
			out[done + i] = w->window.at[w->order[w->next + i].at];
		}
		w->next += left;
		done += left;
	}
	return done;
}

void wm_worker_limit(struct wm_worker *w, uint64_t until_ns)
{
	w->until = until_ns;
}

int wm_worker_failed(const struct wm_worker *w)
{
	return w->failed;
}

void wm_worker_room(const struct wm_worker *w, size_t *samples, size_t *flows)
{
	*samples = w->window.cap + w->ahead.cap;
	*flows = 0;
	for (size_t k = 0; k < w->n_flights; k++)
		*flows += w->flights[k].n_slots;
}

// Each model of a mix has a seed of its own, so that one that is in it twice is not the same traffic twice.
static uint64_t source_seed(uint64_t seed, size_t place)
{
	struct wm_rng rng;
	uint64_t high;

	if (place == 0)
		return seed;
	wm_rng_init(&rng, seed, WM_STREAM_SOURCE, place);
	high = wm_rng_u32(&rng);
	return high << 32 | wm_rng_u32(&rng);
}

int wm_worker_create_sized(struct wm_worker **out, const struct wm_source *sources, size_t n_sources, uint64_t seed,
	unsigned index, unsigned n_workers, const struct wm_worker_sizes *sizes, struct wm_err *err)
{
	struct wm_worker *w;

	if (n_sources == 0 || n_sources > WM_MODELS_MAX)
		return wm_err_set(err, -EINVAL, "%zu models: a run needs 1 to %d of them", n_sources, WM_MODELS_MAX);
	if (index >= n_workers)
		return wm_err_set(err, -EINVAL, "worker %u of %u: there is no such worker", index, n_workers);
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return wm_err_set(err, -ENOMEM, "no memory for a worker");
	w->index = index;
	w->n_workers = n_workers;
	w->sizes = *sizes;
	w->span = sizes->span_ns;
	w->until = UINT64_MAX;
	for (size_t k = 0; k < n_sources; k++) {
		int rc = wm_flight_init(
			&w->flights[w->n_flights++], &sources[k], (uint8_t)k, source_seed(seed, k), index, n_workers);

		if (rc < 0) {
			wm_worker_destroy(w);
			if (rc == -EINVAL && !(sources[k].speed >= 1e-6 && sources[k].speed <= 1e6))
				return wm_err_set(err, rc, "model %zu: its speed %g is not in 1e-6 .. 1e6", k + 1,
					sources[k].speed);
			if (rc == -EINVAL)
				return wm_err_set(err, rc, "model %zu: its schedule contradicts itself", k + 1);
			return wm_err_sys(err, rc, "model %zu: its generator cannot be set up", k + 1);
		}
	}
	*out = w;
	return 0;
}

int wm_worker_create(struct wm_worker **out, const struct wm_source *sources, size_t n_sources, uint64_t seed,
	unsigned index, unsigned n_workers, struct wm_err *err)
{
	const struct wm_worker_sizes sizes = {.target = 12 * 1024, .cap = 32 * 1024, .span_ns = 1000000};

	return wm_worker_create_sized(out, sources, n_sources, seed, index, n_workers, &sizes, err);
}

void wm_worker_destroy(struct wm_worker *w)
{
	if (w == NULL)
		return;
	for (size_t k = 0; k < w->n_flights; k++)
		wm_flight_fini(&w->flights[k]);
	free(w->window.at);
	free(w->ahead.at);
	free(w->order);
	free(w->scratch);
	free(w);
}
