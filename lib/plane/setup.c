// SPDX-License-Identifier: BSD-3-Clause
#include <packet/raw.h>
#include <plane/plane_pvt.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	RING_SAMPLES = 131072, // of a worker, in all: it makes some 50,000 at a time
	RING_SAMPLES_MIN = 4096,
	RECYCLE_SAMPLES = 131072,
	CATCH_UP = 32768,
};

__attribute__((format(printf, 2, 3))) static void notice(const struct wm_plane *p, const char *fmt, ...)
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

static size_t power_of_two(size_t asked, size_t otherwise)
{
	return rte_align64pow2(asked > 0 ? asked : otherwise);
}

// Memory of the lcore's own socket.
static void *on_lcore(unsigned lcore, size_t size)
{
	return rte_zmalloc_socket(NULL, size, RTE_CACHE_LINE_SIZE, (int)rte_lcore_to_socket_id(lcore));
}

static int no_memory(const char *what, struct wm_err *err)
{
	return wm_err_set(
		err, -ENOMEM, "no memory for %s: give EAL more (hugepages, or --no-huge with a larger -m)", what);
}

static unsigned next_port(unsigned id)
{
	return (unsigned)rte_eth_find_next_owned_by((uint16_t)id, RTE_ETH_DEV_NO_OWNER);
}

static int open_ports(struct wm_plane *p, unsigned queues, struct wm_err *err)
{
	unsigned id;
	int rc;

	if (rte_eth_dev_count_avail() == 0)
		return wm_err_set(err, -ENODEV,
			"there is no port to send to: name one among the EAL options before --, such as "
			"-a 0000:01:00.0 or --vdev=net_af_packet0,iface=eth0");
	for (id = next_port(0); id < RTE_MAX_ETHPORTS; id = next_port(id + 1)) {
		struct wm_port *port = &p->ports[p->n_ports++];

		rc = wm_port_open(port, (uint16_t)id, (uint16_t)queues, p->options->mtu, err);
		if (rc < 0)
			return rc;
		if (port->mtu < UINT16_MAX)
			notice(p,
				"port %s sends up to its MTU of %u bytes behind the link header; longer packets are "
				"dropped and counted as oversize (see --mtu)",
				port->name, port->mtu);
	}
	return 0;
}

static int deal_roles(struct wm_plane *p, unsigned queues, struct wm_err *err)
{
	unsigned lcore;
	int rc;

	p->cores[p->n_cores++] = (struct wm_core){.plane = p, .lcore = rte_get_main_lcore()};
	for (lcore = rte_get_next_lcore(UINT_MAX, 1, 0); lcore < RTE_MAX_LCORE;
		lcore = rte_get_next_lcore(lcore, 1, 0)) {
		if (p->n_cores == WM_LCORES_MAX)
			return wm_err_set(err, -ERANGE, "-l names more than %d lcores", WM_LCORES_MAX);
		p->cores[p->n_cores++] = (struct wm_core){.plane = p, .lcore = lcore};
	}
	rc = wm_roles_deal(&p->roles, p->n_cores, p->n_ports * queues, p->options->workers, err);
	if (rc < 0)
		return rc;
	if (p->options->n_sources == 0)
		p->roles.n_workers = 0;
	if (p->n_cores == 1 && p->options->rate.kind != WM_RATE_MAX)
		notice(p, "one lcore makes and sends the packets by turns: their times are not exact (give -l two or "
			  "more)");
	return 0;
}

static int setup_rings(struct wm_plane *p, unsigned w, unsigned lcore, size_t n_slots, struct wm_err *err)
{
	struct wm_supply *s = &p->supplies[w];
	unsigned n_queues = p->n_txs;

	s->rings = p->rings + (size_t)w * n_queues;
	s->n_queues = n_queues;
	for (unsigned q = 0; q < n_queues; q++) {
		struct wm_sample *slots = on_lcore(lcore, n_slots * sizeof(*slots));

		if (slots == NULL)
			return no_memory("the rings of samples", err);
		wm_ring_init(&s->rings[q], slots, n_slots);
	}
	if (n_queues > 1) {
		s->block = on_lcore(lcore, WM_SUPPLY_BLOCK * sizeof(*s->block));
		s->ticks = on_lcore(lcore, n_queues * sizeof(*s->ticks));
		if (s->block == NULL || s->ticks == NULL)
			return no_memory("the workers", err);
	}
	return 0;
}

// A worker has turns on an lcore; the capture's supply, which waits for files, has a thread of its own.
static int setup_supply(struct wm_plane *p, unsigned w, size_t n_slots, struct wm_err *err)
{
	bool replay = w == p->roles.n_workers;
	struct wm_core *core = &p->cores[replay ? 0 : p->roles.worker_on[w]];
	struct wm_supply *s = &p->supplies[w];
	int rc = setup_rings(p, w, core->lcore, n_slots, err);

	if (rc < 0)
		return rc;
	if (replay) {
		s->replay = p->options->replay;
		wm_replay_attach(s->replay, s->rings, s->n_queues);
		return 0;
	}
	core->supply[core->n_supply++] = s;
	return wm_worker_create(
		&s->worker, p->options->sources, p->options->n_sources, p->options->seed, w, p->roles.n_workers, err);
}

static int setup_pace(struct wm_plane *p, struct wm_tx *tx, const struct wm_port *port, struct wm_err *err)
{
	const struct wm_rate *rate = &p->options->rate;
	double bps;
	int rc;

	tx->paced = rate->kind != WM_RATE_MAX;
	if (rate->kind != WM_RATE_PERCENT) {
		wm_pace_init(&tx->pace, rate, 1.0 / p->n_txs);
		return 0;
	}
	rc = wm_port_speed(port, &bps, err);
	if (rc == 0)
		wm_pace_percent(&tx->pace, rate->value, bps, 1.0 / port->n_queues);
	return rc;
}

static void setup_out(struct wm_plane *p, struct wm_tx_out *out, const struct wm_port *port, unsigned queue)
{
	*out = (struct wm_tx_out){
		.forms = p->forms,
		.mtu = port->mtu,
		.port = port->id,
		.queue = (uint16_t)queue,
		.receives = queue < port->n_rx_queues,
	};
}

static int setup_tx(struct wm_plane *p, unsigned t, struct wm_err *err)
{
	struct wm_port *port = &p->ports[t % p->n_ports];
	struct wm_core *core = &p->cores[p->roles.queue_on[t]];
	struct wm_tx *tx = &p->txs[t];
	struct wm_feed_ring *rings = on_lcore(core->lcore, p->n_supplies * sizeof(*rings));
	size_t n_kept = power_of_two(p->options->recycle_samples, RECYCLE_SAMPLES);

	*tx = (struct wm_tx){.run = &p->run, .pool = port->pool, .room = port->room, .max_len = port->max_len};
	setup_out(p, &tx->out[0], port, t / p->n_ports);
	core->tx[core->n_tx++] = tx;
	wm_feed_init(&tx->feed, rings, p->n_supplies);
	tx->scratch = on_lcore(core->lcore, UINT16_MAX);
	if (rings == NULL || tx->scratch == NULL)
		return no_memory("the queues", err);
	for (unsigned w = 0; w < p->n_supplies; w++)
		rings[w].ring = &p->rings[(size_t)w * p->n_txs + t];
	if (p->options->recycle) {
		tx->lap = on_lcore(core->lcore, sizeof(*tx->lap));
		tx->kept = on_lcore(core->lcore, n_kept * sizeof(*tx->kept));
		if (tx->lap == NULL || tx->kept == NULL)
			return no_memory("the samples to be recycled", err);
		wm_lap_init(tx->lap, tx->kept, n_kept);
	}
	return setup_pace(p, tx, port, err);
}

static void setup_run(struct wm_plane *p)
{
	const struct wm_plane_options *o = p->options;
	struct wm_tx_run *run = &p->run;

	for (size_t i = 0; i < o->n_sources; i++) {
		size_t n;

		p->forms[i] = o->sources[i].engine->forms(o->sources[i].model, &n);
	}
	if (o->replay != NULL)
		p->forms[o->n_sources] = wm_forms_raw;
	run->end_ns = o->duration_s > 0 && o->duration_s < 1e9 ? (uint64_t)(o->duration_s * 1e9) : UINT64_MAX;
	run->catch_up = o->catch_up > 0 ? o->catch_up : CATCH_UP;
	run->counted = o->packets > 0;
	atomic_init(&run->budget, (int64_t)RTE_MIN(o->packets, (uint64_t)INT64_MAX));
	run->flows_counted = o->flows > 0;
	atomic_init(&run->flows, (int64_t)RTE_MIN(o->flows, (uint64_t)INT64_MAX));
}

int wm_plane_setup(struct wm_plane *p, struct wm_err *err)
{
	unsigned queues = p->options->queues > 0 ? p->options->queues : 1, n_supplies;
	size_t n_slots;
	int rc = open_ports(p, queues, err);

	if (rc < 0)
		return rc;
	rc = deal_roles(p, queues, err);
	if (rc < 0)
		return rc;
	setup_run(p);
	p->n_txs = p->roles.n_queues;
	n_slots = power_of_two(p->options->ring_samples, RTE_MAX(RING_SAMPLES / p->n_txs, (unsigned)RING_SAMPLES_MIN));
	n_supplies = p->roles.n_workers + (p->options->replay != NULL);
	p->txs = rte_zmalloc(NULL, p->n_txs * sizeof(*p->txs), RTE_CACHE_LINE_SIZE);
	p->supplies = rte_zmalloc(NULL, n_supplies * sizeof(*p->supplies), RTE_CACHE_LINE_SIZE);
	p->rings = rte_zmalloc(NULL, (size_t)n_supplies * p->n_txs * sizeof(*p->rings), RTE_CACHE_LINE_SIZE);
	if (p->txs == NULL || p->supplies == NULL || p->rings == NULL)
		return no_memory("workers and queues", err);
	p->n_supplies = n_supplies;
	for (unsigned w = 0; w < p->n_supplies && rc >= 0; w++)
		rc = setup_supply(p, w, n_slots, err);
	for (unsigned t = 0; t < p->n_txs && rc >= 0; t++)
		rc = setup_tx(p, t, err);
	return rc;
}

void wm_plane_teardown(struct wm_plane *p)
{
	for (unsigned t = 0; p->txs != NULL && t < p->n_txs; t++) {
		rte_free(p->txs[t].feed.rings);
		rte_free(p->txs[t].scratch);
		rte_free(p->txs[t].lap);
		rte_free(p->txs[t].kept);
	}
	for (unsigned w = 0; p->supplies != NULL && w < p->n_supplies; w++) {
		wm_worker_destroy(p->supplies[w].worker);
		rte_free(p->supplies[w].block);
		rte_free(p->supplies[w].ticks);
	}
	for (size_t i = 0; p->rings != NULL && i < (size_t)p->n_supplies * p->n_txs; i++)
		rte_free(p->rings[i].slots);
	for (unsigned i = 0; i < p->n_ports; i++)
		wm_port_close(&p->ports[i]);
	rte_free(p->txs);
	rte_free(p->supplies);
	rte_free(p->rings);
}
