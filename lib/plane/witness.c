// SPDX-License-Identifier: BSD-3-Clause
#include <plane/witness.h>

#include <plane/memory.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { RING_SLOTS = 1 << 17, NAP_US = 2000 };

// The TSC and the system's clock at the same moment.
struct moment {
	struct wm_plane *plane;
	uint64_t tsc, ns;
	double tsc_per_ns;
};

static struct moment now(struct wm_plane *p)
{
	struct moment m = {.plane = p, .tsc_per_ns = atomic_load_explicit(&p->run.tsc_per_ns, memory_order_relaxed)};
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	m.tsc = rte_rdtsc();
	m.ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	return m;
}

static void take(void *arg, struct wm_sample *s)
{
	const struct moment *m = arg;

	if (s->form != WM_FORM_TICK)
		s->time_ns = m->ns + (uint64_t)(int64_t)((double)(int64_t)(s->time_ns - m->tsc) / m->tsc_per_ns);
	m->plane->options->departed(m->plane->options->departed_arg, s);
}

// @return whether there was anything.
static bool look(struct wm_plane *p)
{
	struct moment m = now(p);
	bool some = false;

	for (unsigned t = 0; t < p->n_txs; t++)
		some |= wm_departures_read(p->txs[t]->departures, &p->readers[t], take, &m) != 0;
	p->options->departed(p->options->departed_arg, NULL);
	return some;
}

static void *witness_main(void *arg)
{
	struct wm_plane *p = arg;

	while (!atomic_load_explicit(&p->witnessed, memory_order_acquire)) // release: all has been told
		if (!look(p))
			(void)usleep(NAP_US);
	while (look(p))
		;
	return NULL;
}

int wm_witness_setup(struct wm_plane *p, struct wm_err *err)
{
	if (p->options->departed == NULL)
		return 0;
	for (unsigned t = 0; t < p->n_txs; t++) {
		int node = (int)rte_lcore_to_socket_id(p->cores[p->roles.queue_on[t]].lcore);
		struct wm_departures *d = wm_mem_alloc(node, sizeof(*d));
		struct wm_sample *slots = wm_mem_alloc(node, RING_SLOTS * sizeof(*slots));

		if (d == NULL || slots == NULL) {
			rte_free(d);
			rte_free(slots);
			return wm_mem_short("the labels", RING_SLOTS * sizeof(*slots), err);
		}
		wm_ring_init(&d->ring, slots, RING_SLOTS);
		d->queue = t;
		p->txs[t]->departures = d;
		p->txs[t]->feed.departures = d;
	}
	return 0;
}

int wm_witness_start(struct wm_plane *p, struct wm_err *err)
{
	int rc;

	if (p->options->departed == NULL)
		return 0;
	rc = wm_plane_thread(&p->witness, "wm-labels", witness_main, p);
	p->has_witness = rc == 0;
	return rc == 0 ? 0 : wm_err_sys(err, rc, "the thread that writes labels cannot be started");
}

bool wm_witness_stop(struct wm_plane *p)
{
	if (!p->has_witness)
		return true;
	atomic_store_explicit(&p->witnessed, true, memory_order_release);
	if (pthread_tryjoin_np(p->witness, NULL) != 0)
		return false;
	p->has_witness = false;
	return true;
}

void wm_witness_teardown(struct wm_plane *p)
{
	for (unsigned t = 0; t < p->n_txs; t++) {
		struct wm_departures *d = p->txs[t] != NULL ? p->txs[t]->departures : NULL;

		free(p->readers[t].held);
		if (d != NULL)
			rte_free(d->ring.slots);
		rte_free(d);
	}
}
