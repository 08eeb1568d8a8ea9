// SPDX-License-Identifier: BSD-3-Clause
// wiremill: models + seed -> traffic. See wiremill(1).
#include "models.h"
#include "operate.h"
#include "settings.h"

#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_RUN = 1, EXIT_USAGE = 2 };

static int complain(int status, const struct wm_err *err)
{
	(void)fprintf(stderr, "wiremill: %s\n", err->msg);
	return status;
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
	int status = EXIT_DONE;
	bool began;

	warn_narrow(&s->map);
	if (models_check_outputs(s, &err) < 0 || models_open(&models, s, &err) < 0)
		status = complain(EXIT_USAGE, &err);
	else if (operate(s, &models, &began, &err) < 0)
		status = complain(began ? EXIT_RUN : EXIT_USAGE, &err);
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
