// SPDX-License-Identifier: BSD-3-Clause
// model_option: what -m and --replay say of one model or capture.
#pragma once

#include <base/err.h>
#include <synth/course.h>

enum { LABEL_SIZE = 128 }; // with its end

// What an absolute rate counts in a second.
enum model_unit { UNIT_NONE, UNIT_FLOWS, UNIT_PACKETS, UNIT_BITS };

struct model_choice {
	char *file;           // own copy
	const char *label;    // inside it; NULL = the model's own
	double weight;        // flows that begin, compared to what was learned; of a capture: so many times as fast
	enum model_unit unit; // UNIT_NONE: `weight` counts; else
	double rate;          // is how much there is of it
	struct wm_schedule schedule; // all but its weight
	int line;                    // of the configuration file where it stands, or WM_COMMAND_LINE
};

/** Parse FILE[,weight=W][,rate=R][,start=T][,stop=T][,rise=T][,fall=T][,label=L]. @param out file is the caller's to
 *  free. @return 0; -EINVAL, -ENOMEM with a sentence that names the option. */
int model_option_parse(struct model_choice *out, const char *text, struct wm_err *err);

/** The same of a capture: FILE[,weight=W][,label=L]. */
int replay_option_parse(struct model_choice *out, const char *text, struct wm_err *err);
