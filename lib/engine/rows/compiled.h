// SPDX-License-Identifier: BSD-3-Clause
// compiled: a model of rows, checked, as generation wants it.
#pragma once

#include <engine/rows/chain.h>
#include <engine/rows/columns.h>
#include <engine/rows/networks.h>
#include <engine/rows/numbers.h>
#include <engine/rows/rows.h>

/** Strings by number, each ended by a zero; own memory. */
struct rows_strings {
	const char **at;
	char *text;
	size_t n;
};

struct rows_app_model {
	uint32_t proto;
	uint32_t port; // bit 16: any port
};

struct rows_ports {
	uint16_t sport, dport;
};

enum { ROWS_APP_FRESH = 1 << 16 };

struct rows_model {
	struct wm_table_info info;
	uint64_t first_ns, period_ns, phase_ns, time_unit_ns, duration_unit_ns;
	struct rows_strings hosts, protos, categories[WM_TABLE_CATEGORIES];
	bool *ported; // (protos)
	const struct rows_network *newcomers[2];
	size_t n_newcomers[2];
	uint32_t keep[2][2]; // networks.c
	struct rows_numbers numbers[ROWS_NUMBERS];
	const struct rows_app_model *apps;
	size_t n_apps;
	const struct rows_ports *pairs;
	size_t n_pairs;
	const uint16_t *fresh_ports, *atoms;
	size_t n_fresh_ports, n_atoms;
	struct rows_cell *cells[ROWS_FIELDS]; // own copies
	struct rows_chain chains[ROWS_FIELDS];
};
