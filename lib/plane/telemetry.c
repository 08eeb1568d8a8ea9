// SPDX-License-Identifier: BSD-3-Clause
#include <plane/plane_pvt.h>
#include <plane/telemetry.h>

#include <rte_telemetry.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct shared {
	pthread_mutex_t lock;         // between DPDK's thread and control, at the beginning and the end of a run
	const struct wm_plane *plane; // NULL = there is no run
};

// DPDK calls from a thread of its own and hands over no argument.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
static struct shared shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct entry {
	const char *name;
	uint64_t value;
};

static void add_all(struct rte_tel_data *d, const struct entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)rte_tel_data_add_dict_u64(d, entries[i].name, entries[i].value);
}

// @return 0; -ENOENT if there is no run.
static int collect(struct wm_plane_stats *stats)
{
	int rc = -ENOENT;

	(void)pthread_mutex_lock(&shared.lock);
	if (shared.plane != NULL) {
		wm_plane_collect(shared.plane, stats);
		rc = 0;
	}
	(void)pthread_mutex_unlock(&shared.lock);
	return rc;
}

// The statistics, and which of n parts is asked for.
static int collect_one(const char *params, struct wm_plane_stats *stats, unsigned *which)
{
	char *end;
	unsigned long v;

	if (params == NULL || *params < '0' || *params > '9')
		return -EINVAL;
	v = strtoul(params, &end, 10);
	if (*end != '\0' || v >= WM_QUEUES_MAX)
		return -EINVAL;
	*which = (unsigned)v;
	return collect(stats);
}

static void add_queue(struct rte_tel_data *d, const struct wm_plane_queue *q)
{
	const struct entry entries[] = {
		{"sent", q->sent},
		{"bytes", q->bytes},
		{"fresh", q->fresh},
		{"recycled", q->recycled},
		{"oversize", q->oversize},
		{"lost", q->lost},
		{"link_down", q->link_down},
		{"starved", q->starved},
		{"no_mbuf", q->no_mbuf},
		{"port_full", q->port_full},
		{"shifts", q->shifts},
		{"shift_ns", q->shift_ns},
		{"received", q->received},
	};

	add_all(d, entries, sizeof(entries) / sizeof(entries[0]));
}

static int answer_stats(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wm_plane_stats s;
	int rc = collect(&s);

	(void)cmd;
	(void)params;
	if (rc < 0)
		return rc;
	(void)rte_tel_data_start_dict(d);
	add_all(d,
		(struct entry[]){
			{"elapsed_ms", (uint64_t)(s.elapsed_s * 1e3)},
			{"generated", s.generated},
			{"queued", s.queued},
			{"waiting", s.waiting},
			{"port_errors", s.port_errors},
			{"workers", s.n_workers},
			{"queues", s.n_queues},
			{"ports", s.n_ports},
			{"directions", s.n_ways},
		},
		9);
	add_queue(d, &s.total);
	return 0;
}

static int answer_queue(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wm_plane_stats s;
	unsigned i = 0;
	int rc = collect_one(params, &s, &i);

	(void)cmd;
	if (rc < 0 || i >= s.n_queues)
		return rc < 0 ? rc : -EINVAL;
	(void)rte_tel_data_start_dict(d);
	add_all(d, (struct entry[]){{"port", s.queue[i].port}, {"queue", s.queue[i].queue}}, 2);
	add_queue(d, &s.queue[i]);
	return 0;
}

static int answer_port(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wm_plane_stats s;
	unsigned i = 0;
	int rc = collect_one(params, &s, &i);

	(void)cmd;
	if (rc < 0 || i >= s.n_ports)
		return rc < 0 ? rc : -EINVAL;
	(void)rte_tel_data_start_dict(d);
	(void)rte_tel_data_add_dict_string(d, "name", s.port[i].name);
	(void)rte_tel_data_add_dict_string(d, "link", s.port[i].up ? "up" : "down");
	add_all(d,
		(struct entry[]){
			{"port", s.port[i].port},
			{"link_downs", s.port[i].downs},
			{"link_down_ms", (uint64_t)(s.port[i].down_s * 1e3)},
			{"errors", s.port[i].errors},
			{"missed", s.port[i].missed},
		},
		5);
	return 0;
}

static int answer_direction(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wm_plane_stats s;
	const struct wm_plane_way *w;
	unsigned i = 0;
	int rc = collect_one(params, &s, &i);

	(void)cmd;
	if (rc < 0 || i >= s.n_ways)
		return rc < 0 ? rc : -EINVAL;
	w = &s.way[i];
	(void)rte_tel_data_start_dict(d);
	add_all(d,
		(struct entry[]){
			{"from", w->from},
			{"to", w->to},
			{"sent", w->noted + w->unseen},
			{"unseen", w->unseen},
			{"received", w->received},
			{"bytes", w->bytes},
			{"lost", w->lost},
			{"under_way", w->under_way},
			{"reordered", w->reordered},
			{"duplicates", w->duplicates},
			{"strangers", w->strangers},
			{"latency_min_ns", (uint64_t)w->latency.min_ns},
			{"latency_median_ns", (uint64_t)w->latency.median_ns},
			{"latency_p99_ns", (uint64_t)w->latency.p99_ns},
			{"latency_max_ns", (uint64_t)w->latency.max_ns},
		},
		15);
	return 0;
}

static void answer_for(const struct wm_plane *p)
{
	(void)pthread_mutex_lock(&shared.lock);
	shared.plane = p;
	(void)pthread_mutex_unlock(&shared.lock);
}

void wm_telemetry_open(const struct wm_plane *p)
{
	answer_for(p);
	(void)rte_telemetry_register_cmd(
		"/wiremill/stats", answer_stats, "Returns the run's statistics. No parameters.");
	(void)rte_telemetry_register_cmd(
		"/wiremill/queue", answer_queue, "Returns one queue's statistics. Parameters: its number, from 0.");
	(void)rte_telemetry_register_cmd(
		"/wiremill/port", answer_port, "Returns one port's link and errors. Parameters: its number, from 0.");
	(void)rte_telemetry_register_cmd("/wiremill/direction", answer_direction,
		"Returns what comes back of one direction (--receive). Parameters: its number, from 0.");
}

void wm_telemetry_close(void)
{
	answer_for(NULL);
}
