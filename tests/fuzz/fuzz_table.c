// SPDX-License-Identifier: BSD-3-Clause
// A flow table of any of the schemas: every row is used or counted, and flows that traffic can follow are in order.
#include "fuzz.h"

#include <dataset/flow_list.h>
#include <dataset/table.h>

#include <assert.h>
#include <stddef.h>

static void list_flows(const char *path)
{
	struct wm_flow_list list = {0};
	struct wm_err err = {0};

	if (wm_flow_list_read(&list, path, &err) < 0) {
		assert(list.at == NULL && err.msg[0] != '\0');
		return;
	}
	assert(list.n > 0 && list.at[0].start_ns == 0);
	for (size_t i = 0; i < list.n; i++) {
		const struct wm_listed_flow *f = &list.at[i];

		assert(i == 0 || f[-1].start_ns <= f->start_ns);
		assert(f->pkts[0] + f->pkts[1] > 0 && f->start_ns + f->duration_ns >= f->start_ns);
	}
	wm_flow_list_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct wm_table *t = NULL;
	struct wm_table_row row;
	struct wm_err err = {0};
	uint64_t n = 0;
	int rc;

	list_flows(path);
	(void)wm_table_is_text(path);
	if (wm_table_open(&t, path, &err) < 0) {
		assert(err.msg[0] != '\0');
		return 0;
	}
	while ((rc = wm_table_next(t, &row, &err)) == 1) {
		assert(row.src != NULL && row.dst != NULL && row.proto != NULL);
		for (int i = 0; i < WM_TABLE_CATEGORIES; i++)
			assert(row.category[i] != NULL);
		n++;
	}
	if (rc == 0) {
		const struct wm_table_counts *c = wm_table_counts(t);

		assert(c->used == n && c->rows == c->used + c->untimed + c->uncounted + c->misshapen);
		assert((wm_table_fault(t) != NULL) == (c->rows > c->used));
	} else {
		assert(err.msg[0] != '\0');
	}
	wm_table_close(t);
	return 0;
}
