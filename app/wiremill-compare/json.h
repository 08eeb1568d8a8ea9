// SPDX-License-Identifier: BSD-3-Clause
// json: the report for machines. Names are stable; schema_version grows when the meaning of one changes.
#pragma once

#include "gate.h"

/** @param path "-" = standard output. @return 0; -errno with a sentence. */
int json_write(const char *path, const struct wm_fidelity *f, const struct gate *gate, struct wm_err *err);
