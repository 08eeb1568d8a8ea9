// SPDX-License-Identifier: BSD-3-Clause
// How many samples a second workers make of a model, each in a thread of its own: bench_generate MODEL [SAMPLES
// [WORKERS]]. The whole chain: plan, network, tables, TCP, order. The last line is a JSON object: packets a second, and
// packets a second of the workers' CPU time, which is the same where nothing else runs.
#include <base/clock.h>
#include <engine/engine.h>
#include <synth/worker_pvt.h>
#include <tensor/tensor.h>

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BURST = 256, WORKERS_MAX = 64, WINDOW_BYTES = 64 + 2 * 16 /* a sample and its two places in the order */ };

struct job {
	struct wm_worker *worker;
	uint64_t samples, bytes, last_ns;
	double took_s, cpu_s;
	pthread_t thread;
};

static double thread_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *run(void *arg)
{
	struct job *j = arg;
	struct wm_sample out[BURST];
	double began = wm_now_s(), cpu = thread_s();

	for (uint64_t done = 0; done < j->samples;) {
		size_t got = wm_worker_next(j->worker, out, BURST);

		if (got == 0)
			break;
		for (size_t i = 0; i < got; i++)
			j->bytes += out[i].len;
		j->last_ns = out[got - 1].time_ns;
		done += got;
	}
	j->took_s = wm_now_s() - began;
	j->cpu_s = thread_s() - cpu;
	return NULL;
}

static size_t heap(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void tell(const struct job *jobs, unsigned n, uint64_t samples, size_t heap_bytes)
{
	double rate = 0, bytes = 0, cpu = 0;
	size_t window = 0, flows = 0;

	for (unsigned i = 0; i < n; i++) {
		size_t w, f;

		rate += (double)samples / jobs[i].took_s;
		bytes += (double)jobs[i].bytes;
		cpu += jobs[i].cpu_s;
		wm_worker_room(jobs[i].worker, &w, &f);
		window += w;
		flows += f;
	}
	(void)printf("{\"kernels\": \"%s\", \"workers\": %u, \"mpps\": %.4f, \"mpps_cpu\": %.4f, \"bytes\": %.1f, "
		     "\"traffic_s\": %.3f, \"flow_slots\": %zu, \"bytes_per_flow\": %.0f}\n",
		wm_kernels_best()->name, n, rate * 1e-6, 1e-6 * (double)(n * samples) / cpu,
		bytes / (double)(n * samples), (double)jobs[0].last_ns * 1e-9, flows,
		(double)(heap_bytes - window * WINDOW_BYTES) / (double)flows);
}

static int generate(const struct wm_source *source, uint64_t samples, unsigned n)
{
	static struct job jobs[WORKERS_MAX];
	const size_t before = heap();
	struct wm_err err = {0};

	for (unsigned i = 0; i < n; i++) {
		jobs[i].samples = samples;
		if (wm_worker_create(&jobs[i].worker, source, 1, 1, i, n, &err) < 0) {
			(void)fprintf(stderr, "%s\n", err.msg);
			return 1;
		}
	}
	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&jobs[i].thread, NULL, run, &jobs[i]) != 0)
			return 1;
	for (unsigned i = 0; i < n; i++)
		(void)pthread_join(jobs[i].thread, NULL);
	tell(jobs, n, samples, heap() - before);
	for (unsigned i = 0; i < n; i++)
		wm_worker_destroy(jobs[i].worker);
	return 0;
}

int main(int argc, char **argv)
{
	const uint64_t samples = argc > 2 ? strtoull(argv[2], NULL, 10) : 2000000;
	const unsigned workers = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
	struct wm_source source = {.speed = 1};
	struct wm_engine_model *compiled = NULL;
	struct wm_model *model = NULL;
	struct wm_err err = {0};
	const char *name;
	int rc = 1;

	if (argc < 2 || samples == 0 || workers == 0 || workers > WORKERS_MAX
		|| wm_model_open(&model, argv[1], &err) < 0) {
		(void)fprintf(stderr, "usage: bench_generate MODEL [SAMPLES [WORKERS]]  %s\n", err.msg);
		return 2;
	}
	name = wm_model_meta(model, "engine");
	source.engine = wm_engine_find(name != NULL ? name : "necst");
	if (source.engine != NULL && source.engine->open(&compiled, model, &err) == 0) {
		source.model = compiled;
		rc = generate(&source, samples, workers);
		source.engine->close(compiled);
	} else {
		(void)fprintf(stderr, "%s\n", err.msg);
	}
	wm_model_close(model);
	return rc;
}
