// SPDX-License-Identifier: BSD-3-Clause
#include <engine/lora/lora.h>

#include <engine/lora/book.h>
#include <engine/lora/groups.h>
#include <engine/lora/habits.h>
#include <engine/lora/radio.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
	SELDOM = 8,  // a device that was heard no more often can come and go unseen
	SILENCE = 3, // times the longest it was silent in between: by then a device has not come yet, or has left
};

// Who stays, who goes, and who comes.
struct population {
	struct lora_book *b;
	const struct lora_groups *g;
	uint64_t duration_ns;
	uint64_t weight;             // of newcomers: how many come in the time of the capture
	double leavers, presence_ns; // of devices that are heard often
	uint32_t seldom, seldom_new;
};

static uint64_t longest_silence(const struct lora_groups *g, const struct lora_group *d)
{
	uint64_t longest = 0;

	for (uint32_t i = 1; i < d->n_sent; i++) {
		const struct lora_sent *s = &g->sent[d->sent + i];

		if (s->time_ns - s[-1].time_ns > longest)
			longest = s->time_ns - s[-1].time_ns;
	}
	return longest;
}

static void add_newcomer(struct population *p, uint32_t device, uint32_t weight)
{
	p->weight += weight;
	p->b->newcomers[p->b->n_newcomers++] = (struct lora_newcomer){device, (uint32_t)p->weight};
}

// A seldom heard device counts as new if it was first heard in the second half: then those that had been there all
// along have mostly been heard.
static void count_device(struct population *p, uint32_t i)
{
	const struct lora_group *d = &p->g->at[i];
	const struct lora_sent *first = &p->g->sent[d->sent], *last = first + d->n_sent - 1;
	uint64_t silence = SILENCE * longest_silence(p->g, d);

	p->b->devices[i].flags |= LORA_RESIDENT;
	if (d->anonymous)
		return;
	if (d->n_new <= SELDOM) {
		p->seldom++;
		if (first->time_ns >= p->duration_ns / 2) {
			p->seldom_new++;
			add_newcomer(p, i, 2);
		}
		return;
	}
	p->presence_ns += (double)(last->time_ns - first->time_ns);
	if (first->time_ns > silence)
		add_newcomer(p, i, 1);
	if (p->duration_ns - last->time_ns > silence) {
		p->b->devices[i].flags &= ~(uint32_t)LORA_RESIDENT;
		p->leavers++;
	}
}

// As many seldom heard devices leave as come.
static void set_lives(struct population *p)
{
	for (size_t i = 0; i < p->g->n; i++) {
		const struct lora_group *d = &p->g->at[i];
		double life_ns = 0;

		if (d->anonymous)
			continue;
		if (d->n_new <= SELDOM && p->seldom_new > 0)
			life_ns = (double)p->duration_ns / 2 * p->seldom / p->seldom_new;
		else if (d->n_new > SELDOM && p->leavers > 0)
			life_ns = p->presence_ns / p->leavers;
		p->b->times[i].life_ns = (uint64_t)(life_ns < 3e16 ? life_ns : 3e16);
	}
}

static int learn_population(
	struct lora_book *b, const struct lora_groups *g, uint64_t duration_ns, uint64_t *arrival_ns)
{
	struct population p = {.b = b, .g = g, .duration_ns = duration_ns};

	b->newcomers = calloc(g->n + 1, sizeof(*b->newcomers));
	if (b->newcomers == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->n; i++)
		count_device(&p, i);
	set_lives(&p);
	*arrival_ns = p.weight > 0 ? duration_ns / p.weight : 0;
	if (*arrival_ns > UINT64_C(1) << LORA_TIME_BITS)
		*arrival_ns = UINT64_C(1) << LORA_TIME_BITS;
	return 0;
}

static void tell(const struct wm_fit_options *o, double done, const char *line)
{
	if (o->report != NULL)
		o->report(o->arg, done, line);
}

static int put_all(struct wm_model_writer *out, const struct lora_book *b, const struct wm_receptions *set,
	uint32_t between, uint64_t arrival_ns)
{
	int rc = lora_book_put(b, out);

	if (rc == 0)
		rc = wm_model_put(out, "lora.gateway", WM_U64, 1, &set->n_gateways, set->gateways);
	if (rc == 0)
		rc = wm_model_put_metaf(out, "lora.loratap", "%u", set->loratap);
	if (rc == 0)
		rc = wm_model_put_metaf(out, "lora.between", "%" PRIu32, between);
	if (rc == 0)
		rc = wm_model_put_metaf(out, "lora.arrival_ns", "%" PRIu64, arrival_ns);
	return rc;
}

int lora_fit(struct wm_model_writer *out, const struct wm_dataset *ds, const struct wm_fit_options *options,
	struct wm_err *err)
{
	struct lora_book b = {0};
	struct lora_groups g = {0};
	uint64_t arrival_ns = 0;
	uint32_t between;
	int rc;

	if (ds->lora.n == 0)
		return wm_err_set(
			err, -EINVAL, "engine lora learns from LoRa receptions, and there are none in the input");
	tell(options, 0.1, "devices");
	rc = lora_groups_make(&g, &b, &ds->lora);
	if (rc == 0)
		rc = lora_learn_habits(&b, &g, ds->duration_ns);
	tell(options, 0.5, "radio");
	if (rc == 0)
		rc = lora_learn_radio(&b, &g);
	if (rc == 0)
		rc = lora_learn_between(&b, &between, &g);
	if (rc == 0)
		rc = learn_population(&b, &g, ds->duration_ns, &arrival_ns);
	if (rc == 0)
		rc = put_all(out, &b, &ds->lora, between, arrival_ns);
	tell(options, 1, "done");
	lora_groups_free(&g);
	lora_book_free(&b);
	return rc < 0 ? wm_err_sys(err, rc, "learning from %zu receptions", ds->lora.n) : 0;
}
