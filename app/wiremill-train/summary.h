// SPDX-License-Identifier: BSD-3-Clause
// summary: what was read from the captures, and what was not.
#pragma once

#include <dataset/dataset.h>

#include <stdio.h>

/** Print a few lines: packets, flows, protocols, and every packet that was dropped by its cause. */
void summary_print(FILE *out, const struct wm_dataset *ds, size_t n_files);
