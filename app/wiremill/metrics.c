// SPDX-License-Identifier: BSD-3-Clause
#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LABELS_MAX = 512, GAP_FIRST = 6 }; // octaves below 64 ns are one bucket

// The labels of the i-th thing that a table is about, and the thing.
typedef const void *part(
	const struct wm_plane_stats *s, const struct models *models, unsigned i, char labels[LABELS_MAX]);

// Backslash, quote and newline, as the format wants them.
static void escape(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 2 < size; text++) {
		if (*text == '\\' || *text == '"' || *text == '\n')
			out[n++] = '\\';
		out[n++] = (char)(*text == '\n' ? 'n' : *text);
	}
	out[n] = '\0';
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	(void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(FILE *out, const char *name, const char *help, double value)
{
	head(out, name, "gauge", help);
	(void)fprintf(out, "%s %.9g\n", name, value);
}

// All fields of a table, each with its n samples.
static void table(FILE *out, const char *prefix, const struct wm_fields *fields, part *of, unsigned n,
	const struct wm_plane_stats *s, const struct models *models)
{
	for (size_t k = 0; k < fields->n && n > 0; k++) {
		const struct wm_field *f = &fields->at[k];
		bool level = f->kind == WM_FIELD_LEVEL;
		char name[128];

		(void)snprintf(name, sizeof(name), "wiremill_%s%s%s", prefix, f->metric, level ? "" : "_total");
		head(out, name, level ? "gauge" : "counter", f->help);
		for (unsigned i = 0; i < n; i++) {
			char labels[LABELS_MAX] = "";
			uint64_t value = wm_field_value(f, of(s, models, i, labels));

			if (f->kind == WM_FIELD_NS)
				(void)fprintf(out, "%s%s %" PRIu64 ".%09" PRIu64 "\n", name, labels, value / 1000000000,
					value % 1000000000);
			else
				(void)fprintf(out, "%s%s %" PRIu64 "\n", name, labels, value);
		}
	}
}

static const void *the_run(
	const struct wm_plane_stats *s, const struct models *models, unsigned i, char labels[LABELS_MAX])
{
	(void)models;
	(void)i;
	labels[0] = '\0';
	return s;
}

static const void *the_total(
	const struct wm_plane_stats *s, const struct models *models, unsigned i, char labels[LABELS_MAX])
{
	(void)models;
	(void)i;
	labels[0] = '\0';
	return &s->total;
}

static const char *device(const struct wm_plane_stats *s, uint16_t port, char text[2 * WM_PORT_NAME_MAX])
{
	text[0] = '\0';
	for (unsigned i = 0; i < s->n_ports; i++)
		if (s->port[i].port == port)
			escape(text, 2 * WM_PORT_NAME_MAX, s->port[i].name);
	return text;
}

static const void *a_queue(
	const struct wm_plane_stats *s, const struct models *models, unsigned i, char labels[LABELS_MAX])
{
	char name[2 * WM_PORT_NAME_MAX];

	(void)models;
	(void)snprintf(labels, LABELS_MAX, "{port=\"%u\",device=\"%s\",queue=\"%u\"}", s->queue[i].port,
		device(s, s->queue[i].port, name), s->queue[i].queue);
	return &s->queue[i];
}

static const void *a_port(
	const struct wm_plane_stats *s, const struct models *models, unsigned i, char labels[LABELS_MAX])
{
	char name[2 * WM_PORT_NAME_MAX];

	(void)models;
	(void)snprintf(
		labels, LABELS_MAX, "{port=\"%u\",device=\"%s\"}", s->port[i].port, device(s, s->port[i].port, name));
	return &s->port[i];
}

static const void *a_way(
	const struct wm_plane_stats *s, const struct models *models, unsigned i, char labels[LABELS_MAX])
{
	(void)models;
	(void)snprintf(labels, LABELS_MAX, "{from=\"%u\",to=\"%u\"}", s->way[i].from, s->way[i].to);
	return &s->way[i];
}

// Two models may have the same label: the number tells them apart.
static const void *a_model(
	const struct wm_plane_stats *s, const struct models *models, unsigned i, char labels[LABELS_MAX])
{
	char label[2 * LABEL_SIZE];

	escape(label, sizeof(label), models->at[i].label);
	(void)snprintf(labels, LABELS_MAX, "{model=\"%u\",label=\"%s\"}", i, label);
	return &s->model[i];
}

static void links(FILE *out, const struct wm_plane_stats *s, const struct models *models)
{
	static const char *const names[] = {"wiremill_port_link_up", "wiremill_port_speed_bits_per_second"};

	for (unsigned k = 0; k < 2 && s->n_ports > 0; k++) {
		head(out, names[k], "gauge",
			k == 0 ? "Whether the link is up." : "Speed of the link; 0 = the port does not know.");
		for (unsigned i = 0; i < s->n_ports; i++) {
			char labels[LABELS_MAX];

			(void)a_port(s, models, i, labels);
			(void)fprintf(out, "%s%s %" PRIu64 "\n", names[k], labels,
				k == 0 ? (uint64_t)s->port[i].up : s->port[i].speed_bps);
		}
	}
}

static void latencies(FILE *out, const struct wm_plane_stats *s, const struct models *models)
{
	const char *name = "wiremill_direction_latency_seconds";

	if (s->n_ways == 0)
		return;
	head(out, name, "gauge", "Latency of the packets that came back: least, median, 99th percentile, largest.");
	for (unsigned i = 0; i < s->n_ways; i++) {
		const struct wm_plane_latency *l = &s->way[i].latency;
		const double ns[] = {l->min_ns, l->median_ns, l->p99_ns, l->max_ns};
		static const char *const of[] = {"min", "median", "p99", "max"};

		(void)models;
		for (unsigned k = 0; k < 4; k++)
			(void)fprintf(out, "%s{from=\"%u\",to=\"%u\",of=\"%s\"} %.9f\n", name, s->way[i].from,
				s->way[i].to, of[k], ns[k] * 1e-9);
	}
}

// How far gaps between packets were from those planned.
static void gaps(FILE *out, const struct wm_plane_stats *s)
{
	const char *name = "wiremill_gap_error_seconds";
	struct wm_timing_summary sum;
	uint64_t below = 0;

	if (s->pcap)
		return;
	wm_timing_sum_up(&sum, &s->timing);
	head(out, name, "histogram", "How far times between packets were from those planned.");
	for (unsigned i = 0; i < WM_TIMING_OCTAVES; i++) {
		below += sum.octaves[i];
		if (i >= GAP_FIRST && i < WM_TIMING_OCTAVES - 1)
			(void)fprintf(out, "%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", name, ldexp(1e-9, (int)i), below);
	}
	(void)fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, below);
	(void)fprintf(
		out, "%s_sum %.12g\n%s_count %" PRIu64 "\n", name, wm_timing_total_ns(&s->timing) * 1e-9, name, below);
	head(out, "wiremill_bunched_packets_total", "counter",
		"Packets that left together with the one before, though planned later.");
	(void)fprintf(out, "wiremill_bunched_packets_total %" PRIu64 "\n", s->timing.bunched);
}

static void run(FILE *out, const struct wm_plane_stats *s, const struct models *models)
{
	gauge(out, "wiremill_paused", "Whether the timeline is held.", s->paused);
	gauge(out, "wiremill_elapsed_seconds", "Time since the first packet, pauses included.", s->elapsed_s);
	gauge(out, "wiremill_workers", "Threads or lcores that run models.", s->n_workers);
	table(out, "", &wm_fields_run, the_run, 1, s, models);
	table(out, "", &wm_fields_queue, the_total, 1, s, models);
	table(out, "queue_", &wm_fields_queue, a_queue, s->n_queues, s, models);
	table(out, "port_", &wm_fields_port, a_port, s->n_ports, s, models);
	table(out, "direction_", &wm_fields_way, a_way, s->n_ways, s, models);
	table(out, "model_", &wm_fields_model, a_model, s->n_models, s, models);
	links(out, s, models);
	latencies(out, s, models);
	gaps(out, s);
}

char *metrics_text(const struct wm_plane_stats *stats, const struct models *models, size_t *n)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, n);

	if (out == NULL)
		return NULL;
	errno = 0; // what is left out for want of memory leaves its mark there
	head(out, "wiremill_info", "gauge", "What runs, as labels.");
	(void)fprintf(out, "wiremill_info{version=\"%s\"} 1\n", WM_VERSION);
	gauge(out, "wiremill_up", "Whether packets go out: the run has begun.", stats != NULL);
	if (stats != NULL)
		run(out, stats, models);
	if (fclose(out) == 0 && errno != ENOMEM)
		return text;
	free(text);
	return NULL;
}
