// SPDX-License-Identifier: BSD-3-Clause
// queues: what sends and what receives, with the memory that they work with.
#include <plane/memory.h>
#include <plane/plane_pvt.h>
#include <plane/witness.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

enum {
	RECYCLE_SAMPLES = 131072,
	LEDGER_NOTES = 65536,    // of a queue: the receiver may be away for as many
	RECEIVE_WINDOW = 262144, // packets that the receiver looks out for, in each direction
};

struct wm_port *wm_queue_port(struct wm_plane *p, unsigned t, unsigned side)
{
	unsigned n_sides = 1u + p->options->split, n_groups = p->n_ports / n_sides;

	return &p->ports[(t % n_groups) * n_sides + side];
}

static unsigned queue_of(const struct wm_plane *p, unsigned t)
{
	return t / (p->n_ports / (1u + p->options->split));
}

int wm_queue_node(struct wm_plane *p, unsigned t)
{
	int node = wm_queue_port(p, t, 0)->socket;

	return node >= 0 ? node : (int)rte_lcore_to_socket_id(p->cores[p->roles.queue_on[t]].lcore);
}

int wm_plane_pace(struct wm_plane *p, unsigned t, const struct wm_rate *rate, struct wm_pace *out, struct wm_err *err)
{
	const struct wm_rate *first = &p->options->rate;
	const struct wm_port *port = wm_queue_port(p, t, 0);
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
	const struct wm_port *port = wm_queue_port(p, t, side);

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
	out->ledger = wm_mem_alloc(wm_queue_node(p, t), sizeof(*out->ledger));
	out->notes = wm_mem_alloc(wm_queue_node(p, t), LEDGER_NOTES * sizeof(*out->notes));
	if (out->ledger == NULL || out->notes == NULL)
		return wm_mem_short("what packets are known by", LEDGER_NOTES * sizeof(*out->notes), err);
	wm_ledger_init(out->ledger, out->notes, LEDGER_NOTES);
	return 0;
}

// What is kept to be sent again.
static int setup_lap(struct wm_plane *p, struct wm_tx *tx, int node, struct wm_err *err)
{
	size_t n_kept = wm_slots(p->options->recycle_samples, RECYCLE_SAMPLES), size;
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

int wm_queue_setup(struct wm_plane *p, unsigned t, struct wm_err *err)
{
	const struct wm_port *port = wm_queue_port(p, t, 0);
	struct wm_core *core = &p->cores[p->roles.queue_on[t]];
	int node = wm_queue_node(p, t), rc = 0;
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
	tx->plain = wm_tx_plain_best();
	core->tx[core->n_tx++] = tx;
	wm_feed_init(&tx->feed, rings, p->n_supplies);
	for (unsigned w = 0; w < p->n_supplies; w++)
		rings[w].ring = &p->rings[(size_t)w * p->n_txs + t];
	for (unsigned side = 0; side < wm_tx_outs(tx) && rc == 0; side++) {
		tx->max_len = RTE_MIN(tx->max_len, wm_queue_port(p, t, side)->max_len);
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

int wm_receiver_setup(struct wm_plane *p, unsigned from, struct wm_err *err)
{
	size_t n_window = wm_slots(p->options->receive_window, RECEIVE_WINDOW), size;
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

void wm_queues_teardown(struct wm_plane *p)
{
	for (unsigned i = 0; i < p->n_rxs; i++) {
		rte_free(p->rxs[i]->memory);
		rte_free(p->rxs[i]);
	}
	wm_witness_teardown(p);
	for (unsigned t = 0; t < p->n_txs; t++)
		if (p->txs[t] != NULL)
			free_tx(p->txs[t]);
}
