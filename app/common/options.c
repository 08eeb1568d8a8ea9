// SPDX-License-Identifier: BSD-3-Clause
#include <common/options.h>

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_VALUE = 256, // getopt_long's value of option i is FIRST_VALUE + i: no letter is that large
	HELP_COLUMN = 28,
	NAME_LIKE_MAX = 63, // letters of a name that others are compared with
};

static const double seconds_max = 1e9;

static int parse_number(const struct wm_option *o, const char *text, uint64_t *out, struct wm_err *err)
{
	bool is_digits = *text != '\0' && text[strspn(text, "0123456789")] == '\0';
	uint64_t v;

	errno = 0;
	v = strtoull(text, NULL, 10);
	if (!is_digits || errno != 0 || v < o->lo || v > o->hi)
		return wm_err_set(err, -EINVAL, "option --%s: '%s' is not a whole number in %" PRIu64 "..%" PRIu64,
			o->name, text, o->lo, o->hi);
	*out = v;
	return 0;
}

static int parse_seconds(const struct wm_option *o, const char *text, double *out, struct wm_err *err)
{
	// strtod() would also take signs, hexadecimal digits, "inf" and "nan".
	bool is_decimal = *text != '\0' && text[strspn(text, "0123456789.")] == '\0';
	char *end;
	double v = strtod(text, &end);

	if (!is_decimal || *end != '\0' || !(v > 0 && v <= seconds_max))
		return wm_err_set(err, -EINVAL, "option --%s: '%s' is not a number of seconds above 0", o->name, text);
	*out = v;
	return 0;
}

int wm_command_set(const struct wm_command *cmd, const struct wm_option *o, const char *text, int line, void *config,
	struct wm_err *err)
{
	void *field = (char *)config + o->offset;

	if (cmd->wants != NULL && !cmd->wants(config, o, line))
		return 0;
	switch (o->kind) {
	case WM_OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case WM_OPTION_TEXT:
		if (*text == '\0')
			return wm_err_set(
				err, -EINVAL, "option --%s: its value is empty, expected %s", o->name, o->metavar);
		*(const char **)field = text;
		return 0;
	case WM_OPTION_NUMBER:
		return parse_number(o, text, field, err);
	case WM_OPTION_SECONDS:
		return parse_seconds(o, text, field, err);
	case WM_OPTION_TAKEN:
	case WM_OPTION_LIST:
		return cmd->take(config, o, text, err);
	}
	return -EINVAL;
}

static void build_getopt(
	const struct wm_command *cmd, struct option longs[WM_OPTIONS_MAX + 1], char letters[2 * WM_OPTIONS_MAX + 2])
{
	char *p = letters;

	*p++ = ':'; // tell a missing value from an unknown option
	for (size_t i = 0; i < cmd->n_options; i++) {
		const struct wm_option *o = &cmd->options[i];
		int has_arg = o->kind == WM_OPTION_FLAG ? no_argument : required_argument;

		longs[i] = (struct option){o->name, has_arg, NULL, FIRST_VALUE + (int)i};
		if (o->letter == '\0')
			continue;
		*p++ = o->letter;
		if (has_arg == required_argument)
			*p++ = ':';
	}
	*p = '\0';
	longs[cmd->n_options] = (struct option){0};
}

static const struct wm_option *find_option(const struct wm_command *cmd, int value)
{
	for (size_t i = 0; i < cmd->n_options; i++)
		if (value == FIRST_VALUE + (int)i || (value == cmd->options[i].letter && value != '\0'))
			return &cmd->options[i];
	return NULL;
}

// What getopt_long() did not take: it leaves the option in optopt, or 0 if it was a name that it does not know.
static int refuse(const struct wm_command *cmd, int why, char **argv, struct wm_err *err)
{
	const struct wm_option *o = find_option(cmd, optopt);

	if (o != NULL && why == ':')
		return wm_err_set(err, -EINVAL, "option --%s needs a value: %s", o->name, o->metavar);
	if (o != NULL)
		return wm_err_set(err, -EINVAL, "option --%s takes no value", o->name);
	if (optopt != 0)
		return wm_err_set(err, -EINVAL, "there is no option -%c; --help lists them", optopt);
	return wm_err_set(err, -EINVAL, "there is no option %s; --help lists them", argv[optind - 1]);
}

int wm_command_parse(const struct wm_command *cmd, int argc, char **argv, void *config, struct wm_err *err)
{
	struct option longs[WM_OPTIONS_MAX + 1];
	char letters[2 * WM_OPTIONS_MAX + 2];
	int value;

	assert(cmd->n_options <= WM_OPTIONS_MAX);
	build_getopt(cmd, longs, letters);
	opterr = 0; // the sentence is ours
	optind = 0; // start anew
	// NOLINTNEXTLINE(concurrency-mt-unsafe): as the header says
	while ((value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct wm_option *o = find_option(cmd, value);
		int rc;

		if (value == ':' || o == NULL)
			return refuse(cmd, value, argv, err);
		rc = wm_command_set(cmd, o, optarg, WM_COMMAND_LINE, config, err);
		if (rc < 0)
			return rc;
	}
	return optind;
}

const struct wm_option *wm_command_find(const struct wm_command *cmd, const char *name)
{
	for (size_t i = 0; i < cmd->n_options; i++)
		if (strcmp(cmd->options[i].name, name) == 0)
			return &cmd->options[i];
	return NULL;
}

// How many letters have to be put in, taken out or changed to come from a to b (Wagner and Fischer 1974).
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_LIKE_MAX + 1], n = strlen(b);

	if (n > NAME_LIKE_MAX)
		return n;
	for (size_t i = 0; i <= n; i++)
		row[i] = i;
	for (size_t k = 0; a[k] != '\0'; k++) {
		size_t corner = row[0];

		row[0] = k + 1;
		for (size_t i = 0; i < n; i++) {
			size_t same = corner + (a[k] != b[i]), above = row[i + 1] + 1, left = row[i] + 1;

			corner = row[i + 1];
			row[i + 1] = above < left ? above : left;
			row[i + 1] = same < row[i + 1] ? same : row[i + 1];
		}
	}
	return row[n];
}

const struct wm_option *wm_command_guess(const struct wm_command *cmd, const char *name)
{
	size_t best = strlen(name) / 3 + 1;
	const struct wm_option *guess = NULL;

	for (size_t i = 0; i < cmd->n_options; i++) {
		size_t d = distance(name, cmd->options[i].name);

		if (d > best || (d == best && guess != NULL))
			continue;
		best = d;
		guess = &cmd->options[i];
	}
	return guess;
}

void wm_command_help(const struct wm_command *cmd, FILE *out)
{
	for (size_t i = 0; cmd->usage[i] != NULL; i++)
		(void)fprintf(out, "%s %s %s\n", i == 0 ? "usage:" : "      ", cmd->name, cmd->usage[i]);
	(void)fprintf(out, "\n%s\n\n", cmd->about);
	for (size_t i = 0; i < cmd->n_options; i++) {
		const struct wm_option *o = &cmd->options[i];
		const char *space = o->metavar == NULL ? "" : " ";
		const char *metavar = o->metavar == NULL ? "" : o->metavar;
		int n;

		if (o->letter != '\0')
			n = fprintf(out, "  -%c, --%s%s%s", o->letter, o->name, space, metavar);
		else
			n = fprintf(out, "      --%s%s%s", o->name, space, metavar);
		(void)fprintf(out, "%*s%s\n", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "", o->help);
	}
}
