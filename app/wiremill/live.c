// SPDX-License-Identifier: BSD-3-Clause
#include "live.h"
#include "replay.h"
#include "stats.h"

#include <tensor/tensor.h>

#include <inttypes.h>
#include <math.h>

static double per_second(double what, double seconds)
{
	return seconds > 0 ? what / seconds : 0;
}

static void print_report(void *arg, const struct wm_plane_stats *stats)
{
	(void)arg;
	live_print(stderr, stats);
}

static void print_notice(void *arg, const char *sentence)
{
	(void)arg;
	(void)fprintf(stderr, "wiremill: %s\n", sentence);
}

int live_run(const struct settings *s, const struct models *models, const atomic_bool *stop,
	struct wm_plane_stats *stats, struct wm_err *err)
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
		.stop = stop,
		.stats_s = s->stats_s,
		.report = print_report,
		.notice = print_notice,
	};

	return wm_plane_run(&options, stats, err);
}

static void print_if_any(FILE *out, const char *what, uint64_t n)
{
	if (n > 0)
		(void)fprintf(out, ", %" PRIu64 " %s", n, what);
}

// Only what is out of the ordinary.
static void print_port(FILE *out, const struct wm_plane_port *port)
{
	if (!port->up || port->downs > 0)
		(void)fprintf(out, "  port %u (%s): link %s, went down %" PRIu64 " times, for %.3f s\n", port->port,
			port->name, port->up ? "up" : "down", port->downs, port->down_s);
	if (port->missed > 0)
		(void)fprintf(out, "  port %u (%s): %" PRIu64 " packets came in and found no room\n", port->port,
			port->name, port->missed);
}

static void print_way(FILE *out, const struct wm_plane_way *way)
{
	uint64_t settled = way->received + way->lost;

	(void)fprintf(out, "  port %u to %u: %" PRIu64 " received, %" PRIu64 " lost (%.4f %%), %" PRIu64 " under way",
		way->from, way->to, way->received, way->lost,
		settled > 0 ? 100 * (double)way->lost / (double)settled : 0, way->under_way);
	print_if_any(out, "reordered", way->reordered);
	print_if_any(out, "duplicates", way->duplicates);
	print_if_any(out, "strangers", way->strangers);
	print_if_any(out, "sent unseen", way->unseen);
	if (way->received > 0)
		(void)fprintf(out, "; latency min %.1f, median %.1f, p99 %.1f, max %.1f us", way->latency.min_ns * 1e-3,
			way->latency.median_ns * 1e-3, way->latency.p99_ns * 1e-3, way->latency.max_ns * 1e-3);
	(void)fputc('\n', out);
}

// How far the gaps between packets were from those that were planned.
static void print_timing(FILE *out, const struct wm_timing_summary *s)
{
	double sum = 0;

	(void)fprintf(out,
		"gaps: error p50 %.0f ns, p99 %.0f ns, max %.0f ns; within 64 ns %.2f %%, 128 %.2f %%, 256 %.2f %%, "
		"512 %.2f %%; %" PRIu64 " bunched;",
		s->p50_ns, s->p99_ns, s->max_ns, 100 * s->within[0], 100 * s->within[1], 100 * s->within[2],
		100 * s->within[3], s->bunched);
	for (unsigned i = 0; i < WM_TIMING_OCTAVES; i++) {
		sum += (double)s->octaves[i];
		if (s->octaves[i] > 0)
			(void)fprintf(out, " <%.0f: %.3f %%", ldexp(1, (int)i), 100 * sum / (double)s->gaps);
	}
	(void)fputs(" (ns)\n", out);
}

void live_print(FILE *out, const struct wm_plane_stats *stats)
{
	const struct wm_plane_queue *t = &stats->total;
	double taken = (double)(t->fresh + t->recycled);

	if (stats->timing.gaps > 0)
		print_timing(out, &stats->timing);
	(void)fprintf(out,
		"%.3f s: %" PRIu64 " packets sent, %.0f packets/s, %.3f Gbit/s, %.1f %% fresh, %" PRIu64 " queued",
		stats->elapsed_s, t->sent, per_second((double)t->sent, stats->elapsed_s),
		per_second(8e-9 * (double)t->bytes, stats->elapsed_s), taken > 0 ? 100 * (double)t->fresh / taken : 100,
		stats->queued);
	print_if_any(out, "oversize", t->oversize);
	print_if_any(out, "lost at the end", t->lost - t->link_down);
	print_if_any(out, "lost while a link was down", t->link_down);
	print_if_any(out, "waits for samples", t->starved);
	print_if_any(out, "waits for buffers", t->no_mbuf);
	print_if_any(out, "waits for the port", t->port_full);
	print_if_any(out, "came back", t->received);
	print_if_any(out, "errors of the port", stats->port_errors);
	print_if_any(out, "late", t->late);
	if (t->shifts > 0)
		(void)fprintf(out, ", %" PRIu64 " shifts by %.3f s", t->shifts, (double)t->shift_ns * 1e-9);
	(void)fputc('\n', out);
	for (unsigned i = 0; i < stats->n_ports; i++)
		print_port(out, &stats->port[i]);
	for (unsigned i = 0; i < stats->n_ways; i++)
		print_way(out, &stats->way[i]);
}

static json_t *timing_json(const struct wm_timing_summary *s)
{
	json_t *histogram = json_array();

	for (unsigned i = 0; i < WM_TIMING_OCTAVES; i++)
		if (s->octaves[i] > 0)
			(void)json_array_append_new(
				histogram, json_pack("[I, I]", (json_int_t)1 << i, (json_int_t)s->octaves[i]));
	return json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "gaps", (json_int_t)s->gaps, "bunched",
		(json_int_t)s->bunched, "p50_ns", s->p50_ns, "p99_ns", s->p99_ns, "max_ns", s->max_ns, "within_64_ns",
		s->within[0], "within_128_ns", s->within[1], "within_256_ns", s->within[2], "within_512_ns",
		s->within[3], "below_ns", histogram);
}

static json_t *queue_json(const struct wm_plane_queue *q)
{
	return json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I}", "port",
		(int)q->port, "queue", (int)q->queue, "fresh", (json_int_t)q->fresh, "recycled",
		(json_int_t)q->recycled, "sent", (json_int_t)q->sent, "bytes", (json_int_t)q->bytes, "oversize",
		(json_int_t)q->oversize, "lost", (json_int_t)q->lost, "link_down", (json_int_t)q->link_down, "starved",
		(json_int_t)q->starved, "no_mbuf", (json_int_t)q->no_mbuf, "port_full", (json_int_t)q->port_full,
		"late", (json_int_t)q->late, "shifts", (json_int_t)q->shifts, "shift_s", (double)q->shift_ns * 1e-9,
		"received", (json_int_t)q->received);
}

static json_t *ports_json(const struct wm_plane_stats *stats)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < stats->n_ports; i++) {
		const struct wm_plane_port *p = &stats->port[i];

		(void)json_array_append_new(
			list, json_pack("{s:i, s:s, s:s, s:I, s:f, s:I, s:I}", "port", (int)p->port, "name", p->name,
				      "link", p->up ? "up" : "down", "link_downs", (json_int_t)p->downs, "link_down_s",
				      p->down_s, "errors", (json_int_t)p->errors, "missed", (json_int_t)p->missed));
	}
	return list;
}

static json_t *way_json(const struct wm_plane_way *w)
{
	json_t *latency = json_pack("{s:f, s:f, s:f, s:f}", "min", w->latency.min_ns, "median", w->latency.median_ns,
		"p99", w->latency.p99_ns, "max", w->latency.max_ns);

	return json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "from", (int)w->from, "to",
		(int)w->to, "sent", (json_int_t)(w->noted + w->unseen), "unseen", (json_int_t)w->unseen, "received",
		(json_int_t)w->received, "bytes", (json_int_t)w->bytes, "lost", (json_int_t)w->lost, "under_way",
		(json_int_t)w->under_way, "reordered", (json_int_t)w->reordered, "duplicates",
		(json_int_t)w->duplicates, "strangers", (json_int_t)w->strangers, "latency_ns", latency);
}

static json_t *ways_json(const struct wm_plane_stats *stats)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < stats->n_ways; i++)
		(void)json_array_append_new(list, way_json(&stats->way[i]));
	return list;
}

// @return NULL if memory ran out.
static json_t *run_json(const struct wm_plane_stats *stats, const struct models *models, const struct settings *s)
{
	const struct wm_plane_queue *t = &stats->total;
	json_t *queues = json_array(), *list = json_array();

	for (unsigned i = 0; i < stats->n_queues; i++)
		(void)json_array_append_new(queues, queue_json(&stats->queue[i]));
	for (size_t i = 0; i < models->n; i++)
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:f}", "file", s->models[i].file, "label", models->at[i].label,
				      "engine", models->at[i].engine->name, "weight", s->models[i].weight));
	return json_pack(
		"{s:s, s:I, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o, s:o, s:o, s:o, "
		"s:o, s:o*}",
		"version", WM_VERSION, "seed", (json_int_t)s->seed, "workers", (int)stats->n_workers, "kernels",
		wm_kernels_best()->name, "packets", (json_int_t)t->sent, "bytes", (json_int_t)t->bytes, "generated",
		(json_int_t)stats->generated, "fresh", (json_int_t)t->fresh, "recycled", (json_int_t)t->recycled,
		"unused", (json_int_t)stats->queued, "oversize", (json_int_t)t->oversize, "lost", (json_int_t)t->lost,
		"link_down", (json_int_t)t->link_down, "port_errors", (json_int_t)stats->port_errors, "wall_s",
		stats->elapsed_s, "packets_per_s", per_second((double)t->sent, stats->elapsed_s), "pacing",
		timing_json(&stats->timing), "queues", queues, "ports", ports_json(stats), "directions",
		ways_json(stats), "models", list, "replay", replay_json(models, s));
}

int live_write_json(struct wm_file *file, const struct wm_plane_stats *stats, const struct models *models,
	const struct settings *s, struct wm_err *err)
{
	return stats_write_object(file, run_json(stats, models, s), s->stats_json, err);
}
