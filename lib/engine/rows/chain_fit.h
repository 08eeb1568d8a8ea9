// SPDX-License-Identifier: BSD-3-Clause
// chain_fit: learn a chain: which columns make its contexts, and in which order, is chosen by the likelihood of each
// row under what all others teach (leave-one-out), as long as that grows.
#pragma once

#include <engine/rows/chain.h>
#include <engine/rows/columns.h>
#include <model/model.h>

enum { ROWS_CANDIDATES_MAX = 48 };

struct rows_chain_task {
	const char *name;
	const uint32_t *v; // (n_records, n_columns)
	size_t n_records, n_columns;
	uint8_t target;
	uint8_t n_root;
	uint8_t root[2];
	uint8_t n_first; // of the candidates, the first ones, that are levels in any case
	uint8_t n_candidates;
	uint8_t candidate[ROWS_CANDIDATES_MAX];
};

/** What was learned; own memory. */
struct rows_chain_fitted {
	struct rows_chain chain; // without slots
	struct rows_cell *cells;
	struct rows_item *items;
	double nats; // of a record, left out
	size_t n;    // records that had a say
};

/** Thread: any number at once. @return 0 or -ENOMEM. A column that no record has gives a chain without cells. */
int rows_chain_fit(struct rows_chain_fitted *out, const struct rows_chain_task *task);
void rows_chain_fitted_free(struct rows_chain_fitted *f);

/** @return 0 or -ENOMEM. */
int rows_chain_put(struct wm_model_writer *w, const char *name, const struct rows_chain_fitted *f);
