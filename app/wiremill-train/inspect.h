// SPDX-License-Identifier: BSD-3-Clause
// inspect: print what a model file holds.
#pragma once

#include <base/err.h>

#include <stdio.h>

/** @return 0; -errno with a sentence, and then nothing was printed. */
int inspect(FILE *out, const char *path, struct wm_err *err);
