// SPDX-License-Identifier: BSD-3-Clause
// talks: the rows of a table, put together into conversations.
//
// The server of a 5-tuple is the end (address, protocol, port) that more 5-tuples have; where both have as many the one
// with the lower port. Where there are no ports, it is the destination of the first row.
#pragma once

#include <dataset/rows.h>
#include <engine/rows/columns.h>

#include <stdbool.h>

struct rows_talk {
	uint32_t client, server; // hosts
	uint32_t proto;
	uint16_t cport, sport; // 0 without ports
	bool ported;
	uint32_t first, n; // of its rows, in rows_talks.row
};

struct rows_talks {
	struct rows_talk *at; // by start
	size_t n;
	uint32_t *row; // (rows) numbers of rows, by conversation, then by time
};

/** @return 0 or -ENOMEM. */
int rows_talks_make(struct rows_talks *out, const struct wm_flow_rows *rows);
void rows_talks_free(struct rows_talks *t);
