// SPDX-License-Identifier: BSD-3-Clause
#include <common/config.h>

#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdarg.h>
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
// port = { port = 0; vlan = 5; } is 0,vlan=5. Of the members, the first n_members are taken, and that one.
static bool group_text(const config_setting_t *group, const char *name, int n_members, char *text, size_t size)
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
	for (int i = 0; i < n_members; i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);

		if (s == lead)
			continue;
		if (n >= size || (!value_text(s, value, sizeof(value)) && !array_text(s, value, sizeof(value))))
			return false;
		n += (size_t)snprintf(text + n, size - n, "%s%s=%s", n > 0 ? "," : "", config_setting_name(s), value);
	}
	return n < size;
}

// What reading a file goes through.
struct reading {
	const struct wm_command *cmd;
	const char *path;
	void *config;
	struct wm_config_text **texts;
	struct wm_err *err;
};

// Refuse a setting where it stands, which may be in a file that the file includes.
__attribute__((format(printf, 4, 5))) static int refuse(
	const struct reading *r, const config_setting_t *s, int rc, const char *fmt, ...)
{
	const char *included = config_setting_source_file(s);
	char why[sizeof(r->err->msg)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return wm_err_set(r->err, rc, "%s:%d: %s", included != NULL ? included : r->path,
		(int)config_setting_source_line(s), why);
}

static int refuse_name(const struct reading *r, const config_setting_t *s, const char *name)
{
	const struct wm_option *guess = wm_command_guess(r->cmd, name);

	if (guess == NULL)
		return refuse(r, s, -ENOENT, "there is no option '%s'; --help lists them", name);
	return refuse(r, s, -ENOENT, "there is no option '%s'; '%s' is like it", name, guess->name);
}

// Whether a setting has a type that the option can be told by.
static bool has_type(const struct wm_option *o, const config_setting_t *s)
{
	int type = config_setting_type(s);
	bool whole = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;

	switch (o->kind) {
	case WM_OPTION_FLAG:
		return type == CONFIG_TYPE_BOOL;
	case WM_OPTION_TEXT:
		return type == CONFIG_TYPE_STRING;
	case WM_OPTION_NUMBER:
		return whole;
	case WM_OPTION_SECONDS:
		return whole || type == CONFIG_TYPE_FLOAT;
	case WM_OPTION_TAKEN:
	case WM_OPTION_LIST:
		return type == CONFIG_TYPE_GROUP || (config_setting_is_scalar(s) && type != CONFIG_TYPE_BOOL);
	}
	return false;
}

static int refuse_type(const struct reading *r, const config_setting_t *s, const struct wm_option *o)
{
	switch (o->kind) {
	case WM_OPTION_FLAG:
		return refuse(r, s, -EINVAL, "'%s' must be true or false", o->name);
	case WM_OPTION_TEXT:
		return refuse(r, s, -EINVAL, "'%s' must be a text in quotes: %s", o->name, o->metavar);
	case WM_OPTION_NUMBER:
		return refuse(r, s, -EINVAL, "'%s' must be a whole number in %" PRIu64 "..%" PRIu64 ", without quotes",
			o->name, o->lo, o->hi);
	case WM_OPTION_SECONDS:
		return refuse(
			r, s, -EINVAL, "'%s' must be a number of seconds above 0, without quotes or unit", o->name);
	case WM_OPTION_TAKEN:
	case WM_OPTION_LIST:
		break;
	}
	return refuse(r, s, -EINVAL, "'%s' must be a number, a text or a group of them", o->name);
}

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

static int set_text(const struct reading *r, const struct wm_option *o, const char *text, int line, struct wm_err *why)
{
	const char *kept = keep(r->texts, text);

	if (kept == NULL)
		return wm_err_set(why, -ENOMEM, "no memory to read it");
	return wm_command_set(r->cmd, o, kept, line, r->config, why);
}

// The member of a group that a sentence is about: the first that brings it about, behind those in front of it.
static const config_setting_t *find_fault(
	const struct reading *r, const struct wm_option *o, const config_setting_t *group, const struct wm_err *why)
{
	for (int n = 0; config_setting_is_group(group) && n <= config_setting_length(group); n++) {
		struct wm_err now = {0};
		char text[TEXT_MAX];

		if (!group_text(group, o->name, n, text, sizeof(text))
			|| set_text(r, o, text, (int)config_setting_source_line(group), &now) >= 0
			|| strcmp(now.msg, why->msg) != 0)
			continue;
		return n == 0 ? group : config_setting_get_elem(group, (unsigned)n - 1);
	}
	return group;
}

// libconfig reads what does not fit as the largest number that does.
static bool too_large(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT64 && config_setting_get_int64(s) == INT64_MAX;
}

// Whether all members of a group can be parts of a text with commas between.
static int check_members(const struct reading *r, const config_setting_t *group)
{
	for (int i = 0; config_setting_is_group(group) && i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(s), *text = config_setting_get_string(s);

		if (!config_setting_is_scalar(s) && !config_setting_is_array(s))
			return refuse(r, s, -EINVAL, "'%s' must be a number or a text", name);
		if (text == NULL && (strcmp(name, "file") == 0 || strcmp(name, "label") == 0))
			return refuse(r, s, -EINVAL, "'%s' must be a text in quotes", name);
		if (text != NULL && strchr(text, ',') != NULL && strcmp(name, "file") != 0)
			return refuse(r, s, -EINVAL, "'%s' must be without a comma, '%s' is not", name, text);
	}
	return 0;
}

static int set_value(const struct reading *r, const struct wm_option *o, const config_setting_t *s)
{
	char text[TEXT_MAX];
	struct wm_err why = {0};
	int rc;

	if (!has_type(o, s))
		return refuse_type(r, s, o);
	if (too_large(s))
		return refuse(r, s, -EINVAL,
			"'%s' is a larger number than a file can hold, of which 2^63 - 2 is the largest", o->name);
	if (config_setting_type(s) == CONFIG_TYPE_BOOL && !config_setting_get_bool(s))
		return 0;
	rc = check_members(r, s);
	if (rc < 0)
		return rc;
	if (!value_text(s, text, sizeof(text)) && !group_text(s, o->name, config_setting_length(s), text, sizeof(text)))
		return refuse_type(r, s, o);
	rc = set_text(r, o, text, (int)config_setting_source_line(s), &why);
	return rc < 0 ? refuse(r, find_fault(r, o, s, &why), rc, "%s", why.msg) : 0;
}

// One setting of the file: one value, or several of an option that may be given more than once.
static int set_one(const struct reading *r, const config_setting_t *s)
{
	const char *name = config_setting_name(s);
	const struct wm_option *o = wm_command_find(r->cmd, name);
	bool many = config_setting_is_list(s) || config_setting_is_array(s);
	int rc = 0;

	if (o == NULL)
		return refuse_name(r, s, name);
	if (strcmp(name, "config") == 0 || strcmp(name, "help") == 0 || strcmp(name, "version") == 0)
		return refuse(r, s, -EINVAL, "'%s' is for the command line alone", name);
	if (!many)
		return set_value(r, o, s);
	if (o->kind != WM_OPTION_LIST)
		return refuse(r, s, -EINVAL, "'%s' is one value, not a list", name);
	if (config_setting_length(s) == 0)
		return refuse(r, s, -EINVAL, "'%s' is an empty list: leave it out, or put one %s in", name, o->metavar);
	for (int i = 0; i < config_setting_length(s) && rc == 0; i++)
		rc = set_value(r, o, config_setting_get_elem(s, (unsigned)i));
	return rc;
}

static int set_all(const struct reading *r, const config_t *file)
{
	const config_setting_t *root = config_root_setting(file);
	int rc = 0;

	for (int i = 0; i < config_setting_length(root) && rc == 0; i++)
		rc = set_one(r, config_setting_get_elem(root, (unsigned)i));
	return rc;
}

static const char *syntax_text(const config_t *file)
{
	const char *text = config_error_text(file);

	return strcmp(text, "syntax error") == 0
		       ? "syntax error, here or just before: settings are name = value; with texts in quotes"
		       : text;
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
		rc = wm_err_set(err, -EINVAL, "%s:%d: %s",
			config_error_file(&file) != NULL ? config_error_file(&file) : path,
			(int)config_error_line(&file), syntax_text(&file));
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
