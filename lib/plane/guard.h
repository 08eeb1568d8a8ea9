// SPDX-License-Identifier: BSD-3-Clause
// guard: nothing is sent where this machine's default route goes: not at the start, and not once a route changes.
#pragma once

#include <base/err.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An interface of the kernel that what a port sends gets to.
struct wm_guarded {
	uint16_t port;
	bool beside; // it is another function of the port's card
	unsigned if_index;
};

struct wm_guard {
	struct wm_guarded *at;
	size_t n, cap;
	int changes; // tells of the kernel's links and routes
	int over;    // readable once nobody is to watch any more
	pthread_t thread;
	bool has_thread;
	atomic_bool *stop;

	// Written by the thread, and read when it has ended.
	int failed; // 0, or -errno with a sentence
	struct wm_err err;
};

/**
 * Look where ports send. Whatever changes from now on is noticed by wm_guard_watch().
 *
 * @param g Zeroed. On failure, too, wm_guard_free() is due.
 * @return 0; -EPERM with a sentence where the default route goes; -errno with one where that cannot be told.
 */
int wm_guard_begin(struct wm_guard *g, const uint16_t *ports, unsigned n, struct wm_err *err);

/**
 * Look again whenever links or routes change, in a thread of its own.
 *
 * @param stop Raised when what wm_guard_begin() would refuse has come about.
 * @return 0; -errno with a sentence.
 */
int wm_guard_watch(struct wm_guard *g, atomic_bool *stop, struct wm_err *err);

/** Watch no more. @return 0; -errno with the sentence for which the run was stopped. */
int wm_guard_end(struct wm_guard *g, struct wm_err *err);

void wm_guard_free(struct wm_guard *g); // a zeroed one is allowed, once it has ended
