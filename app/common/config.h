// SPDX-License-Identifier: BSD-3-Clause
// config: a configuration file (libconfig) that says what a command line would: `seed = 7;` is `--seed 7`.
//
// An option that may be given more than once takes a list: `model = ("a.wmm", "b.wmm,weight=2");`. A group in it is the
// same spelled out: `model = ( { file = "b.wmm"; weight = 2; } );`, `port = { port = 0; vlan = 5; };` is `--port
// 0,vlan=5`, `roles = { tx = [ 1, 2 ]; };` is `--roles tx=1+2`.
#pragma once

#include <common/options.h>

/** The texts of a configuration file, which the configuration points into. */
struct wm_config_text {
	struct wm_config_text *next;
	char text[];
};

/**
 * Read a file into a configuration that holds the defaults.
 *
 * @param texts What it points into from now on is put in front of this list, on failure too; to be handed to
 *              wm_config_free() after the configuration.
 * @return 0; -errno with a sentence that names the file and the line.
 */
int wm_config_read(const struct wm_command *cmd, const char *path, void *config, struct wm_config_text **texts,
	struct wm_err *err);
void wm_config_free(struct wm_config_text *texts); // NULL is allowed
