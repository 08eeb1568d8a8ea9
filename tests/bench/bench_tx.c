// SPDX-License-Identifier: BSD-3-Clause
// bench_tx: what one tx lcore sends: samples of a model, each made once and recycled after that, through the queue's
// own code onto the first port that EAL has, and what each stage of that takes. What is sent is then looked at
// (inspect.h): two laps, or a million packets. Frames that are not what they should be end it with status 1.
//
//	bench_tx EAL-OPTIONS -- MODEL [SAMPLES [SECONDS [short]]]
//
// `short` cuts frames to their headers, which a port makes 60 bytes where they are shorter. Then the same in front of
// wires of 10, 25, 40 and 100 Gb/s (wire.h). The last line is a JSON object: packets a second, TSC cycles a packet, the
// wires' load.
#include "inspect.h"
#include "wire.h"

#include <base/clock.h>
#include <engine/engine.h>
#include <plane/clock.h>
#include <plane/fill_pvt.h>
#include <plane/frame.h>
#include <plane/memory.h>
#include <plane/port.h>
#include <plane/tx.h>

#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_WIRES = 4, INSPECTED_MAX = 1 << 20 };
static const double wire_gbps[N_WIRES] = {10, 25, 40, 100};

struct bench {
	struct wm_source source;
	size_t n_samples;
	double seconds;
	double hz;
	bool cut;
	struct wm_port port;
	struct wm_tx_run run;
	const struct wm_form *forms[WM_MODELS_MAX];
	struct wm_stencils stencils[WM_MODELS_MAX];
	struct wm_ring ring;
	struct wm_feed_ring feed_ring;
	struct wm_tx *tx;
	size_t n_drafts;
	uint64_t frame_bytes;

	// Results, TSC cycles a packet.
	double fresh, port_alone, frames, whole;
	double load[N_WIRES], load_there[N_WIRES]; // of their line rates: in all, and while the lcore was there
	struct inspect inspect;
	size_t repeated, repeated_later; // of the frames inspected: in the same lap, in another
};

static void die(const char *what)
{
	(void)fprintf(stderr, "bench_tx: %s\n", what);
	exit(1);
}

static void *zeroed(size_t size)
{
	void *p = wm_mem_alloc(SOCKET_ID_ANY, size);

	if (p == NULL)
		die("no memory: give EAL more (-m)");
	return p;
}

static void make_samples(struct bench *b)
{
	struct wm_worker *w = NULL;
	struct wm_err err = {0};
	struct wm_sample *slots = zeroed(b->n_samples * sizeof(*slots));

	if (wm_worker_create(&w, &b->source, 1, 1, 0, 1, &err) < 0)
		die(err.msg);
	if (wm_worker_next(w, slots, b->n_samples) != b->n_samples)
		die("the model has made too few samples");
	wm_worker_destroy(w);
	for (size_t i = 0; i < b->n_samples; i++) {
		const struct wm_form *form = &b->forms[0][slots[i].form];

		if (b->cut)
			slots[i].len = (uint16_t)(form->head_len + form->pad);
		b->frame_bytes += slots[i].len;
	}
	wm_ring_init(&b->ring, slots, b->n_samples);
	wm_ring_push(&b->ring, b->n_samples); // and not closed: a queue whose workers are done does not recycle
}

static void set_up(struct bench *b)
{
	struct wm_err err = {0};
	struct wm_tx *tx = zeroed(sizeof(*tx));
	size_t n_forms;

	if (wm_port_open(&b->port, &(struct wm_port_ask){.n_queues = 1, .n_lcores = 2}, &err) < 0)
		die(err.msg);
	(void)b->source.engine->forms(b->source.model, &n_forms);
	b->stencils[0].list = zeroed(n_forms * WM_STENCILS * sizeof(*b->stencils[0].list));
	b->stencils[0].of = zeroed(n_forms * sizeof(*b->stencils[0].of));
	wm_stencils_init(&b->stencils[0], b->forms[0], n_forms);
	wm_frame_init_stencils(&b->stencils[0]);
	b->run.end_ns = UINT64_MAX;
	b->feed_ring.ring = &b->ring;
	*tx = (struct wm_tx){.run = &b->run,
		.pool = b->port.pool,
		.room = b->port.room,
		.max_len = b->port.max_len,
		.plain = wm_tx_plain_best(),
		.lap = zeroed(sizeof(*tx->lap)),
		.scratch = zeroed(UINT16_MAX)};
	tx->out[0] = (struct wm_tx_out){.forms = b->forms, .stencils = b->stencils, .mtu = b->port.mtu};
	wm_tx_init_stencils(tx);
	wm_lap_init(tx->lap, zeroed(b->n_samples * sizeof(*tx->lap->kept)), NULL, b->n_samples);
	wm_feed_init(&tx->feed, &b->feed_ring, 1);
	b->tx = tx;
}

static void send_fresh(struct bench *b)
{
	uint64_t began = rte_rdtsc();

	while (wm_count_get(&b->tx->out[0].count.fresh) < b->n_samples)
		(void)wm_tx_turn(b->tx);
	b->fresh = (double)(rte_rdtsc() - began) / (double)b->n_samples;
	for (size_t i = 0; i < b->n_samples; i++)
		b->n_drafts += !wm_draft_is_sample(&b->tx->lap->kept[i]);
}

// Mbufs with lengths and nothing in them.
static void send_nothing(struct bench *b)
{
	uint64_t began = rte_rdtsc(), now = began, n = 0;
	struct rte_mbuf *m[WM_TX_BURST];

	for (; (double)(now - began) < b->hz * b->seconds / 4; now = rte_rdtsc())
		for (unsigned k = 0; k < 1000; k++) {
			uint16_t sent = 0;

			if (rte_mempool_get_bulk(b->port.pool, (void **)m, WM_TX_BURST) != 0)
				continue;
			for (unsigned i = 0; i < WM_TX_BURST; i++)
				wm_mbuf_begin(m[i], 54, 60);
			sent = rte_eth_tx_burst(0, 0, m, WM_TX_BURST);
			rte_mempool_put_bulk(b->port.pool, (void **)(m + sent), WM_TX_BURST - sent);
			n += sent;
		}
	b->port_alone = (double)(now - began) / (double)n;
}

// Frames into the same few mbufs.
static void build_frames(struct bench *b)
{
	uint64_t began = rte_rdtsc(), now = began, n = 0;
	struct wm_tx *tx = b->tx;

	for (; (double)(now - began) < b->hz * b->seconds / 4; now = rte_rdtsc())
		for (unsigned k = 0; k < 1000; k++) {
			if (wm_tx_build_again(tx, WM_TX_BURST) != WM_BUILT)
				die("no mbufs");
			n += tx->n;
			tx->n_spare += tx->n;
			tx->n = 0;
		}
	b->frames = (double)(now - began) / (double)n;
}

static void send_again(struct bench *b)
{
	uint64_t began = rte_rdtsc(), now = began, sent = wm_count_get(&b->tx->out[0].count.sent);

	for (; (double)(now - began) < b->hz * b->seconds; now = rte_rdtsc())
		for (unsigned k = 0; k < 1000; k++)
			(void)wm_tx_turn(b->tx);
	b->whole = (double)(now - began) / (double)(wm_count_get(&b->tx->out[0].count.sent) - sent);
}

static void inspect(struct bench *b)
{
	const wm_count *sent = &b->tx->out[0].count.sent;
	const struct rte_eth_rxtx_callback *callback;
	struct inspect *in = &b->inspect;

	while (b->tx->n > 0) // what waits in the row is of the lap's past
		(void)wm_tx_turn(b->tx);
	*in = (struct inspect){.samples = b->ring.slots,
		.forms = b->forms[0],
		.sent = sent,
		.sent_before = wm_count_get(sent),
		.lap = *b->tx->lap,
		.want = RTE_MIN(2 * b->n_samples, (size_t)INSPECTED_MAX)};
	in->frames = malloc(in->want * sizeof(*in->frames));
	callback = in->frames != NULL ? rte_eth_add_tx_callback(0, 0, inspect_take, in) : NULL;
	if (callback == NULL)
		return;
	while (in->n < in->want)
		(void)wm_tx_turn(b->tx);
	(void)rte_eth_remove_tx_callback(0, 0, callback);
	inspect_repeats(in, &b->repeated, &b->repeated_later);
	free(in->frames);
}

// How much of a wire's line rate is used, once its buffer is full.
static void load_wire(struct bench *b, unsigned which)
{
	double gbps = wire_gbps[which], whole;
	const struct rte_eth_rxtx_callback *callback;
	uint64_t began, now, bytes, idle;
	struct wire w;

	callback = wire_attach(&w, 0, 0, gbps * 1e9, b->hz);
	if (callback == NULL)
		return;
	began = now = rte_rdtsc();
	for (; (double)(now - began) < b->hz * b->seconds / 16; now = rte_rdtsc())
		(void)wm_tx_turn(b->tx);
	bytes = w.bytes;
	idle = w.idle_away;
	began = now;
	for (; (double)(now - began) < b->hz * b->seconds / 4; now = rte_rdtsc())
		for (unsigned i = 0; i < 100; i++)
			(void)wm_tx_turn(b->tx);
	(void)rte_eth_remove_tx_callback(0, 0, callback);
	whole = (double)(now - began);
	b->load[which] = (double)(w.bytes - bytes) * 8 / (whole / b->hz) / (gbps * 1e9);
	b->load_there[which] = b->load[which] * whole / (whole - (double)((w.idle_away - idle) >> 16));
}

static int measure(void *arg)
{
	struct bench *b = arg;

	send_fresh(b);
	send_nothing(b);
	build_frames(b);
	send_again(b);
	inspect(b);
	for (unsigned i = 0; i < N_WIRES; i++)
		load_wire(b, i);
	return 0;
}

static void print(const struct bench *b)
{
	(void)printf("port %s, %zu samples (%.1f %% drafts), mean %.0f bytes: cycles a packet\n", b->port.name,
		b->n_samples, 100 * (double)b->n_drafts / (double)b->n_samples,
		(double)b->frame_bytes / (double)b->n_samples);
	(void)printf("  mbufs and port alone %6.1f\n  frames alone         %6.1f\n  fresh, first time    %6.1f\n"
		     "  recycled, all of it  %6.1f = %.2f Mpps\n",
		b->port_alone, b->frames, b->fresh, b->whole, b->hz / b->whole * 1e-6);
	(void)printf("  inspected            %zu packets: %" PRIu64 " wrong, %" PRIu64
		     " with wrong checksums, %zu repeated in a lap, %zu in another\n",
		b->inspect.n, b->inspect.wrong, b->inspect.unsure, b->repeated, b->repeated_later);
	for (unsigned i = 0; i < N_WIRES; i++)
		(void)printf("  %3.0f Gb/s wire        %6.2f %% of line rate, %6.2f %% while the lcore was there\n",
			wire_gbps[i], 100 * b->load[i], 100 * b->load_there[i]);
	(void)printf("{\"mpps\": %.3f, \"cycles\": %.2f, \"cycles_port\": %.2f, \"cycles_frames\": %.2f, "
		     "\"cycles_fresh\": %.2f, \"wire_10g\": %.5f, \"wire_25g\": %.5f, \"wire_40g\": %.5f, "
		     "\"wire_100g\": %.5f, \"wire_10g_there\": %.5f, \"wire_25g_there\": %.5f, "
		     "\"wire_40g_there\": %.5f, \"wire_100g_there\": %.5f, \"inspected\": %zu, \"repeated\": %zu, "
		     "\"samples\": %zu, \"bytes\": %.1f, "
		     "\"tsc_hz\": %.0f}\n",
		b->hz / b->whole * 1e-6, b->whole, b->port_alone, b->frames, b->fresh, b->load[0], b->load[1],
		b->load[2], b->load[3], b->load_there[0], b->load_there[1], b->load_there[2], b->load_there[3],
		b->inspect.n, b->repeated, b->n_samples, (double)b->frame_bytes / (double)b->n_samples, b->hz);
}

static void open_model(struct bench *b, const char *path)
{
	struct wm_engine_model *compiled = NULL;
	struct wm_model *model = NULL;
	struct wm_err err = {0};
	const char *name;
	size_t n_forms;

	if (wm_model_open(&model, path, &err) < 0)
		die(err.msg);
	name = wm_model_meta(model, "engine");
	b->source = (struct wm_source){.engine = wm_engine_find(name != NULL ? name : "necst"), .speed = 1};
	if (b->source.engine == NULL || b->source.engine->open(&compiled, model, &err) < 0)
		die(err.msg);
	b->source.model = compiled;
	b->forms[0] = b->source.engine->forms(compiled, &n_forms);
}

int main(int argc, char **argv)
{
	struct wm_clock_point before = wm_clock_point(), after;
	struct bench b = {0};
	unsigned lcore;
	int n = 0;

	while (n < argc && strcmp(argv[n], "--") != 0)
		n++;
	if (n + 1 >= argc)
		die("usage: bench_tx EAL-OPTIONS -- MODEL [SAMPLES [SECONDS [short]]]");
	b.n_samples = n + 2 < argc ? rte_align64pow2(strtoull(argv[n + 2], NULL, 10)) : 131072;
	b.seconds = n + 3 < argc ? strtod(argv[n + 3], NULL) : 2;
	b.cut = n + 4 < argc && strcmp(argv[n + 4], "short") == 0;
	open_model(&b, argv[n + 1]);
	if (rte_eal_init(n, argv) < 0)
		die("EAL did not start");
	lcore = rte_get_next_lcore(UINT_MAX, 1, 0);
	if (lcore == RTE_MAX_LCORE)
		die("two lcores are needed (-l 0,1)");
	make_samples(&b);
	set_up(&b);
	after = wm_clock_point();
	b.hz = wm_clock_rate(&before, &after) * 1e9;
	if (rte_eal_remote_launch(measure, &b, lcore) < 0)
		die("the lcore could not be launched");
	while (rte_eal_get_lcore_state(lcore) == RUNNING) // not by polling: lcores may be halves of one core
		(void)usleep(10000);
	print(&b);
	return b.inspect.n > 0 && b.inspect.wrong + b.inspect.unsure + b.repeated_later == 0 ? 0 : 1;
}
