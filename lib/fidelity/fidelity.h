// SPDX-License-Identifier: BSD-3-Clause
// fidelity: how far synthetic traffic is from real traffic, and how far real traffic is from itself.
//
// Each metric is a distance that is measured several times: real against synthetic (value), between random halves of
// the real data (floor: what sampling alone makes), between its first and its second half in time (tfloor: sampling and
// drift), and real against a holdout of the same network (holdout: what a perfect model would score). metrics.c defines
// all metrics in one table. Everything is deterministic: same inputs, same numbers.
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WM_FIDELITY_SCHEMA = 4 }; // of names and meanings in a report; grows when one changes

enum wm_fidelity_mode {
	WM_FIDELITY_PACKETS, // captures against each other
	WM_FIDELITY_FLOWS,   // flow tables, or a capture's flows against a flow table
};

/** What a metric measures with; by it is told what is too small to matter (eps). */
struct wm_measure {
	const char *name; // last part of a key, "JSDx"
	double eps;       // below it a difference does not matter; also the smallest floor; 0 = in no score
	double least;     // how much further off than chance and drift make it a finding is
	double worst;     // the value where the synthetic side has nothing to measure
	const char *words;
	const char *source;
};

/** A metric, as metrics.c defines it. */
struct wm_metric_def {
	const char *key;   // "A.len.JSDx": group, field, measure
	const char *field; // what of, in plain words: "packet length"
	const struct wm_measure *measure;
	unsigned flags; // WM_METRIC_*
};

enum {
	WM_METRIC_ONE_SIDED = 1, // better than real earns nothing: the ratio is not below 1
	WM_METRIC_SHOWN = 2,     // shown, but in no score
};

/** A metric that was measured. What cannot be measured is NAN. */
struct wm_metric {
	const struct wm_metric_def *def;
	double value;
	double floor;
	double tfloor;
	double reach; // the furthest that flows got which were dealt to two hands, or halves: how far chance reaches
	double holdout;
	double ratio;       // of the value to the floors, 0.1 .. 1000; 1 = as far as real data is from itself
	double floor_ratio; // to the floor alone
	double holdout_ratio;
	bool finding; // so far off that neither chance nor drift explains it
};

/** What is said of a group or a metric, in all forms of a report. */
enum wm_verdict {
	WM_VERDICT_NONE,    // could not be measured, or has no score
	WM_VERDICT_AS_REAL, // about as close as real data is to itself
	WM_VERDICT_NEAR,    // further off, but chance and drift may explain it
	WM_VERDICT_FOLLOWS, // findings that those of another group bring with them
	WM_VERDICT_DIFFERS, // findings
};

struct wm_group_score {
	char letter;
	const char *name;  // "marginals"
	const char *words; // what it is about, in plain words
	double score;      // geometric mean of the ratios
	double strict;     // of max(ratio, 1)
	double vs_floor;   // of floor_ratio
	double holdout;    // of holdout_ratio
	unsigned within;   // metrics with ratio <= 1 ...
	unsigned of;       // ... of these
	unsigned findings; // metrics with a finding
	size_t worst;      // index of the metric with the largest ratio; SIZE_MAX = none
	enum wm_verdict verdict;
	char follows;    // letter of the group that its findings come from; 0 = none
	bool in_overall; // whether it enters the overall score
};

enum { WM_FIDELITY_GROUPS = 16 };

struct wm_fidelity_input {
	char *path;       // NULL = there is none
	uint64_t packets; // rows of a flow table
	uint64_t flows;
	uint64_t bytes;
	double duration_s;
	const char *format; // "capture", or the name of the flow table's format
	char **notes;       // sentences: damage, drops, what could not be decoded
	size_t n_notes;
};

enum wm_input_role { WM_INPUT_REAL, WM_INPUT_SYNTH, WM_INPUT_HOLDOUT, WM_INPUTS };

enum wm_series_kind {
	WM_SERIES_CDF,       // y = share of values <= x
	WM_SERIES_HISTOGRAM, // y = share of values in [x, next x); the last x is the end of the last bin, with y = 0
	WM_SERIES_RATE,      // y = per second, x = s since the start
	WM_SERIES_ACF,       // y = correlation, x = lag
	WM_SERIES_LOGSCALE,  // y = log2 of the mean squared Haar detail, x = s that a detail spans
	WM_SERIES_RANK,      // y = share of the x-th most frequent value
	WM_SERIES_BIGRAM,    // y = (n, n) shares of pairs: row = a packet, column = the next of its flow
};

enum { WM_SERIES_NAME = 24 };

/** What a plot shows: one curve (or matrix) for each input, at common x. */
struct wm_series {
	enum wm_series_kind kind;
	char name[WM_SERIES_NAME]; // stable: "cdf.len"
	const char *title;         // "Packet length"
	const char *unit;          // of x
	bool log_x;                // x is best shown on a logarithmic axis; x > 0 then
	size_t n;
	double *x;            // (n); NULL for BIGRAM
	double *y[WM_INPUTS]; // (n), or (n, n) row-major; NULL where an input has none; NAN beyond its end
	char (*labels)[24];   // BIGRAM: (n); else NULL
};

/** A report. All of it is owned by the report. */
struct wm_fidelity {
	enum wm_fidelity_mode mode;
	struct wm_fidelity_input inputs[WM_INPUTS];
	char **notes;
	size_t n_notes;
	struct wm_metric *metrics; // in the order of the table
	size_t n_metrics;
	struct wm_group_score groups[WM_FIDELITY_GROUPS];
	size_t n_groups;
	struct wm_group_score overall; // geometric means over the groups with in_overall
	struct wm_series *series;
	size_t n_series;
};

struct wm_fidelity_options {
	const char *paths[WM_INPUTS]; // real, synthetic, holdout or NULL
	uint64_t max_packets;         // of each input; 0 = all
	/** Called now and then with what is being done and how far it is, 0..1; NULL = no one to tell. */
	void (*progress)(void *arg, double done, const char *what);
	void *arg;
};

/**
 * Compare. Captures are whatever capture/capture.h reads, flow tables whatever dataset/table.h reads.
 *
 * Memory: about 100 bytes for each packet of the inputs, and as much again for the halves of the real one.
 *
 * @param out Written only on success; hand it to wm_fidelity_free.
 * @return 0; -errno with a sentence that names the file.
 */
int wm_fidelity_compare(struct wm_fidelity **out, const struct wm_fidelity_options *options, struct wm_err *err);
void wm_fidelity_free(struct wm_fidelity *f); // NULL is allowed

/** The metric of a key, or NULL if it was not measured. */
const struct wm_metric *wm_fidelity_find(const struct wm_fidelity *f, const char *key);

/** The table of all metrics, and the definition of a key or NULL. */
const struct wm_metric_def *wm_metric_defs(size_t *n);
const struct wm_metric_def *wm_metric_def_of(const char *key);
