// SPDX-License-Identifier: BSD-3-Clause
// rows: flow tables (dataset/table.h) kept whole, in order of time, for engines that learn from them.
#pragma once

#include <base/err.h>
#include <dataset/intern.h>
#include <dataset/table.h>

#include <stddef.h>
#include <stdint.h>

struct wm_flow_row {
	uint64_t time_ns; // since the first row; of the flow's end where the table says so
	uint64_t duration_ns;
	uint64_t packets[2]; // of the source, of the destination (0 where the table does not tell the sides apart)
	uint64_t bytes[2];
	uint32_t src, dst; // numbers of hosts
	uint32_t proto;    // number of a protocol
	uint16_t sport, dport;
	uint32_t category[WM_TABLE_CATEGORIES];
};

struct wm_flow_rows {
	struct wm_flow_row *at; // by time
	size_t n;
	struct wm_intern hosts, protos, categories[WM_TABLE_CATEGORIES]; // as the tables spell them
	struct wm_table_info info;                                       // of the first table
	uint64_t time_unit_ns;                                           // powers of ten that all times
	uint64_t duration_unit_ns;                                       // and durations are multiples of
	struct wm_table_counts counts;                                   // of all tables
	uint64_t senseless;  // rows whose ports, counts or duration cannot be: not among those that are kept
	struct wm_err fault; // about the first row that was not used
};

struct wm_dataset; // dataset/dataset.h
struct wm_dataset_options;

/**
 * Read flow tables into out->rows; the rest of the dataset stays empty but for times, damage and counts of damage.
 * Several have to be of one schema, and are merged by their times.
 *
 * Memory: some 100 bytes a row, and what is distinct.
 *
 * @return 0; -errno with a sentence.
 */
int wm_flow_rows_read(struct wm_dataset *out, const char *const *paths, size_t n_paths,
	const struct wm_dataset_options *options, struct wm_err *err);

void wm_flow_rows_free(struct wm_flow_rows *r); // accepts one that is all zero
