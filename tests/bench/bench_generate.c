// SPDX-License-Identifier: BSD-3-Clause
// How many samples a second one worker makes of a model: bench_generate MODEL [SAMPLES].
#include <base/clock.h>
#include <engine/engine.h>
#include <synth/worker.h>
#include <tensor/tensor.h>

#include <stdio.h>
#include <stdlib.h>

enum { BURST = 256 };

static int run(const struct wm_source *source, uint64_t n)
{
	static struct wm_sample out[BURST];
	struct wm_worker *w = NULL;
	struct wm_err err = {0};
	uint64_t done = 0, bytes = 0;
	double began;

	if (wm_worker_create(&w, source, 1, 1, 0, 1, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	began = wm_now_s();
	while (done < n) {
		size_t got = wm_worker_next(w, out, BURST);

		if (got == 0)
			break;
		for (size_t i = 0; i < got; i++)
			bytes += out[i].len;
		done += got;
	}
	began = wm_now_s() - began;
	(void)printf("%s kernels: %.3f M samples/s, %.0f ns each, mean %.0f bytes, %.3f s of traffic\n",
		wm_kernels_best()->name, (double)done / began * 1e-6, began / (double)done * 1e9,
		(double)bytes / (double)done, (double)out[0].time_ns * 1e-9);
	wm_worker_destroy(w);
	return 0;
}

int main(int argc, char **argv)
{
	struct wm_source source = {.speed = 1};
	struct wm_engine_model *compiled = NULL;
	struct wm_model *model = NULL;
	struct wm_err err = {0};
	const char *name;
	int rc = 1;

	if (argc < 2 || wm_model_open(&model, argv[1], &err) < 0) {
		(void)fprintf(stderr, "usage: bench_generate MODEL [SAMPLES]  %s\n", err.msg);
		return 2;
	}
	name = wm_model_meta(model, "engine");
	source.engine = wm_engine_find(name != NULL ? name : "necst");
	if (source.engine != NULL && source.engine->open(&compiled, model, &err) == 0) {
		source.model = compiled;
		rc = run(&source, argc > 2 ? strtoull(argv[2], NULL, 10) : 2000000);
		source.engine->close(compiled);
	} else {
		(void)fprintf(stderr, "%s\n", err.msg);
	}
	wm_model_close(model);
	return rc;
}
