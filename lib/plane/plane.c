// SPDX-License-Identifier: BSD-3-Clause
#include <plane/nic.h>
#include <plane/plane_pvt.h>
#include <plane/telemetry.h>
#include <plane/witness.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_pdump.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	READER_US = 50,          // of the capture's reader, where there is no room
	COMPARE_NS = 1000000000, // between two comparisons of the clocks
	LOOK_NS = 100000000,     // between two looks at the links
	GRACE_NS = 200000000,    // for a duration's last packets
};

static const uint64_t AHEAD_NS = 1000000000; // for which rings are filled before the start, where models are steered
static const double FOLLOW_NS = 10e9;        // time to make up for a distance between them

bool wm_plane_asked_to_stop(const struct wm_plane *p)
{
	return p->options->stop != NULL && atomic_load_explicit(p->options->stop, memory_order_relaxed);
}

int wm_plane_failure(const struct wm_plane *p)
{
	for (unsigned w = 0; w < p->n_supplies; w++) {
		int rc = atomic_load_explicit(&p->supplies[w]->failed, memory_order_relaxed);

		if (rc != 0)
			return rc;
	}
	return 0;
}

static bool all_done(const struct wm_plane *p)
{
	for (unsigned t = 0; t < p->n_txs; t++)
		if (!atomic_load_explicit(&p->txs[t]->done, memory_order_acquire)) // release: wm_tx_turn()
			return false;
	return true;
}

static bool out_of_time(const struct wm_plane *p, uint64_t now_ns)
{
	uint64_t grace_ns = p->rate.kind == WM_RATE_MAX ? 0 : GRACE_NS;

	return p->run.end_ns != UINT64_MAX && now_ns >= p->go.ns
	       && now_ns - p->go.ns >= p->run.end_ns + grace_ns + wm_plane_paused_ns(p, now_ns);
}

// Keep the queues' timeline, which runs by the TSC, with the system's clock: at the rate that was measured since the
// start, and a little faster or slower to make up for the distance between the two.
static void follow_clock(struct wm_plane *p)
{
	struct wm_clock_point now = wm_clock_point();
	double ticks_per_ns = atomic_load_explicit(&p->run.tsc_per_ns, memory_order_relaxed), ahead_ns;

	p->timeline_ns += (double)(now.tsc - p->seen.tsc) / ticks_per_ns;
	ahead_ns = p->timeline_ns - (double)(now.ns - p->go.ns);
	p->seen = now;
	ticks_per_ns = wm_clock_rate(&p->clock, &now) * (1 + ahead_ns / FOLLOW_NS);
	atomic_store_explicit(&p->run.tsc_per_ns, ticks_per_ns, memory_order_relaxed);
}

static void set_link(struct wm_plane *p, const struct wm_port *port, bool up)
{
	for (unsigned t = 0; t < p->n_txs; t++)
		for (unsigned side = 0; side < wm_tx_outs(p->txs[t]); side++)
			if (p->txs[t]->out[side].port == port->id)
				atomic_store_explicit(&p->txs[t]->out[side].down, !up, memory_order_relaxed);
}

static void look_at_links(struct wm_plane *p, uint64_t now_ns)
{
	p->next_link_ns = now_ns + LOOK_NS;
	for (unsigned i = 0; i < p->n_ports; i++) {
		struct wm_port *port = &p->ports[i];
		bool up;

		if (!wm_port_look(port, now_ns))
			continue;
		up = atomic_load_explicit(&port->up, memory_order_relaxed);
		set_link(p, port, up);
		wm_plane_notice(p, "port %s: its link is %s", port->name, up ? "up again" : "down");
	}
}

uint64_t wm_plane_paused_ns(const struct wm_plane *p, uint64_t now_ns)
{
	uint64_t since_ns = atomic_load_explicit(&p->hold_ns, memory_order_relaxed);
	uint64_t paused_ns = atomic_load_explicit(&p->paused_ns, memory_order_relaxed);

	return since_ns > 0 && since_ns < now_ns ? paused_ns + now_ns - since_ns : paused_ns;
}

// Stop the timeline. A queue that has not heard of it yet may send what is due in the meantime.
static void hold(struct wm_plane *p)
{
	p->hold = wm_clock_point();
	atomic_store_explicit(&p->hold_ns, p->hold.ns, memory_order_relaxed);
	(void)atomic_fetch_add_explicit(&p->run.epoch, 1, memory_order_release);
}

// Let it go on where it stopped: all queues move their plans by the same time.
static void go_on(struct wm_plane *p)
{
	struct wm_clock_point now = wm_clock_point();

	(void)atomic_fetch_add_explicit(&p->run.held_tsc, now.tsc - p->hold.tsc, memory_order_relaxed);
	(void)atomic_fetch_add_explicit(&p->run.epoch, 1, memory_order_release); // acquire: wm_tx_turn()
	(void)atomic_fetch_add_explicit(&p->paused_ns, now.ns - p->hold.ns, memory_order_relaxed);
	atomic_store_explicit(&p->hold_ns, 0, memory_order_relaxed);
}

static void follow_pause(struct wm_plane *p)
{
	bool held = atomic_load_explicit(&p->hold_ns, memory_order_relaxed) > 0;
	bool pause = wm_plane_wish_pause(p->options->wish);

	if (pause && !held)
		hold(p);
	else if (held && !pause)
		go_on(p);
}

static bool takes_pace(const struct wm_plane *p)
{
	for (unsigned t = 0; t < p->n_txs; t++)
		if (atomic_load_explicit(&p->txs[t]->pace_asked, memory_order_acquire)) // release: its lcore has it
			return false;
	return true;
}

// Hand another rate to the queues if there is one and they have taken the one before.
static void follow_wish(struct wm_plane *p)
{
	struct wm_plane_wish *wish = p->options->wish;
	struct wm_rate rate;
	struct wm_err err;
	int rc = 0;

	if (wish == NULL || !takes_pace(p))
		return;
	if (!wm_plane_wish_rate(wish, &rate))
		return;
	for (unsigned t = 0; t < p->n_txs && rc == 0; t++)
		rc = wm_plane_pace(p, t, &rate, &p->txs[t]->next_pace, &err);
	for (unsigned t = 0; t < p->n_txs && rc == 0; t++)
		atomic_store_explicit(&p->txs[t]->pace_asked, true, memory_order_release);
	if (rc == 0)
		p->rate = rate;
	if (rc < 0 && p->options->notice != NULL)
		p->options->notice(p->options->arg, err.msg);
	else if (rc == 0)
		p->own_speed = rate.kind == WM_RATE_MODEL ? 1 / p->txs[0]->next_pace.slope : 0;
}

// Let workers go on: as far ahead of the queue that is furthest behind as is good for those who steer.
static void follow_queues(struct wm_plane *p, uint64_t now_ns)
{
	uint64_t own_ns = UINT64_MAX, since_ns = now_ns > p->go.ns ? now_ns - p->go.ns : 0, clock_ns;

	for (unsigned t = 0; t < p->n_txs; t++) {
		uint64_t ns = wm_count_get(&p->txs[t]->own_ns);

		own_ns = ns < own_ns ? ns : own_ns;
	}
	clock_ns = p->ahead.own_ns + (uint64_t)((double)(since_ns - p->ahead.now_ns) * p->own_speed);
	wm_ahead_look(&p->ahead, since_ns, own_ns > clock_ns ? own_ns : clock_ns);
}

static void report(struct wm_plane *p, uint64_t now_ns)
{
	struct wm_plane_stats stats;

	if (p->options->stats_s <= 0 || p->options->report == NULL || now_ns < p->next_report_ns)
		return;
	p->next_report_ns += (uint64_t)(p->options->stats_s * 1e9);
	wm_plane_collect(p, &stats);
	stats.rate = p->rate;
	p->options->report(p->options->arg, &stats);
}

// Look after the run: should it end, is a report due?
static void control(struct wm_plane *p)
{
	uint64_t now_ns = wm_now_ns();

	if (wm_plane_asked_to_stop(p) || wm_plane_failure(p) != 0 || all_done(p) || out_of_time(p, now_ns))
		atomic_store_explicit(&p->run.stop, true, memory_order_relaxed);
	if (now_ns >= p->next_link_ns)
		look_at_links(p, now_ns);
	if (now_ns >= p->seen.ns + COMPARE_NS) {
		follow_clock(p);
		wm_nic_follow(p);
	}
	follow_pause(p);
	follow_wish(p);
	if (p->steered)
		follow_queues(p, now_ns);
	report(p, now_ns);
}

// The receiver stays until what is on its way has come back.
static int core_main(void *arg)
{
	struct wm_core *core = arg;

	wm_core_loop(core, NULL);
	while (core->n_rx > 0 && !atomic_load_explicit(&core->plane->deaf, memory_order_relaxed))
		if (!wm_core_receive(core))
			rte_pause();
	return 0;
}

// The capture's supply: it reads files, which no lcore does, and so may wait.
static void *reader_main(void *arg)
{
	struct wm_plane *p = arg;
	struct wm_supply *s = p->supplies[p->n_supplies - 1];

	while (!s->closed && !atomic_load_explicit(&p->run.stop, memory_order_relaxed))
		if (wm_supply_turn(s, WM_SUPPLY_BLOCK) == 0)
			(void)usleep(READER_US);
	return NULL;
}

int wm_plane_thread(pthread_t *out, const char *name, void *(*main)(void *), void *arg)
{
	int rc = rte_ctrl_thread_create(out, name, NULL, main, arg);

	return rc < 0 ? rc : -rc;
}

static int launch(struct wm_plane *p, struct wm_err *err)
{
	int started = wm_witness_start(p, err);

	if (started == 0)
		started = wm_guard_watch(&p->guard, &p->run.stop, err);
	if (started < 0)
		return started;
	if (p->options->replay != NULL) {
		int rc = wm_plane_thread(&p->reader, "wm-reader", reader_main, p);

		if (rc < 0)
			return wm_err_sys(err, rc, "the thread that reads the capture cannot be started");
		p->has_reader = true;
	}
	for (unsigned i = 1; i < p->n_cores; i++) {
		struct wm_core *core = &p->cores[i];
		int rc;

		if (core->n_tx + core->n_supply + core->n_rx == 0)
			continue;
		rc = rte_eal_remote_launch(core_main, core, core->lcore);
		if (rc < 0)
			return wm_err_sys(err, rc, "lcore %u could not be launched", core->lcore);
	}
	return 0;
}

static int explain(const struct wm_plane *p, struct wm_err *err)
{
	int rc = p->options->replay != NULL ? wm_replay_failed(p->options->replay, err) : 0;

	return rc < 0 ? rc : wm_err_sys(err, wm_plane_failure(p), "a worker had to give up");
}

static int run(struct wm_plane *p, struct wm_err *err)
{
	struct wm_core *own = &p->cores[0];
	int rc = launch(p, err), guarded;

	if (rc == 0) {
		wm_plane_warm_up(p);
		wm_plane_start(p);
		if (own->n_tx + own->n_supply + own->n_rx > 0)
			wm_core_loop(own, control);
		for (; !atomic_load_explicit(&p->run.stop, memory_order_relaxed); (void)usleep(WM_PLANE_TICK_US))
			control(p);
	}
	wm_plane_stop(p);
	if (p->has_reader)
		wm_replay_join(p->reader);
	for (; !wm_witness_stop(p); (void)usleep(WM_PLANE_TICK_US)) // whoever reads labels slowly is waited for
		if (rc == 0)
			report(p, wm_now_ns());
	guarded = wm_guard_end(&p->guard, err);
	if (guarded < 0)
		return guarded;
	if (rc == 0 && wm_plane_failure(p) != 0)
		rc = explain(p, err);
	if (rc == 0 && wm_plane_is_over(p))
		rc = wm_err_set(err, -ERANGE, "the traffic's own time is over: it cannot be later than 292 years");
	return rc;
}

// EAL moves its arguments about.
static int start_eal(const struct wm_plane_options *o, struct wm_err *err)
{
	char **argv = calloc((size_t)o->eal_argc + 1, sizeof(*argv));
	int rc;

	if (argv == NULL)
		return wm_err_sys(err, -ENOMEM, "EAL");
	memcpy(argv, o->eal_argv, (size_t)o->eal_argc * sizeof(*argv));
	rc = rte_eal_init(o->eal_argc, argv);
	free(argv);
	if (rc < 0)
		return wm_err_sys(
			err, -rte_errno, "EAL (DPDK) did not start with its options (its own messages say more)");
	return 0;
}

// Ports that were not taken, too: EAL's own end of a net_failsafe that is still there crashes.
static void end_eal(void)
{
	for (uint64_t id = 0; (id = rte_eth_find_next_owned_by((uint16_t)id, RTE_ETH_DEV_NO_OWNER)) < RTE_MAX_ETHPORTS;
		id++)
		(void)rte_eth_dev_close((uint16_t)id);
	(void)rte_eal_cleanup();
}

int wm_plane_run(const struct wm_plane_options *options, struct wm_plane_stats *stats, struct wm_err *err)
{
	struct wm_plane *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return wm_err_sys(err, -ENOMEM, "the data plane");
	p->options = options;
	p->rate = options->rate;
	for (size_t i = 0; i < options->n_sources; i++) {
		p->scheduled |= options->sources[i].schedule.start_ns > 0 || options->sources[i].steer != NULL;
		p->steered |= options->sources[i].steer != NULL;
	}
	p->own_speed = options->rate.kind == WM_RATE_MODEL ? 1 : 0;
	wm_ahead_init(&p->ahead, options->rate.kind == WM_RATE_MODEL ? AHEAD_NS : UINT64_MAX);
	p->clock = wm_clock_point();
	rc = start_eal(options, err);
	if (rc < 0)
		goto fail;
	if (rte_pdump_init() < 0)
		wm_plane_notice(
			p, "dpdk-pdump and dpdk-dumpcap will not be able to attach: %s", rte_strerror(rte_errno));
	rc = wm_plane_setup(p, err);
	if (rc == 0 && options->ready != NULL)
		rc = options->ready(options->arg, err);
	if (rc == 0) {
		wm_telemetry_open(p);
		rc = run(p, err);
		wm_telemetry_close();
		wm_plane_finish(p, stats);
	}
	wm_plane_teardown(p);
	(void)rte_pdump_uninit();
	end_eal();

fail:
	free(p);
	return rc;
}
