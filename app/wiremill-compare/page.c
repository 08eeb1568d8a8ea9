// SPDX-License-Identifier: BSD-3-Clause
#include "page.h"

#include <base/file.h>
#include <fidelity/gnuplot.h>
#include <fidelity/html.h>

#include <string.h>

int page_check(struct wm_err *err)
{
	struct wm_err why;
	int rc = wm_gnuplot_check(&why);

	return rc < 0 ? wm_err_set(err, rc, "--html: %s", why.msg) : 0;
}

int page_write(const char *path, const struct wm_fidelity *f, struct wm_err *err)
{
	struct wm_file file = {0};
	int rc;

	if (strcmp(path, "-") == 0)
		return wm_fidelity_html(f, stdout, err);
	rc = wm_file_begin(&file, path, err);
	if (rc == 0)
		rc = wm_fidelity_html(f, file.stream, err);
	if (rc == 0)
		rc = wm_file_commit(&file, err);
	wm_file_abort(&file);
	return rc;
}
