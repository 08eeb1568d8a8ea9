// SPDX-License-Identifier: BSD-3-Clause
// page: the report as an HTML file.
#pragma once

#include <fidelity/fidelity.h>

/** Whether what draws the plots is there. @return 0; -errno with a sentence. */
int page_check(struct wm_err *err);

/** Write it whole or not at all. @param path "-" = standard output. @return 0; -errno with a sentence. */
int page_write(const char *path, const struct wm_fidelity *f, struct wm_err *err);
