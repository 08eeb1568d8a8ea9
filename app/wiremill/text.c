// SPDX-License-Identifier: BSD-3-Clause
#include "text.h"

#include "draw.h"
#include "stats.h"

#include <tensor/tensor.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_if_any(FILE *out, const char *what, uint64_t n)
{
	if (n > 0)
		(void)fprintf(out, ", %" PRIu64 " %s", n, what);
}

// Only what is out of the ordinary.
static void print_link(FILE *out, const struct wm_plane_port *port)
{
	if (!port->up || port->downs > 0)
		(void)fprintf(out, "  port %u (%s): link %s, went down %" PRIu64 " times, for %.3f s\n", port->port,
			port->name, port->up ? "up" : "down", port->downs, (double)port->down_ns * 1e-9);
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

static void print_rates(FILE *out, const struct wm_rates *r)
{
	(void)fprintf(
		out, "%.0f packets/s, %.3f Gbit/s, %.3f on the line", r->packets, r->bits_l2 * 1e-9, r->bits_l1 * 1e-9);
}

// A line each, where there are several.
static void print_parts(
	FILE *out, const struct wm_plane_stats *now, const struct wm_plane_stats *before, const struct models *models)
{
	double seconds = stats_seconds(now, before);

	for (unsigned i = 0; i < now->n_ports && now->n_ports > 1; i++) {
		struct wm_plane_queue sum, then = {0};
		struct wm_rates rates;

		wm_plane_port_sum(&sum, now, now->port[i].port);
		if (before != NULL)
			wm_plane_port_sum(&then, before, now->port[i].port);
		rates = stats_queue_rates(&sum, &then, seconds);
		(void)fprintf(
			out, "  port %u (%s): %" PRIu64 " sent, ", now->port[i].port, now->port[i].name, sum.sent);
		print_rates(out, &rates);
		(void)fputc('\n', out);
	}
	for (unsigned i = 0; i < now->n_models && now->n_models > 1; i++) {
		struct wm_rates rates =
			stats_model_rates(&now->model[i], before != NULL ? &before->model[i] : NULL, seconds);

		(void)fprintf(out, "  %s: %" PRIu64 " sent, ", models->at[i].label, now->model[i].packets);
		print_rates(out, &rates);
		(void)fputc('\n', out);
	}
}

// How far the gaps between packets were from those that were planned.
static void print_timing(FILE *out, const struct wm_timing_tally *tally, bool whole)
{
	struct wm_timing_summary s;
	double sum = 0;

	wm_timing_sum_up(&s, tally);
	if (s.gaps == 0)
		return;
	(void)fprintf(out, "gaps: error p50 %.0f ns, p99 %.0f ns, max %.0f ns", s.p50_ns, s.p99_ns, s.max_ns);
	if (whole)
		(void)fprintf(out,
			"; within 64 ns %.2f %%, 128 %.2f %%, 256 %.2f %%, 512 %.2f %%; %" PRIu64 " bunched;",
			100 * s.within[0], 100 * s.within[1], 100 * s.within[2], 100 * s.within[3], s.bunched);
	for (unsigned i = 0; i < WM_TIMING_OCTAVES && whole; i++) {
		sum += (double)s.octaves[i];
		if (s.octaves[i] > 0)
			(void)fprintf(out, " <%.0f: %.3f %%", ldexp(1, (int)i), 100 * sum / (double)s.gaps);
	}
	(void)fputs(whole ? " (ns)\n" : "\n", out);
}

static double fill(const struct wm_plane_stats *s)
{
	return s->ring_room > 0 ? (double)s->ring_used / (double)s->ring_room : 0;
}

static void print_ports(FILE *out, const struct wm_plane_stats *now, const struct wm_plane_stats *before)
{
	const struct wm_plane_queue *t = &now->total;
	struct wm_rates rates =
		stats_queue_rates(t, before != NULL ? &before->total : NULL, stats_seconds(now, before));

	(void)fprintf(out, "%.3f s: %" PRIu64 " packets sent, ", now->elapsed_s, t->sent);
	print_rates(out, &rates);
	(void)fprintf(out, ", %.1f %% fresh, %" PRIu64 " queued",
		100 * stats_fresh(t, before != NULL ? &before->total : NULL), now->queued);
	if (before != NULL)
		(void)fprintf(out, ", rings %.0f %% full", 100 * fill(now));
	print_if_any(out, "oversize", t->oversize);
	print_if_any(out, "lost at the end", t->lost - t->link_down);
	print_if_any(out, "lost while a link was down", t->link_down);
	print_if_any(out, "waits for samples", t->starved);
	print_if_any(out, "waits for buffers", t->no_mbuf);
	print_if_any(out, "waits for the port", t->port_full);
	print_if_any(out, "came back", t->received);
	print_if_any(out, "errors of the port", now->port_errors);
	print_if_any(out, "late", t->late);
	if (t->shifts > 0)
		(void)fprintf(out, ", %" PRIu64 " shifts by %.3f s", t->shifts, (double)t->shift_ns * 1e-9);
}

static void print_pcap(FILE *out, const struct wm_plane_stats *now, const struct wm_plane_stats *before)
{
	struct wm_rates rates =
		stats_queue_rates(&now->total, before != NULL ? &before->total : NULL, stats_seconds(now, before));

	(void)fprintf(out,
		"%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " flows (%" PRIu64 " ended), %.6f s of traffic; "
		"%.3f s, %.0f packets/s, %u worker%s, %s kernels",
		now->total.sent, now->total.bytes, now->flows, now->flows_ended, (double)now->traffic_ns * 1e-9,
		now->elapsed_s, rates.packets, now->n_workers, now->n_workers == 1 ? "" : "s", wm_kernels_best()->name);
	print_if_any(out, "lost", now->total.lost);
	if (before != NULL)
		(void)fprintf(out, ", rings %.0f %% full", 100 * fill(now));
}

static void print_lines(
	FILE *out, const struct wm_plane_stats *now, const struct wm_plane_stats *before, const struct models *models)
{
	struct wm_timing_tally lately = now->timing;

	if (before != NULL)
		wm_timing_since(&lately, &now->timing, &before->timing);
	print_timing(out, &lately, before == NULL);
	if (now->pcap)
		print_pcap(out, now, before);
	else
		print_ports(out, now, before);
	if (now->paused)
		(void)fputs(", paused now", out);
	if (now->paused_ns > 0)
		(void)fprintf(out, ", paused for %.3f s", (double)now->paused_ns * 1e-9);
	(void)fputc('\n', out);
	print_parts(out, now, before, models);
	for (unsigned i = 0; i < now->n_ports; i++)
		print_link(out, &now->port[i]);
	for (unsigned i = 0; i < now->n_ways; i++)
		print_way(out, &now->way[i]);
}

void text_begin(struct text_view *v, FILE *out)
{
	const char *term = getenv("TERM"); // NOLINT(concurrency-mt-unsafe): before there are threads

	*v = (struct text_view){
		.out = out, .steady = isatty(fileno(out)) == 1 && term != NULL && strcmp(term, "dumb") != 0};
}

// Take the view away, so that something else can be said.
static void wipe(struct text_view *v)
{
	if (v->lines > 0)
		(void)fprintf(v->out, "\033[%uA\r\033[J", v->lines);
	v->lines = 0;
}

void text_report(struct text_view *v, const struct wm_plane_stats *now, const struct wm_plane_stats *before,
	const struct models *models)
{
	if (v->steady) {
		wipe(v);
		v->lines = draw(v->out, now, before, models);
	} else {
		print_lines(v->out, now, before, models);
	}
	(void)fflush(v->out);
}

void text_notice(struct text_view *v, const char *sentence)
{
	wipe(v);
	(void)fprintf(v->out, "wiremill: %s\n", sentence);
}

void text_final(struct text_view *v, const struct wm_plane_stats *stats, const struct models *models)
{
	wipe(v);
	print_lines(v->out, stats, NULL, models);
}
