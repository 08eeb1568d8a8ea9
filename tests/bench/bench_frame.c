// SPDX-License-Identifier: BSD-3-Clause
// Builds frames from samples, as the tx loop does: nanoseconds (and TSC cycles) per frame of one core.
#include <packet/form.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SAMPLES = 8192, BUFFERS = 1024, STRIDE = 2176, LAPS = 4000 };

static double now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint64_t cycles(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

static void run(const char *name, const struct wm_form *forms, size_t n_forms, uint16_t len, bool zeroed)
{
	struct wm_sample *samples = aligned_alloc(64, SAMPLES * sizeof(*samples));
	uint8_t *buffers = aligned_alloc(64, (size_t)BUFFERS * STRIDE);
	double best = 1e30;
	uint64_t best_cycles = 0, sum = 0;

	if (samples == NULL || buffers == NULL)
		exit(1);
	memset(buffers, 0, (size_t)BUFFERS * STRIDE);
	for (uint32_t i = 0; i < SAMPLES; i++) {
		samples[i] = (struct wm_sample){.time_ns = i * 1000,
			.src = {[12] = 10, [15] = (uint8_t)i},
			.dst = {[12] = 10, [15] = (uint8_t)(i * 7)},
			.seq = i * 3,
			.flow = i / 10,
			.sport = (uint16_t)i,
			.dport = 80,
			.flags = 16,
			.form = (uint16_t)(i * 7919u % n_forms)};
		samples[i].len = len > 0 ? len : forms[samples[i].form].head_len;
	}
	for (int lap = 0; lap < LAPS / 100; lap++) {
		double t = now_ns();
		uint64_t c = cycles();

		for (uint32_t k = 0; k < 100; k++)
			for (uint32_t i = 0; i < SAMPLES / 8; i++) {
				const struct wm_sample *s = &samples[(i + k * 1024) % SAMPLES];

				wm_frame_build(buffers + (size_t)(i % BUFFERS) * STRIDE, &forms[s->form], s, zeroed);
			}
		c = cycles() - c;
		t = now_ns() - t;
		if (t < best) {
			best = t;
			best_cycles = c;
		}
		sum += buffers[40];
	}
	printf("%-28s %6.1f ns %6.1f cycles per frame (%llu)\n", name, best / (100 * SAMPLES / 8),
		(double)best_cycles / (100 * SAMPLES / 8), (unsigned long long)sum % 10);
	free(samples);
	free(buffers);
}

static struct wm_form form_of(const uint8_t *image, size_t len)
{
	struct wm_form f;
	struct wm_err err;

	if (wm_form_init(&f, image, len, NULL, NULL, 0, &err) < 0) {
		printf("%s\n", err.msg);
		exit(1);
	}
	return f;
}

int main(void)
{
	uint8_t tcp4[66] = {[12] = 8, [14] = 0x45, [22] = 64, [23] = 6, [46] = 0x50}, udp4[42];
	uint8_t ts4[66], udp6[62] = {[12] = 0x86, 0xdd, 0x60, [20] = 17, 64};
	struct wm_form forms[4];

	memcpy(udp4, tcp4, sizeof(udp4));
	udp4[23] = 17;
	memset(udp4 + 34, 0, 8);
	memcpy(ts4, tcp4, sizeof(ts4));
	ts4[46] = 0x80;
	memcpy(ts4 + 54, (const uint8_t[]){1, 1, 8, 10}, 4);
	forms[0] = form_of(tcp4, 54);
	forms[1] = form_of(udp4, 42);
	forms[2] = form_of(ts4, 66);
	forms[3] = form_of(udp6, 62);
	run("TCP/IPv4, 60, zeroed", forms, 1, 60, true);
	run("TCP/IPv4, 1500, zeroed", forms, 1, 1500, true);
	run("TCP/IPv4, 1500", forms, 1, 1500, false);
	run("UDP/IPv4, 64, zeroed", forms + 1, 1, 64, true);
	run("TCP/IPv4 time stamps, zeroed", forms + 2, 1, 100, true);
	run("UDP/IPv6, zeroed", forms + 3, 1, 100, true);
	run("all four in turn, zeroed", forms, 4, 100, true);
	return 0;
}
