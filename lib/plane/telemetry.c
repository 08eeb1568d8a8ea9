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

static void add_fields(struct rte_tel_data *d, const struct wm_fields *fields, const void *of)
{
	for (size_t i = 0; i < fields->n; i++)
		(void)rte_tel_data_add_dict_u64(d, fields->at[i].name, wm_field_value(&fields->at[i], of));
}

static void add(struct rte_tel_data *d, const char *name, uint64_t value)
{
	(void)rte_tel_data_add_dict_u64(d, name, value);
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

static int answer_stats(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wm_plane_stats s;
	int rc = collect(&s);

	(void)cmd;
	(void)params;
	if (rc < 0)
		return rc;
	(void)rte_tel_data_start_dict(d);
	add(d, "elapsed_ms", (uint64_t)(s.elapsed_s * 1e3));
	add(d, "paused", s.paused);
	add(d, "workers", s.n_workers);
	add(d, "queues", s.n_queues);
	add(d, "ports", s.n_ports);
	add(d, "directions", s.n_ways);
	add(d, "models", s.n_models);
	add_fields(d, &wm_fields_run, &s);
	add_fields(d, &wm_fields_queue, &s.total);
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
	add(d, "port", s.queue[i].port);
	add(d, "queue", s.queue[i].queue);
	add_fields(d, &wm_fields_queue, &s.queue[i]);
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
	add(d, "port", s.port[i].port);
	add_fields(d, &wm_fields_port, &s.port[i]);
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
	add(d, "from", w->from);
	add(d, "to", w->to);
	add_fields(d, &wm_fields_way, w);
	add(d, "latency_min_ns", (uint64_t)w->latency.min_ns);
	add(d, "latency_median_ns", (uint64_t)w->latency.median_ns);
	add(d, "latency_p99_ns", (uint64_t)w->latency.p99_ns);
	add(d, "latency_max_ns", (uint64_t)w->latency.max_ns);
	return 0;
}

static int answer_model(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wm_plane_stats s;
	unsigned i = 0;
	int rc = collect_one(params, &s, &i);

	(void)cmd;
	if (rc < 0 || i >= s.n_models)
		return rc < 0 ? rc : -EINVAL;
	(void)rte_tel_data_start_dict(d);
	add_fields(d, &wm_fields_model, &s.model[i]);
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
	(void)rte_telemetry_register_cmd(
		"/wiremill/model", answer_model, "Returns what was sent of one model. Parameters: its number, from 0.");
	(void)rte_telemetry_register_cmd("/wiremill/direction", answer_direction,
		"Returns what comes back of one direction (--receive). Parameters: its number, from 0.");
}

void wm_telemetry_close(void)
{
	answer_for(NULL);
}
