// SPDX-License-Identifier: BSD-3-Clause
// length: how much a run asks of its models, where that is known before.
#pragma once

#include "models.h"

/** Let the models know, but for those that have times or a rate of their own. */
void length_tell(struct models *m, const struct settings *s);
