// SPDX-License-Identifier: BSD-3-Clause
#include "desk.h"

#include "command.h"
#include "control.h"
#include "http.h"
#include "metrics.h"
#include "stats.h"

#include <base/clock.h>
#include <json/json.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TURN_MS = 1000 }; // at most: clients' patience is measured

struct desk {
	struct desk_ask ask;
	bool has_control;
	struct listen_unix at;
	struct control *control;
	struct http *http;
	int end; // eventfd: leave the loop
	pthread_t thread;
	bool started;
	struct board_view view; // the thread's
};

// What is known now, the wishes that the run may not have followed yet included. @return NULL if memory ran out.
static json_t *status(struct desk *d)
{
	if (!board_look(d->ask.board, &d->view))
		return json_pack("{s:b, s:n}", "ok", 1, "status");
	d->view.now.paused = wm_plane_wish_pause(d->ask.wish);
	return json_pack("{s:b, s:f, s:o}", "ok", 1, "age_s", d->view.age_s, "status",
		stats_json(&d->view.now, &d->view.before, d->ask.models, d->ask.s));
}

__attribute__((format(printf, 1, 2))) static json_t *done(const char *fmt, ...)
{
	char sentence[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	return json_pack("{s:b, s:o}", "ok", 1, "done", wm_json_string(sentence));
}

// Whether the run can have that rate: what the plane would find out, and tell nobody here.
static int check_rate(struct desk *d, const struct wm_rate *rate, struct wm_err *err)
{
	if (!d->ask.s->eal)
		return wm_err_set(err, -ENOTSUP,
			"a pcap has the times that its seed and options say from the beginning; start another run with "
			"--rate");
	if (rate->kind != WM_RATE_PERCENT)
		return 0;
	if (!board_look(d->ask.board, &d->view))
		return wm_err_set(err, -EAGAIN, "the ports' speeds are not known before the run begins; try again");
	for (unsigned i = 0; i < d->view.now.n_ports; i++)
		if (d->view.now.port[i].speed_bps == 0)
			return wm_err_set(err, -ENOTSUP,
				"port %s does not know its speed: give the rate in bps instead of %%",
				d->view.now.port[i].name);
	return 0;
}

// A model by its number, or by its label, which must then be that of one alone.
static int find_model(const struct models *models, const char *name, size_t *out, struct wm_err *err)
{
	size_t n_digits = strspn(name, "0123456789"), found = models->n;

	if (n_digits <= 2 && name[n_digits] == '\0' && strtoul(name, NULL, 10) < models->n) {
		*out = strtoul(name, NULL, 10);
		return 0;
	}
	for (size_t i = 0; i < models->n; i++) {
		if (strcmp(models->at[i].label, name) != 0)
			continue;
		if (found < models->n)
			return wm_err_set(err, -EEXIST,
				"models %zu and %zu are both called '%s': name one by its number", found, i, name);
		found = i;
	}
	if (found == models->n)
		return wm_err_set(err, -ENOENT, "there is no model '%s'; status lists them", name);
	*out = found;
	return 0;
}

static int set_weight(struct desk *d, const struct command *c, struct wm_err *err)
{
	const struct models *models = d->ask.models;
	size_t i = 0;
	int rc = find_model(models, c->model, &i, err);

	if (rc < 0)
		return rc;
	if (!d->ask.s->eal)
		return wm_err_set(err, -ENOTSUP,
			"a pcap has the flows that its seed and options say from the beginning; start another run with "
			"weight=W");
	if (models->sources[i].steer == NULL)
		return wm_err_set(err, -ENOTSUP, "model '%s' cannot be given another weight while it runs", c->model);
	wm_steer_set_weight(&d->ask.steers[i], c->weight);
	return 0;
}

// @return NULL with a sentence if it cannot be done.
static json_t *carry_out(struct desk *d, const struct command *c, struct wm_err *err)
{
	char text[STATS_RATE_SIZE];

	switch (c->verb) {
	case COMMAND_STATUS:
		return status(d);
	case COMMAND_RATE:
		if (check_rate(d, &c->rate, err) < 0)
			return NULL;
		wm_plane_ask_rate(d->ask.wish, &c->rate);
		return done("the rate is %s from now on", stats_rate_text(&c->rate, text));
	case COMMAND_PAUSE:
		wm_plane_ask_pause(d->ask.wish, true);
		return done("paused");
	case COMMAND_RESUME:
		wm_plane_ask_pause(d->ask.wish, false);
		return done("going on");
	case COMMAND_WEIGHT:
		if (set_weight(d, c, err) < 0)
			return NULL;
		return done("the weight of %s is %g for flows that begin from now on", c->model, c->weight);
	case COMMAND_STOP:
		d->ask.stop();
		return done("stopping");
	}
	return NULL;
}

// A line of text with its end, of a value that is taken over. @return NULL if memory ran out.
static char *line_of(json_t *o)
{
	char *text = wm_json_text(o, JSON_COMPACT | JSON_REAL_PRECISION(12));
	size_t n = text != NULL ? strlen(text) : 0;
	char *line = text != NULL ? realloc(text, n + 2) : NULL;

	if (line == NULL) {
		free(text);
		return NULL;
	}
	line[n] = '\n';
	line[n + 1] = '\0';
	return line;
}

static char *answer_line(void *arg, const char *line, size_t n)
{
	struct desk *d = arg;
	struct wm_err err = {0};
	struct command c;
	json_t *o = NULL;

	if (command_parse(&c, line, n, &err) == 0)
		o = carry_out(d, &c, &err);
	if (o == NULL && err.msg[0] != '\0')
		o = json_pack("{s:b, s:o}", "ok", 0, "error", wm_json_string(err.msg));
	return line_of(o);
}

static char *make_text(void *arg, enum http_what what, size_t *n)
{
	struct desk *d = arg;
	bool began;
	char *text;

	if (what == HTTP_METRICS) {
		began = board_look(d->ask.board, &d->view);
		d->view.now.paused = wm_plane_wish_pause(d->ask.wish);
		return metrics_text(began ? &d->view.now : NULL, d->ask.models, n);
	}
	text = line_of(status(d));
	*n = text != NULL ? strlen(text) : 0;
	return text;
}

static int open_page(struct desk *d, char *where, size_t size, struct wm_err *err)
{
	struct listen_tcp at;
	int rc = listen_at_port(&at, d->ask.s->http, err);

	if (rc < 0)
		return rc;
	(void)snprintf(where, size, "the status page is http://%s/", at.name);
	return http_create(&d->http, &at, make_text, d, err);
}

int desk_open(struct desk **out, const struct desk_ask *ask, char *where, size_t size, struct wm_err *err)
{
	struct desk *d = calloc(1, sizeof(*d));
	int rc = 0;

	*where = '\0';
	if (d == NULL)
		return wm_err_sys(err, -ENOMEM, "the control socket");
	d->ask = *ask;
	d->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->end < 0)
		rc = wm_err_sys(err, -errno, "the control socket");
	if (rc == 0 && ask->s->control != NULL) {
		rc = listen_at_path(&d->at, ask->s->control, err);
		d->has_control = rc == 0;
		if (rc == 0 && control_create(&d->control, &d->at, answer_line, d) < 0)
			rc = wm_err_sys(err, -ENOMEM, "the control socket");
	}
	if (rc == 0 && ask->s->http != NULL)
		rc = open_page(d, where, size, err);
	if (rc < 0) {
		desk_close(d);
		return rc;
	}
	*out = d;
	return 0;
}

int desk_give(const struct desk *d, uid_t uid, gid_t gid, struct wm_err *err)
{
	if (d->has_control && lchown(d->at.path, uid, gid) < 0)
		return wm_err_sys(err, -errno, "option --user: the owner of %s", d->at.path);
	return 0;
}

static void *serve(void *arg)
{
	struct pollfd fds[CONTROL_FDS + 2] = {0};
	struct desk *d = arg;

	for (;;) {
		unsigned n = 0, n_control = d->control != NULL ? control_fds(d->control, fds) : 0;
		int wait_ms = TURN_MS, http_ms = d->http != NULL ? http_timeout_ms(d->http) : -1;

		n = n_control;
		fds[n++] = (struct pollfd){.fd = d->end, .events = POLLIN};
		if (d->http != NULL)
			fds[n++] = (struct pollfd){.fd = http_fd(d->http), .events = POLLIN};
		if (http_ms >= 0 && http_ms < wait_ms)
			wait_ms = http_ms;
		(void)poll(fds, n, wait_ms);
		if (fds[n_control].revents != 0)
			return NULL;
		if (d->control != NULL)
			control_turn(d->control, fds, wm_now_s());
		if (d->http != NULL)
			http_turn(d->http, wm_now_s());
	}
}

int desk_start(struct desk *d, int (*start)(pthread_t *out, const char *name, void *(*main)(void *), void *arg),
	struct wm_err *err)
{
	int rc = start(&d->thread, "wm-desk", serve, d);

	d->started = rc == 0;
	return rc == 0 ? 0 : wm_err_sys(err, rc, "the thread of the control socket cannot be started");
}

void desk_close(struct desk *d)
{
	const uint64_t one = 1;

	if (d == NULL)
		return;
	if (d->started && write(d->end, &one, sizeof(one)) == (ssize_t)sizeof(one))
		(void)pthread_join(d->thread, NULL);
	control_destroy(d->control);
	http_destroy(d->http);
	if (d->has_control)
		listen_close_path(&d->at);
	if (d->end >= 0)
		(void)close(d->end);
	free(d);
}
