// SPDX-License-Identifier: BSD-3-Clause
#include "models.h"

#include "length.h"
#include "mapping.h"

#include <packet/dissect.h>
#include <packet/raw.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HISTORY_MOST 16e6 // packets at most, mostly far fewer: some seconds

// A file's name without folder and ending.
static void set_stem(struct open_model *m, const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash != NULL ? slash + 1 : file;
	const char *dot = strrchr(name, '.');
	int n = dot != NULL && dot != name ? (int)(dot - name) : (int)strlen(name);

	(void)snprintf(m->stem, sizeof(m->stem), "%.*s", n, name);
}

static void set_label(struct open_model *m, const struct model_choice *choice)
{
	const char *own = wm_model_meta(m->file, "label");

	if (choice->label != NULL)
		own = choice->label;
	else if (own == NULL || *own == '\0')
		own = m->stem;
	(void)snprintf(m->label, sizeof(m->label), "%s", own);
}

// Whether a model is to come and go, or at a rate of its own.
static bool has_times(const struct model_choice *choice)
{
	const struct wm_schedule *s = &choice->schedule;

	return choice->unit != UNIT_NONE || s->start_ns > 0 || s->stop_ns > 0 || s->rise_ns > 0;
}

// A model of a flow table makes a table, alone.
static int open_rows(
	struct open_model *m, const struct model_choice *choice, const struct settings *s, struct wm_err *err)
{
	struct wm_err why = {0};
	int rc;

	if (s->pcap != NULL || s->csv == NULL || s->labels != NULL || s->n_models > 1 || s->replay.file != NULL
		|| s->control != NULL || s->http != NULL || s->user != NULL)
		return wm_err_set(err, -EINVAL,
			"%s: is a model of a flow table, which makes no packets: give it alone, and --csv FILE instead "
			"of -o",
			choice->file);
	if (s->rate.kind != WM_RATE_MODEL || s->rate.value != 1 || choice->weight != 1 || has_times(choice)
		|| !wm_map_is_empty(&s->map) || s->level != WM_LEVEL_AGGREGATE)
		return wm_err_set(err, -EINVAL,
			"%s: is a model of a flow table, for which --rate, --level, weights, times and --map-... are "
			"not meant",
			choice->file);
	rc = rows_open(&m->rows, m->file, &why);
	if (rc < 0 && strncmp(why.msg, choice->file, strlen(choice->file)) == 0)
		return wm_err_set(err, rc, "%s", why.msg);
	if (rc < 0)
		return wm_err_set(err, rc, "%s: %s", choice->file, why.msg);
	set_stem(m, choice->file);
	set_label(m, choice);
	return 0;
}

static int open_model(
	struct open_model *m, const struct model_choice *choice, const struct settings *s, struct wm_err *err)
{
	struct wm_err why = {0};
	const char *name;
	int rc = wm_model_open(&m->file, choice->file, err);

	if (rc < 0)
		return rc;
	name = wm_model_meta(m->file, "engine");
	if (name == NULL)
		return wm_err_set(err, -EINVAL, "%s: its metadata name no engine; wiremill-train writes such models",
			choice->file);
	if (strcmp(name, WM_ROWS_ENGINE) == 0)
		return open_rows(m, choice, s, err);
	m->engine = wm_engine_find(name);
	if (m->engine == NULL)
		return wm_err_set(err, -EINVAL, "%s: it is of engine '%s', which this wiremill does not have",
			choice->file, name);
	rc = m->engine->open(&m->model, m->file, &why);
	if (rc < 0 && strncmp(why.msg, choice->file, strlen(choice->file)) == 0)
		return wm_err_set(err, rc, "%s", why.msg);
	if (rc < 0)
		return wm_err_set(err, rc, "%s: %s", choice->file, why.msg);
	if (s->level != WM_LEVEL_AGGREGATE && m->engine->set_level == NULL)
		return wm_err_set(err, -EINVAL,
			"option --level: %s is of engine '%s', whose levels are not apart; leave the option out",
			choice->file, name);
	if (s->level != WM_LEVEL_AGGREGATE)
		m->engine->set_level(m->model, s->level);
	if (s->forward && m->engine->lora_forward != NULL) {
		rc = m->engine->lora_forward(m->model, &s->to, &why);
		if (rc < 0)
			return wm_err_set(err, rc, "option --lora-forward: %s: %s", choice->file, why.msg);
	}
	m->link = m->engine->link != NULL ? m->engine->link(m->model) : WM_LINK_ETHERNET;
	m->forms = m->engine->forms(m->model, &m->n_forms);
	set_stem(m, choice->file);
	set_label(m, choice);
	rc = mapping_put(m, &s->map);
	return rc < 0 ? wm_err_sys(err, rc, "%s", choice->file) : 0;
}

// For how long before its start a model's flows are to have begun. What they would have sent by then is made, too, and
// thrown away, so that it takes time: it is kept short.
static uint64_t lead_ns(const struct wm_learned *l, double weight)
{
	const double most_s = HISTORY_MOST / (l->packets_per_s * weight);

	return (uint64_t)(1e9 * (l->settle_s < most_s ? l->settle_s : most_s));
}

// A rate as the weight that comes to it. Packets and bits are there from the start: with the flows that are in flight.
static int weigh(
	struct wm_schedule *out, const struct open_model *m, const struct model_choice *choice, struct wm_err *err)
{
	double *weight = &out->weight;
	struct wm_learned l;
	double base;

	m->engine->learned(m->model, &l);
	base = choice->unit == UNIT_FLOWS     ? l.flows_per_s
	       : choice->unit == UNIT_PACKETS ? l.packets_per_s
					      : 8 * (l.bytes_per_s + WM_FRAME_FCS * l.packets_per_s);
	*weight = choice->unit == UNIT_NONE ? choice->weight : choice->rate / base;
	if (choice->unit == UNIT_PACKETS || choice->unit == UNIT_BITS)
		out->lead_ns = out->rise_ns == 0 ? lead_ns(&l, *weight) : 0;
	if (*weight >= 1e-6 && *weight <= 1e6)
		return 0;
	return wm_err_set(err, -EINVAL,
		"option --model: %s: its rate is %g times what was learned (%g flows, %g packets a second), and must "
		"be "
		"0.000001 to 1000000 times",
		choice->file, *weight, l.flows_per_s, l.packets_per_s);
}

// What a model is to do, as what its workers know.
static int set_source(
	struct wm_source *out, const struct open_model *m, const struct model_choice *choice, struct wm_err *err)
{
	if (m->engine->learned != NULL) {
		out->schedule = choice->schedule;
		return weigh(&out->schedule, m, choice, err);
	}
	if (has_times(choice))
		return wm_err_set(err, -EINVAL,
			"option --model: %s: its flows are devices, which do not come and go: it takes weight and "
			"label "
			"alone",
			choice->file);
	out->speed *= choice->weight;
	return 0;
}

// A capture that is read several times has to be a file.
static int open_replay(struct models *out, const struct settings *s, double speed, struct wm_err *err)
{
	const struct wm_replay_options options = {
		.path = s->replay.file,
		.speed = speed * s->replay.weight,
		.loops = s->loops,
		.arena = (size_t)s->read_ahead << 20,
		.number = (unsigned)out->n,
		.snapped = s->snapped,
		.map = wm_map_is_empty(&s->map) ? NULL : &s->map,
	};
	struct open_model *m = &out->at[out->n];
	struct stat st;

	if (s->loops != 1
		&& (strcmp(s->replay.file, "-") == 0 || (stat(s->replay.file, &st) == 0 && !S_ISREG(st.st_mode))))
		return wm_err_set(
			err, -EINVAL, "option --loop: %s is no file, and can be read only once", s->replay.file);
	m->forms = wm_forms_raw;
	m->n_forms = WM_FORMS_RAW;
	set_stem(m, s->replay.file);
	(void)snprintf(m->label, sizeof(m->label), "%s", s->replay.label != NULL ? s->replay.label : "replay");
	return wm_replay_open(&out->replay, &options, err);
}

// How many flows of the list the model cannot make. @return -errno with a sentence.
static int count_unknown(struct models *out, const char *file, const char *path, struct wm_err *err)
{
	const struct open_model *m = &out->at[0];
	struct wm_plan *plan;
	struct wm_flow flow;
	int rc = m->engine->plan_create(&plan, m->model, 0);

	if (rc < 0)
		return wm_err_sys(err, rc, "%s", path);
	for (size_t i = 0; i < out->follow.n; i++)
		out->n_unknown += !m->engine->plan_follow(plan, i, &out->follow.at[i], &flow);
	m->engine->plan_destroy(plan);
	if (out->n_unknown == out->follow.n)
		return wm_err_set(err, -EINVAL,
			"option --flows-from: %s: none of its %zu flows is of a protocol that %s has learned", path,
			out->follow.n, file);
	return 0;
}

static int open_follow(struct models *out, const struct settings *s, struct wm_err *err)
{
	const char *file = s->models[0].file;
	int rc;

	if (out->at[0].rows != NULL || out->at[0].engine->plan_follow == NULL)
		return wm_err_set(
			err, -EINVAL, "option --flows-from: %s is no model of IP traffic, whose flows these are", file);
	rc = wm_flow_list_read(&out->follow, s->flows_from, err);
	rc = rc < 0 ? rc : count_unknown(out, file, s->flows_from, err);
	out->sources[0].follow = &out->follow;
	return rc;
}

// A pcap has one link type, a port sends Ethernet.
static int check_links(struct models *out, const struct settings *s, struct wm_err *err)
{
	size_t radio = 0, lora = 0;

	for (size_t i = 0; i < out->n; i++) {
		radio += out->at[i].link == WM_LINK_LORATAP;
		lora += out->at[i].engine != NULL && out->at[i].engine->lora_forward != NULL;
	}
	if (s->forward && lora == 0)
		return wm_err_set(err, -EINVAL, "option --lora-forward: no model is of LoRa receptions");
	if (radio > 0 && (s->eal || radio < out->n || s->replay.file != NULL))
		return wm_err_set(err, -EINVAL,
			"option --lora-forward is missing: LoRa receptions are no Ethernet frames unless gateways "
			"forward "
			"them");
	out->link = radio > 0 ? WM_LINK_LORATAP : WM_LINK_ETHERNET;
	out->lora = lora > 0 && lora == out->n && s->replay.file == NULL;
	if (s->csv != NULL && lora > 0 && !out->lora)
		return wm_err_set(err, -EINVAL,
			"option --csv: the table of LoRa receptions and that of flows are two; mill them one by one");
	return 0;
}

int models_open(struct models *out, const struct settings *s, struct wm_err *err)
{
	double speed = s->rate.kind == WM_RATE_MODEL ? s->rate.value : 1;
	const struct wm_map *map = wm_map_is_empty(&s->map) ? NULL : &s->map;
	int rc;

	for (; out->n < s->n_models; out->n++) {
		struct open_model *m = &out->at[out->n];

		rc = open_model(m, &s->models[out->n], s, err);
		if (rc < 0) {
			settings_locate_model(s, &s->models[out->n], err);
			out->n++; // what is half open is closed too
			return rc;
		}
		out->sources[out->n] = (struct wm_source){
			.engine = m->engine, .model = m->model, .forms = m->forms, .map = map, .speed = speed};
		if (m->rows != NULL)
			continue;
		rc = set_source(&out->sources[out->n], m, &s->models[out->n], err);
		if (rc < 0) {
			settings_locate_model(s, &s->models[out->n], err);
			out->n++;
			return rc;
		}
	}
	if (check_links(out, s, err) < 0)
		return -EINVAL;
	rc = s->flows_from != NULL ? open_follow(out, s, err) : 0;
	if (rc < 0) {
		settings_locate(s, "flows-from", err);
		return rc;
	}
	rc = mapping_check(out, s, err);
	rc = rc < 0 ? rc : mapping_count(out, s, err);
	if (rc < 0) {
		settings_locate(s, NULL, err);
		return rc;
	}
	length_tell(out, s);
	rc = s->replay.file != NULL ? open_replay(out, s, speed, err) : 0;
	if (rc < 0)
		settings_locate_model(s, &s->replay, err);
	return rc;
}

void models_let_steer(struct models *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->at[i].engine->learned == NULL)
			continue;
		wm_steer_init(&m->steers[i], m->sources[i].schedule.weight);
		m->sources[i].steer = &m->steers[i];
	}
}

void models_close(struct models *m)
{
	for (size_t i = 0; i < m->n; i++) {
		rows_close(m->at[i].rows);
		if (m->at[i].model != NULL)
			m->at[i].engine->close(m->at[i].model);
		free(m->at[i].mapped);
		wm_model_close(m->at[i].file);
	}
	wm_flow_list_free(&m->follow);
	wm_replay_close(m->replay);
	*m = (struct models){0};
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev
	       && x.st_ino == y.st_ino;
}

int models_check_outputs(const struct settings *s, struct wm_err *err)
{
	const char *const outputs[] = {s->pcap, s->csv, s->labels, s->stats_json};
	static const char *const options[] = {"pcap", "csv", "labels", "stats-json"};

	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		for (size_t k = 0; k < s->n_models && outputs[i] != NULL; k++)
			if (same_file(outputs[i], s->models[k].file))
				return wm_err_set(err, -EINVAL, "option --%s: %s is a model; it would be overwritten",
					options[i], outputs[i]);
		if (outputs[i] != NULL && s->flows_from != NULL && same_file(outputs[i], s->flows_from))
			return wm_err_set(err, -EINVAL,
				"option --%s: %s is what --flows-from reads; it would be overwritten", options[i],
				outputs[i]);
		if (outputs[i] != NULL && s->replay.file != NULL && same_file(outputs[i], s->replay.file))
			return wm_err_set(err, -EINVAL, "option --%s: %s is the capture; it would be overwritten",
				options[i], outputs[i]);
		for (size_t k = 0; k < i && outputs[i] != NULL; k++)
			if (outputs[k] != NULL
				&& (same_file(outputs[i], outputs[k])
					|| (strcmp(outputs[i], outputs[k]) == 0 && access(outputs[i], F_OK) != 0)))
				return wm_err_set(err, -EINVAL, "options --%s and --%s both name %s", options[k],
					options[i], outputs[i]);
	}
	return 0;
}
