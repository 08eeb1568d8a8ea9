// SPDX-License-Identifier: BSD-3-Clause
// A flow table of any of the schemas: every row is used or counted.
#include "fuzz.h"

#include <dataset/table.h>

#include <assert.h>
#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct wm_table *t = NULL;
	struct wm_table_row row;
	struct wm_err err = {0};
	uint64_t n = 0;
	int rc;

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
