// SPDX-License-Identifier: BSD-3-Clause
// families: takes families of metrics through what they all are measured between: real and synthetic traffic, real and
// holdout, halves in time, random halves.
#pragma once

#include <fidelity/halves.h>
#include <fidelity/job.h>

/** A part of what is compared: packets or rows; the other is NULL. */
struct wm_part {
	const struct wm_trace *packets;
	const struct wm_rows *rows;
};

/** The real traffic cut in two; what is not compared is all zero. */
struct wm_cut {
	struct wm_halves packets;
	struct wm_row_halves rows;
};

struct wm_family_def {
	enum wm_unit unit; // what stays together in the random halves that are its floor
	unsigned halvings;
	unsigned deals; // to two hands, of real and synthetic flows, that findings have to be beyond, too; WM_DEALS at
			// most
	bool symmetric; // either hand may stand for the real flows: it is measured once, not both ways
	const char *what; // for those who wait
};

/** The families of one kind of traffic, and how that is measured and cut. All return 0 or -ENOMEM. */
struct wm_families {
	const struct wm_family_def *defs; // (n)
	size_t n;
	int (*measure)(struct wm_job *j, size_t family, const struct wm_part *a, const struct wm_part *b,
		struct wm_values *out);
	int (*cut_in_time)(struct wm_cut *out, struct wm_job *j);
	int (*cut_at_random)(struct wm_cut *out, struct wm_job *j, enum wm_unit unit); // another each time
	int (*deal)(struct wm_cut *out, struct wm_job *j);                             // another each time
};

/** How often flows are dealt: the less the more packets there are, for that takes time and chance matters less. */
enum { WM_DEALS = 10, WM_DEALS_LEAST = 2, WM_DEALT_PACKETS = 4000000 };

/** How many steps of progress wm_measure_families() takes. */
unsigned wm_families_steps(const struct wm_families *f);

/** Fill the job's values and floors from its inputs. @return 0 or -ENOMEM. */
int wm_measure_families(struct wm_job *j, const struct wm_families *f);

/**
 * Put the share of synthetic rows that are nearer to real rows than to those of the holdout under a key, if there is a
 * holdout: a perfect model's are as near to the one as to the other. @return 0 or -ENOMEM.
 */
int wm_measure_nearness(struct wm_job *j, const char *key);
