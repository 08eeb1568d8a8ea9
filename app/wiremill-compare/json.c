// SPDX-License-Identifier: BSD-3-Clause
#include "json.h"

#include <base/file.h>
#include <json/json.h>

#include <errno.h>
#include <math.h>
#include <string.h>

static const char *const roles[WM_INPUTS] = {"real", "synth", "holdout"};

// What is not measurable is null.
static json_t *number(double v)
{
	double rounded = round(v * 1e9) / 1e9;

	return isfinite(rounded) ? json_real(rounded) : json_null();
}

static json_t *list(char *const *notes, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		wm_json_add(&array, wm_json_string(notes[i]));
	return array;
}

static json_t *inputs(const struct wm_fidelity *f)
{
	json_t *out = json_object();

	for (size_t i = 0; i < WM_INPUTS; i++) {
		const struct wm_fidelity_input *in = &f->inputs[i];

		if (in->path == NULL)
			continue;
		wm_json_set(&out, roles[i],
			json_pack("{s:o, s:s, s:I, s:I, s:I, s:o, s:o}", "file", wm_json_string(in->path), "format",
				in->format, "packets", (json_int_t)in->packets, "flows", (json_int_t)in->flows, "bytes",
				(json_int_t)in->bytes, "duration_s", number(in->duration_s), "notes",
				list(in->notes, in->n_notes)));
	}
	return out;
}

static json_t *metrics(const struct wm_fidelity *f)
{
	json_t *out = json_object();

	for (size_t i = 0; i < f->n_metrics; i++) {
		const struct wm_metric *m = &f->metrics[i];

		wm_json_set(&out, m->def->key,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "value", number(m->value), "floor",
				number(m->floor), "tfloor", number(m->tfloor), "reach", number(m->reach), "holdout",
				number(m->holdout), "ratio", number(m->ratio), "floor_ratio", number(m->floor_ratio),
				"holdout_ratio", number(m->holdout_ratio), "finding", m->finding));
	}
	return out;
}

static json_t *scores(const struct wm_group_score *g)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:i, s:i, s:i}", "score", number(g->score), "strict", number(g->strict),
		"vs_floor", number(g->vs_floor), "holdout_score", number(g->holdout), "within", (int)g->within, "of",
		(int)g->of, "findings", (int)g->findings);
}

static const char *const verdicts[] = {
	[WM_VERDICT_NONE] = "unknown",
	[WM_VERDICT_AS_REAL] = "as real",
	[WM_VERDICT_NEAR] = "near",
	[WM_VERDICT_FOLLOWS] = "follows",
	[WM_VERDICT_DIFFERS] = "differs",
};

static json_t *groups(const struct wm_fidelity *f)
{
	json_t *out = json_object();

	for (size_t i = 0; i < f->n_groups; i++) {
		const struct wm_group_score *g = &f->groups[i];
		const struct wm_metric *worst = g->worst == SIZE_MAX ? NULL : &f->metrics[g->worst];
		json_t *group = scores(g);

		wm_json_set(&group, "title", json_string(g->name));
		wm_json_set(&group, "verdict", json_string(verdicts[g->verdict]));
		wm_json_set(&group, "follows", g->follows != 0 ? json_string((char[]){g->follows, '\0'}) : json_null());
		wm_json_set(&group, "worst", worst == NULL ? json_null() : json_string(worst->def->key));
		wm_json_set(&group, "worst_ratio", worst == NULL ? json_null() : number(worst->ratio));
		wm_json_set(&group, "in_overall", json_boolean(g->in_overall));
		wm_json_set(&out, (char[]){g->letter, '\0'}, group);
	}
	return out;
}

static json_t *limits(const struct wm_fidelity *f, const struct gate *gate)
{
	json_t *out = json_array();

	for (size_t i = 0; i < gate->n; i++)
		wm_json_add(
			&out, json_pack("{s:s, s:o, s:o, s:b}", "metric", gate->limits[i].name, "most",
				      number(gate->limits[i].most), "value", number(gate_value(&gate->limits[i], f)),
				      "kept", gate_keeps(&gate->limits[i], f)));
	return out;
}

static json_t *numbers(const double *v, size_t n)
{
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		wm_json_add(&out, number(v[i]));
	return out;
}

static json_t *series(const struct wm_fidelity *f)
{
	static const char *const kinds[] = {"cdf", "histogram", "rate", "acf", "logscale", "rank", "bigram"};
	json_t *out = json_object();

	for (size_t i = 0; i < f->n_series; i++) {
		const struct wm_series *s = &f->series[i];
		size_t points = s->kind == WM_SERIES_BIGRAM ? s->n * s->n : s->n;
		json_t *one = json_pack("{s:s, s:s, s:s, s:b}", "kind", kinds[s->kind], "title", s->title, "unit",
			s->unit, "log_x", s->log_x);

		if (s->x != NULL)
			wm_json_set(&one, "x", numbers(s->x, s->n));
		for (size_t k = 0; k < WM_INPUTS; k++)
			if (s->y[k] != NULL)
				wm_json_set(&one, roles[k], numbers(s->y[k], points));
		if (s->labels != NULL) {
			json_t *labels = json_array();

			for (size_t k = 0; k < s->n; k++)
				wm_json_add(&labels, wm_json_string(s->labels[k]));
			wm_json_set(&one, "labels", labels);
		}
		wm_json_set(&out, s->name, one);
	}
	return out;
}

static json_t *report(const struct wm_fidelity *f, const struct gate *gate)
{
	return json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema_version", WM_FIDELITY_SCHEMA,
		"wiremill_version", WM_VERSION, "mode", f->mode == WM_FIDELITY_PACKETS ? "packets" : "flows", "inputs",
		inputs(f), "notes", list(f->notes, f->n_notes), "metrics", metrics(f), "groups", groups(f), "overall",
		scores(&f->overall), "limits", limits(f, gate), "series", series(f));
}

int json_write(const char *path, const struct wm_fidelity *f, const struct gate *gate, struct wm_err *err)
{
	char *dump = wm_json_text(report(f, gate), JSON_INDENT(1) | JSON_REAL_PRECISION(12));
	struct wm_file file;
	int rc;

	if (dump == NULL)
		return wm_err_sys(err, -ENOMEM, "%s", path);
	if (strcmp(path, "-") == 0) {
		(void)puts(dump); // main() sees whether it could be written
		free(dump);
		return 0;
	}
	rc = wm_file_begin(&file, path, err);
	if (rc == 0) {
		wm_file_write(&file, dump, strlen(dump));
		wm_file_write(&file, "\n", 1);
		rc = wm_file_commit(&file, err);
	}
	free(dump);
	return rc;
}
