// SPDX-License-Identifier: BSD-3-Clause
#include <synth/flight.h>

#include <base/philox.h>
#include <packet/dissect.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 256 };

// The run's time at one of the flight's.
static uint64_t run_time(const struct wm_flight *f, uint64_t time_ns)
{
	return wm_scale_time(&f->scale, time_ns - f->lead_ns);
}

// When the flow that is next begins, as things stand; one that is in flight at the origin is begun there.
static void set_start(struct wm_flight *f)
{
	f->begin_ns = wm_course_time(&f->course, f->next.start_ns);
	f->start_ns = f->over ? WM_TIME_END : run_time(f, f->begin_ns > f->origin_ns ? f->begin_ns : f->origin_ns);
}

// A flow that goes on for ever does not go on for long once its model has stopped.
static void limit_laps(struct wm_flight *f)
{
	const uint64_t stop_ns = f->course.schedule.stop_ns, d = f->next.duration_ns;

	if (!f->over && stop_ns > 0 && f->next.laps > 1 && d > 0 && (stop_ns - f->begin_ns) / d + 1 < f->next.laps)
		f->next.laps = (uint32_t)((stop_ns - f->begin_ns) / d + 1);
}

// The flow that is planned next. @return false if there is none any more.
static bool plan_next(struct wm_flight *f)
{
	if (f->follow == NULL) {
		f->engine->plan_next(f->plan, &f->next);
		return true;
	}
	while (f->n_followed < f->follow->n) {
		const struct wm_listed_flow *asked = &f->follow->at[f->n_followed++];

		if (f->engine->plan_follow(f->plan, f->next_id, asked, &f->next)) {
			f->next_id++;
			return true;
		}
	}
	return false;
}

// Whether the next flow has ended before the origin, though it lasts twice as long as planned: engines take durations
// for wishes.
static bool is_history(const struct wm_flight *f)
{
	const uint64_t laps = f->next.laps > 1 ? f->next.laps : 1;

	return f->begin_ns < f->origin_ns && (f->origin_ns - f->begin_ns) / (2 * laps) >= f->next.duration_ns;
}

// Find the worker's next own flow. Flows come in order of start; one that did not would break the order of time.
static void look_ahead(struct wm_flight *f, unsigned index, unsigned n_workers)
{
	enum wm_turn turn;

	do {
		uint64_t last_ns = f->next.start_ns;

		if (!plan_next(f)) {
			turn = WM_TURN_OVER;
			break;
		}
		if (f->next.start_ns < last_ns)
			f->next.start_ns = last_ns;
		f->begin_ns = wm_course_time(&f->course, f->next.start_ns);
		turn = wm_course_turn(&f->course, f->begin_ns);
	} while (turn == WM_TURN_SKIP || (turn == WM_TURN_TAKE && (f->next.id % n_workers != index || is_history(f))));
	f->over = turn == WM_TURN_OVER;
	set_start(f);
	limit_laps(f);
}

static void weigh_plan(struct wm_flight *f)
{
	if (f->engine->plan_weight != NULL)
		f->engine->plan_weight(f->plan, f->course.weight);
}

void wm_flight_steer(struct wm_flight *f, uint64_t now_ns)
{
	const uint64_t stop_ns = f->course.schedule.stop_ns;
	uint64_t begin_ns = (uint64_t)((double)now_ns * f->speed) + f->lead_ns;

	if (f->over)
		return;
	if (wm_course_steer(&f->course, begin_ns, f->next.start_ns)) {
		set_start(f);
		weigh_plan(f);
	}
	if (stop_ns > 0 && begin_ns >= stop_ns) {
		f->over = true;
		f->start_ns = WM_TIME_END;
	}
}

// Every array on its own: what has grown stays grown if another one cannot.
static int grow(struct wm_flight *f, size_t n_slots)
{
	struct wm_lane *lanes = reallocarray(f->lanes, n_slots, sizeof(*lanes));
	uint64_t *due;
	uint32_t *list;
	int rc;

	if (lanes == NULL)
		return -ENOMEM;
	f->lanes = lanes;
	due = reallocarray(f->due, n_slots, sizeof(*due));
	if (due == NULL)
		return -ENOMEM;
	f->due = due;
	list = reallocarray(f->free, n_slots, sizeof(*list));
	if (list == NULL)
		return -ENOMEM;
	f->free = list;
	list = reallocarray(f->active, n_slots, sizeof(*list));
	if (list == NULL)
		return -ENOMEM;
	f->active = list;
	rc = f->gen == NULL ? f->engine->gen_create(&f->gen, f->model, f->seed, n_slots)
			    : f->engine->gen_grow(f->gen, n_slots);
	if (rc == 0)
		f->n_slots = n_slots;
	return rc;
}

int wm_flight_init(struct wm_flight *f, const struct wm_source *source, uint8_t number, uint64_t seed, unsigned index,
	unsigned n_workers)
{
	struct wm_schedule schedule = source->schedule;
	int rc = wm_scale_init(&f->scale, source->speed);

	if (schedule.weight == 0)
		schedule.weight = 1;
	schedule.start_ns += schedule.lead_ns;
	schedule.stop_ns += schedule.stop_ns > 0 ? schedule.lead_ns : 0;
	if (rc == 0)
		rc = wm_course_init(&f->course, &schedule, source->steer, seed);
	if (rc < 0)
		return rc;
	f->speed = source->speed;
	f->lead_ns = schedule.lead_ns;
	f->origin_ns = schedule.start_ns;
	f->engine = source->engine;
	f->model = source->model;
	f->forms = wm_source_forms(source, &f->n_forms);
	f->map = source->map;
	f->follow = source->follow;
	f->seed = seed;
	f->number = number;
	rc = f->engine->plan_create(&f->plan, f->model, seed);
	if (rc < 0)
		return rc;
	rc = grow(f, FIRST_SLOTS);
	if (rc < 0)
		return rc;
	weigh_plan(f);
	if (f->engine->plan_length != NULL && (source->packets > 0 || source->duration_ns > 0))
		f->engine->plan_length(f->plan, source->packets, source->duration_ns);
	look_ahead(f, index, n_workers);
	return 0;
}

void wm_flight_fini(struct wm_flight *f)
{
	if (f->plan != NULL)
		f->engine->plan_destroy(f->plan);
	if (f->gen != NULL)
		f->engine->gen_destroy(f->gen);
	free(f->lanes);
	free(f->due);
	free(f->free);
	free(f->active);
	*f = (struct wm_flight){0};
}

// The plan's ends become others once for all packets of the flow.
static void map_ends(struct wm_lane *lane, const struct wm_map *map)
{
	for (int i = 0; i < 2; i++) {
		wm_map_address(map, lane->address[i]);
		lane->port[i] = wm_map_port(map, lane->port[i]);
	}
}

static void lane_init(struct wm_lane *lane, const struct wm_flight *f)
{
	const struct wm_flow *flow = &f->next;
	struct wm_rng rng;

	lane->clock_ns = f->begin_ns;
	lane->stepped = false;
	lane->flow = (uint32_t)flow->id;
	lane->proto = flow->proto;
	lane->bits = (uint8_t)(f->number << WM_MODEL_SHIFT | WM_BIT_FIRST);
	memcpy(lane->address[0], flow->client, sizeof(flow->client));
	memcpy(lane->address[1], flow->server, sizeof(flow->server));
	lane->port[0] = flow->cport;
	lane->port[1] = flow->sport;
	lane->ident = flow->cport;
	if (f->map != NULL)
		map_ends(lane, f->map);
	wm_rng_init(&rng, f->seed, WM_STREAM_TCP, flow->id);
	if (flow->proto == WM_PROTO_TCP) {
		uint32_t isn[2];

		isn[0] = wm_rng_u32(&rng);
		isn[1] = wm_rng_u32(&rng);
		wm_tcp_begin(&lane->tcp, isn, flow->started);
		for (int i = 0; i < 2; i++)
			lane->tcp.side[i].unseen = flow->pkts[i] == 0;
		return;
	}
	lane->echo = (struct wm_echo){0};
	if (flow->proto == WM_PROTO_UDP)
		lane->ident = (uint16_t)wm_rng_u32(&rng);
	else if (flow->proto == WM_PROTO_ICMP || flow->proto == WM_PROTO_ICMP6)
		lane->port[0] = lane->port[1] = 0;
}

int wm_flight_begin(struct wm_flight *f, unsigned index, unsigned n_workers)
{
	uint32_t slot;

	if (f->n_free == 0 && f->n_used == f->n_slots) {
		int rc = f->n_slots > UINT32_MAX / 2 ? -ENOMEM : grow(f, f->n_slots * 2);

		if (rc < 0)
			return rc;
	}
	slot = f->n_free > 0 ? f->free[--f->n_free] : (uint32_t)f->n_used++;
	f->due[slot] = WM_DUE_NEVER;
	lane_init(&f->lanes[slot], f);
	f->engine->gen_begin(f->gen, slot, &f->next);
	f->active[f->n_active++] = slot;
	f->n_begun++;
	look_ahead(f, index, n_workers);
	return 0;
}

static uint16_t number_request(struct wm_echo *echo)
{
	echo->open = echo->open << 1 | 1;
	return ++echo->sent;
}

// Without a request that awaits it, a reply answers the last one once more.
static uint16_t number_reply(struct wm_echo *echo)
{
	unsigned back = echo->open != 0 ? (unsigned)__builtin_ctzll(echo->open) : 0;

	echo->open &= echo->open - 1;
	return (uint16_t)(echo->sent - back);
}

// @return identifier << 16 | sequence number of an echo, else 0.
static uint32_t echo_number(struct wm_lane *lane, uint8_t type)
{
	bool six = lane->proto == WM_PROTO_ICMP6;
	uint16_t number;

	if (type == (six ? 128 : 8)) // RFC 4443 section 4.1, RFC 792
		number = number_request(&lane->echo);
	else if (type == (six ? 129 : 0))
		number = number_reply(&lane->echo);
	else
		return 0;
	return (uint32_t)lane->ident << 16 | number;
}

// Numbers that look drawn, and come again after 2^16 queries. A reply that nobody asked for has one of its own.
static uint16_t exchange_number(struct wm_lane *lane, bool reply)
{
	bool answers = reply && lane->echo.open != 0;
	uint16_t number = answers ? number_reply(&lane->echo) : number_request(&lane->echo);

	if (reply && !answers)
		lane->echo.open &= ~(uint64_t)1;
	return (uint16_t)(lane->ident + number * 0x9e37u);
}

bool wm_flight_sample(struct wm_flight *f, struct wm_lane *lane, const struct wm_step *step, struct wm_sample *out)
{
	unsigned from = step->reverse;
	uint32_t least, len;

	assert(step->form < f->n_forms);
	least = (uint32_t)f->forms[step->form].head_len + f->forms[step->form].pad;
	len = step->len < least ? least : step->len;
	if (lane->stepped && __builtin_add_overflow(lane->clock_ns, step->gap_ns, &lane->clock_ns))
		lane->clock_ns = UINT64_MAX;
	lane->stepped = true;
	out->time_ns = run_time(f, lane->clock_ns);
	memcpy(out->src, lane->address[from], sizeof(out->src));
	memcpy(out->dst, lane->address[!from], sizeof(out->dst));
	out->seq = out->ack = 0;
	if (lane->proto == WM_PROTO_TCP) // the frame's payload, whatever the step says: numbers must match the bytes
		wm_tcp_step(&lane->tcp, step, (uint16_t)(len - least), &out->seq, &out->ack);
	else if (lane->proto == WM_PROTO_ICMP || lane->proto == WM_PROTO_ICMP6)
		out->seq = echo_number(lane, step->flags);
	else if (lane->proto == WM_PROTO_UDP)
		out->seq = exchange_number(lane, from);
	out->flow = lane->flow;
	out->sport = lane->port[from];
	out->dport = lane->port[!from];
	out->len = (uint16_t)len;
	out->window = step->window;
	out->form = step->form;
	out->flags = step->flags;
	out->bits = (uint8_t)(lane->bits | (from ? WM_BIT_REVERSE : 0) | (step->last ? WM_BIT_LAST : 0));
	if (lane->clock_ns < f->origin_ns)
		return false;
	lane->bits = (uint8_t)(lane->bits & ~WM_BIT_FIRST);
	return true;
}
