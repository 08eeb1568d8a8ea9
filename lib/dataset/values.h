// SPDX-License-Identifier: BSD-3-Clause
// values: what the fields of a flow table say.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** "12", "1.5e3" or "1.2 M" (10^6; K and G likewise). @return false if it is no finite number. */
bool wm_value_number(double *out, const char *text);

/** How a table writes times. */
enum wm_time_kind { WM_TIME_UNKNOWN, WM_TIME_DATE, WM_TIME_NUMBER };
struct wm_time_format {
	enum wm_time_kind kind;
	int64_t unit_ns; // of a number
};

/**
 * A time since the epoch: "2016-04-11 00:03:17.25" (or with T; Z or +02:00 may follow, else it is UTC), or a number of
 * s, ms, us, ns; which of these is told by how large the first one is.
 *
 * @param format WM_TIME_UNKNOWN before the first; it decides.
 * @return false if it is no time of that format, or before 1678 or after 2261.
 */
bool wm_value_time(int64_t *out_ns, struct wm_time_format *format, const char *text);

/** "3232235777", "3232235777.0" -> "192.168.1.1". @return false, and nothing written, if it is not such a number. */
bool wm_value_address(char out[16], const char *text);
