// SPDX-License-Identifier: BSD-3-Clause
// command: what an operator may ask of a run, a line each:
//
//	status             all numbers
//	rate RATE          go on at another rate, as --rate takes it
//	pause, resume      hold the timeline, let it go on
//	weight MODEL W     another share for a model, named by its label or its number from 0
//	stop               end the run, as SIGTERM does
#pragma once

#include <base/err.h>
#include <plane/pace.h>

#include <stddef.h>

enum {
	COMMAND_MAX = 255, // bytes of a line
	COMMAND_MODEL_MAX = 128,
};

enum command_verb {
	COMMAND_STATUS,
	COMMAND_RATE,
	COMMAND_PAUSE,
	COMMAND_RESUME,
	COMMAND_WEIGHT,
	COMMAND_STOP,
};

struct command {
	enum command_verb verb;
	struct wm_rate rate;
	char model[COMMAND_MODEL_MAX];
	double weight; // 0, or in 0.000001..1000000
};

/** Read a line of n bytes, without its end. Any bytes are allowed; what is not printable ASCII is refused.
 *  @return 0; -EINVAL with a sentence that is printable ASCII. */
int command_parse(struct command *out, const char *line, size_t n, struct wm_err *err);
