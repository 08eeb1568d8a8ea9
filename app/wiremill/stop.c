// SPDX-License-Identifier: BSD-3-Clause
#include "stop.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

// A signal handler can reach nothing else.
static atomic_bool stop; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

static void raise_stop(int number)
{
	(void)number;
	atomic_store_explicit(&stop, true, memory_order_relaxed);
}

const atomic_bool *stop_on_signals(void)
{
	struct sigaction action = {.sa_handler = raise_stop, .sa_flags = SA_RESTART | (int)SA_RESETHAND};

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	action = (struct sigaction){.sa_handler = SIG_IGN};
	(void)sigaction(SIGPIPE, &action, NULL);
	return &stop;
}

void stop_now(void)
{
	atomic_store_explicit(&stop, true, memory_order_relaxed);
}
