// SPDX-License-Identifier: BSD-3-Clause
// rows: the engine of flow tables: learns from their rows, and makes rows; there are no packets in between.
//
// The aggregate level is a chain of conversations, the flow level of each a chain of rows. Every value that is said of
// them is drawn given values that were said before, those that a leave-one-out likelihood chose (chain.h): when the
// next conversation begins (given the time of the day), its client, its server, its application, the client's port,
// then row by row whether there is one and after how long, its categories, packets, bytes, duration.
#pragma once

#include <base/err.h>
#include <dataset/table.h>
#include <engine/fit.h>
#include <model/model.h>

#include <stdbool.h>
#include <stdint.h>

#define WM_ROWS_ENGINE "rows"

enum { WM_ROWS_ADDRESS = 64 }; // characters of an address or of what stands for one

/** A row. Strings of categories and protocol are the model's. */
struct wm_row {
	uint64_t time_ns; // since the epoch; of what the table's times are of
	uint64_t duration_ns;
	uint64_t packets[2]; // of the source, of the destination (0 where the table had no such columns)
	uint64_t bytes[2];
	uint16_t sport, dport;
	const char *proto;
	const char *category[WM_TABLE_CATEGORIES];
	const char *src, *dst; // until the next row
};

struct rows_model; // read-only, may be shared
struct rows_gen;

wm_fit_fn rows_fit;

/** Check and compile a model; it stays borrowed until close. @return 0; -errno with a sentence. */
int rows_open(struct rows_model **out, const struct wm_model *m, struct wm_err *err);
void rows_close(struct rows_model *m); // NULL is allowed

/** What the table was like that it learned from. */
const struct wm_table_info *rows_info(const struct rows_model *m);
/** The power of ten that its times, and its durations, are multiples of. */
uint64_t rows_time_unit(const struct rows_model *m);
uint64_t rows_duration_unit(const struct rows_model *m);

/** An endless stream of rows in order of time, the same for the same seed. @return 0 or -ENOMEM. */
int rows_gen_create(struct rows_gen **out, const struct rows_model *m, uint64_t seed);
/** @return 0; -ENOMEM; -ERANGE = the time is over, after 292 years. */
int rows_gen_next(struct rows_gen *g, struct wm_row *row);
void rows_gen_destroy(struct rows_gen *g); // NULL is allowed
