// SPDX-License-Identifier: BSD-3-Clause
// Reads a capture and dissects every packet: packets per second of one core.
#include <capture/capture.h>
#include <packet/dissect.h>

#include <stdio.h>
#include <time.h>

static double now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct wm_capture_packet rec;
		struct wm_capture *c;
		struct wm_err err = {{0}};
		uint64_t payload = 0, n = 0;
		double start = now_s(), took;
		int rc;

		if (wm_capture_open(&c, argv[i], &err) < 0) {
			printf("%s\n", err.msg);
			continue;
		}
		while ((rc = wm_capture_next(c, &rec, &err)) > 0) {
			struct wm_packet pkt;

			wm_dissect(&pkt, rec.link, rec.time_ns, rec.data, rec.cap_len, rec.len);
			payload += pkt.payload;
			n++;
		}
		took = now_s() - start;
		printf("%s: %llu packets, %llu bytes of payload, %.3f s, %.2f Mpps%s%s\n", argv[i],
			(unsigned long long)n, (unsigned long long)payload, took, (double)n / took / 1e6,
			wm_capture_damage(c) != NULL ? "; " : "",
			wm_capture_damage(c) != NULL ? wm_capture_damage(c)
			: rc < 0                     ? err.msg
						     : "");
		wm_capture_close(c);
	}
	return 0;
}
