// SPDX-License-Identifier: BSD-3-Clause
// options: a command line described as data. One table drives the parser and --help, and tests hold the man page to it.
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum wm_option_kind {
	WM_OPTION_FLAG,    // bool: true if given
	WM_OPTION_TEXT,    // const char *: not empty
	WM_OPTION_NUMBER,  // uint64_t in lo..hi
	WM_OPTION_SECONDS, // double > 0
	WM_OPTION_TAKEN,   // what the command's `take` makes of it
	WM_OPTION_LIST,    // the same; each time it is given adds one
};

struct wm_option {
	const char *name; // without the dashes
	char letter;      // 0 = there is only the name
	enum wm_option_kind kind;
	size_t offset; // of what it sets in the program's configuration
	const char *metavar;
	const char *help; // one line
	uint64_t lo;
	uint64_t hi;
};

enum {
	WM_OPTIONS_MAX = 64,
	WM_COMMAND_LINE = -1, // where an option stands, which is otherwise a line of a configuration file
};

struct wm_command {
	const char *name;
	const char *const *usage; // lines, up to NULL
	const char *about;        // one sentence
	const struct wm_option *options;
	size_t n_options; // at most WM_OPTIONS_MAX
	/** What WM_OPTION_TAKEN and WM_OPTION_LIST need; text lives as long as the program. @return 0 or -errno with a
	 *  sentence. */
	int (*take)(void *config, const struct wm_option *option, const char *text, struct wm_err *err);
	/** An option is about to be set, as it stands on this line, or WM_COMMAND_LINE. NULL = all are wanted.
	 *  @return false to leave it. */
	bool (*wants)(void *config, const struct wm_option *option, int line);
};

/**
 * Parse a command line into a configuration that holds the defaults. Options and operands may be mixed; the operands
 * are then at the end of argv. Thread: one at a time, before any other (getopt's own state).
 *
 * @return The index of the first operand; -EINVAL with a sentence that names the option.
 */
int wm_command_parse(const struct wm_command *cmd, int argc, char **argv, void *config, struct wm_err *err);

/** @return NULL for a name that no option has. */
const struct wm_option *wm_command_find(const struct wm_command *cmd, const char *name);

/** The option whose name is likely meant by one that there is not. @return NULL if none is like it. */
const struct wm_option *wm_command_guess(const struct wm_command *cmd, const char *name);

/** Set one option as if its value stood on a command line. @param line See `wants`. @return 0; -EINVAL. */
int wm_command_set(const struct wm_command *cmd, const struct wm_option *option, const char *text, int line,
	void *config, struct wm_err *err);

/** What --help prints. */
void wm_command_help(const struct wm_command *cmd, FILE *out);
