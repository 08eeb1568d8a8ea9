// SPDX-License-Identifier: BSD-3-Clause
#include <plane/roles.h>

#include <errno.h>

int wm_roles_deal(struct wm_roles *out, unsigned n_lcores, unsigned n_queues, unsigned n_workers, struct wm_err *err)
{
	unsigned first_tx = n_lcores > 1, n_tx, first_gen, n_gen;

	if (n_lcores == 0 || n_lcores > WM_LCORES_MAX)
		return wm_err_set(err, -ERANGE, "%u lcores: -l must name 1 to %d", n_lcores, WM_LCORES_MAX);
	if (n_queues == 0 || n_queues > WM_QUEUES_MAX)
		return wm_err_set(err, -ERANGE, "%u queues: there must be 1 to %d", n_queues, WM_QUEUES_MAX);

	// Queues first, but one lcore is left to the workers.
	n_tx = n_lcores <= 2 ? 1 : n_lcores - 2;
	n_tx = n_tx < n_queues ? n_tx : n_queues;
	first_gen = n_lcores <= 2 ? 0 : first_tx + n_tx;
	n_gen = n_lcores <= 2 ? 1 : n_lcores - first_gen;
	if (n_workers == 0)
		n_workers = n_gen;
	if (n_workers > WM_WORKERS_MAX)
		return wm_err_set(err, -ERANGE, "%u workers: there must be 1 to %d", n_workers, WM_WORKERS_MAX);

	out->n_queues = n_queues;
	out->n_workers = n_workers;
	for (unsigned q = 0; q < n_queues; q++)
		out->queue_on[q] = first_tx + q % n_tx;
	for (unsigned w = 0; w < n_workers; w++)
		out->worker_on[w] = first_gen + w % n_gen;
	return 0;
}
