// SPDX-License-Identifier: BSD-3-Clause
#include "crew.h"

#include <plane/count.h>
#include <synth/merge.h>
#include <synth/ring.h>
#include <synth/worker.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum {
	RING_SAMPLES = 32768, // a worker makes some 12,000 at a time: others are not to wait for it meanwhile
	SHARE = 512,          // of a ring, filled before it is handed over
	NAP_NS = 50000,
};

struct member {
	struct wm_ring ring;
	struct wm_sample *slots;
	struct wm_worker *worker;
	struct wm_replay *replay; // instead of a worker
	struct crew *crew;
	pthread_t thread;
	bool started;
	wm_count made; // packets
};

struct crew {
	struct member *members; // the capture's last
	unsigned n, n_workers;
	struct wm_merge *merge;
	atomic_bool stop;      // relaxed: raised by the caller, noticed by the threads
	atomic_int failed;     // release by a worker that has given its last sample, acquire in crew_next()
	atomic_bool timed_out; // some worker has come to the end of time
};

static void nap(void)
{
	const struct timespec t = {.tv_nsec = NAP_NS};

	(void)nanosleep(&t, NULL);
}

// How many samples a member has made in room for n. @return false if it will make no more.
static bool make(struct member *m, struct wm_sample *room, size_t n, size_t *done)
{
	size_t packets = 0;

	if (m->replay == NULL) {
		*done = wm_worker_next(m->worker, room, n);
		wm_count_add(&m->made, *done);
		return *done == n;
	}
	*done = wm_replay_next(m->replay, room, n);
	for (size_t i = 0; i < *done; i++)
		packets += room[i].form != WM_FORM_TICK;
	wm_count_add(&m->made, packets);
	return !wm_replay_over(m->replay);
}

// A worker that failed leaves its ring open: what the others make must not go on without its share. One whose time is
// over has given all of its share.
static void give_up(struct member *m)
{
	int rc = m->replay != NULL ? wm_replay_failed(m->replay, NULL) : wm_worker_failed(m->worker);

	if (rc == -ERANGE)
		atomic_store_explicit(&m->crew->timed_out, true, memory_order_relaxed); // seen with the ring closed
	if (rc == 0 || rc == -ERANGE || rc == -ENODATA)
		wm_ring_close(&m->ring);
	else
		atomic_store_explicit(&m->crew->failed, rc, memory_order_release);
}

static void *work(void *arg)
{
	struct member *m = arg;

	while (!atomic_load_explicit(&m->crew->stop, memory_order_relaxed)) {
		struct wm_sample *room;
		size_t n = wm_ring_room(&m->ring, &room), done = 0;
		bool more = n == 0 || make(m, room, n < SHARE ? n : SHARE, &done);

		wm_ring_push(&m->ring, done);
		if (!more) {
			give_up(m);
			break;
		}
		if (done == 0)
			nap();
	}
	return NULL;
}

static int member_init(struct member *m, struct crew *c, const struct models *models, uint64_t seed, unsigned index,
	struct wm_err *err)
{
	m->crew = c;
	m->slots = aligned_alloc(sizeof(struct wm_sample), RING_SAMPLES * sizeof(struct wm_sample));
	if (m->slots == NULL)
		return wm_err_set(err, -ENOMEM, "no memory for the samples of worker %u", index + 1);
	wm_ring_init(&m->ring, m->slots, RING_SAMPLES);
	if (index == c->n_workers) {
		m->replay = models->replay;
		wm_replay_attach(m->replay, &m->ring, 1);
		return 0;
	}
	return wm_worker_create(&m->worker, models->sources, models->n, seed, index, c->n_workers, err);
}

static int start(struct crew *c, struct wm_err *err)
{
	sigset_t all, before;
	int rc = 0;

	// Signals are the caller's: its threads would only be woken for nothing.
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < c->n && rc == 0; i++) {
		struct member *m = &c->members[i];

		rc = pthread_create(&m->thread, NULL, work, m);
		m->started = rc == 0;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc == 0 ? 0 : wm_err_sys(err, -rc, "a thread for each of %u workers cannot be started", c->n);
}

int crew_create(struct crew **out, const struct models *models, uint64_t seed, unsigned n_workers, struct wm_err *err)
{
	unsigned n = n_workers + (models->replay != NULL);
	struct crew *c = calloc(1, sizeof(*c));
	struct wm_ring **rings = calloc(n, sizeof(struct wm_ring *));
	int rc = -ENOMEM;

	if (c != NULL)
		c->members = aligned_alloc(64, n * sizeof(*c->members));
	if (rings == NULL || c == NULL || c->members == NULL) {
		(void)wm_err_set(err, rc, "no memory for %u workers", n_workers);
		goto fail;
	}
	c->n_workers = n_workers;
	for (; c->n < n; c->n++)
		c->members[c->n] = (struct member){0};
	for (unsigned i = 0; i < n; i++) {
		rings[i] = &c->members[i].ring;
		rc = member_init(&c->members[i], c, models, seed, i, err);
		if (rc < 0)
			goto fail;
	}
	rc = wm_merge_create(&c->merge, rings, n);
	if (rc < 0) {
		(void)wm_err_set(err, rc, "no memory for %u workers", n_workers);
		goto fail;
	}
	rc = start(c, err);
	if (rc < 0)
		goto fail;
	free(rings);
	*out = c;
	return 0;

fail:
	free(rings);
	crew_destroy(c);
	return rc;
}

int crew_next(struct crew *c, const struct wm_sample **at, size_t *n)
{
	int failed = atomic_load_explicit(&c->failed, memory_order_acquire);

	*n = wm_merge_next(c->merge, at);
	if (*n > 0)
		return 0;
	if (failed != 0)
		return failed;
	if (wm_merge_ended(c->merge))
		return atomic_load_explicit(&c->timed_out, memory_order_relaxed) ? -ERANGE : -ENODATA;
	nap();
	return 0;
}

void crew_look(const struct crew *c, struct wm_plane_stats *stats)
{
	stats->generated = stats->ring_used = stats->ring_room = 0;
	for (unsigned i = 0; i < c->n; i++) {
		stats->generated += wm_count_get(&c->members[i].made);
		stats->ring_used += wm_ring_count(&c->members[i].ring);
		stats->ring_room += RING_SAMPLES;
	}
}

void crew_stop(struct crew *c)
{
	atomic_store_explicit(&c->stop, true, memory_order_relaxed);
	for (unsigned i = 0; i < c->n; i++) {
		struct member *m = &c->members[i];

		if (!m->started)
			continue;
		if (m->replay != NULL)
			wm_replay_join(m->thread);
		else
			(void)pthread_join(m->thread, NULL);
		m->started = false;
	}
}

void crew_destroy(struct crew *c)
{
	if (c == NULL)
		return;
	crew_stop(c);
	for (unsigned i = 0; i < c->n; i++) {
		wm_worker_destroy(c->members[i].worker);
		free(c->members[i].slots);
	}
	wm_merge_destroy(c->merge);
	free(c->members);
	free(c);
}
