// SPDX-License-Identifier: BSD-3-Clause
#include "gate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char groups[] = "ABCDEFGNRTU";

static bool is_group_score(const char *name)
{
	const char *rest = name;

	if (name[0] != '\0' && strchr(groups, name[0]) != NULL && name[1] == '.')
		rest += 2;
	return strcmp(rest, "score") == 0 || strcmp(rest, "strict") == 0;
}

// The key of a metric, and whether its ratio is meant.
static bool split_metric(char key[64], const char *name)
{
	size_t len = strlen(name), tail = strlen(".ratio");
	bool is_ratio = len > tail && strcmp(name + len - tail, ".ratio") == 0;

	(void)snprintf(key, 64, "%.*s", (int)(is_ratio ? len - tail : len), name);
	return is_ratio;
}

int gate_add(struct gate *g, const char *text, struct wm_err *err)
{
	struct gate_limit *limit = &g->limits[g->n];
	const char *equals = strrchr(text, '=');
	char key[64], *end;
	double most;

	if (g->n == GATE_LIMITS_MAX)
		return wm_err_set(err, -EINVAL, "option --fail-above can be given %d times at most", GATE_LIMITS_MAX);
	if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof(limit->name))
		return wm_err_set(err, -EINVAL,
			"option --fail-above: '%.80s' must be METRIC=VALUE, such as score=1.5 or A.len.JSDx=0.05",
			text);
	most = strtod(equals + 1, &end);
	if (end == equals + 1 || *end != '\0' || !isfinite(most) || most < 0)
		return wm_err_set(err, -EINVAL,
			"option --fail-above: '%.80s': VALUE must be a number that is not negative", text);
	(void)snprintf(limit->name, sizeof(limit->name), "%.*s", (int)(equals - text), text);
	(void)split_metric(key, limit->name);
	if (!is_group_score(limit->name) && wm_metric_def_of(key) == NULL)
		return wm_err_set(err, -EINVAL, "option --fail-above: there is no metric '%s'; --metrics lists them",
			limit->name);
	limit->most = most;
	g->n++;
	return 0;
}

static double group_value(const char *name, const struct wm_fidelity *f)
{
	const struct wm_group_score *g = name[1] == '.' ? NULL : &f->overall;

	for (size_t i = 0; i < f->n_groups && g == NULL; i++)
		if (f->groups[i].letter == name[0])
			g = &f->groups[i];
	if (g == NULL)
		return (double)NAN;
	return strstr(name, "strict") != NULL ? g->strict : g->score;
}

double gate_value(const struct gate_limit *limit, const struct wm_fidelity *f)
{
	const struct wm_metric *m;
	char key[64];
	bool is_ratio;

	if (is_group_score(limit->name))
		return group_value(limit->name, f);
	is_ratio = split_metric(key, limit->name);
	m = wm_fidelity_find(f, key);
	return m == NULL ? (double)NAN : is_ratio ? m->ratio : m->value;
}

bool gate_keeps(const struct gate_limit *limit, const struct wm_fidelity *f)
{
	return gate_value(limit, f) <= limit->most; // false of NAN
}
