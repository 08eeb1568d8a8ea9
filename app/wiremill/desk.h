// SPDX-License-Identifier: BSD-3-Clause
// desk: where a run that goes on is watched and steered: the control socket and the status page, in one thread that
// waits for both and never for a client.
#pragma once

#include "board.h"
#include "models.h"

#include <plane/wish.h>

#include <pthread.h>
#include <sys/types.h>

struct desk;

struct desk_ask {
	const struct settings *s;
	const struct models *models; // as is all here: borrowed
	struct board *board;
	struct wm_plane_wish *wish;
	struct wm_steer *steers; // of the models, by their number; NULL = they cannot be steered
	void (*stop)(void);      // end the run; any thread
};

/**
 * Open what the settings ask for, at least one of the two.
 *
 * @param where Written: a sentence for the operator about where the page is; "" = there is none.
 * @return 0; -errno with a sentence.
 */
int desk_open(struct desk **out, const struct desk_ask *ask, char *where, size_t size, struct wm_err *err);

/** The owner of the control socket becomes another, too. @return 0; -errno with a sentence. */
int desk_give(const struct desk *d, uid_t uid, gid_t gid, struct wm_err *err);

/** Serve until desk_close(). What a thread runs; `start` is what starts that. @return 0; -errno with a sentence. */
int desk_start(struct desk *d, int (*start)(pthread_t *out, const char *name, void *(*main)(void *), void *arg),
	struct wm_err *err);

void desk_close(struct desk *d); // NULL is allowed, and one that was not started
