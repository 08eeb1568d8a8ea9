// SPDX-License-Identifier: BSD-3-Clause
#include <plane/plane_pvt.h>

#include <rte_cycles.h>
#include <rte_pause.h>

enum {
	HOUSEKEEPING = 256, // turns
	SHARED_BLOCK = 32,  // samples a turn on an lcore that has packets to send in between
};

static bool supply_turns(struct wm_core *core, size_t block)
{
	bool busy = false;

	for (unsigned i = 0; i < core->n_supply; i++)
		busy |= wm_supply_turn(core->supply[i], block) > 0;
	return busy;
}

static bool tx_turns(struct wm_core *core)
{
	bool busy = false;

	if (!atomic_load_explicit(&core->plane->run.go, memory_order_acquire)) // release: control's start
		return false;
	for (unsigned i = 0; i < core->n_tx; i++)
		busy |= wm_tx_turn(core->tx[i]);
	return busy;
}

bool wm_core_receive(struct wm_core *core)
{
	bool busy = false;

	for (unsigned i = 0; i < core->n_rx; i++)
		busy |= wm_rx_turn(core->rx[i]);
	return busy;
}

void wm_core_loop(struct wm_core *core, void (*control)(struct wm_plane *p))
{
	size_t block = core->n_tx > 0 ? SHARED_BLOCK : WM_SUPPLY_BLOCK;

	for (unsigned turn = 0; !atomic_load_explicit(&core->plane->run.stop, memory_order_relaxed); turn++) {
		bool busy = core->n_tx > 0 && tx_turns(core);

		busy |= core->n_supply > 0 && supply_turns(core, block);
		busy |= core->n_rx > 0 && wm_core_receive(core);
		if (!busy)
			rte_pause();
		if (control != NULL && turn % HOUSEKEEPING == 0)
			control(core->plane);
	}
}
