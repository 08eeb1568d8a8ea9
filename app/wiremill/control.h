// SPDX-License-Identifier: BSD-3-Clause
// control: the control socket: lines in, a line of answer for each. Few clients at a time, short lines, and whoever is
// slow to ask or to read loses the connection; nobody else waits for that.
#pragma once

#include "listen.h"

#include <poll.h>

enum {
	CONTROL_CLIENTS = 16,
	CONTROL_FDS = CONTROL_CLIENTS + 1,
	CONTROL_PATIENCE_S = 10, // for a line, or for reading the answer
};

struct control;

/** What answers a line of n bytes, without its end. @return text of one line with its end, to be freed; NULL = no
 *  memory: the client is sent away. */
typedef char *control_answer(void *arg, const char *line, size_t n);

/** @param at Its descriptor is borrowed. @return 0 or -ENOMEM. */
int control_create(struct control **out, const struct listen_unix *at, control_answer *answer, void *arg);
void control_destroy(struct control *c); // NULL is allowed

/** What it waits for. @return how many of the CONTROL_FDS. */
unsigned control_fds(const struct control *c, struct pollfd fds[CONTROL_FDS]);

/** Deal with what has come, as poll() has marked it, and with those whose time is up. Never waits. */
void control_turn(struct control *c, const struct pollfd fds[CONTROL_FDS], double now_s);
