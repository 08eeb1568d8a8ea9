// SPDX-License-Identifier: BSD-3-Clause
#include "live.h"

#include <plane/plane.h>

int live_run(const struct settings *s, const struct models *models, const struct steer *steer,
	struct wm_plane_stats *stats, bool *began, struct wm_err *err)
{
	const struct wm_plane_options options = {
		.eal_argc = s->eal_argc,
		.eal_argv = s->eal_argv,
		.sources = models->sources,
		.n_sources = models->n,
		.replay = models->replay,
		.seed = s->seed,
		.workers = (unsigned)s->workers,
		.queues = (unsigned)s->queues,
		.ports = s->ports,
		.n_ports = s->n_ports,
		.own_network = s->own_network,
		.split = s->split,
		.roles = s->roles,
		.receive = s->receive,
		.receive_window = s->receive_window,
		.rate = s->rate,
		.packets = s->packets,
		.flows = s->flows,
		.duration_s = s->duration_s,
		.recycle = s->recycle,
		.recycle_samples = s->recycle_samples,
		.ring_bytes = s->ring_mib << 20,
		.catch_up = (unsigned)s->catch_up,
		.mtu = (unsigned)s->mtu,
		.wish = steer->wish,
		.stop = steer->stop,
		.ready = steer->ready,
		.stats_s = steer->report_s,
		.report = steer->report,
		.notice = steer->notice,
		.arg = steer->arg,
	};
	int rc = wm_plane_run(&options, stats, err);

	*began = stats->n_queues > 0;
	return rc;
}
