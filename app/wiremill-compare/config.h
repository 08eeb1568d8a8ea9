// SPDX-License-Identifier: BSD-3-Clause
// config: what the command line asks for.
#pragma once

#include "gate.h"

#include <common/options.h>

#include <stdbool.h>

struct config {
	const char *real;
	const char *synth;
	const char *holdout;
	const char *json;
	const char *html;
	uint64_t max_packets;
	struct gate gate;
	bool all;
	bool metrics;
	bool quiet;
	bool help;
	bool version;
};

extern const struct wm_command compare_command;

/** Read the command line. @param c Holds pointers into argv. @return 0; -EINVAL with a sentence. */
int config_read(struct config *c, int argc, char **argv, struct wm_err *err);
