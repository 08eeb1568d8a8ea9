// SPDX-License-Identifier: BSD-3-Clause
#include <engine/lora/compiled.h>

#include <base/bytes.h>
#include <base/philox.h>
#include <engine/lora/draw.h>
#include <engine/lora/life.h>

#include <errno.h>
#include <stdlib.h>

// Where nothing is to come, it comes in 36 years, and so on: time has an end, and flows must not heap up before it.
static const uint64_t never_ns = UINT64_C(1) << 60;

enum { WAITING_MAX = 1024 };

struct start {
	uint64_t start_ns;
	uint32_t device;
};

struct wm_plan {
	const struct wm_engine_model *e;
	uint64_t seed;
	uint64_t id;
	struct start *residents; // by start
	size_t n, at;
	uint64_t n_arrived;
	uint64_t arrival_ns;               // of the next newcomer
	struct start waiting[WAITING_MAX]; // newcomers that have come and were not heard yet
	size_t n_waiting;
};

// A time since the capture's end, moved to where a device that keeps to a grid would send next.
static uint64_t on_grid(const struct wm_engine_model *e, uint32_t device, uint64_t t_ns, struct wm_rng *rng)
{
	const struct lora_table *t = &e->tables[e->devices[device].interval];
	const struct lora_time *time = &e->times[device];
	uint64_t strike_ns = time->next_ns;
	int64_t shift_ns;

	if (!(e->devices[device].flags & LORA_GRID) || time->period_ns == 0 || strike_ns == LORA_ANY
		|| t_ns >= never_ns)
		return t_ns;
	if (t_ns > strike_ns)
		strike_ns += (t_ns - strike_ns + time->period_ns - 1) / time->period_ns * time->period_ns;
	shift_ns = lora_table_at(e->knots + t->first, t->n, wm_rng_u32(rng));
	if (shift_ns < 0 && strike_ns < t_ns + (uint64_t)-shift_ns) // that would have been before
		strike_ns += time->period_ns;
	return shift_ns < 0 && strike_ns < (uint64_t)-shift_ns ? t_ns : strike_ns + (uint64_t)shift_ns;
}

// When a device that has long been sending is heard first: it goes on where the capture ended, so that devices whose
// clocks strike together still do.
static uint64_t first_heard(const struct wm_engine_model *e, uint32_t device, struct wm_rng *rng)
{
	const struct lora_device *d = &e->devices[device];
	uint64_t period_ns = e->times[device].period_ns;
	uint64_t misses = d->advance == LORA_NONE ? lora_draw_misses(d->hear, wm_rng_u32(rng)) : 0;
	uint64_t part = (uint64_t)((double)period_ns * (double)wm_rng_u32(rng) * 0x1p-32), whole;

	if (e->times[device].next_ns != LORA_ANY)
		part = e->times[device].next_ns;
	if (__builtin_mul_overflow(misses, period_ns, &whole) || whole > never_ns)
		return never_ns;
	return on_grid(e, device, whole + part, rng);
}

static int by_start(const void *a, const void *b)
{
	const struct start *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return (x->device > y->device) - (x->device < y->device);
}

static void next_arrival(struct wm_plan *p)
{
	struct wm_rng rng;
	uint64_t gap_ns;

	wm_rng_init(&rng, p->seed, WM_STREAM_PLAN, p->n_arrived++ << 1 | 1);
	gap_ns = p->e->n_newcomers > 0 && p->e->arrival_ns > 0 ? lora_draw_life(p->e->arrival_ns, &rng) : never_ns;
	if (__builtin_add_overflow(p->arrival_ns, gap_ns, &p->arrival_ns))
		p->arrival_ns = UINT64_MAX;
}

int lora_plan_create(struct wm_plan **out, const struct wm_engine_model *e, uint64_t seed)
{
	struct wm_plan *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->residents = calloc(e->n_devices, sizeof(*p->residents));
	if (p == NULL || p->residents == NULL) {
		free(p);
		return -ENOMEM;
	}
	p->e = e;
	p->seed = seed;
	for (uint32_t i = 0; i < e->n_devices; i++) {
		struct wm_rng rng;

		if (!(e->devices[i].flags & LORA_RESIDENT))
			continue;
		wm_rng_init(&rng, seed, WM_STREAM_PLAN, (uint64_t)i << 1);
		p->residents[p->n++] = (struct start){first_heard(e, i, &rng), i};
	}
	qsort(p->residents, p->n, sizeof(*p->residents), by_start);
	next_arrival(p);
	*out = p;
	return 0;
}

static void plan_flow(struct wm_plan *p, struct wm_flow *flow, uint32_t device, uint64_t start_ns, bool newcomer)
{
	const struct lora_device *d = &p->e->devices[device];
	uint32_t address = d->address;
	struct wm_rng rng;

	*flow = (struct wm_flow){
		.id = p->id++, .start_ns = start_ns, .cls = device, .profile = newcomer, .pkts = {1, 0}};
	wm_rng_init(&rng, p->seed, WM_STREAM_PLAN, UINT64_C(1) << 62 | flow->id);
	flow->duration_ns =
		p->e->times[device].life_ns > 0 ? lora_draw_life(p->e->times[device].life_ns, &rng) : never_ns;
	if (newcomer) // one of the same network
		address = (address & 0xffff0000) | wm_rng_below(&rng, 0x10000);
	wm_put_be32(flow->client + 12, address);
}

static uint32_t draw_newcomer(const struct wm_engine_model *e, struct wm_rng *rng)
{
	uint32_t target = wm_rng_below(rng, e->newcomers[e->n_newcomers - 1].until), lo = 0,
		 hi = (uint32_t)e->n_newcomers - 1;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (e->newcomers[mid].until > target)
			hi = mid;
		else
			lo = mid + 1;
	}
	return e->newcomers[lo].device;
}

// Newcomers up to the first one that is heard after all that wait.
static void welcome(struct wm_plan *p)
{
	while (p->n_waiting < WAITING_MAX
		&& (p->n_waiting == 0 || p->arrival_ns < p->waiting[p->n_waiting - 1].start_ns)) {
		struct start s = {.start_ns = p->arrival_ns};
		struct wm_rng rng;
		size_t i;

		wm_rng_init(&rng, p->seed, WM_STREAM_PLAN, UINT64_C(1) << 61 | p->n_arrived);
		if (p->e->n_newcomers > 0) {
			s.device = draw_newcomer(p->e, &rng);
			s.start_ns = on_grid(p->e, s.device, p->arrival_ns, &rng);
		}
		for (i = p->n_waiting++; i > 0 && p->waiting[i - 1].start_ns < s.start_ns; i--)
			p->waiting[i] = p->waiting[i - 1];
		p->waiting[i] = s;
		next_arrival(p);
	}
}

void lora_plan_next(struct wm_plan *p, struct wm_flow *flow)
{
	const struct start *s;
	bool newcomer;

	welcome(p);
	s = &p->waiting[p->n_waiting - 1];
	newcomer = p->at == p->n || s->start_ns < p->residents[p->at].start_ns;
	if (newcomer)
		p->n_waiting--;
	else
		s = &p->residents[p->at++];
	plan_flow(p, flow, s->device, s->start_ns, newcomer);
}

void lora_plan_destroy(struct wm_plan *p)
{
	free(p->residents);
	free(p);
}
