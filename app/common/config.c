// SPDX-License-Identifier: BSD-3-Clause
#include <common/config.h>

#include <errno.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 8192 };

// The text that stands for a value on a command line. @return false for a group or a list.
static bool value_text(const config_setting_t *s, char *text, size_t size)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		(void)snprintf(text, size, "%lld", config_setting_get_int64(s));
		return true;
	case CONFIG_TYPE_FLOAT:
		(void)snprintf(text, size, "%.9f", config_setting_get_float(s));
		return true;
	case CONFIG_TYPE_BOOL:
		(void)snprintf(text, size, "%s", config_setting_get_bool(s) ? "true" : "false");
		return true;
	case CONFIG_TYPE_STRING:
		(void)snprintf(text, size, "%s", config_setting_get_string(s));
		return true;
	default:
		return false;
	}
}

// [ 1, 2 ] is 1+2
static bool array_text(const config_setting_t *array, char *text, size_t size)
{
	size_t n = 0;

	for (int i = 0; i < config_setting_length(array) && n < size; i++) {
		if (i > 0)
			text[n++] = '+';
		if (n >= size || !value_text(config_setting_get_elem(array, (unsigned)i), text + n, size - n))
			return false;
		n += strlen(text + n);
	}
	return config_setting_is_array(array) && n > 0 && n < size;
}

// { file = "x"; weight = 2; } is x,weight=2, and so is one that begins with what the option is about, as it is called:
// port = { port = 0; vlan = 5; } is 0,vlan=5.
static bool group_text(const config_setting_t *group, const char *name, char *text, size_t size)
{
	const config_setting_t *lead = NULL;
	char value[TEXT_MAX];
	size_t n = 0;

	if (!config_setting_is_group(group) || config_setting_length(group) == 0)
		return false;
	lead = config_setting_get_member(group, "file");
	if (lead == NULL)
		lead = config_setting_get_member(group, name);
	if (lead != NULL && value_text(lead, value, sizeof(value)))
		n = (size_t)snprintf(text, size, "%s", value);
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);

		if (s == lead)
			continue;
		if (n >= size || (!value_text(s, value, sizeof(value)) && !array_text(s, value, sizeof(value))))
			return false;
		n += (size_t)snprintf(text + n, size - n, "%s%s=%s", n > 0 ? "," : "", config_setting_name(s), value);
	}
	return n < size;
}

// Other options are one number or one text.
static bool takes_group(const struct wm_command *cmd, const char *name)
{
	for (size_t i = 0; i < cmd->n_options; i++)
		if (strcmp(cmd->options[i].name, name) == 0)
			return cmd->options[i].kind == WM_OPTION_TAKEN;
	return false;
}

// What reading a file goes through.
struct reading {
	const struct wm_command *cmd;
	const char *path;
	void *config;
	struct wm_config_text **texts;
	struct wm_err *err;
};

static const char *keep(struct wm_config_text **texts, const char *text)
{
	size_t size = strlen(text) + 1;
	struct wm_config_text *t = malloc(sizeof(*t) + size);

	if (t == NULL)
		return NULL;
	memcpy(t->text, text, size);
	t->next = *texts;
	*texts = t;
	return t->text;
}

static int set_value(const struct reading *r, const char *name, const config_setting_t *s)
{
	char text[TEXT_MAX];
	struct wm_err why = {0};
	const char *kept;
	int rc;

	if (!value_text(s, text, sizeof(text))
		&& !(takes_group(r->cmd, name) && group_text(s, name, text, sizeof(text))))
		return wm_err_set(r->err, -EINVAL, "%s:%d: '%s' must be a number, a text or a group of them", r->path,
			(int)config_setting_source_line(s), name);
	if (config_setting_type(s) == CONFIG_TYPE_BOOL && !config_setting_get_bool(s))
		return 0;
	kept = keep(r->texts, text);
	if (kept == NULL)
		return wm_err_set(r->err, -ENOMEM, "%s: no memory to read it", r->path);
	rc = wm_command_set(r->cmd, name, kept, r->config, &why);
	if (rc < 0)
		return wm_err_set(r->err, rc, "%s:%d: %s", r->path, (int)config_setting_source_line(s), why.msg);
	return 0;
}

static int set_all(const struct reading *r, const config_t *file)
{
	const config_setting_t *root = config_root_setting(file);

	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
		bool many = config_setting_is_list(s) || config_setting_is_array(s);
		int n = many ? config_setting_length(s) : 1;

		for (int k = 0; k < n; k++) {
			const config_setting_t *one = many ? config_setting_get_elem(s, (unsigned)k) : s;
			int rc = set_value(r, config_setting_name(s), one);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

int wm_config_read(
	const struct wm_command *cmd, const char *path, void *config, struct wm_config_text **texts, struct wm_err *err)
{
	const struct reading reading = {cmd, path, config, texts, err};
	FILE *stream = fopen(path, "re");
	config_t file;
	int rc;

	if (stream == NULL)
		return wm_err_sys(err, -errno, "configuration file %s", path);
	config_init(&file);
	if (config_read(&file, stream) == CONFIG_TRUE)
		rc = set_all(&reading, &file);
	else
		rc = wm_err_set(
			err, -EINVAL, "%s:%d: %s", path, (int)config_error_line(&file), config_error_text(&file));
	config_destroy(&file);
	(void)fclose(stream);
	return rc;
}

void wm_config_free(struct wm_config_text *texts)
{
	while (texts != NULL) {
		struct wm_config_text *next = texts->next;

		free(texts);
		texts = next;
	}
}
