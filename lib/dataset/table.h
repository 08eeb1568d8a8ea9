// SPDX-License-Identifier: BSD-3-Clause
// table: reads flow tables as a stream: one line is one row is one flow (or one direction of one).
//
// Which column is what is told by their names, in any order and case; columns that nobody knows are passed over:
//
//   ugr16     te td sa da sp dp pr flg fwd stos pkt byt label; also without the line of names; wiremill --csv
//   netshare  srcip dstip srcport dstport proto ts td pkt byt type; addresses may be 32-bit numbers
//   zeek      conn.log as TSV with its # lines, or as CSV; packets and IP bytes of both sides are added
//   cidds     "Date first seen", Duration, Proto, "Src IP Addr", ...; counts like "1.2 M"
//   labels    wiremill --labels
//
// Comma separated with double quotes (RFC 4180, but a row never goes on in the next line) or tab separated, plain or
// gzip. Times are dates, s, ms, us or ns: the first row that has one decides which.
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <stdint.h>

enum wm_table_schema { WM_TABLE_UGR16, WM_TABLE_NETSHARE, WM_TABLE_ZEEK, WM_TABLE_CIDDS, WM_TABLE_LABELS };

/** Columns that no table needs to have; their values are compared as they are. */
enum wm_table_category {
	WM_TABLE_FLAGS,
	WM_TABLE_TOS,
	WM_TABLE_FORWARDED,
	WM_TABLE_LABEL,
	WM_TABLE_TYPE,
	WM_TABLE_SERVICE,
	WM_TABLE_STATE,
	WM_TABLE_CATEGORIES,
};

/** Strings are the table's, until the next call; what is not there is "" or 0. */
struct wm_table_row {
	uint64_t line;   // of the file, from 1
	int64_t time_ns; // since the epoch, or whatever the table counts from; see wm_table_info.time_is_end
	double duration_s;
	double packets;       // of both sides, where the table has both
	double bytes;         // IP bytes, where the table can choose
	double reply_packets; // the responder's part of them (zeek)
	double reply_bytes;
	double sport;
	double dport;
	const char *src; // an address or what stands for one
	const char *dst;
	const char *proto; // in capitals
	const char *category[WM_TABLE_CATEGORIES];
};

struct wm_table_info {
	enum wm_table_schema schema;
	const char *name; // of the schema
	bool time_is_end; // the time is that of the flow's end
	bool both_sides;  // packets and bytes are those of two sides, of which the reply is known
	bool has[WM_TABLE_CATEGORIES];
};

// Every way in which a row can fail has its own count.
struct wm_table_counts {
	uint64_t rows;      // lines but for names, comments and empty ones: the sum of the next four
	uint64_t used;      // handed out
	uint64_t untimed;   // no time, or one of another kind than the first row's
	uint64_t uncounted; // packets or bytes are not numbers
	uint64_t misshapen; // more fields than columns, an open quote, a NUL byte, longer than 64 KiB
};

struct wm_table;

/** Whether a file begins like text, so that it may be a table. @return 1; 0, also if it cannot be looked at twice (a
 * pipe); -ENOMEM. */
int wm_table_is_text(const char *path);

/** @param path "-" = standard input. @return 0; -errno with a sentence that names the line and the column at fault. */
int wm_table_open(struct wm_table **out, const char *path, struct wm_err *err);

/** @return 1 and a row; 0 at the end, or where the file is damaged; -ENODATA if it ends without any; -ENOMEM. */
int wm_table_next(struct wm_table *t, struct wm_table_row *row, struct wm_err *err);

const struct wm_table_info *wm_table_info(const struct wm_table *t);
const struct wm_table_counts *wm_table_counts(const struct wm_table *t);

/** What is wrong with the first row that was not used, as a sentence; NULL as long as there is none. */
const char *wm_table_fault(const struct wm_table *t);

/** Where and why the file ends too early, as a sentence; NULL if it does not. */
const char *wm_table_damage(const struct wm_table *t);

/** Bytes of the file read so far, and in all (0 if not known). */
void wm_table_progress(const struct wm_table *t, uint64_t *done, uint64_t *all);

void wm_table_close(struct wm_table *t); // NULL is allowed
