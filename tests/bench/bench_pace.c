// SPDX-License-Identifier: BSD-3-Clause
// The bound of pacing: a loop that does nothing but wait for the TSC, on a core of its own if there is such, and notes
// how far its gaps are from those planned, as wiremill notes its own. What it gets wrong, the machine does.
//
//	bench_pace PPS SECONDS CORE     the last line is a JSON object
#include <base/clock.h>
#include <plane/timing.h>

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

enum { AWAY_NS = 1000 }; // between two looks at the TSC: somebody else had the core

static double measure_tsc(void)
{
	uint64_t ns = wm_now_ns(), tsc = __rdtsc();

	while (wm_now_ns() - ns < 100000000)
		;
	return (double)(__rdtsc() - tsc) / (double)(wm_now_ns() - ns);
}

int main(int argc, char **argv)
{
	static struct wm_timing timing;
	static struct wm_timing_tally tally;
	struct wm_timing_summary sum;
	double pps = argc == 4 ? strtod(argv[1], NULL) : 0, seconds = argc == 4 ? strtod(argv[2], NULL) : 0,
	       ticks_per_ns;
	uint64_t begin, now, away = 0, n_away = 0;
	cpu_set_t cores;

	if (!(pps > 0 && seconds > 0)) {
		(void)fprintf(stderr, "usage: bench_pace PPS SECONDS CORE\n");
		return 2;
	}
	CPU_ZERO(&cores);
	CPU_SET(strtoul(argv[3], NULL, 10), &cores);
	if (sched_setaffinity(0, sizeof(cores), &cores) < 0) {
		perror("bench_pace");
		return 1;
	}
	ticks_per_ns = measure_tsc();
	begin = now = __rdtsc();
	for (uint64_t i = 1; i <= (uint64_t)(pps * seconds); i++) {
		// Half of each gap is spread by the golden ratio: even ones may never meet the kernel's tick, or
		// always.
		double at = (double)i + 0.5 * fmod((double)i * 0.6180339887498949, 1);
		uint64_t due = begin + (uint64_t)(at * 1e9 / pps * ticks_per_ns), before;

		do {
			before = now;
			now = __rdtsc();
			if ((double)(now - before) > AWAY_NS * ticks_per_ns) {
				away += now - before;
				n_away++;
			}
		} while (now < due);
		wm_timing_add(&timing, (int64_t)(now - due));
	}
	seconds = (double)(now - begin) / ticks_per_ns * 1e-9;
	tally.ticks_per_ns = ticks_per_ns;
	wm_timing_count(&tally, &timing);
	wm_timing_sum_up(&sum, &tally);
	printf("{\"gaps\": %llu, \"p50_ns\": %.1f, \"p99_ns\": %.1f, \"max_ns\": %.1f, \"within_512_ns\": %.6f, "
	       "\"away_per_s\": %.1f, \"away\": %.6f}\n",
		(unsigned long long)sum.gaps, sum.p50_ns, sum.p99_ns, sum.max_ns, sum.within[WM_TIMING_WITHIN - 1],
		(double)n_away / seconds, (double)away / ticks_per_ns * 1e-9 / seconds);
	return 0;
}
