// SPDX-License-Identifier: BSD-3-Clause
// The whole engine on a small grammar of flows: it is fitted, written, opened and generated from.
#include <engine/engine.h>
#include <engine/fit.h>
#include <engine/necst/necst.h>

#include <base/philox.h>
#include <packet/dissect.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SYN = 2, SYN_ACK = 18, ACK = 16, PSH_ACK = 24, FIN_ACK = 17, RST_ACK = 20, FLOWS = 120 };

struct grammar {
	struct wm_dataset ds;
	uint64_t now;
};

// An image of TCP headers without options: Ethernet, IPv4, TCP.
static void make_image(uint8_t image[54], uint8_t ttl)
{
	memset(image, 0, 54);
	image[12] = 8;
	image[14] = 0x45;
	image[22] = ttl;
	image[23] = 6;
	image[46] = 0x50;
}

static void add(struct grammar *g, uint8_t flags, uint8_t reverse, uint16_t payload, uint64_t gap_ns)
{
	struct wm_flow_record *f = &g->ds.flows[g->ds.n_flows];

	g->now += f->n == 0 ? 0 : gap_ns;
	g->ds.records[g->ds.n_records++] = (struct wm_record){
		.time_ns = g->now,
		.len = (uint16_t)(54 + payload),
		.payload = payload,
		.window = flags == RST_ACK ? 0
			  : reverse        ? 8760
					   : 32120,
		.form = reverse,
		.flags = flags,
		.reverse = reverse,
		.seq = WM_SEQ_NEXT,
		.ack = flags == SYN ? WM_ACK_NONE : WM_ACK_ALL,
	};
	f->n++;
	f->pkts[reverse]++;
	f->bytes[reverse] += 54u + payload;
	f->end_ns = g->now;
}

// Handshake, one request, one to six replies each acknowledged, and both FINs; with `resets`, the client resets after
// the first reply and goes on.
static void make_grammar(struct grammar *g, bool resets)
{
	struct wm_rng rng;

	memset(g, 0, sizeof(*g));
	g->ds.records = calloc(FLOWS * 32, sizeof(*g->ds.records));
	g->ds.flows = calloc(FLOWS, sizeof(*g->ds.flows));
	g->ds.forms = calloc(2, sizeof(*g->ds.forms));
	g->ds.bytes = calloc(1, 2 * 54);
	assert_true(g->ds.records != NULL && g->ds.flows != NULL && g->ds.forms != NULL && g->ds.bytes != NULL);
	g->ds.n_forms = 2;
	g->ds.n_bytes = 2 * 54;
	for (uint32_t i = 0; i < 2; i++) {
		make_image(g->ds.bytes + i * 54, (uint8_t)(64 - i));
		g->ds.forms[i] =
			(struct wm_form_record){.image = i * 54, .image_len = 54, .count = 1, .ip = 4, .proto = 6};
	}
	wm_rng_init(&rng, 1, WM_STREAM_TEST, 1);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct wm_flow_record *f = &g->ds.flows[i];
		uint32_t replies = 1 + wm_rng_below(&rng, 6);

		g->now = i * UINT64_C(1000000000);
		*f = (struct wm_flow_record){.proto = 6, .ip = 4, .started = true, .ended = true, .sport = 80};
		f->client[15] = (uint8_t)(1 + i % 5);
		f->server[15] = 200;
		f->cport = (uint16_t)(20000 + i);
		f->first = (uint32_t)g->ds.n_records;
		f->start_ns = g->now;
		add(g, SYN, 0, 0, 0);
		add(g, SYN_ACK, 1, 0, 20000);
		add(g, ACK, 0, 0, 1000);
		add(g, PSH_ACK, 0, 300, 5000);
		for (uint32_t k = 0; k < replies; k++) {
			add(g, ACK, 1, 1460, 50000 + 1000 * wm_rng_below(&rng, 100));
			if (resets && k == 0)
				add(g, RST_ACK, 0, 0, 1000);
			add(g, ACK, 0, 0, 2000);
		}
		add(g, FIN_ACK, 1, 0, 3000000);
		add(g, FIN_ACK, 0, 0, 4000);
		g->ds.n_flows++;
	}
	g->ds.duration_ns = g->now;
}

static void free_grammar(struct grammar *g)
{
	free(g->ds.records);
	free(g->ds.flows);
	free(g->ds.forms);
	free(g->ds.bytes);
}

struct fitted {
	struct grammar g;
	struct wm_model *model;
	struct wm_engine_model *compiled;
	char path[64];
};

static struct wm_model_writer *fit(const struct wm_dataset *ds, unsigned threads)
{
	const struct wm_fit_options o = {.seed = 3, .threads = threads};
	struct wm_model_writer *w = NULL;
	struct wm_err err = {0};

	assert_int_equal(wm_model_writer_create(&w), 0);
	assert_int_equal(wm_fit_find("necst")(w, ds, &o, &err), 0);
	assert_int_equal(wm_model_put_meta(w, "format", "wiremill-1"), 0);
	return w;
}

static int open_grammar(struct fitted **out, bool resets)
{
	struct fitted *f = calloc(1, sizeof(*f));
	struct wm_model_writer *w;
	struct wm_err err = {0};

	assert_non_null(f);
	make_grammar(&f->g, resets);
	w = fit(&f->g.ds, 2);
	(void)snprintf(f->path, sizeof(f->path), "/tmp/wm-test-necst-%ld-%d.safetensors", (long)getpid(), resets);
	assert_int_equal(wm_model_write(w, f->path, &err), 0);
	wm_model_writer_destroy(w);
	assert_int_equal(wm_model_open(&f->model, f->path, &err), 0);
	if (wm_engine_necst.open(&f->compiled, f->model, &err) < 0)
		fail_msg("%s", err.msg);
	*out = f;
	return 0;
}

static void close_grammar(struct fitted *f)
{
	wm_engine_necst.close(f->compiled);
	wm_model_close(f->model);
	(void)unlink(f->path);
	free_grammar(&f->g);
	free(f);
}

static int setup(void **state)
{
	return open_grammar((struct fitted **)state, false);
}

static int teardown(void **state)
{
	close_grammar(*state);
	return 0;
}

enum { STEPS_MAX = 64 };

struct made {
	struct wm_flow flow;
	struct wm_step step[STEPS_MAX];
	unsigned n;
};

// All packets of the first `flows` flows, `batch` flows stepped together.
static void generate(struct made *made, const struct wm_engine_model *m, uint64_t seed, size_t flows, size_t batch)
{
	const struct wm_engine *e = &wm_engine_necst;
	struct wm_plan *plan = NULL;
	struct wm_gen *gen = NULL;

	assert_int_equal(e->plan_create(&plan, m, seed), 0);
	assert_int_equal(e->gen_create(&gen, m, seed, batch), 0);
	memset(made, 0, flows * sizeof(*made));
	for (size_t at = 0; at < flows; at += batch) {
		size_t n = flows - at < batch ? flows - at : batch, live = n;
		uint32_t slots[256];

		for (size_t i = 0; i < n; i++) {
			e->plan_next(plan, &made[at + i].flow);
			e->gen_begin(gen, (uint32_t)i, &made[at + i].flow);
			slots[i] = (uint32_t)i;
		}
		while (live > 0) {
			struct wm_step out[256];
			size_t kept = 0;

			e->gen_step(gen, slots, live, out);
			for (size_t i = 0; i < live; i++) {
				struct made *f = &made[at + slots[i]];

				assert_true(f->n < STEPS_MAX);
				f->step[f->n++] = out[i];
				if (!out[i].last)
					slots[kept++] = slots[i];
			}
			live = kept;
		}
	}
	e->plan_destroy(plan);
	e->gen_destroy(gen);
}

static void flows_keep_their_budgets_and_the_grammar(void **state)
{
	const struct fitted *f = *state;
	struct made *made = calloc(2 * FLOWS, sizeof(*made));
	unsigned legal = 0;

	assert_non_null(made);
	generate(made, f->compiled, 7, 2 * FLOWS, 50);
	for (int i = 0; i < 2 * FLOWS; i++) {
		const struct wm_step *s = made[i].step;
		unsigned n = made[i].n;

		assert_int_equal(n, made[i].flow.pkts[0] + made[i].flow.pkts[1]);
		assert_int_equal(s[0].gap_ns, 0);
		legal += s[0].flags == SYN && s[1].flags == SYN_ACK && s[2].flags == ACK && s[3].payload == 300
			 && s[n - 2].flags == FIN_ACK && s[n - 1].flags == FIN_ACK;
		for (unsigned k = 0; k < n; k++) {
			assert_int_equal(s[k].len, 54 + s[k].payload);
			assert_int_equal(s[k].window, s[k].reverse ? 8760 : 32120);
			assert_int_equal(s[k].form, s[k].reverse);
		}
	}
	assert_true(legal >= 2 * FLOWS * 97 / 100);
	free(made);
}

static void a_reset_closes_no_window(void **state)
{
	struct made *made = calloc(FLOWS, sizeof(*made));
	unsigned resets = 0, behind = 0;
	struct fitted *f = NULL;

	(void)state;
	assert_non_null(made);
	assert_int_equal(open_grammar(&f, true), 0);
	generate(made, f->compiled, 7, FLOWS, 50);
	for (int i = 0; i < FLOWS; i++) {
		bool reset = false;

		for (unsigned k = 0; k < made[i].n; k++) {
			const struct wm_step *s = &made[i].step[k];
			bool now = s->flags == RST_ACK;

			assert_int_equal(s->window, now ? 0 : s->reverse ? 8760 : 32120);
			behind += reset && !s->reverse;
			reset |= now;
			resets += now;
		}
	}
	assert_true(resets > FLOWS / 2 && behind > FLOWS);
	free(made);
	close_grammar(f);
}

static void packets_do_not_depend_on_the_batch(void **state)
{
	const struct fitted *f = *state;
	struct made *one = calloc(FLOWS, sizeof(*one)), *many = calloc(FLOWS, sizeof(*many));

	assert_true(one != NULL && many != NULL);
	generate(one, f->compiled, 9, FLOWS, 1);
	generate(many, f->compiled, 9, FLOWS, 97);
	assert_memory_equal(one, many, FLOWS * sizeof(*one));
	generate(many, f->compiled, 10, FLOWS, 97);
	assert_memory_not_equal(one, many, FLOWS * sizeof(*one));
	free(one);
	free(many);
}

static void plan_goes_on_in_order_of_start(void **state)
{
	const struct fitted *f = *state;
	struct wm_plan *plan = NULL;
	uint64_t last = 0, pkts = 0, want = 0;

	assert_int_equal(wm_engine_necst.plan_create(&plan, f->compiled, 2), 0);
	for (int i = 0; i < 3 * FLOWS; i++) {
		struct wm_flow flow;

		wm_engine_necst.plan_next(plan, &flow);
		assert_int_equal(flow.id, i);
		assert_true(flow.start_ns >= last);
		last = flow.start_ns;
		pkts += flow.pkts[0] + flow.pkts[1];
	}
	for (int i = 0; i < FLOWS; i++)
		want += f->g.ds.flows[i].n;
	assert_int_equal(pkts, 3 * want); // every epoch deals every budget once
	assert_true(last > 2 * f->g.ds.duration_ns && last < 3 * f->g.ds.duration_ns + 3000000);
	wm_engine_necst.plan_destroy(plan);
}

static void a_run_that_is_shorter_than_the_capture_begins_in_its_last_part(void **state)
{
	const struct fitted *f = *state;
	struct wm_flow all[2 * FLOWS], flow;
	struct wm_plan *plan = NULL;
	uint64_t total = 0, end = 0, largest = 0, skipped;
	size_t first = 0;

	assert_int_equal(wm_engine_necst.plan_create(&plan, f->compiled, 2), 0);
	for (size_t i = 0; i < 2 * FLOWS; i++)
		wm_engine_necst.plan_next(plan, &all[i]);
	wm_engine_necst.plan_destroy(plan);
	for (size_t i = 0; i < FLOWS; i++) {
		const uint64_t n = all[i].pkts[0] + all[i].pkts[1];

		total += n;
		largest = n > largest ? n : largest;
	}
	assert_int_equal(wm_engine_necst.plan_create(&plan, f->compiled, 2), 0);
	wm_engine_necst.plan_length(plan, total / 2, 0);
	wm_engine_necst.plan_next(plan, &flow);
	while (first < FLOWS - 1 && all[first].cport != flow.cport)
		first++;
	for (size_t i = first; i < FLOWS; i++)
		end += all[i].pkts[0] + all[i].pkts[1];
	// Two thirds of a half, but for the flow that began before.
	assert_true(end <= total / 3 + largest && end + largest >= total / 3);
	skipped = all[first].start_ns - flow.start_ns;
	for (size_t i = first; i < 2 * FLOWS; i++) {
		assert_int_equal(flow.id, i - first);
		assert_int_equal(flow.cport, all[i].cport);
		assert_int_equal(flow.pkts[0], all[i].pkts[0]);
		assert_int_equal(flow.start_ns, all[i].start_ns - skipped);
		wm_engine_necst.plan_next(plan, &flow);
	}
	wm_engine_necst.plan_destroy(plan);
	// One that is longer is the capture whole, and the last part of it for what is over.
	assert_int_equal(wm_engine_necst.plan_create(&plan, f->compiled, 2), 0);
	wm_engine_necst.plan_length(plan, total + total / 2, 0);
	for (size_t i = 0; i < FLOWS; i++) {
		wm_engine_necst.plan_next(plan, &flow);
		assert_memory_equal(&flow, &all[i], sizeof(flow));
	}
	wm_engine_necst.plan_next(plan, &flow);
	assert_int_equal(flow.cport, all[FLOWS + first].cport);
	assert_int_equal(flow.start_ns, all[FLOWS + first].start_ns - skipped);
	wm_engine_necst.plan_destroy(plan);
	// One that is as long is the capture from its beginning on.
	assert_int_equal(wm_engine_necst.plan_create(&plan, f->compiled, 2), 0);
	wm_engine_necst.plan_length(plan, total, 0);
	wm_engine_necst.plan_next(plan, &flow);
	assert_memory_equal(&flow, &all[0], sizeof(flow));
	wm_engine_necst.plan_destroy(plan);
}

static struct wm_engine_model *open_fitted(const struct grammar *g, struct wm_model **model)
{
	const struct wm_fit_options o = {.seed = 3, .threads = 1, .time_limit_s = 0.2};
	struct wm_model_writer *w = NULL;
	struct wm_engine_model *compiled = NULL;
	struct wm_err err = {0};
	char path[64];

	(void)snprintf(path, sizeof(path), "/tmp/wm-test-necst-long-%ld.safetensors", (long)getpid());
	assert_int_equal(wm_model_writer_create(&w), 0);
	assert_int_equal(wm_fit_find("necst")(w, &g->ds, &o, &err), 0);
	assert_int_equal(wm_model_put_meta(w, "format", "wiremill-1"), 0);
	assert_int_equal(wm_model_write(w, path, &err), 0);
	wm_model_writer_destroy(w);
	assert_int_equal(wm_model_open(model, path, &err), 0);
	if (wm_engine_necst.open(&compiled, *model, &err) < 0)
		fail_msg("%s", err.msg);
	(void)unlink(path);
	return compiled;
}

// The grammar's flows as one that was there before and after, and others that begin; all of them UDP's.
static struct wm_engine_model *open_long_flow(struct grammar *g, struct wm_model **model)
{
	for (size_t i = 0; i < g->ds.n_flows; i++) {
		g->ds.flows[i].proto = 17;
		g->ds.flows[i].started = g->ds.flows[i].ended = false;
	}
	g->ds.n_records = g->ds.flows[0].n;
	for (size_t j = 0; j < g->ds.n_records; j++)
		g->ds.records[j].time_ns = j * 1000000;
	g->ds.flows[0].end_ns = g->ds.duration_ns = g->ds.records[g->ds.n_records - 1].time_ns;
	for (size_t i = 1; i < 4; i++) { // of one packet each
		g->ds.flows[i].start_ns = g->ds.flows[i].end_ns = g->ds.duration_ns * i / 4;
		g->ds.flows[i].first = (uint32_t)g->ds.n_records;
		g->ds.flows[i].n = g->ds.flows[i].pkts[0] = 1;
		g->ds.flows[i].pkts[1] = 0;
		g->ds.records[g->ds.n_records] = g->ds.records[0];
		g->ds.records[g->ds.n_records++].time_ns = g->ds.flows[i].start_ns;
	}
	g->ds.n_flows = 4;
	return open_fitted(g, model);
}

static void the_flow_of_a_capture_that_has_but_one_is_over_before_it_comes_again(void **state)
{
	struct grammar g;
	struct wm_model *model = NULL;
	struct wm_engine_model *compiled;
	struct wm_plan *plan = NULL;
	struct wm_flow flow;

	(void)state;
	make_grammar(&g, false);
	g.ds.n_flows = 1;
	g.ds.n_records = g.ds.flows[0].n;
	g.ds.duration_ns = g.ds.records[g.ds.n_records - 1].time_ns;
	compiled = open_fitted(&g, &model);
	assert_int_equal(wm_engine_necst.plan_create(&plan, compiled, 1), 0);
	for (uint64_t i = 0; i < 3; i++) {
		wm_engine_necst.plan_next(plan, &flow);
		assert_true(
			flow.start_ns >= i * g.ds.duration_ns && flow.start_ns < i * (g.ds.duration_ns + 1000000) + 1);
	}
	wm_engine_necst.plan_destroy(plan);
	wm_engine_necst.close(compiled);
	wm_model_close(model);
	free_grammar(&g);
}

static uint32_t steps_of(const struct wm_engine_model *m, const struct wm_flow *flow)
{
	struct wm_gen *gen = NULL;
	struct wm_step step = {0};
	const uint32_t slot = 0;
	uint32_t n = 0;

	assert_int_equal(wm_engine_necst.gen_create(&gen, m, 1, 1), 0);
	wm_engine_necst.gen_begin(gen, slot, flow);
	for (; !step.last && n < 1000000; n++)
		wm_engine_necst.gen_step(gen, &slot, 1, &step);
	wm_engine_necst.gen_destroy(gen);
	return n;
}

static void a_flow_that_outlived_the_capture_goes_on(void **state)
{
	struct grammar g;
	struct wm_model *model = NULL;
	struct wm_engine_model *m;
	struct wm_plan *plan = NULL;
	struct wm_flow one, flow;

	(void)state;
	make_grammar(&g, false);
	m = open_long_flow(&g, &model);
	assert_int_equal(wm_engine_necst.plan_create(&plan, m, 2), 0);
	wm_engine_necst.plan_next(plan, &one);
	assert_true(one.laps >= 2);
	assert_int_equal(steps_of(m, &one), one.laps * (g.ds.flows[0].n / 2 * 2) + g.ds.flows[0].n % 2);
	// The short ones alone as long as it lasts, from other ports each time.
	for (uint32_t i = 0; i < one.laps * 3; i++) {
		wm_engine_necst.plan_next(plan, &flow);
		assert_int_equal(flow.laps, 1);
		assert_int_equal((flow.cport - 1024u - i / 3 * 257u % 48128u + 48128u) % 48128u - 18977u < 3, 1);
	}
	wm_engine_necst.plan_next(plan, &flow);
	assert_true(flow.laps >= 2);
	assert_true(flow.cport != one.cport);
	wm_engine_necst.plan_destroy(plan);
	wm_engine_necst.close(m);
	wm_model_close(model);
	free_grammar(&g);
}

static void no_pause_of_a_long_flow_is_longer_than_those_that_were_seen(void **state)
{
	struct grammar g;
	struct wm_model *model = NULL;
	struct wm_engine_model *m;
	struct wm_plan *plan = NULL;
	struct wm_gen *gen = NULL;
	struct wm_step step = {0};
	struct wm_flow flow;
	const uint32_t slot = 0;

	(void)state;
	make_grammar(&g, false);
	m = open_long_flow(&g, &model); // a packet each millisecond
	assert_int_equal(wm_engine_necst.plan_create(&plan, m, 2), 0);
	wm_engine_necst.plan_next(plan, &flow);
	assert_int_equal(wm_engine_necst.gen_create(&gen, m, 1, 1), 0);
	wm_engine_necst.gen_begin(gen, slot, &flow);
	for (uint32_t i = 0; i < g.ds.flows[0].n - 1; i++) {
		wm_engine_necst.gen_step(gen, &slot, 1, &step);
		assert_int_equal(step.gap_ns, i > 0 ? 1000000 : 0);
	}
	wm_engine_necst.gen_destroy(gen);
	wm_engine_necst.plan_destroy(plan);
	wm_engine_necst.close(m);
	wm_model_close(model);
	free_grammar(&g);
}

static void what_lasts_is_there_in_a_run_that_begins_in_the_last_part(void **state)
{
	struct grammar g;
	struct wm_model *model = NULL;
	struct wm_engine_model *m;
	struct wm_plan *plan = NULL;
	struct wm_flow flow;
	uint64_t duration_ns;

	(void)state;
	make_grammar(&g, false);
	m = open_long_flow(&g, &model);
	duration_ns = g.ds.duration_ns;
	assert_int_equal(wm_engine_necst.plan_create(&plan, m, 2), 0);
	wm_engine_necst.plan_length(plan, 0, duration_ns / 2);
	wm_engine_necst.plan_next(plan, &flow);
	assert_int_equal(flow.start_ns, 0);
	assert_int_equal(flow.duration_ns, duration_ns);
	// Of the last third there is the flow from three quarters on, then those of the next time.
	wm_engine_necst.plan_next(plan, &flow);
	assert_true(llabs((long long)flow.start_ns - (long long)(duration_ns / 12)) < 2000000);
	wm_engine_necst.plan_next(plan, &flow);
	assert_true(llabs((long long)flow.start_ns - (long long)(duration_ns / 3 + duration_ns / 4)) < 3000000);
	assert_int_equal(flow.duration_ns, 0);
	wm_engine_necst.plan_destroy(plan);
	wm_engine_necst.close(m);
	wm_model_close(model);
	free_grammar(&g);
}

static void where_flows_are_more_each_epoch_brings_the_long_one(void **state)
{
	struct grammar g;
	struct wm_model *model = NULL;
	struct wm_engine_model *m;
	struct wm_plan *plan = NULL;
	struct wm_learned learned;
	struct wm_flow flow;
	double all, lasting;

	(void)state;
	make_grammar(&g, false);
	m = open_long_flow(&g, &model);
	assert_int_equal(wm_engine_necst.plan_create(&plan, m, 2), 0);
	wm_engine_necst.plan_weight(plan, 2);
	for (uint32_t i = 0; i < 40; i++) {
		wm_engine_necst.plan_next(plan, &flow);
		assert_int_equal(flow.laps, 1);
		assert_int_equal(flow.duration_ns == g.ds.duration_ns, i % 4 == 0);
	}
	wm_engine_necst.plan_weight(plan, 1);
	wm_engine_necst.plan_next(plan, &flow);
	assert_true(flow.laps >= 2);
	// All but 2 in 1000 packets are there when so much of the long flow is over.
	wm_engine_necst.learned(m, &learned);
	lasting = g.ds.flows[0].n;
	all = lasting + 3;
	assert_true(fabs(learned.settle_s / (1e-9 * (double)g.ds.duration_ns) - (1 - 0.002 * all / lasting)) < 1e-5);
	wm_engine_necst.plan_destroy(plan);
	wm_engine_necst.close(m);
	wm_model_close(model);
	free_grammar(&g);
}

static void peers_that_agreed_on_a_port_agree_on_another_when_they_come_again(void **state)
{
	struct grammar g;
	struct wm_model *model = NULL;
	struct wm_engine_model *m;
	struct wm_plan *plan = NULL;
	struct wm_flow flow;
	uint16_t before = 0;

	(void)state;
	make_grammar(&g, false);
	for (size_t i = 1; i < 4; i++) // one has a port of its own at both ends, two keep time
		g.ds.flows[i].cport = g.ds.flows[i].sport = i == 1 ? 33000 : 123;
	m = open_long_flow(&g, &model);
	assert_int_equal(wm_engine_necst.plan_create(&plan, m, 2), 0);
	wm_engine_necst.plan_next(plan, &flow);
	for (uint32_t i = 0; i < flow.laps * 3 && i < 30; i++) {
		struct wm_flow next;

		wm_engine_necst.plan_next(plan, &next);
		if (next.laps > 1)
			break;
		assert_int_equal(next.cport, next.sport);
		assert_true(next.cport == 123 || (next.cport != before && next.cport >= 1024));
		assert_int_equal(next.cport == 123, i % 3 != 0);
		before = i % 3 == 0 ? next.cport : before;
	}
	assert_true(before > 0);
	wm_engine_necst.plan_destroy(plan);
	wm_engine_necst.close(m);
	wm_model_close(model);
	free_grammar(&g);
}

static void fit_does_not_depend_on_threads(void **state)
{
	const struct fitted *f = *state;
	struct wm_model_writer *w = fit(&f->g.ds, 1);
	struct wm_err err = {0};
	char path[80], command[200];

	(void)snprintf(path, sizeof(path), "%s.one", f->path);
	assert_int_equal(wm_model_write(w, path, &err), 0);
	wm_model_writer_destroy(w);
	(void)snprintf(command, sizeof(command), "cmp %s %s", path, f->path);
	assert_int_equal(system(command), 0);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_keep_their_budgets_and_the_grammar),
		cmocka_unit_test(a_reset_closes_no_window),
		cmocka_unit_test(packets_do_not_depend_on_the_batch),
		cmocka_unit_test(plan_goes_on_in_order_of_start),
		cmocka_unit_test(a_run_that_is_shorter_than_the_capture_begins_in_its_last_part),
		cmocka_unit_test(the_flow_of_a_capture_that_has_but_one_is_over_before_it_comes_again),
		cmocka_unit_test(a_flow_that_outlived_the_capture_goes_on),
		cmocka_unit_test(no_pause_of_a_long_flow_is_longer_than_those_that_were_seen),
		cmocka_unit_test(what_lasts_is_there_in_a_run_that_begins_in_the_last_part),
		cmocka_unit_test(where_flows_are_more_each_epoch_brings_the_long_one),
		cmocka_unit_test(peers_that_agreed_on_a_port_agree_on_another_when_they_come_again),
		cmocka_unit_test(fit_does_not_depend_on_threads),
	};

	return cmocka_run_group_tests_name("engine necst", tests, setup, teardown);
}
