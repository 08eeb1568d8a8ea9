// SPDX-License-Identifier: BSD-3-Clause
// inputs: the files to learn from, looked at before the work begins.
#pragma once

#include "config.h"

enum { DIGEST_TEXT_LEN = 65 }; // SHA-256 in hexadecimal digits

/**
 * Refuse what cannot be a capture, an output that is an input, and one that cannot be written: all before training,
 * which takes minutes. @return 0; -errno with a sentence.
 */
int inputs_check(const struct config *c, struct wm_err *err);

/** SHA-256 of a file. @return 0; -errno with a sentence. */
int input_digest(char out[DIGEST_TEXT_LEN], const char *path, struct wm_err *err);

/** What follows the last slash. */
const char *base_name(const char *path);
