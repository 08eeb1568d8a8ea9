// SPDX-License-Identifier: BSD-3-Clause
#include "operate.h"

#include "board.h"
#include "desk.h"
#include "live.h"
#include "pcap_mode.h"
#include "replay.h"
#include "stats.h"
#include "stop.h"
#include "text.h"
#include "user.h"

#include <plane/plane.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct operation {
	const struct settings *s;
	struct models *models;
	struct text_view view;
	struct wm_plane_stats told; // what the terminal was told last
	unsigned n;                 // reports so far
	unsigned tell;              // the terminal is told every so many; 0 = never
	double report_s;
	struct board board;
	struct wm_plane_wish wish;
	struct desk *desk; // NULL = nobody else watches
	struct user user;  // if there is to be one
	struct wm_file json;
};

static void on_report(void *arg, const struct wm_plane_stats *stats)
{
	struct operation *o = arg;

	if (o->desk != NULL)
		board_post(&o->board, stats);
	if (o->tell == 0 || ++o->n % o->tell > 0)
		return;
	text_report(&o->view, stats, &o->told, o->models);
	o->told = *stats;
}

static void on_notice(void *arg, const char *sentence)
{
	struct operation *o = arg;

	text_notice(&o->view, sentence);
}

// The board wants numbers often; the terminal when it was asked for, which is a whole number of times more seldom.
static void set_pace(struct operation *o)
{
	double every_s = o->s->stats_s, ratio = every_s / BOARD_PERIOD_S;

	if (o->desk == NULL || (every_s > 0 && ratio <= 1)) {
		o->tell = every_s > 0;
		o->report_s = every_s;
	} else if (every_s == 0) {
		o->report_s = BOARD_PERIOD_S;
	} else {
		o->tell = ratio < 1e9 ? (unsigned)ceil(ratio) : 1000000000u;
		o->report_s = every_s / o->tell;
	}
}

static int begin_json(struct operation *o, struct wm_err *err)
{
	int rc = o->s->stats_json != NULL ? wm_file_begin(&o->json, o->s->stats_json, err) : 0;

	if (rc < 0)
		settings_locate(o->s, "stats-json", err);
	return rc;
}

static int start_thread(pthread_t *out, const char *name, void *(*main)(void *), void *arg)
{
	(void)name;
	return -pthread_create(out, NULL, main, arg);
}

// A capture that is sent again is opened again.
static int check_replay(const struct operation *o, struct wm_err *err)
{
	const char *file = o->s->replay.file;

	if (file == NULL || o->s->loops == 1 || access(file, R_OK) == 0)
		return 0;
	return wm_err_sys(err, -errno, "option --user: %s cannot read %s for the next loop", o->user.name, file);
}

// All is open and nothing was sent: from here on without root, if that was asked for. Files are written as that user.
static int on_ready(void *arg, struct wm_err *err)
{
	struct operation *o = arg;
	bool ports = o->s->eal;
	int rc = 0;

	if (o->s->user != NULL) {
		rc = o->desk != NULL ? desk_give(o->desk, o->user.uid, o->user.gid, err) : 0;
		if (rc == 0)
			rc = user_become(&o->user, err);
		if (rc == 0)
			rc = check_replay(o, err);
		if (rc == 0)
			rc = begin_json(o, err);
	}
	if (rc == 0 && o->desk != NULL)
		rc = desk_start(o->desk, ports ? wm_plane_thread : start_thread, err);
	return rc;
}

static int open_desk(struct operation *o, struct wm_err *err)
{
	const struct desk_ask ask = {.s = o->s,
		.models = o->models,
		.board = &o->board,
		.wish = &o->wish,
		.steers = o->models->steers,
		.stop = stop_now};
	char where[128];
	int rc;

	if (o->s->control == NULL && o->s->http == NULL)
		return 0;
	if (o->s->control != NULL && o->s->eal)
		models_let_steer(o->models);
	rc = desk_open(&o->desk, &ask, where, sizeof(where), err);
	if (rc == 0 && *where != '\0')
		on_notice(o, where);
	return rc;
}

// What must hold before anything is begun.
static int prepare(struct operation *o, struct wm_err *err)
{
	int rc = 0;

	if (o->s->user != NULL)
		rc = user_find(&o->user, o->s->user, err);
	else
		rc = begin_json(o, err);
	return rc < 0 ? rc : open_desk(o, err);
}

int operate(const struct settings *s, struct models *models, bool *began, struct wm_err *err)
{
	struct operation *o = calloc(1, sizeof(*o));
	struct wm_plane_stats stats = {0};
	struct wm_err other;
	struct steer steer;
	int rc, rc2 = 0;

	*began = false;
	if (o == NULL)
		return wm_err_sys(err, -ENOMEM, "the run");
	*o = (struct operation){.s = s,
		.models = models,
		.board.lock = PTHREAD_MUTEX_INITIALIZER,
		.wish.lock = PTHREAD_MUTEX_INITIALIZER};
	text_begin(&o->view, stderr);
	rc = prepare(o, err);
	set_pace(o);
	steer = (struct steer){.stop = stop_on_signals(),
		.wish = o->desk != NULL ? &o->wish : NULL,
		.report_s = o->report_s,
		.ready = on_ready,
		.report = on_report,
		.notice = on_notice,
		.arg = o};
	if (rc == 0 && !s->eal)
		rc = pcap_run(s, models, &steer, &stats, began, err);
	else if (rc == 0)
		rc = live_run(s, models, &steer, &stats, began, err);
	desk_close(o->desk);
	if (*began) {
		text_final(&o->view, &stats, models);
		replay_print(stderr, models);
	}
	if (!*began)
		wm_file_abort(&o->json);
	else if (s->stats_json != NULL) // also of a run that failed
		rc2 = stats_write_json(&o->json, &stats, models, s, rc < 0 ? &other : err);
	rc = rc < 0 ? rc : rc2;
	if (rc == 0)
		rc = replay_check(models, err);
	free(o);
	return rc;
}
