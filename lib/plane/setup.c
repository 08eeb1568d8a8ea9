// SPDX-License-Identifier: BSD-3-Clause
#include <packet/raw.h>
#include <plane/memory.h>
#include <plane/plane_pvt.h>
#include <plane/witness.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	RING_SAMPLES = 131072, // of a worker, in all: it makes some 12,000 at a time
	RING_SAMPLES_MIN = 4096,
	RING_SAMPLES_LEAST = 64, // however little memory there is to be: too few to know a pace ahead
	RECYCLE_SAMPLES = 131072,
	CATCH_UP = 32768,
	LEDGER_NOTES = 65536,    // of a queue: the receiver may be away for as many
	RECEIVE_WINDOW = 262144, // packets that the receiver looks out for, in each direction
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

static size_t power_of_two(size_t asked, size_t otherwise)
{
	return rte_align64pow2(asked > 0 ? asked : otherwise);
}

// With split directions a queue serves two ports, one behind the other in the list.
static struct wm_port *port_of(struct wm_plane *p, unsigned t, unsigned side)
{
	unsigned n_sides = 1u + p->options->split, n_groups = p->n_ports / n_sides;

	return &p->ports[(t % n_groups) * n_sides + side];
}

static unsigned queue_of(const struct wm_plane *p, unsigned t)
{
	return t / (p->n_ports / (1u + p->options->split));
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
		const struct wm_port *port = port_of(p, t, 0);

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
		queue_nodes[t] = port_of(p, t, 0)->socket;
	ask.n_lcores = p->n_cores;
	ask.lcores = lcores;
	ask.lcore_nodes = lcore_nodes;
	ask.queue_nodes = queue_nodes;
	rc = wm_roles_deal(&p->roles, &ask, err);
	if (rc == 0 && p->options->n_sources == 0) // a capture alone
		p->roles.n_workers = 0;
	return rc;
}

// The NUMA node of what a queue works with: its port's, or that of its lcore.
static int node_of(struct wm_plane *p, unsigned t)
{
	int node = port_of(p, t, 0)->socket;

	return node >= 0 ? node : (int)rte_lcore_to_socket_id(p->cores[p->roles.queue_on[t]].lcore);
}

static int setup_rings(struct wm_plane *p, unsigned w, int node, size_t n_slots, struct wm_err *err)
{
	struct wm_supply *s = p->supplies[w];
	unsigned n_queues = p->n_txs;

	s->rings = p->rings + (size_t)w * n_queues;
	s->n_queues = n_queues;
	s->dressed = p->grown ? p->dressed : NULL;
	for (unsigned q = 0; q < n_queues; q++) {
		struct wm_sample *slots = wm_mem_alloc(node_of(p, q), n_slots * sizeof(*slots));

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

int wm_plane_pace(struct wm_plane *p, unsigned t, const struct wm_rate *rate, struct wm_pace *out, struct wm_err *err)
{
	const struct wm_rate *first = &p->options->rate;
	const struct wm_port *port = port_of(p, t, 0);
	double bps;
	int rc;

	if (rate->kind != WM_RATE_PERCENT) {
		wm_pace_init(out, rate, 1.0 / p->n_txs);
		if (rate->kind == WM_RATE_MODEL && first->kind == WM_RATE_MODEL) // which the samples have already
			out->slope = first->value / rate->value;
		else if (rate->kind == WM_RATE_MODEL)
			out->slope = 1 / rate->value;
		return 0;
	}
	rc = wm_port_speed(port, &bps, err);
	if (rc == 0)
		wm_pace_percent(out, rate->value, bps, 1.0 / p->n_queues);
	return rc;
}

static int setup_out(struct wm_plane *p, unsigned t, unsigned side, struct wm_err *err)
{
	struct wm_tx_out *out = &p->txs[t]->out[side];
	const struct wm_port *port = port_of(p, t, side);

	out->forms = port->forms;
	out->stencils = port->stencils;
	out->mtu = port->mtu;
	out->port = port->id;
	out->queue = (uint16_t)queue_of(p, t);
	out->receives = !p->options->receive && out->queue < port->n_rx_queues;
	p->dressed[2 * t + side] = port->forms;
	if (!p->options->split)
		p->dressed[2 * t + 1] = port->forms;
	if (!p->options->receive)
		return 0;
	out->ledger = wm_mem_alloc(node_of(p, t), sizeof(*out->ledger));
	out->notes = wm_mem_alloc(node_of(p, t), LEDGER_NOTES * sizeof(*out->notes));
	if (out->ledger == NULL || out->notes == NULL)
		return wm_mem_short("what packets are known by", LEDGER_NOTES * sizeof(*out->notes), err);
	wm_ledger_init(out->ledger, out->notes, LEDGER_NOTES);
	return 0;
}

// What is kept to be sent again.
static int setup_lap(struct wm_plane *p, struct wm_tx *tx, int node, struct wm_err *err)
{
	size_t n_kept = power_of_two(p->options->recycle_samples, RECYCLE_SAMPLES), size;
	struct wm_sample *samples = NULL;
	struct wm_draft *kept;

	size = n_kept * (sizeof(*kept) + (p->options->departed != NULL ? sizeof(*samples) : 0));
	tx->lap = wm_mem_alloc(node, sizeof(*tx->lap));
	kept = tx->lap != NULL ? wm_mem_alloc(node, size) : NULL;
	if (kept == NULL)
		return wm_mem_short("the samples to be recycled", size, err);
	if (p->options->departed != NULL)
		samples = (struct wm_sample *)(kept + n_kept);
	wm_lap_init(tx->lap, kept, samples, n_kept);
	return 0;
}

static int setup_tx(struct wm_plane *p, unsigned t, struct wm_err *err)
{
	const struct wm_port *port = port_of(p, t, 0);
	struct wm_core *core = &p->cores[p->roles.queue_on[t]];
	int node = node_of(p, t), rc = 0;
	struct wm_feed_ring *rings = wm_mem_alloc(node, p->n_supplies * sizeof(*rings));
	struct wm_tx *tx = wm_mem_alloc(node, sizeof(*tx));

	p->txs[t] = tx;
	if (tx == NULL || rings == NULL) {
		rte_free(rings);
		return wm_mem_short("the queues", sizeof(*tx), err);
	}
	tx->run = &p->run;
	tx->pool = port->pool;
	tx->room = port->room;
	tx->max_len = port->max_len;
	tx->split = p->options->split;
	tx->eager = p->n_txs > 1 || p->steered;
	tx->mixed = p->options->n_sources + (p->options->replay != NULL) > 1;
	tx->putter = wm_draft_putter_best();
	core->tx[core->n_tx++] = tx;
	wm_feed_init(&tx->feed, rings, p->n_supplies);
	for (unsigned w = 0; w < p->n_supplies; w++)
		rings[w].ring = &p->rings[(size_t)w * p->n_txs + t];
	for (unsigned side = 0; side < wm_tx_outs(tx) && rc == 0; side++) {
		tx->max_len = RTE_MIN(tx->max_len, port_of(p, t, side)->max_len);
		rc = setup_out(p, t, side, err);
	}
	if (rc < 0)
		return rc;
	wm_tx_init_stencils(tx);
	tx->scratch = wm_mem_alloc(node, UINT16_MAX);
	if (tx->scratch == NULL)
		return wm_mem_short("the queues", UINT16_MAX, err);
	if (p->options->recycle)
		rc = setup_lap(p, tx, node, err);
	tx->paced = p->options->rate.kind != WM_RATE_MAX;
	return rc < 0 ? rc : wm_plane_pace(p, t, &p->options->rate, &tx->pace, err);
}

// What port `from` sends is looked out for at its peer.
static int setup_rx(struct wm_plane *p, unsigned from, struct wm_err *err)
{
	size_t n_window = power_of_two(p->options->receive_window, RECEIVE_WINDOW), size;
	struct wm_core *core = &p->cores[p->roles.receiver_on];
	const struct wm_port *port = &p->ports[p->ports[from].peer];
	struct wm_rx *rx = wm_mem_alloc(port->socket, sizeof(*rx));
	double tsc_per_ns = (double)rte_get_tsc_hz() * 1e-9;

	if (rx == NULL)
		return wm_mem_short("the receiver", sizeof(*rx), err);
	p->rxs[p->n_rxs++] = rx;
	core->rx[core->n_rx++] = rx;
	rx->port = port->id;
	rx->from = p->ports[from].id;
	rx->n_queues = port->n_rx_queues;
	for (unsigned t = 0; t < p->n_txs; t++)
		for (unsigned side = 0; side < wm_tx_outs(p->txs[t]); side++)
			if (p->txs[t]->out[side].port == rx->from)
				rx->ledgers[rx->n_ledgers++] = p->txs[t]->out[side].ledger;
	size = wm_watch_size(n_window, rx->n_ledgers);
	rx->memory = wm_mem_alloc(port->socket, size);
	if (rx->memory == NULL)
		return wm_mem_short("the packets that are looked out for", (p->n_ports - from) * size, err);
	wm_watch_init(&rx->watch, rx->memory, n_window, rx->ledgers, rx->n_ledgers, tsc_per_ns);
	return 0;
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

	if (samples > 0)
		return RTE_MAX(rte_align64prevpow2(samples / n_rings), (uint64_t)RING_SAMPLES_LEAST);
	return power_of_two(p->options->ring_samples, RTE_MAX(RING_SAMPLES / p->n_txs, (unsigned)RING_SAMPLES_MIN));
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
		rc = setup_tx(p, t, err);
	for (unsigned i = 0; i < p->n_ports && p->options->receive && rc >= 0; i++)
		rc = setup_rx(p, i, err);
	if (rc >= 0)
		rc = wm_witness_setup(p, err);
	if (rc >= 0)
		tell_roles(p);
	return rc;
}

static void free_tx(struct wm_tx *tx)
{
	for (unsigned side = 0; side < 2; side++) {
		rte_free(tx->out[side].ledger);
		rte_free(tx->out[side].notes);
	}
	rte_free(tx->feed.rings);
	rte_free(tx->scratch);
	if (tx->lap != NULL)
		rte_free(tx->lap->kept);
	rte_free(tx->lap);
	rte_free(tx);
}

void wm_plane_teardown(struct wm_plane *p)
{
	for (unsigned i = 0; i < p->n_rxs; i++) {
		rte_free(p->rxs[i]->memory);
		rte_free(p->rxs[i]);
	}
	wm_witness_teardown(p);
	for (unsigned t = 0; t < p->n_txs; t++)
		if (p->txs[t] != NULL)
			free_tx(p->txs[t]);
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
}
