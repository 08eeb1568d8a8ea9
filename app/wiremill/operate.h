// SPDX-License-Identifier: BSD-3-Clause
// operate: a run with all that tells of it and steers it: terminal, JSON, control socket, status page.
#pragma once

#include "models.h"

/** Run. What is to be said of it is said on the standard error, but for the sentence of a failure.
 *  @param began Whether it did: @return 0; -errno with a sentence. */
int operate(const struct settings *s, struct models *models, bool *began, struct wm_err *err);
