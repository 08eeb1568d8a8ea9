// SPDX-License-Identifier: BSD-3-Clause
// bench_mill: what pcap mode costs without a model: an engine that makes packets up, samples, order, frames, writing.
// usage: bench_mill [PACKETS [WORKERS]]
#include <unit/fake_engine.h>

#include <packet/form.h>
#include <pcap_mode.h>

#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

static const struct wm_engine_model office = {
	.burst = 4, .pause_ns = 4000000, .max_packets = 60, .long_every = 1000, .gap_ns = 30000000};

static double cpu_s(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec)
	       + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

// The engine alone, flow by flow: what is to be taken off.
static double engine_ns(uint64_t packets)
{
	struct wm_plan *plan;
	struct wm_gen *gen;
	uint32_t slot = 0;
	double begin_s;

	if (fake_engine.plan_create(&plan, &office, 1) < 0 || fake_engine.gen_create(&gen, &office, 1, 1) < 0)
		exit(1);
	begin_s = cpu_s();
	for (uint64_t n = 0; n < packets;) {
		struct wm_step step = {0};
		struct wm_flow flow;

		fake_engine.plan_next(plan, &flow);
		fake_engine.gen_begin(gen, slot, &flow);
		for (; !step.last; n++)
			fake_engine.gen_step(gen, &slot, 1, &step);
	}
	fake_engine.plan_destroy(plan);
	fake_engine.gen_destroy(gen);
	return (cpu_s() - begin_s) * 1e9 / (double)packets;
}

int main(int argc, char **argv)
{
	static struct settings s = {.pcap = "/dev/null", .seed = 1, .rate = {.kind = WM_RATE_MODEL, .value = 1}};
	static struct models models;
	static struct wm_form forms[FAKE_FORMS];
	static struct wm_plane_stats stats;
	const atomic_bool never = false;
	const struct steer steer = {.stop = &never};
	struct wm_err err = {0};
	bool began = false;
	double all_ns, own_ns;

	s.packets = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
	s.workers = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	own_ns = engine_ns(s.packets);
	models.n = 1;
	models.sources[0] = (struct wm_source){.engine = &fake_engine, .model = &office, .speed = 1};
	models.at[0].engine = &fake_engine;
	models.at[0].forms = forms;
	models.at[0].n_forms = FAKE_FORMS;
	if (fake_forms(forms) < 0)
		return 1;
	all_ns = -cpu_s();
	if (pcap_run(&s, &models, &steer, &stats, &began, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	all_ns = (all_ns + cpu_s()) * 1e9 / (double)stats.generated;
	(void)printf("%" PRIu64 " packets of %" PRIu64
		     " bytes; ns of CPU time a packet: %.0f, engine %.0f, rest %.0f\n",
		stats.total.sent, stats.total.bytes / stats.total.sent, all_ns, own_ns, all_ns - own_ns);
	return 0;
}
