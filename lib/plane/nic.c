// SPDX-License-Identifier: BSD-3-Clause
#define ALLOW_EXPERIMENTAL_API // rte_eth_read_clock()
#include <plane/nic.h>
#include <plane/plane_pvt.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>

static const double FOLLOW_NS = 10e9; // time to make up for a distance between the clocks

int wm_nic_prepare(int *field, uint64_t *flag)
{
	return rte_mbuf_dyn_tx_timestamp_register(field, flag) < 0 ? -rte_errno : 0;
}

bool wm_nic_point(uint16_t port, struct wm_stamp_point *out)
{
	uint64_t best_ticks = UINT64_MAX;

	for (int i = 0; i < 16; i++) {
		uint64_t clock, before = rte_rdtsc_precise(), after;

		if (rte_eth_read_clock(port, &clock) < 0)
			return false;
		after = rte_rdtsc_precise();
		if (after - before < best_ticks) {
			best_ticks = after - before;
			*out = (struct wm_stamp_point){.tsc = before + best_ticks / 2, .clock = clock};
		}
	}
	return true;
}

static struct wm_port *port_of(struct wm_plane *p, const struct wm_tx_out *out)
{
	unsigned i = 0;

	while (p->ports[i].id != out->port)
		i++;
	return &p->ports[i];
}

// Whether the clocks of all ports that a queue sends on run.
static bool set_clocks(struct wm_plane *p, struct wm_tx *tx)
{
	for (unsigned side = 0; side < wm_tx_outs(tx); side++) {
		struct wm_tx_out *out = &tx->out[side];
		const struct wm_port *port = port_of(p, out);
		struct wm_stamp_point now;

		if (!port->stamps || !wm_nic_point(port->id, &now) || now.clock <= port->clock.clock)
			return false;
		wm_stamp_init(&out->stamp, &port->clock, &now);
		out->next_stamp = out->stamp;
		out->stamp_field = port->stamp_field;
		out->stamp_flag = port->stamp_flag;
	}
	return true;
}

void wm_nic_start(struct wm_plane *p)
{
	double ticks_per_ns = atomic_load_explicit(&p->run.tsc_per_ns, memory_order_relaxed);

	for (unsigned t = 0; t < p->n_txs; t++)
		if (set_clocks(p, p->txs[t]))
			p->txs[t]->lead = (uint64_t)(WM_NIC_LEAD_NS * ticks_per_ns);
}

void wm_nic_follow(struct wm_plane *p)
{
	double ticks = FOLLOW_NS * atomic_load_explicit(&p->run.tsc_per_ns, memory_order_relaxed);

	for (unsigned t = 0; t < p->n_txs; t++)
		for (unsigned side = 0; side < wm_tx_outs(p->txs[t]) && p->txs[t]->lead > 0; side++) {
			struct wm_tx_out *out = &p->txs[t]->out[side];
			struct wm_stamp_point now;

			if (atomic_load_explicit(&out->stamp_asked, memory_order_acquire) // release: wm_nic_take()
				|| !wm_nic_point(out->port, &now))
				continue;
			wm_stamp_follow(&out->next_stamp, &port_of(p, out)->clock, &now, ticks);
			atomic_store_explicit(&out->stamp_asked, true, memory_order_release);
		}
}

void wm_nic_take(struct wm_tx_out *out)
{
	if (!atomic_load_explicit(&out->stamp_asked, memory_order_acquire)) // release: wm_nic_follow()
		return;
	out->stamp = out->next_stamp;
	atomic_store_explicit(&out->stamp_asked, false, memory_order_release);
}

void wm_nic_stamp(struct wm_tx *tx, const struct wm_tx_out *out, uint32_t at, uint32_t n, uint64_t now)
{
	for (uint32_t i = at; i < at + n; i++) {
		struct rte_mbuf *m = tx->row[i];

		m->ol_flags &= ~out->stamp_flag;
		if (tx->due[i] <= now)
			continue;
		m->ol_flags |= out->stamp_flag;
		*RTE_MBUF_DYNFIELD(m, (size_t)out->stamp_field, rte_mbuf_timestamp_t *) =
			wm_stamp_of(&out->stamp, tx->due[i]);
	}
}
