// SPDX-License-Identifier: BSD-3-Clause
// roles: which lcore does what. Queues (merge, frames, bursts), the receiver and workers (the models) are dealt to the
// lcores that EAL was given; they share where there are too few.
//
//	lcores  main lcore                             the others
//	1       queues, workers, receiver, control     -
//	2       workers, receiver, control             queues
//	3       receiver, control                      queues, workers
//	4..     control                                one queue each first, the receiver, then workers
//
// A queue is put on an lcore of its port's NUMA node where there is one. Roles that the operator has named come first.
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <stddef.h>

enum {
	WM_LCORES_MAX = 128,
	WM_QUEUES_MAX = 64,
	WM_WORKERS_MAX = 128,
};

/** Lcores by EAL's numbers, in the order in which they take work. */
struct wm_lcore_list {
	unsigned n; // 0 = none was named
	unsigned id[WM_LCORES_MAX];
};

struct wm_role_choice {
	struct wm_lcore_list tx;
	struct wm_lcore_list receive; // one at most
	struct wm_lcore_list workers;
};

/** Parse tx=1+2,receive=3,workers=4-7: each part may be left out. @return 0; -EINVAL with a sentence. */
int wm_role_choice_parse(struct wm_role_choice *out, const char *text, struct wm_err *err);

struct wm_roles_ask {
	unsigned n_lcores; // the first is the main one
	const unsigned *lcores;
	const int *lcore_nodes; // NUMA node of each
	unsigned n_queues;
	const int *queue_nodes; // of the port of each; negative = any
	unsigned n_workers;     // 0 = as many as there are lcores for them
	bool receives;          // somebody has to look at what comes back
	struct wm_role_choice choice;
};

struct wm_roles {
	unsigned n_queues;
	unsigned n_workers;
	unsigned queue_on[WM_QUEUES_MAX];   // index of its lcore
	unsigned worker_on[WM_WORKERS_MAX]; // index of its lcore
	unsigned receiver_on;               // index of its lcore
};

/** @return 0; -EINVAL, -ERANGE with a sentence. */
int wm_roles_deal(struct wm_roles *out, const struct wm_roles_ask *ask, struct wm_err *err);
