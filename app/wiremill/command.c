// SPDX-License-Identifier: BSD-3-Clause
#include "command.h"

#include "settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum command_verb verb;
	const char *needs; // NULL = nothing
} verbs[] = {
	{"status", COMMAND_STATUS, NULL},
	{"rate", COMMAND_RATE, "RATE"},
	{"pause", COMMAND_PAUSE, NULL},
	{"resume", COMMAND_RESUME, NULL},
	{"weight", COMMAND_WEIGHT, "MODEL W"},
	{"stop", COMMAND_STOP, NULL},
};

static bool is_printable(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] < ' ' || line[i] > '~')
			return false;
	return true;
}

// The last word is the weight; what is in front of it names the model, blanks and all.
static int parse_weight(struct command *out, const char *rest, struct wm_err *err)
{
	const char *last = strrchr(rest, ' ');
	size_t n = last != NULL ? (size_t)(last - rest) : 0;
	struct wm_err why = {0};

	while (n > 0 && rest[n - 1] == ' ')
		n--;
	if (n == 0)
		return wm_err_set(err, -EINVAL, "weight needs MODEL W: a model's label or number, and its weight");
	if (n >= sizeof(out->model))
		return wm_err_set(err, -EINVAL, "weight: no model has so long a label");
	if (strcmp(last + 1, "0") == 0) // none, for now
		out->weight = 0;
	else if (settings_parse_weight(last + 1, &out->weight, &why) < 0)
		return wm_err_set(err, -EINVAL, "weight: %s, nor 0", why.msg);
	(void)snprintf(out->model, sizeof(out->model), "%.*s", (int)n, rest);
	return 0;
}

int command_parse(struct command *out, const char *line, size_t n, struct wm_err *err)
{
	struct command c = {0};
	char text[COMMAND_MAX + 1];
	size_t verb = 0, name;
	const char *rest;
	int rc = 0;

	if (n > COMMAND_MAX)
		return wm_err_set(err, -EINVAL, "a command has at most %d bytes", COMMAND_MAX);
	if (!is_printable(line, n))
		return wm_err_set(err, -EINVAL, "a command is printable ASCII");
	memcpy(text, line, n);
	while (n > 0 && text[n - 1] == ' ')
		n--;
	text[n] = '\0';
	name = strcspn(text, " ");
	while (verb < sizeof(verbs) / sizeof(verbs[0])
		&& (strlen(verbs[verb].name) != name || strncmp(verbs[verb].name, text, name) != 0))
		verb++;
	if (verb == sizeof(verbs) / sizeof(verbs[0]))
		return wm_err_set(err, -EINVAL,
			"'%.40s' is no command: there are status, rate RATE, pause, resume, weight MODEL W and stop",
			text);
	rest = text + name + strspn(text + name, " ");
	c.verb = verbs[verb].verb;
	if (verbs[verb].needs != NULL && *rest == '\0')
		return wm_err_set(err, -EINVAL, "%s needs %s", verbs[verb].name, verbs[verb].needs);
	if (verbs[verb].needs == NULL && *rest != '\0')
		return wm_err_set(err, -EINVAL, "%s stands alone, without '%.40s'", verbs[verb].name, rest);
	if (c.verb == COMMAND_RATE)
		rc = wm_rate_parse(&c.rate, rest, err);
	if (c.verb == COMMAND_WEIGHT)
		rc = parse_weight(&c, rest, err);
	if (rc == 0)
		*out = c;
	return rc;
}
