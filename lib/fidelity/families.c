// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/families.h>
#include <fidelity/tables.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static struct wm_part input(const struct wm_job *j, enum wm_input_role role)
{
	return (struct wm_part){&j->traces[role], &j->tables[role]};
}

static void free_cut(struct wm_cut *c)
{
	wm_halves_free(&c->packets);
	wm_row_halves_free(&c->rows);
}

unsigned wm_families_steps(const struct wm_families *f)
{
	unsigned steps = 0;

	for (size_t i = 0; i < f->n; i++)
		steps += 1 + f->defs[i].halvings + f->defs[i].deals;
	return steps;
}

static int measure(struct wm_job *j, const struct wm_families *f, size_t family, const struct wm_part *a,
	const struct wm_part *b, struct wm_values *out)
{
	const size_t mark = j->s.n;
	int rc = f->measure(j, family, a, b, out);

	wm_scratch_release(&j->s, mark);
	return rc;
}

static int measure_cut(
	struct wm_job *j, const struct wm_families *f, size_t family, const struct wm_cut *c, struct wm_values *out)
{
	const struct wm_part a = {&c->packets.a, &c->rows.a}, b = {&c->packets.b, &c->rows.b};

	return measure(j, f, family, &a, &b, out);
}

static int measure_values(struct wm_job *j, const struct wm_families *f)
{
	const struct wm_part real = input(j, WM_INPUT_REAL), synth = input(j, WM_INPUT_SYNTH),
			     holdout = input(j, WM_INPUT_HOLDOUT);
	struct wm_cut halves = {.packets.a.n = 0};
	int rc = f->cut_in_time(&halves, j);

	for (size_t i = 0; i < f->n && rc == 0; i++) {
		wm_job_tell(j, 0, f->defs[i].what);
		rc = measure(j, f, i, &real, &synth, &j->m.value);
		if (rc == 0 && holdout.packets->n + holdout.rows->n > 0)
			rc = measure(j, f, i, &real, &holdout, &j->m.holdout);
		if (rc == 0)
			rc = measure_cut(j, f, i, &halves, &j->m.tfloor);
		j->done++;
	}
	free_cut(&halves);
	return rc;
}

// One random halving, which serves all families whose units it halves.
static int measure_floor(struct wm_job *j, const struct wm_families *f, enum wm_unit unit, unsigned number)
{
	struct wm_values *v = malloc(sizeof(*v));
	struct wm_cut halves = {.packets.a.n = 0};
	bool is_cut = false;
	int rc = v == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < f->n && rc == 0; i++) {
		const struct wm_family_def *d = &f->defs[i];

		if (d->unit != unit || number >= d->halvings)
			continue;
		wm_job_tell(j, 0, "noise floor");
		if (!is_cut)
			rc = f->cut_at_random(&halves, j, unit);
		is_cut = true;
		*v = (struct wm_values){.has = {false}};
		if (rc == 0)
			rc = measure_cut(j, f, i, &halves, v);
		if (rc == 0)
			wm_measured_add_floor(&j->m, v);
		if (rc == 0
			&& (d->deals == 0 || unit != WM_UNIT_PACKET)) // packets of a flow are no independent samples
			wm_measured_add_reach(&j->m, v);
		j->done++;
	}
	free_cut(&halves);
	free(v);
	return rc;
}

// Real and synthetic flows dealt to two hands, each of which stands for the real ones once if that makes a difference.
static int measure_deal(struct wm_job *j, const struct wm_families *f, unsigned number)
{
	struct wm_values *v = malloc(sizeof(*v));
	struct wm_cut hands = {.packets.a.n = 0};
	int rc = v == NULL ? -ENOMEM : f->deal(&hands, j);

	for (size_t i = 0; i < f->n && rc == 0; i++) {
		const struct wm_part of[] = {{&hands.packets.a, &hands.rows.a}, {&hands.packets.b, &hands.rows.b}};

		if (number >= f->defs[i].deals)
			continue;
		wm_job_tell(j, 0, "how far chance reaches");
		for (unsigned first = 0; first < (f->defs[i].symmetric ? 1 : 2) && rc == 0; first++) {
			*v = (struct wm_values){.has = {false}};
			rc = measure(j, f, i, &of[first], &of[!first], v);
			if (rc == 0)
				wm_measured_add_reach(&j->m, v);
		}
		j->done++;
	}
	free_cut(&hands);
	free(v);
	return rc;
}

static unsigned deals_of(const struct wm_job *j)
{
	const size_t n = j->traces[WM_INPUT_REAL].n + j->traces[WM_INPUT_SYNTH].n + 1, deals = WM_DEALT_PACKETS / n;

	return deals < WM_DEALS_LEAST ? WM_DEALS_LEAST : deals < WM_DEALS ? (unsigned)deals : WM_DEALS;
}

int wm_measure_families(struct wm_job *j, const struct wm_families *f)
{
	int rc = measure_values(j, f);

	wm_shuffler_init(&j->random, WM_SHUFFLE_SEED);
	for (enum wm_unit unit = WM_UNIT_PACKET; unit <= WM_UNIT_CLUSTER; unit++)
		for (unsigned k = 0; k < WM_HALVINGS && rc == 0; k++)
			rc = measure_floor(j, f, unit, k);
	for (unsigned k = 0; k < deals_of(j) && f->deal != NULL && rc == 0; k++)
		rc = measure_deal(j, f, k);
	return rc;
}

int wm_measure_nearness(struct wm_job *j, const char *key)
{
	const struct wm_rows *r = j->tables;
	const size_t mark = j->s.n;
	struct wm_values v = {.has = {false}};
	double nearer = (double)INFINITY; // nothing to measure
	int rc = 0;

	if (r[WM_INPUT_HOLDOUT].n < WM_FEW || r[WM_INPUT_REAL].n < WM_FEW)
		return 0;
	if (r[WM_INPUT_SYNTH].n > 0)
		rc = wm_nearer_to_real(&nearer, &r[WM_INPUT_REAL], &r[WM_INPUT_SYNTH], &r[WM_INPUT_HOLDOUT], &j->s);
	wm_scratch_release(&j->s, mark);
	if (rc < 0)
		return rc;
	wm_put(&j->m.value, nearer, "%s", key);
	wm_put(&v, .5, "%s", key);
	wm_measured_add_floor(&j->m, &v);
	return 0;
}
