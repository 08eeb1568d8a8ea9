// SPDX-License-Identifier: BSD-3-Clause
// Where in the configuration file an option stands.
#include "settings.h"

#include <stdio.h>
#include <string.h>

static void put_place(const struct settings *s, int line, const char *option, struct wm_err *err)
{
	struct wm_err why = *err;

	(void)wm_err_set(err, 0, "%s:%d: %s%s%s%s", s->config, line, option != NULL ? "option --" : "",
		option != NULL ? option : "", option != NULL ? ": " : "", why.msg);
}

// @return where the file has it, or 0.
static int line_of(const struct settings *s, const char *name, size_t len)
{
	for (size_t i = 0; i < mill_command.n_options; i++)
		if (strlen(mill_command.options[i].name) == len
			&& strncmp(mill_command.options[i].name, name, len) == 0)
			return s->lines[i] > 0 ? s->lines[i] : 0;
	return 0;
}

// Whether the sentence begins with a place.
static bool has_place(const struct settings *s, const struct wm_err *err)
{
	size_t n = strlen(s->config);

	return strncmp(err->msg, s->config, n) == 0 && err->msg[n] == ':';
}

void settings_locate(const struct settings *s, const char *option, struct wm_err *err)
{
	int line = 0;

	if (s->config == NULL || has_place(s, err))
		return;
	for (const char *at = err->msg; line == 0 && (at = strstr(at, "--")) != NULL; at += 2)
		line = line_of(s, at + 2, strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-"));
	if (line > 0)
		put_place(s, line, NULL, err);
	else if (option != NULL && (line = line_of(s, option, strlen(option))) > 0)
		put_place(s, line, option, err);
}

void settings_locate_model(const struct settings *s, const struct model_choice *choice, struct wm_err *err)
{
	bool named = strncmp(err->msg, "option ", 7) == 0;

	if (choice->line > 0 && !has_place(s, err))
		put_place(s, choice->line, named ? NULL : choice == &s->replay ? "replay" : "model", err);
}

const char *settings_aside(const struct settings *s, char *text, size_t size)
{
	size_t n = 0;

	*text = '\0';
	for (size_t i = 0; i < mill_command.n_options && n < size; i++)
		if (s->aside[i])
			n += (size_t)snprintf(
				text + n, size - n, "%s%s", n > 0 ? ", " : "", mill_command.options[i].name);
	return text;
}
