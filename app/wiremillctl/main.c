// SPDX-License-Identifier: BSD-3-Clause
// wiremillctl: watch and steer a run of wiremill by its control socket. See wiremillctl(1).
#include "ask.h"
#include "tell.h"

#include <common/options.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, LINE_SIZE = 256 };

#define SOCKET_DEFAULT "/run/wiremill/control"

struct config {
	const char *socket;
	double wait_s;
	bool json;
	bool help;
	bool version;
};

#define FIELD(name) offsetof(struct config, name)

static const struct wm_option options[] = {
	{"socket", 's', WM_OPTION_TEXT, FIELD(socket), "PATH", "the run's --control (default: " SOCKET_DEFAULT ")", 0,
		0},
	{"wait", 'w', WM_OPTION_SECONDS, FIELD(wait_s), "SEC", "for an answer, at most (default: 5)", 0, 0},
	{"json", 'j', WM_OPTION_FLAG, FIELD(json), NULL, "print the answer as it comes", 0, 0},
	{"help", 'h', WM_OPTION_FLAG, FIELD(help), NULL, "print this and do nothing else", 0, 0},
	{"version", 'V', WM_OPTION_FLAG, FIELD(version), NULL, "print the version and do nothing else", 0, 0},
};

static const char *const usage[] = {
	"[options] status",
	"[options] rate RATE",
	"[options] pause | resume | stop",
	"[options] weight MODEL W",
	NULL,
};

static const struct wm_command command = {
	.name = "wiremillctl",
	.usage = usage,
	.about = "Watch and steer a run of wiremill.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
};

// The words as one line. What they mean is the run's to judge.
static int join(char line[LINE_SIZE], char **words, int n, struct wm_err *err)
{
	size_t len = 0;

	if (n == 0)
		return wm_err_set(
			err, -EINVAL, "a command is missing: status, rate RATE, pause, resume, weight MODEL W or stop");
	line[0] = '\0';
	if (n > 0 && words[0][0] == '/')
		return wm_err_set(err, -EINVAL, "'%s' is no command; a socket is named with -s", words[0]);
	for (int i = 0; i < n; i++) {
		if (strpbrk(words[i], "\r\n") != NULL)
			return wm_err_set(err, -EINVAL, "a command is one line");
		len += (size_t)snprintf(line + len, LINE_SIZE - len, "%s%s", i > 0 ? " " : "", words[i]);
		if (len >= LINE_SIZE)
			return wm_err_set(err, -EINVAL, "a command has at most %d bytes", LINE_SIZE - 1);
	}
	return 0;
}

static int complain(const char *sentence, int status)
{
	(void)fprintf(stderr, "wiremillctl: %s\n", sentence);
	return status;
}

// Whoever answers does not write to the terminal by escape sequences: no text keeps a control character.
static void tame(json_t *value)
{
	json_t *one;
	const char *key;
	size_t i;

	json_object_foreach(value, key, one)
	{
		tame(one);
	}
	json_array_foreach(value, i, one)
	{
		tame(one);
	}
	if (json_is_string(value)) {
		char *text = strdup(json_string_value(value));

		for (char *p = text; p != NULL && *p != '\0'; p++)
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				*p = ' ';
		(void)json_string_set_nocheck(value, text != NULL ? text : "");
		free(text);
	}
}

static int tell(const char *answer, bool json)
{
	json_t *o = json_loads(answer, 0, NULL);
	const char *error, *done;
	const json_t *s = json_object_get(o, "status");
	int status = EXIT_DONE;

	tame(o);
	error = json_string_value(json_object_get(o, "error"));
	done = json_string_value(json_object_get(o, "done"));
	if (!json_is_object(o))
		status = complain("what answers there is no run of wiremill", EXIT_USAGE);
	else if (json)
		(void)puts(answer);
	else if (done != NULL)
		(void)puts(done);
	else if (json_is_object(s))
		tell_status(stdout, s);
	else if (error == NULL)
		(void)puts("starting: nothing was sent yet");
	if (json_is_object(o) && !json_is_true(json_object_get(o, "ok")))
		status = json ? EXIT_REFUSED : complain(error != NULL ? error : "it was refused", EXIT_REFUSED);
	json_decref(o);
	return status;
}

int main(int argc, char **argv)
{
	struct config config = {.socket = SOCKET_DEFAULT, .wait_s = 5};
	char line[LINE_SIZE], *answer = NULL;
	struct wm_err err = {0};
	int first = wm_command_parse(&command, argc, argv, &config, &err), status;

	if (first < 0)
		return complain(err.msg, EXIT_USAGE);
	if (config.help) {
		wm_command_help(&command, stdout);
		return EXIT_DONE;
	}
	if (config.version) {
		(void)printf("wiremillctl %s\n", WM_VERSION);
		return EXIT_DONE;
	}
	if (join(line, argv + first, argc - first, &err) < 0
		|| ask(config.socket, line, config.wait_s, &answer, &err) < 0)
		return complain(err.msg, EXIT_USAGE);
	status = tell(answer, config.json);
	free(answer);
	if (fflush(stdout) != 0)
		return complain("the standard output cannot be written", EXIT_REFUSED);
	return status;
}
