// SPDX-License-Identifier: BSD-3-Clause
#include "train.h"

#include "card.h"
#include "inputs.h"
#include "summary.h"

#include <base/clock.h>
#include <base/progress.h>
#include <dataset/dataset.h>
#include <engine/fit.h>
#include <model/model.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct training {
	const struct config *config;
	wm_fit_fn *fit;
	double start_s;
	struct wm_dataset ds;
	struct wm_model_writer *writer;
	struct wm_progress progress;
	double done; // how far fitting was when it last told
	char *checkpoint;
	int signals; // signalfd, or -1
	bool stopped;
	int unsaved; // -errno where the last checkpoint could not be written, with its sentence
	struct wm_err why;
};

static void show_reading(void *arg, uint64_t done, uint64_t all)
{
	struct training *t = arg;

	wm_progress_show(&t->progress, all > 0 ? (double)done / (double)all : 0, "reading");
}

static int read_inputs(struct training *t, struct wm_err *err)
{
	const struct config *c = t->config;
	const struct wm_dataset_options options = {
		.filter = c->filter,
		.payloads = true,
		.progress = show_reading,
		.arg = t,
	};
	int rc;

	wm_progress_init(&t->progress, c->quiet ? NULL : stderr);
	rc = wm_dataset_read(&t->ds, c->inputs, c->n_inputs, &options, err);
	wm_progress_end(&t->progress);
	if (rc < 0)
		return rc;
	summary_print(stdout, &t->ds, c->n_inputs);
	(void)fflush(stdout); // before minutes of silence
	return 0;
}

static void stop_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
}

// From here on SIGINT and SIGTERM are read from a descriptor between two steps of training.
static int catch_signals(struct training *t, struct wm_err *err)
{
	sigset_t set;

	stop_signals(&set);
	t->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (t->signals < 0)
		return wm_err_sys(err, -errno, "signalfd");
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	return 0;
}

static bool is_told_to_stop(void *arg)
{
	struct training *t = arg;
	struct signalfd_siginfo info;
	sigset_t set;

	if (!t->stopped && read(t->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		t->stopped = true;
		// A second signal means it: it ends the program.
		stop_signals(&set);
		(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	}
	return t->stopped;
}

static void show_fitting(void *arg, double done, const char *line)
{
	struct training *t = arg;

	if (done > t->done)
		t->done = done;
	wm_progress_show(&t->progress, t->done, line);
}

static void note_saved(void *arg, int rc, const struct wm_err *why)
{
	struct training *t = arg;

	t->unsaved = rc;
	t->why = *why;
}

static int fit(struct training *t, struct wm_err *err)
{
	const struct config *c = t->config;
	struct wm_fit_options options = {
		.seed = c->seed,
		.threads = (unsigned)c->threads,
		.checkpoint = t->checkpoint,
		.resume = c->resume,
		.stop = is_told_to_stop,
		.report = show_fitting,
		.saved = note_saved,
		.arg = t,
	};
	int rc;

	if (c->time_limit_s > 0) { // it began with the program
		double left_s = c->time_limit_s - (wm_now_s() - t->start_s);

		options.time_limit_s = left_s > 0 ? left_s : 1e-3;
	}
	rc = catch_signals(t, err);
	if (rc < 0)
		return rc;
	wm_progress_init(&t->progress, c->quiet ? NULL : stderr);
	rc = t->fit(t->writer, &t->ds, &options, err);
	wm_progress_end(&t->progress);
	return rc;
}

static int write_model(const struct training *t, struct wm_err *err)
{
	const struct config *c = t->config;
	struct stat st;
	int rc;

	rc = wm_model_write(t->writer, c->output, err);
	if (rc < 0)
		return rc;
	if (!t->stopped) // otherwise it is what --resume goes on from
		(void)unlink(t->checkpoint);
	if (stat(c->output, &st) == 0)
		(void)printf("model     %s, %lld bytes%s%s\n", c->output, (long long)st.st_size,
			t->stopped ? ", stopped early" : "",
			access(t->checkpoint, F_OK) == 0 ? ": --resume goes on from there" : "");
	return t->unsaved < 0 ? wm_err_set(err, t->unsaved, "%.400s; the model itself is complete", t->why.msg) : 0;
}

// LoRa receptions and flow tables have engines of their own, and those are for nothing else.
static int choose_engine(struct training *t, const char **out, struct wm_err *err)
{
	const bool lora = t->ds.lora.n > 0, rows = t->ds.rows.n > 0;
	const char *suits = lora ? "lora" : rows ? "rows" : "necst", *asked = t->config->engine;

	if (asked != NULL && ((strcmp(asked, "lora") == 0) != lora || (strcmp(asked, "rows") == 0) != rows))
		return wm_err_set(err, -EINVAL, "option --engine: %s does not learn from %s; leave it out", asked,
			lora   ? "LoRa receptions"
			: rows ? "flow tables"
			       : "packets");
	*out = asked != NULL ? asked : suits;
	t->fit = wm_fit_find(*out);
	return 0;
}

static int run(struct training *t, struct wm_err *err)
{
	const struct config *c = t->config;
	const char *engine = NULL;
	int rc;

	if (c->engine != NULL && wm_fit_find(c->engine) == NULL)
		return wm_err_set(err, -EINVAL,
			"option --engine: there is no engine '%.64s', expected necst, lora or rows", c->engine);
	rc = inputs_check(c, err);
	if (rc < 0)
		return rc;
	if (asprintf(&t->checkpoint, "%s.ckpt", c->output) < 0) {
		t->checkpoint = NULL;
		return wm_err_sys(err, -ENOMEM, "%s", c->output);
	}
	rc = read_inputs(t, err);
	if (rc == 0)
		rc = choose_engine(t, &engine, err);
	if (rc < 0)
		return rc;
	if (wm_model_writer_create(&t->writer) < 0)
		return wm_err_sys(err, -ENOMEM, "%s", c->output);
	rc = card_put(t->writer, c, engine, &t->ds, err);
	if (rc < 0)
		return rc;
	rc = fit(t, err);
	return rc < 0 ? rc : write_model(t, err);
}

int train(const struct config *c, struct wm_err *err)
{
	struct training t = {.config = c, .start_s = wm_now_s(), .signals = -1};
	int rc = run(&t, err);

	if (t.signals >= 0)
		(void)close(t.signals);
	free(t.checkpoint);
	wm_model_writer_destroy(t.writer);
	wm_dataset_free(&t.ds);
	return rc;
}
