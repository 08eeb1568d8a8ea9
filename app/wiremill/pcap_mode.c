// SPDX-License-Identifier: BSD-3-Clause
#include "pcap_mode.h"

#include "crew.h"
#include "flows.h"

#include <base/clock.h>
#include <base/grow.h>
#include <capture/writer.h>
#include <packet/raw.h>
#include <plane/pace.h>

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WORKERS_MAX = 8,    // unless asked for: the thread that writes cannot follow more
	PAUSE_NS = 1000000, // between two looks at whether it is over
	FLUSH_NS = 500000000,
};

// Where samples become a file.
struct sink {
	const struct settings *s;
	const struct models *models;
	struct wm_capture_writer *writer;
	struct flows *flows; // NULL if nobody wants them
	struct wm_plane_stats *stats;
	uint64_t end_ns;
	bool done;
	double report_s;     // when it is time for one
	uint64_t flushed_ns; // when files were last brought up to date

	bool paced; // at a rate of packets or bits a second
	struct wm_pace pace;
	struct wm_sample *held; // until a block of the pace is whole
	size_t n_held, cap_held;
	struct wm_pace_block block;
	uint8_t *frames; // of those held that are a capture's, whose own place is needed again
	size_t n_frames, cap_frames;
};

static void count(struct sink *k, const struct wm_sample *s)
{
	struct wm_plane_stats *stats = k->stats;
	struct wm_plane_queue *total = &stats->total;
	struct wm_plane_model *model = &stats->model[wm_sample_model(s)];
	bool first = s->bits & WM_BIT_FIRST, last = s->bits & WM_BIT_LAST;
	uint64_t padding = s->len < WM_FRAME_MIN ? (uint64_t)(WM_FRAME_MIN - s->len) : 0;

	total->sent++;
	total->fresh++;
	total->bytes += s->len;
	total->padding += padding;
	stats->flows += first;
	stats->flows_ended += last;
	stats->traffic_ns = s->time_ns;
	model->packets++;
	model->bytes += s->len;
	model->padding += padding;
	model->flows += first;
	if (k->flows != NULL && !flows_count(k->flows, s))
		k->done = true; // finishing the tables says why
	k->done |= total->sent == k->s->packets || (last && stats->flows_ended == k->s->flows);
}

// What is said about the packets that came before.
static void heed(struct sink *k, const struct wm_sample *tick)
{
	if (tick->flags == WM_TICK_END)
		k->done = true;
	if (tick->flags != WM_TICK_FLOW)
		return;
	k->stats->flows_ended++;
	if (k->flows != NULL)
		flows_end(k->flows, tick);
	k->done |= k->stats->flows_ended == k->s->flows;
}

static void write_sample(struct sink *k, const struct wm_sample *s)
{
	uint8_t *frame;

	if (s->time_ns >= k->end_ns) {
		k->done = true;
		return;
	}
	if (k->writer == NULL) { // the tables of flows alone are asked for
		count(k, s);
		return;
	}
	frame = wm_capture_writer_reserve(k->writer, s->len);
	if (frame == NULL) { // closing the writer says why
		k->done = true;
		return;
	}
	wm_frame_build(frame, &k->models->at[wm_sample_model(s)].forms[s->form], s, false);
	if (wm_capture_writer_commit(k->writer, s->time_ns, s->len))
		count(k, s);
	else
		k->done = true;
}

static void write_paced(struct sink *k, const struct wm_sample *s)
{
	struct wm_sample at_rate = *s;

	at_rate.time_ns = wm_pace_due(&k->pace, s->time_ns, s->len);
	write_sample(k, &at_rate);
}

static void put(struct sink *k, const struct wm_sample *s)
{
	if (s->form == WM_FORM_TICK)
		heed(k, s);
	else if (k->paced)
		write_paced(k, s);
	else
		write_sample(k, s);
}

static bool is_raw(const struct sink *k, const struct wm_sample *s)
{
	return s->form != WM_FORM_TICK && wm_form_is_raw(&k->models->at[wm_sample_model(s)].forms[s->form]);
}

static bool ends_run(const struct wm_sample *s)
{
	return s->form == WM_FORM_TICK && s->flags == WM_TICK_END;
}

// Keep a sample until the pace is known. @return 0 or -ENOMEM.
static int hold(struct sink *k, const struct wm_sample *s)
{
	if (wm_grow((void **)&k->held, &k->cap_held, k->n_held + 1, sizeof(*k->held)) < 0)
		return -ENOMEM;
	if (is_raw(k, s)) {
		if (wm_grow((void **)&k->frames, &k->cap_frames, k->n_frames + s->len, 1) < 0)
			return -ENOMEM;
		memcpy(k->frames + k->n_frames, s->bytes, s->len);
		k->n_frames += s->len;
	}
	k->held[k->n_held++] = *s;
	if (s->form != WM_FORM_TICK)
		wm_pace_block_add(&k->block, s->time_ns, s->len);
	return 0;
}

// Write what was held back: now it is known how far time has to be stretched.
static void release(struct sink *k)
{
	const uint8_t *frame = k->frames;

	if (k->block.n > 0) {
		if (!k->pace.began)
			wm_pace_start(&k->pace, k->block.first_ns);
		wm_pace_block(&k->pace, &k->block);
	}
	for (size_t i = 0; i < k->n_held && !k->done; i++) {
		struct wm_sample *s = &k->held[i];

		if (is_raw(k, s)) {
			s->bytes = frame;
			frame += s->len;
		}
		put(k, s);
	}
	k->block = (struct wm_pace_block){0};
	k->n_held = k->n_frames = 0;
}

static int take(struct sink *k, const struct wm_sample *samples, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && !k->done && rc == 0; i++) {
		if (!k->paced) {
			put(k, &samples[i]);
			continue;
		}
		rc = hold(k, &samples[i]);
		if (rc == 0 && (k->block.n == WM_PACE_BLOCK || ends_run(&samples[i])))
			release(k);
	}
	return rc;
}

static int open_sink(struct sink *k, struct wm_err *err)
{
	const struct settings *s = k->s;
	int rc = 0;

	k->end_ns = s->duration_s > 0 ? (uint64_t)llround(settings_duration_s(s) * 1e9) : UINT64_MAX;
	k->paced = s->rate.kind != WM_RATE_MODEL;
	if (k->paced)
		wm_pace_init(&k->pace, &s->rate, 1);
	if (s->csv != NULL || s->labels != NULL)
		rc = flows_create(&k->flows, k->models, s, err);
	if (rc < 0 || s->pcap == NULL)
		return rc;
	rc = wm_capture_writer_open(
		&k->writer, s->pcap, k->models->link, s->snaplen > 0 ? (uint32_t)s->snaplen : WM_FRAME_MAX, err);
	if (rc < 0)
		settings_locate(s, "pcap", err);
	return rc;
}

// End all files, also after a failure. @return the first error, with its sentence.
static int close_sink(struct sink *k, int rc, struct wm_err *err)
{
	struct wm_err other;
	struct wm_plane_queue *total = &k->stats->total;
	struct wm_capture_lost lost;
	int rc2 = wm_capture_writer_close(k->writer, &lost, rc < 0 ? &other : err);

	total->sent -= lost.packets;
	total->bytes -= lost.bytes;
	total->lost += lost.packets;
	rc = rc < 0 ? rc : rc2;
	if (k->flows != NULL) {
		rc2 = flows_finish(k->flows, rc < 0 ? &other : err);
		rc = rc < 0 ? rc : rc2;
	}
	flows_destroy(k->flows);
	free(k->held);
	free(k->frames);
	return rc;
}

static unsigned default_workers(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

// What is known of the run beside what was counted.
static void look(struct sink *k, const struct crew *crew, double begin_s)
{
	struct wm_plane_stats *stats = k->stats;

	crew_look(crew, stats);
	stats->queued = stats->generated - stats->total.sent;
	stats->elapsed_s = wm_now_s() - begin_s;
}

static void report(struct sink *k, const struct crew *crew, const struct steer *steer, double begin_s)
{
	double now_s = wm_now_s();

	if (steer->report_s <= 0 || now_s < k->report_s)
		return;
	k->report_s += steer->report_s;
	if (k->report_s < now_s) // writing took longer
		k->report_s = now_s + steer->report_s;
	look(k, crew, begin_s);
	steer->report(steer->arg, k->stats);
}

// What a crash would lose is at most a second's.
static void flush(struct sink *k, const struct steer *steer)
{
	uint64_t now_ns = wm_now_ns();
	const char *remark;

	if (now_ns - k->flushed_ns < FLUSH_NS)
		return;
	k->flushed_ns = now_ns;
	if (k->writer != NULL)
		wm_capture_writer_flush(k->writer);
	if (k->flows == NULL)
		return;
	flows_flush(k->flows);
	remark = flows_remark(k->flows);
	if (remark != NULL && steer->notice != NULL)
		steer->notice(steer->arg, remark);
}

static bool stopped(const struct steer *steer)
{
	return atomic_load_explicit(steer->stop, memory_order_relaxed);
}

// Nothing is written until it is to go on.
static void pause_here(struct sink *k, const struct crew *crew, const struct steer *steer, double begin_s)
{
	const struct timespec tick = {.tv_nsec = PAUSE_NS};
	uint64_t since_ns = wm_now_ns(), before_ns = k->stats->paused_ns;

	k->stats->paused = true;
	while (!stopped(steer) && wm_plane_wish_pause(steer->wish)) {
		(void)nanosleep(&tick, NULL);
		flush(k, steer);
		k->stats->paused_ns = before_ns + wm_now_ns() - since_ns;
		report(k, crew, steer, begin_s);
	}
	k->stats->paused = false;
}

static int mill(struct sink *k, struct crew *crew, const struct steer *steer, double begin_s, struct wm_err *err)
{
	int rc = 0;

	k->report_s = begin_s + steer->report_s;
	k->flushed_ns = wm_now_ns();
	while (!k->done && rc == 0 && !stopped(steer)) {
		const struct wm_sample *samples;
		size_t n;

		rc = crew_next(crew, &samples, &n);
		if (rc == 0)
			rc = take(k, samples, n);
		flush(k, steer);
		report(k, crew, steer, begin_s);
		if (wm_plane_wish_pause(steer->wish))
			pause_here(k, crew, steer, begin_s);
	}
	release(k);
	if (rc < 0 && k->models->replay != NULL && wm_replay_failed(k->models->replay, err) < 0)
		return rc;
	if (rc == -ENODATA) // all models have stopped
		return 0;
	if (rc == -ERANGE)
		return wm_err_set(err, rc, "the traffic's own time is over: it cannot be later than 292 years");
	return rc < 0 ? wm_err_set(err, rc, "no memory for more flows in flight") : 0;
}

int pcap_run(const struct settings *s, const struct models *models, const struct steer *steer,
	struct wm_plane_stats *stats, bool *began, struct wm_err *err)
{
	struct sink k = {.s = s, .models = models, .stats = stats};
	double begin_s = wm_now_s();
	struct crew *crew = NULL;
	int rc = open_sink(&k, err);

	stats->pcap = true;
	stats->rate = s->rate;
	stats->n_models = (unsigned)models->n + (models->replay != NULL);
	stats->n_workers = models->n == 0 ? 0 : s->workers > 0 ? (unsigned)s->workers : default_workers();
	if (rc == 0 && steer->ready != NULL)
		rc = steer->ready(steer->arg, err);
	if (rc == 0)
		rc = crew_create(&crew, models, s->seed, stats->n_workers, err);
	if (rc == 0) {
		*began = true;
		rc = mill(&k, crew, steer, begin_s, err);
		crew_stop(crew);
		look(&k, crew, begin_s);
	}
	crew_destroy(crew);
	rc = close_sink(&k, rc, err);
	stats->elapsed_s = wm_now_s() - begin_s;
	return rc;
}
