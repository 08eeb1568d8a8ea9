// SPDX-License-Identifier: BSD-3-Clause
#include "live.h"

#include "flows.h"

#include <base/clock.h>
#include <plane/plane.h>

#include <errno.h>
#include <inttypes.h>

static const double FLUSH_S = 0.5;

// What a run is about, for those that it calls back.
struct live {
	const struct settings *s;
	const struct models *models;
	const struct steer *steer;
	struct flows *flows; // NULL if nobody wants them
	double flush_s;      // when lines are written next
	bool complained;
};

static int get_ready(void *arg, struct wm_err *err)
{
	struct live *l = arg;
	int rc = l->steer->ready != NULL ? l->steer->ready(l->steer->arg, err) : 0;

	if (rc == 0 && (l->s->csv != NULL || l->s->labels != NULL))
		rc = flows_create(&l->flows, l->models, l->s, err);
	return rc;
}

static void report(void *arg, const struct wm_plane_stats *stats)
{
	struct live *l = arg;

	l->steer->report(l->steer->arg, stats);
}

static void notice(void *arg, const char *sentence)
{
	struct live *l = arg;

	l->steer->notice(l->steer->arg, sentence);
}

// Now and then.
static void look_after(struct live *l)
{
	double now_s = wm_now_s();
	const char *remark;
	struct wm_err err;

	if (now_s < l->flush_s)
		return;
	l->flush_s = now_s + FLUSH_S;
	flows_flush(l->flows);
	if (!l->complained && l->steer->notice != NULL && flows_check(l->flows, &err) < 0) {
		l->complained = true;
		l->steer->notice(l->steer->arg, err.msg);
	}
	remark = flows_remark(l->flows);
	if (remark != NULL && l->steer->notice != NULL)
		l->steer->notice(l->steer->arg, remark);
}

// The run goes on without a file that cannot be written: what is missing in it is counted, and said in the end.
static void departed(void *arg, const struct wm_sample *s)
{
	struct live *l = arg;

	if (s == NULL)
		look_after(l);
	else if (s->form == WM_FORM_TICK)
		flows_end(l->flows, s);
	else
		(void)flows_count(l->flows, s);
}

static int finish(struct live *l, int rc, const struct wm_plane_stats *stats, struct wm_err *err)
{
	struct wm_err other;
	int rc2;

	if (l->flows == NULL)
		return rc;
	rc2 = flows_finish(l->flows, rc < 0 ? &other : err);
	flows_destroy(l->flows);
	rc = rc < 0 ? rc : rc2;
	if (rc == 0 && stats->total.unlabelled > 0)
		rc = wm_err_set(err, -EIO,
			"%" PRIu64 " packets are missing in %s: the processor could not keep up with writing it",
			stats->total.unlabelled, l->s->labels != NULL ? l->s->labels : l->s->csv);
	return rc;
}

int live_run(const struct settings *s, const struct models *models, const struct steer *steer,
	struct wm_plane_stats *stats, bool *began, struct wm_err *err)
{
	struct live live = {.s = s, .models = models, .steer = steer};
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
		.duration_s = settings_duration_s(s),
		.recycle = s->recycle,
		.recycle_samples = s->recycle_samples,
		.ring_bytes = s->ring_mib << 20,
		.catch_up = (unsigned)s->catch_up,
		.mtu = (unsigned)s->mtu,
		.wish = steer->wish,
		.stop = steer->stop,
		.ready = get_ready,
		.stats_s = steer->report_s,
		.report = steer->report != NULL ? report : NULL,
		.notice = steer->notice != NULL ? notice : NULL,
		.arg = &live,
		.departed = s->csv != NULL || s->labels != NULL ? departed : NULL,
		.departed_arg = &live,
	};
	int rc = wm_plane_run(&options, stats, err);

	*began = stats->n_queues > 0;
	return finish(&live, rc, stats, err);
}
