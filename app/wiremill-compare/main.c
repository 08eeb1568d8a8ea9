// SPDX-License-Identifier: BSD-3-Clause
// wiremill-compare: how faithfully synthetic traffic imitates real traffic.
#include "config.h"
#include "json.h"
#include "page.h"
#include "text.h"

#include <base/progress.h>
#include <common/status.h>

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

static void show_progress(void *arg, double done, const char *what)
{
	wm_progress_show(arg, done, what);
}

static bool is_stdout(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

// @return 0, 1 if a limit is not kept, -errno with a sentence.
static int compare(const struct config *c, struct wm_err *err)
{
	struct wm_progress progress;
	const struct wm_fidelity_options options = {
		.paths = {c->real, c->synth, c->holdout},
		.max_packets = c->max_packets,
		.progress = show_progress,
		.arg = &progress,
	};
	const bool taken = is_stdout(c->json) || is_stdout(c->html); // standard output
	struct wm_fidelity *f = NULL;
	struct wm_err other;
	int rc = c->html != NULL ? page_check(err) : 0, rc2 = 0; // before all the work

	if (rc < 0)
		return rc;

	wm_progress_init(&progress, c->quiet ? NULL : stderr);
	rc = wm_fidelity_compare(&f, &options, err);
	wm_progress_end(&progress);
	if (rc < 0)
		return rc;
	if (!taken)
		text_report(stdout, f, c->all);
	if (c->json != NULL)
		rc = json_write(c->json, f, &c->gate, err);
	if (c->html != NULL) // also where the other could not be written
		rc2 = page_write(c->html, f, rc < 0 ? &other : err);
	rc = rc < 0 ? rc : rc2;
	if (rc == 0)
		rc = text_limits(taken ? stderr : stdout, f, &c->gate) > 0;
	wm_fidelity_free(f);
	return rc;
}

static int run(const struct config *c, struct wm_err *err)
{
	int rc = 0;

	if (c->help)
		wm_command_help(&compare_command, stdout);
	else if (c->version)
		(void)printf("%s %s\n", compare_command.name, WM_VERSION);
	else if (c->metrics)
		text_metrics(stdout);
	else
		rc = compare(c, err);
	if (rc >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = wm_err_set(err, -EIO, "standard output cannot be written");
	return rc;
}

// What is measured needs the same large blocks again and again: to give them back in between and to have their pages
// mapped and cleared anew took an eighth of the time.
static void keep_memory(void)
{
	// NOLINTBEGIN(concurrency-mt-unsafe): there are no threads
	(void)mallopt(M_MMAP_MAX, 0);
	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	// NOLINTEND(concurrency-mt-unsafe)
}

int main(int argc, char **argv)
{
	struct wm_err err = {0};
	static struct config config;
	int rc = config_read(&config, argc, argv, &err);

	keep_memory();
	if (rc == 0)
		rc = run(&config, &err);
	if (rc < 0)
		(void)fprintf(stderr, "%s: %s\n", compare_command.name, err.msg);
	return rc > 0 ? STATUS_FAILED : wm_status_of(rc);
}
