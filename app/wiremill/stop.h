// SPDX-License-Identifier: BSD-3-Clause
// stop: SIGINT and SIGTERM end a run cleanly; a second one ends it at once.
#pragma once

#include <stdatomic.h>

/** Raised by the first SIGINT or SIGTERM from now on. SIGPIPE is ignored: writing to a closed pipe says EPIPE. */
const atomic_bool *stop_on_signals(void);

/** Raise it without a signal. Any thread. */
void stop_now(void);
