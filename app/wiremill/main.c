// SPDX-License-Identifier: BSD-3-Clause
// wiremill: models + seed -> traffic. See wiremill(1).
#include "live.h"
#include "models.h"
#include "pcap_mode.h"
#include "replay.h"
#include "settings.h"
#include "stats.h"
#include "stop.h"
#include "text.h"

#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_RUN = 1, EXIT_USAGE = 2 };

static int complain(int status, const struct wm_err *err)
{
	(void)fprintf(stderr, "wiremill: %s\n", err->msg);
	return status;
}

// What is said to the operator while a run goes on.
struct watcher {
	struct text_view view;
	const struct models *models;
	struct wm_plane_stats before; // of the last report
};

static void on_report(void *arg, const struct wm_plane_stats *stats)
{
	struct watcher *w = arg;

	text_report(&w->view, stats, &w->before, w->models);
	w->before = *stats;
}

static void on_notice(void *arg, const char *sentence)
{
	struct watcher *w = arg;

	text_notice(&w->view, sentence);
}

static int run(const struct settings *s, const struct models *models)
{
	static struct watcher watcher; // large
	const struct steer steer = {.stop = stop_on_signals(),
		.report_s = s->stats_s,
		.report = on_report,
		.notice = on_notice,
		.arg = &watcher};
	struct wm_plane_stats stats = {0};
	struct wm_file json = {0};
	struct wm_err err = {0};
	bool began = false;
	int rc;

	watcher.models = models;
	text_begin(&watcher.view, stderr);
	if (s->stats_json != NULL && wm_file_begin(&json, s->stats_json, &err) < 0)
		return complain(EXIT_USAGE, &err);
	if (s->pcap != NULL)
		rc = pcap_run(s, models, &steer, &stats, &began, &err);
	else
		rc = live_run(s, models, &steer, &stats, &began, &err);
	if (began) {
		text_final(&watcher.view, &stats, models);
		replay_print(stderr, models);
	}
	if (rc < 0)
		wm_file_abort(&json);
	else if (s->stats_json != NULL)
		rc = stats_write_json(&json, &stats, models, s, &err);
	if (rc == 0)
		rc = replay_check(models, &err);
	return rc == 0 ? EXIT_DONE : complain(began ? EXIT_RUN : EXIT_USAGE, &err);
}

// Networks that do not fit into the ones they are put in.
static void warn_narrow(const struct wm_map *map)
{
	for (unsigned i = 0; i < map->n_nets; i++)
		if (wm_map_narrows(&map->nets[i]))
			(void)fprintf(stderr,
				"wiremill: network %u of --map-net is put into a smaller one: addresses that differ in "
				"front of "
				"their last %u bits alone become one\n",
				i + 1, 128u - map->nets[i].to_bits);
}

static int mill(const struct settings *s)
{
	struct models models = {0};
	struct wm_err err = {0};
	int status;

	warn_narrow(&s->map);
	if (models_check_outputs(s, &err) < 0 || models_open(&models, s, &err) < 0)
		status = complain(EXIT_USAGE, &err);
	else
		status = run(s, &models);
	models_close(&models);
	return status;
}

int main(int argc, char **argv)
{
	struct settings settings;
	struct wm_err err = {0};
	int status = EXIT_DONE;

	if (settings_read(&settings, argc, argv, &err) < 0)
		status = complain(EXIT_USAGE, &err);
	else if (settings.help)
		wm_command_help(&mill_command, stdout);
	else if (settings.version)
		(void)printf("wiremill %s\n", WM_VERSION);
	else
		status = mill(&settings);
	settings_free(&settings);
	return status;
}
