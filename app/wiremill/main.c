// SPDX-License-Identifier: BSD-3-Clause
// wiremill: models + seed -> traffic. See wiremill(1).
#include "models.h"
#include "operate.h"
#include "settings.h"
#include "table_mode.h"

#include <common/status.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static int complain(int status, const struct wm_err *err)
{
	(void)fprintf(stderr, "wiremill: %s\n", err->msg);
	return status;
}

// Networks that do not fit into the ones they are put in.
static void warn_narrow(const struct wm_map *map, const struct models *models)
{
	for (unsigned i = 0; i < map->n_nets; i++)
		if (wm_map_narrows(&map->nets[i]))
			(void)fprintf(stderr,
				"wiremill: network %u of --map-net is put into a smaller one: addresses that differ in "
				"front of "
				"their last %u bits alone become one\n",
				i + 1, 128u - map->nets[i].to_bits);
	if (models->n_folded > 0)
		(void)fprintf(stderr,
			"wiremill: %" PRIu64 " of %" PRIu64 " addresses that --map-net changes become one with "
			"another\n",
			models->n_folded, models->n_mapped);
}

// What a file says of ports, and a pcap is asked for; or the other way round.
static void warn_aside(const struct settings *s)
{
	char names[256];

	if (*settings_aside(s, names, sizeof(names)) != '\0')
		(void)fprintf(stderr, "wiremill: %s: set aside, since the command line asks for %s: %s\n", s->config,
			s->pcap_wins ? "a pcap" : "ports", names);
}

// What of the file of --flows-from is not made, or not as it is.
static void warn_follow(const struct settings *s, const struct models *models)
{
	const struct wm_flow_list *list = &models->follow;

	if (list->n_left_out > 0)
		(void)fprintf(stderr, "wiremill: %s: %" PRIu64 " of its packets or rows are in no flow%s%s\n",
			s->flows_from, list->n_left_out, list->fault.msg[0] != '\0' ? "; the first: " : "",
			list->fault.msg);
	if (list->n_names > 0)
		(void)fprintf(stderr, "wiremill: %s: %zu names that are no addresses become some of 198.18.0.0/15\n",
			s->flows_from, list->n_names);
	if (models->n_unknown > 0)
		(void)fprintf(stderr,
			"wiremill: %s: %zu of %zu flows are left out, of protocols that %s has not learned\n",
			s->flows_from, models->n_unknown, list->n, s->models[0].file);
	if (list->damage.msg[0] != '\0')
		(void)fprintf(stderr, "wiremill: %s; flows are those in front of it\n", list->damage.msg);
}

static int mill(const struct settings *s)
{
	struct models models = {0};
	struct wm_err err = {0};
	int status = STATUS_DONE, rc;
	bool began = false;

	warn_aside(s);
	rc = models_check_outputs(s, &err);
	rc = rc < 0 ? rc : models_open(&models, s, &err);
	if (rc < 0) {
		settings_locate(s, NULL, &err);
	} else {
		warn_narrow(&s->map, &models);
		warn_follow(s, &models);
	}
	if (rc == 0 && models.n > 0 && models.at[0].rows != NULL)
		rc = table_run(s, &models, &began, &err);
	else if (rc == 0)
		rc = operate(s, &models, &began, &err);
	if (rc < 0 && !began)
		settings_locate(s, "eal", &err);
	if (rc < 0)
		status = complain(began ? STATUS_FAILED : wm_status_of(rc), &err);
	models_close(&models);
	return status;
}

int main(int argc, char **argv)
{
	struct settings settings;
	struct wm_err err = {0};
	int status = STATUS_DONE, rc = settings_read(&settings, argc, argv, &err);

	if (rc < 0)
		status = complain(wm_status_of(rc), &err);
	else if (settings.help)
		wm_command_help(&mill_command, stdout);
	else if (settings.version)
		(void)printf("wiremill %s\n", WM_VERSION);
	else
		status = mill(&settings);
	if (status == STATUS_DONE && fflush(stdout) != 0) {
		(void)wm_err_set(&err, -EIO, "standard output cannot be written");
		status = complain(STATUS_FAILED, &err);
	}
	settings_free(&settings);
	return status;
}
