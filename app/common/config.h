// SPDX-License-Identifier: BSD-3-Clause
// config: a configuration file (libconfig) that says what a command line would: `seed = 7;` is `--seed 7`.
//
// An option that may be given more than once takes a list: `model = ("a.wmm", "b.wmm,weight=2");`. A group in it is the
// same spelled out: `model = ( { file = "b.wmm"; weight = 2; } );`.
#pragma once

#include <common/options.h>

/**
 * Read a file into a configuration that holds the defaults. Texts in it live until the process ends, as those of a
 * command line do.
 *
 * @return 0; -errno with a sentence that names the file and the line.
 */
int wm_config_read(const struct wm_command *cmd, const char *path, void *config, struct wm_err *err);
