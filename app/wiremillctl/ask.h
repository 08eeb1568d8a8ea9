// SPDX-License-Identifier: BSD-3-Clause
// ask: a line to a run's control socket, and the line that it answers.
#pragma once

#include <base/err.h>

/**
 * @param path Of the socket.
 * @param line Without its end.
 * @param patience_s To wait for all of the answer.
 * @param answer Written only on success: text without its end, to be freed.
 * @return 0; -errno with a sentence.
 */
int ask(const char *path, const char *line, double patience_s, char **answer, struct wm_err *err);
