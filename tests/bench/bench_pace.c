// SPDX-License-Identifier: BSD-3-Clause
// The bound of pacing: a loop that does nothing but wait for the TSC, on a core of its own if there is such, and notes
// how far its gaps are from those planned, as wiremill notes its own. What it gets wrong, the machine does.
//
//	bench_pace PPS SECONDS CORE [MODEL]     the last line is a JSON object
//
// The plan has gaps of half to one and a half times their mean, or, with a model, those that wiremill plans for its
// packets: of bursts, which a loss of the core hits harder.
#include <base/clock.h>
#include <engine/engine.h>
#include <plane/pace.h>
#include <plane/timing.h>
#include <synth/worker.h>

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

enum { AWAY_NS = 1000 }; // between two looks at the TSC: somebody else had the core

struct loss {
	uint64_t ticks;
	uint64_t times;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "bench_pace: %s\n", what);
	exit(1);
}

static double measure_tsc(void)
{
	uint64_t ns = wm_now_ns(), tsc = __rdtsc();

	while (wm_now_ns() - ns < 100000000)
		;
	return (double)(__rdtsc() - tsc) / (double)(wm_now_ns() - ns);
}

// Half of each gap is spread by the golden ratio: even ones may never meet the kernel's tick, or always.
static void plan_evenly(uint64_t *due_ns, size_t n, double pps)
{
	for (size_t i = 0; i < n; i++) {
		double at = (double)(i + 1) + 0.5 * fmod((double)(i + 1) * 0.6180339887498949, 1);

		due_ns[i] = (uint64_t)(at * 1e9 / pps);
	}
}

static void make_samples(struct wm_sample *samples, size_t n, const char *path)
{
	struct wm_source source = {.speed = 1};
	struct wm_engine_model *compiled = NULL;
	struct wm_worker *worker = NULL;
	struct wm_model *model = NULL;
	struct wm_err err = {0};
	const char *name;

	if (wm_model_open(&model, path, &err) < 0)
		die(err.msg);
	name = wm_model_meta(model, "engine");
	source.engine = wm_engine_find(name != NULL ? name : "necst");
	if (source.engine == NULL || source.engine->open(&compiled, model, &err) < 0)
		die(err.msg);
	source.model = compiled;
	if (wm_worker_create(&worker, &source, 1, 1, 0, 1, &err) < 0)
		die(err.msg);
	if (wm_worker_next(worker, samples, n) != n)
		die("the model has made too few samples");
	wm_worker_destroy(worker);
	source.engine->close(compiled);
	wm_model_close(model);
}

// As tx does at a rate: block by block.
static void plan_as(const char *model, uint64_t *due_ns, size_t n, double pps)
{
	struct wm_sample *samples = aligned_alloc(64, n * sizeof(*samples));
	struct wm_pace pace;

	if (samples == NULL)
		die("no memory");
	make_samples(samples, n, model);
	wm_pace_init(&pace, &(struct wm_rate){WM_RATE_PPS, pps}, 1);
	wm_pace_start(&pace, samples[0].time_ns);
	for (size_t i = 0; i < n; i++) {
		if (wm_pace_wants(&pace)) {
			struct wm_pace_block block = {0};

			for (size_t k = i; k < n && block.n < WM_PACE_BLOCK; k++)
				wm_pace_block_add(&block, samples[k].time_ns, samples[k].len);
			wm_pace_block(&pace, &block);
		}
		due_ns[i] = wm_pace_due(&pace, samples[i].time_ns, samples[i].len);
	}
	free(samples);
}

// @return seconds that it took.
static double wait_for_all(
	const uint64_t *due_ns, size_t n, double ticks_per_ns, struct wm_timing *timing, struct loss *loss)
{
	uint64_t begin = __rdtsc(), now = begin;

	for (size_t i = 0; i < n; i++) {
		uint64_t due = begin + (uint64_t)((double)due_ns[i] * ticks_per_ns), before;

		do {
			before = now;
			now = __rdtsc();
			if ((double)(now - before) > AWAY_NS * ticks_per_ns) {
				loss->ticks += now - before;
				loss->times++;
			}
		} while (now < due);
		wm_timing_add(timing, (int64_t)(now - due));
	}
	return (double)(now - begin) / ticks_per_ns * 1e-9;
}

int main(int argc, char **argv)
{
	static struct wm_timing timing;
	static struct wm_timing_tally tally;
	struct wm_timing_summary sum;
	double pps = argc >= 4 ? strtod(argv[1], NULL) : 0, seconds = argc >= 4 ? strtod(argv[2], NULL) : 0,
	       ticks_per_ns;
	size_t n = (size_t)(pps * seconds);
	struct loss loss = {0};
	uint64_t *due_ns;
	cpu_set_t cores;

	if (!(pps > 0 && n > 0)) {
		(void)fprintf(stderr, "usage: bench_pace PPS SECONDS CORE [MODEL]\n");
		return 2;
	}
	due_ns = calloc(n, sizeof(*due_ns));
	if (due_ns == NULL)
		die("no memory");
	if (argc > 4)
		plan_as(argv[4], due_ns, n, pps);
	else
		plan_evenly(due_ns, n, pps);
	CPU_ZERO(&cores);
	CPU_SET(strtoul(argv[3], NULL, 10), &cores);
	if (sched_setaffinity(0, sizeof(cores), &cores) < 0)
		die("there is no such core");
	ticks_per_ns = measure_tsc();
	seconds = wait_for_all(due_ns, n, ticks_per_ns, &timing, &loss);
	tally.ticks_per_ns = ticks_per_ns;
	wm_timing_count(&tally, &timing);
	wm_timing_sum_up(&sum, &tally);
	printf("{\"gaps\": %llu, \"p50_ns\": %.1f, \"p99_ns\": %.1f, \"max_ns\": %.1f, \"within_512_ns\": %.6f, "
	       "\"away_per_s\": %.1f, \"away\": %.6f}\n",
		(unsigned long long)sum.gaps, sum.p50_ns, sum.p99_ns, sum.max_ns, sum.within[WM_TIMING_WITHIN - 1],
		(double)loss.times / seconds, (double)loss.ticks / ticks_per_ns * 1e-9 / seconds);
	free(due_ns);
	return 0;
}
