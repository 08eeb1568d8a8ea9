// SPDX-License-Identifier: BSD-3-Clause
#include <packet/raw.h>
#include <plane/memory.h>
#include <plane/plane_pvt.h>
#include <plane/witness.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	RING_SAMPLES = 131072, // of a worker, in all: it makes some 12,000 at a time
	RING_SAMPLES_MIN = 4096,
	RING_SAMPLES_LEAST = 64, // however little memory there is to be: too few to know a pace ahead
	CATCH_UP = 32768,
};

void wm_plane_notice(const struct wm_plane *p, const char *fmt, ...)
{
	char sentence[256];
	va_list ap;

	if (p->options->notice == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	p->options->notice(p->options->arg, sentence);
}

static int list_lcores(struct wm_plane *p, struct wm_err *err)
{
	unsigned lcore;

	p->cores[p->n_cores++] = (struct wm_core){.plane = p, .lcore = rte_get_main_lcore()};
	for (lcore = rte_get_next_lcore(UINT_MAX, 1, 0); lcore < RTE_MAX_LCORE;
		lcore = rte_get_next_lcore(lcore, 1, 0)) {
		if (p->n_cores == WM_LCORES_MAX)
			return wm_err_set(err, -ERANGE, "-l names more than %d lcores", WM_LCORES_MAX);
		p->cores[p->n_cores++] = (struct wm_core){.plane = p, .lcore = lcore};
	}
	return 0;
}

// What the operator should know about who does what.
static void tell_roles(struct wm_plane *p)
{
	bool paced = p->options->rate.kind != WM_RATE_MAX;
	unsigned load[WM_LCORES_MAX] = {0}, sending = 0;

	for (unsigned t = 0; t < p->roles.n_queues; t++) {
		unsigned core = p->roles.queue_on[t], lcore = p->cores[core].lcore;
		const struct wm_port *port = wm_queue_port(p, t, 0);

		sending += load[core]++ == 0;
		if (port->socket >= 0 && (int)rte_lcore_to_socket_id(lcore) != port->socket)
			wm_plane_notice(p,
				"port %s is on NUMA node %d, and lcore %u, which sends on it, on node %u: give -l an "
				"lcore of the port's node",
				port->name, port->socket, lcore, rte_lcore_to_socket_id(lcore));
	}
	if (p->n_cores == 1 && paced)
		wm_plane_notice(p, "one lcore makes and sends the packets by turns: their times are not exact (give -l "
				   "two or more)");
	else if (sending < p->roles.n_queues && paced)
		wm_plane_notice(p,
			"%u lcores send for %u queues: when several packets are due at once, some are late (give -l "
			"%u more)",
			sending, p->roles.n_queues, p->roles.n_queues - sending);
	if (p->options->receive && p->cores[p->roles.receiver_on].n_supply > 0)
		wm_plane_notice(p, "the lcore that receives also runs models: what comes back meanwhile waits, or is "
				   "lost (give -l one more)");
}

static int deal_roles(struct wm_plane *p, struct wm_err *err)
{
	struct wm_roles_ask ask = {.n_workers = p->options->workers,
		.receives = p->options->receive,
		.choice = p->options->roles,
		.n_queues = p->n_ports * p->n_queues / (1u + p->options->split)};
	unsigned lcores[WM_LCORES_MAX];
	int lcore_nodes[WM_LCORES_MAX], queue_nodes[WM_QUEUES_MAX], rc = list_lcores(p, err);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < p->n_cores; i++) {
		lcores[i] = p->cores[i].lcore;
		lcore_nodes[i] = (int)rte_lcore_to_socket_id(lcores[i]);
	}
	for (unsigned t = 0; t < ask.n_queues; t++)
		queue_nodes[t] = wm_queue_port(p, t, 0)->socket;
	ask.n_lcores = p->n_cores;
	ask.lcores = lcores;
	ask.lcore_nodes = lcore_nodes;
	ask.queue_nodes = queue_nodes;
	rc = wm_roles_deal(&p->roles, &ask, err);
	if (rc == 0 && p->options->n_sources == 0) // a capture alone
		p->roles.n_workers = 0;
	return rc;
}

static int setup_rings(struct wm_plane *p, unsigned w, int node, size_t n_slots, struct wm_err *err)
{
	struct wm_supply *s = p->supplies[w];
	unsigned n_queues = p->n_txs;

	s->rings = p->rings + (size_t)w * n_queues;
	s->n_queues = n_queues;
	s->dressed = p->grown ? p->dressed : NULL;
	for (unsigned q = 0; q < n_queues; q++) {
		struct wm_sample *slots = wm_mem_alloc(wm_queue_node(p, q), n_slots * sizeof(*slots));

		if (slots == NULL)
			return wm_mem_short("the rings of samples", (n_queues - q) * n_slots * sizeof(*slots), err);
		wm_ring_init(&s->rings[q], slots, n_slots);
	}
	if (n_queues > 1 || p->steered) {
		s->block = wm_mem_alloc(node, WM_SUPPLY_BLOCK * sizeof(*s->block));
		s->ticks = wm_mem_alloc(node, n_queues * sizeof(*s->ticks));
		if (s->block == NULL || s->ticks == NULL)
			return wm_mem_short("the workers", (WM_SUPPLY_BLOCK + n_queues) * sizeof(*s->block), err);
	}
	return 0;
}

// A worker has turns on an lcore; the capture's supply, which waits for files, has a thread of its own.
static int setup_supply(struct wm_plane *p, unsigned w, size_t n_slots, struct wm_err *err)
{
	bool replay = w == p->roles.n_workers;
	struct wm_core *core = &p->cores[replay ? 0 : p->roles.worker_on[w]];
	int node = (int)rte_lcore_to_socket_id(core->lcore), rc;
	struct wm_supply *s = wm_mem_alloc(node, sizeof(*s));

	if (s == NULL)
		return wm_mem_short("the workers", sizeof(*s), err);
	p->supplies[p->n_supplies++] = s;
	rc = setup_rings(p, w, node, n_slots, err);
	if (rc < 0)
		return rc;
	if (replay) {
		s->replay = p->options->replay;
		wm_replay_attach(s->replay, s->rings, s->n_queues);
		return 0;
	}
	core->supply[core->n_supply++] = s;
	if (p->steered)
		s->until_ns = &p->ahead.until_ns;
	return wm_worker_create(
		&s->worker, p->options->sources, p->options->n_sources, p->options->seed, w, p->roles.n_workers, err);
}

static void setup_run(struct wm_plane *p)
{
	const struct wm_plane_options *o = p->options;
	struct wm_tx_run *run = &p->run;

	for (size_t i = 0; i < o->n_sources; i++)
		p->forms[i] = wm_source_forms(&o->sources[i], &p->n_forms[i]);
	if (o->replay != NULL) {
		p->forms[o->n_sources] = wm_forms_raw;
		p->n_forms[o->n_sources] = WM_FORMS_RAW;
	}
	run->end_ns = o->duration_s > 0 && o->duration_s < 1e9 ? (uint64_t)(o->duration_s * 1e9) : UINT64_MAX;
	run->catch_up = o->catch_up > 0 ? o->catch_up : CATCH_UP;
	run->counted = o->packets > 0;
	atomic_init(&run->budget, (int64_t)RTE_MIN(o->packets, (uint64_t)INT64_MAX));
	run->flows_counted = o->flows > 0;
	atomic_init(&run->flows, (int64_t)RTE_MIN(o->flows, (uint64_t)INT64_MAX));
}

// Room of each ring, a power of two.
static size_t ring_slots(const struct wm_plane *p, unsigned n_supplies)
{
	size_t samples = p->options->ring_bytes / sizeof(struct wm_sample), n_rings = (size_t)n_supplies * p->n_txs;

	assert(n_rings > 0);
	if (samples > 0)
		return RTE_MAX(rte_align64prevpow2(samples / n_rings), (uint64_t)RING_SAMPLES_LEAST);
	return wm_slots(p->options->ring_samples, RTE_MAX(RING_SAMPLES / p->n_txs, (unsigned)RING_SAMPLES_MIN));
}

int wm_plane_setup(struct wm_plane *p, struct wm_err *err)
{
	unsigned n_supplies;
	size_t n_slots;
	int rc;

	p->n_queues = p->options->queues > 0 ? p->options->queues : 1;
	setup_run(p);
	rc = wm_plane_open_ports(p, err);
	if (rc == 0)
		rc = deal_roles(p, err);
	if (rc < 0)
		return rc;
	p->n_txs = p->roles.n_queues;
	n_supplies = p->roles.n_workers + (p->options->replay != NULL);
	n_slots = ring_slots(p, n_supplies);
	p->n_rings = (size_t)n_supplies * p->n_txs;
	p->rings = wm_mem_alloc(SOCKET_ID_ANY, p->n_rings * sizeof(*p->rings));
	if (p->rings == NULL)
		return wm_mem_short("the rings of samples", p->n_rings * (n_slots + 1) * sizeof(struct wm_sample), err);
	for (unsigned w = 0; w < n_supplies && rc >= 0; w++)
		rc = setup_supply(p, w, n_slots, err);
	for (unsigned t = 0; t < p->n_txs && rc >= 0; t++)
		rc = wm_queue_setup(p, t, err);
	for (unsigned i = 0; i < p->n_ports && p->options->receive && rc >= 0; i++)
		rc = wm_receiver_setup(p, i, err);
	if (rc >= 0)
		rc = wm_witness_setup(p, err);
	if (rc >= 0)
		tell_roles(p);
	return rc;
}

void wm_plane_teardown(struct wm_plane *p)
{
	wm_queues_teardown(p);
	for (unsigned w = 0; w < p->n_supplies; w++) {
		wm_worker_destroy(p->supplies[w]->worker);
		rte_free(p->supplies[w]->block);
		rte_free(p->supplies[w]->ticks);
		rte_free(p->supplies[w]);
	}
	for (size_t i = 0; p->rings != NULL && i < p->n_rings; i++)
		rte_free(p->rings[i].slots);
	for (unsigned i = 0; i < p->n_ports; i++)
		wm_port_close(&p->ports[i]);
	rte_free(p->rings);
	wm_guard_free(&p->guard);
}
