// SPDX-License-Identifier: BSD-3-Clause
// roles: which lcore does what. Queues (merge, frames, bursts) and workers (the models) are dealt to the lcores that
// EAL was given; they share where there are too few.
//
//	lcores  main lcore                   the others
//	1       queues, workers, control     -
//	2       workers, control             queues
//	3..     control                      one queue each first, then workers
#pragma once

#include <base/err.h>

#include <stddef.h>

enum {
	WM_LCORES_MAX = 128,
	WM_QUEUES_MAX = 64,
	WM_WORKERS_MAX = 128,
};

struct wm_roles {
	unsigned n_queues;
	unsigned n_workers;
	unsigned queue_on[WM_QUEUES_MAX];   // index of its lcore
	unsigned worker_on[WM_WORKERS_MAX]; // index of its lcore
};

/**
 * Deal n_queues queues and n_workers workers to n_lcores lcores; lcore 0 is the main one.
 *
 * @param n_workers 0 = as many as there are lcores for them.
 * @return 0; -EINVAL, -ERANGE with a sentence.
 */
int wm_roles_deal(struct wm_roles *out, unsigned n_lcores, unsigned n_queues, unsigned n_workers, struct wm_err *err);
