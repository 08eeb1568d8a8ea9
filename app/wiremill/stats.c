// SPDX-License-Identifier: BSD-3-Clause
#include "stats.h"

#include "replay.h"

#include <json/json.h>
#include <tensor/tensor.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

double stats_seconds(const struct wm_plane_stats *now, const struct wm_plane_stats *before)
{
	if (before != NULL)
		return now->elapsed_s - before->elapsed_s;
	return now->elapsed_s - (double)now->paused_ns * 1e-9;
}

double stats_fresh(const struct wm_plane_queue *now, const struct wm_plane_queue *before)
{
	uint64_t fresh = now->fresh - (before != NULL ? before->fresh : 0);
	uint64_t recycled = now->recycled - (before != NULL ? before->recycled : 0);

	return fresh + recycled > 0 ? (double)fresh / (double)(fresh + recycled) : 1;
}

struct wm_rates stats_queue_rates(const struct wm_plane_queue *now, const struct wm_plane_queue *before, double seconds)
{
	if (before == NULL)
		return wm_rates(now->sent, now->bytes, now->padding, seconds);
	return wm_rates(now->sent - before->sent, now->bytes - before->bytes, now->padding - before->padding, seconds);
}

struct wm_rates stats_model_rates(const struct wm_plane_model *now, const struct wm_plane_model *before, double seconds)
{
	if (before == NULL)
		return wm_rates(now->packets, now->bytes, now->padding, seconds);
	return wm_rates(
		now->packets - before->packets, now->bytes - before->bytes, now->padding - before->padding, seconds);
}

const char *stats_rate_text(const struct wm_rate *rate, char text[STATS_RATE_SIZE])
{
	static const char *const units[] = {
		[WM_RATE_PPS] = "pps", [WM_RATE_BPS] = "bps", [WM_RATE_BPS_L1] = "bps-l1", [WM_RATE_PERCENT] = "%"};
	static const char *const prefixes[] = {"", "k", "M", "G"};
	double value = rate->value;
	unsigned i = 0;

	if (rate->kind == WM_RATE_MAX)
		(void)snprintf(text, STATS_RATE_SIZE, "max");
	else if (rate->kind == WM_RATE_MODEL && value == 1)
		(void)snprintf(text, STATS_RATE_SIZE, "model");
	else if (rate->kind == WM_RATE_MODEL)
		(void)snprintf(text, STATS_RATE_SIZE, "x%.6g", value);
	else {
		for (; rate->kind != WM_RATE_PERCENT && i < 3 && value >= 1000; i++)
			value /= 1000;
		(void)snprintf(text, STATS_RATE_SIZE, "%.6g%s%s", value, prefixes[i], units[rate->kind]);
	}
	return text;
}

void stats_add_fields(json_t **object, const struct wm_fields *fields, const void *of)
{
	for (size_t i = 0; i < fields->n; i++) {
		const struct wm_field *f = &fields->at[i];
		uint64_t value = wm_field_value(f, of);
		char name[64];

		if (f->kind == WM_FIELD_NS) {
			(void)snprintf(name, sizeof(name), "%.*ss", (int)strlen(f->name) - 2, f->name);
			wm_json_set(object, name, json_real((double)value * 1e-9));
		} else {
			wm_json_set(object, f->name, json_integer((json_int_t)value));
		}
	}
}

static void add_rates(json_t **object, const struct wm_rates *r)
{
	wm_json_set(object, "packets_per_s", json_real(r->packets));
	wm_json_set(object, "bits_per_s_l2", json_real(r->bits_l2));
	wm_json_set(object, "bits_per_s_l1", json_real(r->bits_l1));
}

static json_t *timing_json(const struct wm_timing_tally *tally)
{
	json_t *histogram = json_array();
	struct wm_timing_summary s;

	wm_timing_sum_up(&s, tally);
	for (unsigned i = 0; i < WM_TIMING_OCTAVES; i++)
		if (s.octaves[i] > 0)
			wm_json_add(&histogram, json_pack("[I, I]", (json_int_t)1 << i, (json_int_t)s.octaves[i]));
	return json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "gaps", (json_int_t)s.gaps, "bunched",
		(json_int_t)s.bunched, "p50_ns", s.p50_ns, "p99_ns", s.p99_ns, "max_ns", s.max_ns, "within_64_ns",
		s.within[0], "within_128_ns", s.within[1], "within_256_ns", s.within[2], "within_512_ns", s.within[3],
		"below_ns", histogram);
}

static json_t *queues_json(const struct wm_plane_stats *stats)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < stats->n_queues; i++) {
		const struct wm_plane_queue *q = &stats->queue[i];
		json_t *one = json_pack("{s:i, s:i}", "port", (int)q->port, "queue", (int)q->queue);

		stats_add_fields(&one, &wm_fields_queue, q);
		wm_json_add(&list, one);
	}
	return list;
}

static json_t *ports_json(const struct wm_plane_stats *now, const struct wm_plane_stats *before)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < now->n_ports; i++) {
		const struct wm_plane_port *p = &now->port[i];
		json_t *one = json_pack("{s:i, s:o, s:s, s:s}", "port", (int)p->port, "name", wm_json_string(p->name),
			"link", p->up ? "up" : "down", "pacing", p->stamps ? "nic" : "tsc");
		struct wm_plane_queue sum, sum_before = {0};
		struct wm_rates rates;

		wm_plane_port_sum(&sum, now, p->port);
		if (before != NULL)
			wm_plane_port_sum(&sum_before, before, p->port);
		rates = stats_queue_rates(&sum, &sum_before, stats_seconds(now, before));
		wm_json_set(&one, "speed_bps", json_integer((json_int_t)p->speed_bps));
		stats_add_fields(&one, &wm_fields_port, p);
		add_rates(&one, &rates);
		wm_json_add(&list, one);
	}
	return list;
}

static json_t *ways_json(const struct wm_plane_stats *stats)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < stats->n_ways; i++) {
		const struct wm_plane_way *w = &stats->way[i];
		json_t *one = json_pack("{s:i, s:i}", "from", (int)w->from, "to", (int)w->to);

		stats_add_fields(&one, &wm_fields_way, w);
		wm_json_set(&one, "latency_ns",
			json_pack("{s:f, s:f, s:f, s:f}", "min", w->latency.min_ns, "median", w->latency.median_ns,
				"p99", w->latency.p99_ns, "max", w->latency.max_ns));
		wm_json_add(&list, one);
	}
	return list;
}

// What was sent of a model, or of the capture, and how fast.
static void add_model(json_t **one, const struct wm_plane_stats *now, const struct wm_plane_stats *before, size_t i)
{
	struct wm_rates rates = stats_model_rates(
		&now->model[i], before != NULL ? &before->model[i] : NULL, stats_seconds(now, before));

	stats_add_fields(one, &wm_fields_model, &now->model[i]);
	if (now->pcap)
		wm_json_set(one, "flows", json_integer((json_int_t)now->model[i].flows));
	add_rates(one, &rates);
}

static json_t *capture_json(const struct wm_plane_stats *now, const struct wm_plane_stats *before,
	const struct models *models, const struct settings *s)
{
	json_t *one = json_pack("{s:o, s:o, s:f}", "file", wm_json_string(s->replay.file), "label",
		wm_json_string(models->at[models->n].label), "weight", s->replay.weight);

	add_model(&one, now, before, models->n);
	return one;
}

static json_t *models_json(const struct wm_plane_stats *now, const struct wm_plane_stats *before,
	const struct models *models, const struct settings *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < models->n; i++) {
		bool paused, steered = models->sources[i].steer != NULL;
		double weight = steered ? wm_steer_get(&models->steers[i], &paused) : s->models[i].weight;
		json_t *one = json_object();

		if (s->models[i].file != NULL)
			wm_json_set(&one, "file", wm_json_string(s->models[i].file));
		wm_json_set(&one, "label", wm_json_string(models->at[i].label));
		wm_json_set(&one, "engine", json_string(models->at[i].engine->name));
		wm_json_set(&one, "weight", json_real(weight));
		add_model(&one, now, before, i);
		wm_json_add(&list, one);
	}
	return list;
}

// What there is in one of the two modes alone.
static void add_pcap(json_t **root, const struct wm_plane_stats *now)
{
	wm_json_set(root, "fresh", json_integer((json_int_t)now->total.fresh));
	wm_json_set(root, "recycled", json_integer((json_int_t)now->total.recycled));
	wm_json_set(root, "lost", json_integer((json_int_t)now->total.lost));
	wm_json_set(root, "flows", json_integer((json_int_t)now->flows));
	wm_json_set(root, "flows_ended", json_integer((json_int_t)now->flows_ended));
	wm_json_set(root, "virtual_s", json_real((double)now->traffic_ns * 1e-9));
}

static void add_ports(json_t **root, const struct wm_plane_stats *now, const struct wm_plane_stats *before)
{
	struct wm_timing_tally lately = now->timing;

	stats_add_fields(root, &wm_fields_queue, &now->total);
	(void)json_object_del(*root, "sent"); // they are called packets here
	if (before != NULL)
		wm_timing_since(&lately, &now->timing, &before->timing);
	wm_json_set(root, "pacing", timing_json(&lately));
	wm_json_set(root, "queues", queues_json(now));
	wm_json_set(root, "ports", ports_json(now, before));
	wm_json_set(root, "directions", ways_json(now));
}

json_t *stats_json(const struct wm_plane_stats *now, const struct wm_plane_stats *before, const struct models *models,
	const struct settings *s)
{
	const struct wm_plane_queue *then = before != NULL ? &before->total : NULL;
	struct wm_rates rates = stats_queue_rates(&now->total, then, stats_seconds(now, before));
	char rate[STATS_RATE_SIZE];
	json_t *root = json_pack("{s:s, s:s, s:b, s:I, s:i, s:s, s:s, s:f, s:I, s:I, s:f}", "version", WM_VERSION,
		"mode", now->pcap ? "pcap" : "ports", "paused", now->paused, "seed", (json_int_t)s->seed, "workers",
		(int)now->n_workers, "kernels", wm_kernels_best()->name, "rate", stats_rate_text(&now->rate, rate),
		"wall_s", now->elapsed_s, "packets", (json_int_t)now->total.sent, "bytes", (json_int_t)now->total.bytes,
		"fresh_share", stats_fresh(&now->total, then));

	if (root == NULL)
		return NULL;
	add_rates(&root, &rates);
	stats_add_fields(&root, &wm_fields_run, now);
	if (before == NULL) { // what is queued at the end is not wanted any more
		wm_json_set(&root, "unused", json_integer((json_int_t)now->queued));
		(void)json_object_del(root, "queued");
		(void)json_object_del(root, "waiting");
	}
	if (now->pcap)
		add_pcap(&root, now);
	else
		add_ports(&root, now, before);
	wm_json_set(&root, "models", models_json(now, before, models, s));
	if (s->flows_from != NULL)
		wm_json_set(&root, "flows_from",
			json_pack("{s:o, s:I, s:I, s:I, s:I}", "file", wm_json_string(s->flows_from), "flows",
				(json_int_t)models->follow.n, "unknown", (json_int_t)models->n_unknown, "left_out",
				(json_int_t)models->follow.n_left_out, "names", (json_int_t)models->follow.n_names));
	if (wm_map_folds(&s->map))
		wm_json_set(&root, "map",
			json_pack("{s:I, s:I}", "addresses", (json_int_t)models->n_mapped, "folded",
				(json_int_t)models->n_folded));
	if (models->replay != NULL)
		wm_json_set(&root, "capture", capture_json(now, before, models, s));
	if (before == NULL && models->replay != NULL)
		wm_json_set(&root, "replay", replay_json(models, s));
	return root;
}

int stats_write_json(struct wm_file *file, const struct wm_plane_stats *stats, const struct models *models,
	const struct settings *s, struct wm_err *err)
{
	char *text = wm_json_text(stats_json(stats, NULL, models, s), JSON_INDENT(2) | JSON_REAL_PRECISION(12));

	if (text == NULL) {
		wm_file_abort(file);
		return wm_err_set(err, -ENOMEM, "%s: no memory to write it", s->stats_json);
	}
	wm_file_write(file, text, strlen(text));
	wm_file_write(file, "\n", 1);
	free(text);
	return wm_file_commit(file, err);
}
