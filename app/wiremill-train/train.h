// SPDX-License-Identifier: BSD-3-Clause
// train: captures in, one model file out.
#pragma once

#include "config.h"

/** Do what the command line asks for. @return 0; -errno with a sentence, and then the old model is untouched. */
int train(const struct config *c, struct wm_err *err);
