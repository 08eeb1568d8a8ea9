// SPDX-License-Identifier: BSD-3-Clause
// config: what the command line of wiremill-train asks for.
#pragma once

#include <common/options.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LABEL_MAX = 63 };

struct config {
	const char *output;
	const char *engine; // NULL = what suits the input
	const char *filter;
	const char *inspect;
	const char *label; // as given, or NULL
	uint64_t seed;
	uint64_t threads;
	double time_limit_s; // 0 = none
	bool resume;
	bool quiet;
	bool help;
	bool version;
	const char *const *inputs;
	size_t n_inputs;
};

/** Whether a label may hold it: labels stand in CSV files and in `wiremill -m FILE,label=NAME`. */
bool is_label_char(char c);

extern const struct wm_command train_command;

/** Defaults, then the command line, then what must hold between options. @return 0; -EINVAL with a sentence. */
int config_read(struct config *c, int argc, char **argv, struct wm_err *err);
