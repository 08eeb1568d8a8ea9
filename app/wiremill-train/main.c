// SPDX-License-Identifier: BSD-3-Clause
// wiremill-train: learns the traffic of captures into a model file.
#include "blas.h"
#include "config.h"
#include "inspect.h"
#include "train.h"

#include <common/status.h>

#include <errno.h>
#include <stdio.h>

static int run(const struct config *c, struct wm_err *err)
{
	int rc = 0;

	if (c->help)
		wm_command_help(&train_command, stdout);
	else if (c->version)
		(void)printf("%s %s\n", train_command.name, WM_VERSION);
	else if (c->inspect != NULL)
		rc = inspect(stdout, c->inspect, err);
	else
		rc = train(c, err);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = wm_err_set(err, -EIO, "standard output cannot be written");
	return rc;
}

int main(int argc, char **argv)
{
	struct wm_err err = {0};
	struct config config;
	int rc;

	blas_settle(argv);
	rc = config_read(&config, argc, argv, &err);
	if (rc == 0)
		rc = run(&config, &err);
	if (rc < 0)
		(void)fprintf(stderr, "%s: %s\n", train_command.name, err.msg);
	return wm_status_of(rc);
}
