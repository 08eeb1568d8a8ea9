// SPDX-License-Identifier: BSD-3-Clause
// book: a table in numbers: who is known, and what every conversation and row say, column by column (columns.h).
//
// A host is known if it came up twice other than by following itself, or has no address that another could have. All
// others are new when they come up, and a new one is drawn for each: as often as the table met hosts that it had not
// met before (Good 1953: the chance of what was never seen is the share of what was seen once).
#pragma once

#include <engine/rows/columns.h>
#include <engine/rows/numbers_fit.h>
#include <engine/rows/talks.h>

enum { ROWS_POPULAR = 100 }; // one of so many conversations: such a host is known by itself, not by what came before

struct rows_app {
	uint32_t proto;
	uint16_t port;
	uint16_t fresh; // 1 = any port of that protocol
};

struct rows_pair {
	uint16_t sport, dport;
};

struct rows_book {
	const struct wm_flow_rows *rows;
	struct rows_talks talks;
	uint64_t period_ns; // of the slots
	uint64_t phase_ns;  // of the first row in it

	uint32_t *known; // (hosts) 1.. of those known, 0 = a new one
	uint32_t *host;  // (n_known) its host
	size_t n_known;
	uint32_t *newcomer[2]; // hosts that are new: clients, servers
	size_t n_newcomers[2];

	struct rows_app *apps; // one for each protocol, then those with a port
	size_t n_apps;
	uint32_t *app;         // (talks)
	uint16_t *fresh_ports; // servers' ports of new applications
	size_t n_fresh_ports;
	uint16_t *atoms; // clients' ports that are no ephemeral ones
	size_t n_atoms;
	struct rows_pair *pairs;
	size_t n_pairs;

	struct rows_cut cut[ROWS_NUMBERS];
	uint32_t *talk_v; // (talks, ROWS_COLUMNS)
	uint32_t *row_v;  // (n_row_v, ROWS_COLUMNS); a record for each row, and one for each conversation's end
	size_t n_row_v;
};

/** @param first_ns When the first row was, since the epoch. @return 0 or -ENOMEM; close it in any case. */
int rows_book_make(struct rows_book *b, const struct wm_flow_rows *rows, uint64_t first_ns, uint64_t duration_ns);
void rows_book_free(struct rows_book *b);

/** Its parts, in this order. @return 0 or -ENOMEM. */
int rows_book_vocabulary(struct rows_book *b);
int rows_book_cut(struct rows_book *b);
int rows_book_talks(struct rows_book *b);
int rows_book_rows(struct rows_book *b);

/** Whether another address could stand in its place: it is one of a host, and of no special kind. */
bool rows_is_replaceable(const char *text, size_t len);
