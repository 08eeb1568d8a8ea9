// SPDX-License-Identifier: BSD-3-Clause
// Files with bytes changed at random: read as far as they go, never beyond the bytes that are there (a sanitizer
// watches), and whatever is learned from them can be built.
#include <base/philox.h>
#include <dataset/dataset.h>
#include <packet/form.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 3000, ROOM = 2048 };

#define MACS 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1
#define IPV6_ADDRESSES                                                                                                 \
	0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2

static const struct {
	uint8_t len;
	uint8_t bytes[90];
} frames[] = {
	// TCP with time stamps and SACK behind two VLAN tags
	{86, {MACS, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0, 0x45, 0, 0, 64, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10,
		     0, 0, 2, 0, 80, 0x90, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0xb0, 0x10, 1, 0, 0, 0, 0, 0, 1, 1, 8, 10, 1, 2,
		     3, 4, 5, 6, 7, 8, 1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 12}},
	// UDP over IPv6 with hop-by-hop and fragment headers
	{82, {MACS, 0x86, 0xdd, 0x60, 0, 0, 9, 0, 28, 0, 64, IPV6_ADDRESSES, 44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0,
		     0, 7, 0, 53, 0x90, 0, 0, 12, 0, 0, 't', 'e', 'x', 't'}},
	{46, {MACS, 8, 0, 0x45, 0, 0, 32, 0, 9, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 8, 0, 0, 0, 0, 1, 0, 2,
		     'p', 'i', 'n', 'g'}},
	{42, {MACS, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1}},
	{60, {MACS, 0, 38, 0x42, 0x42, 3}},
};

struct file {
	uint8_t bytes[ROOM];
	size_t n;
};

static void put32(struct file *f, uint32_t v)
{
	memcpy(f->bytes + f->n, &v, 4), f->n += 4;
}

static void put_frame(struct file *f, size_t i)
{
	memcpy(f->bytes + f->n, frames[i].bytes, frames[i].len), f->n += frames[i].len;
}

static void make_pcap(struct file *f)
{
	put32(f, 0xa1b2c3d4), put32(f, 4 << 16 | 2), put32(f, 0), put32(f, 0), put32(f, 65535), put32(f, 1);
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		put32(f, (uint32_t)i), put32(f, 0), put32(f, frames[i].len), put32(f, frames[i].len);
		put_frame(f, i);
	}
}

static void make_pcapng(struct file *f)
{
	put32(f, 0x0a0d0d0a), put32(f, 28), put32(f, 0x1a2b3c4d), put32(f, 1), put32(f, ~0u), put32(f, ~0u),
		put32(f, 28);
	put32(f, 1), put32(f, 40), put32(f, 1), put32(f, 0);
	put32(f, 1 << 16 | 9), put32(f, 9), put32(f, 8 << 16 | 14), put32(f, 0), put32(f, 0), put32(f, 40);
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		uint32_t padded = (frames[i].len + 3u) / 4 * 4;

		put32(f, 6), put32(f, 32 + padded), put32(f, 0), put32(f, 0), put32(f, (uint32_t)i);
		put32(f, frames[i].len), put32(f, frames[i].len);
		put_frame(f, i);
		f->n += padded - frames[i].len;
		put32(f, 32 + padded);
	}
}

static void build_all(const struct wm_dataset *ds)
{
	struct wm_sample s = {.src = {10, 1}, .dst = {10, 2}, .seq = 5, .ack = 9};
	static uint8_t frame[WM_FORM_HEAD_MAX + 2 * UINT16_MAX];
	static uint32_t sums[UINT16_MAX / 2 + 1];
	struct wm_form form;
	struct wm_err err;

	for (size_t i = 0; i < ds->n_forms; i++) {
		const struct wm_form_record *r = &ds->forms[i];
		const uint8_t *payload = r->payload_len > 0 ? ds->bytes + r->payload : NULL;

		assert_int_equal(
			wm_form_init(&form, ds->bytes + r->image, r->image_len, payload, sums, r->payload_len, &err),
			0);
		s.len = (uint16_t)(form.head_len + form.pad);
		wm_frame_build(frame, &form, &s, false);
	}
}

// @return how many packets were learned from.
static size_t read_file(const struct file *f)
{
	const struct wm_dataset_options options = {.payloads = true};
	struct wm_dataset ds = {0};
	struct wm_err err = {{0}};
	int fd = memfd_create("capture", 0), rc;
	size_t n;
	char name[40];
	const char *path = name;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, f->bytes, f->n), (ssize_t)f->n);
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	rc = wm_dataset_read(&ds, &path, 1, &options, &err);
	(void)close(fd);
	assert_int_equal(rc < 0, err.msg[0] != '\0');
	build_all(&ds);
	n = ds.n_records;
	wm_dataset_free(&ds);
	return n;
}

static void fuzz(void (*make)(struct file *f), uint64_t seed)
{
	const size_t n_frames = sizeof(frames) / sizeof(frames[0]);
	struct file whole = {.n = 0};
	size_t learned = 0;

	make(&whole);
	assert_int_equal(read_file(&whole), n_frames);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct file f = whole;
		struct wm_rng rng;

		wm_rng_init(&rng, seed, WM_STREAM_TEST, round);
		for (uint32_t i = wm_rng_below(&rng, 12); i > 0; i--) {
			uint8_t *p = &f.bytes[wm_rng_below(&rng, (uint32_t)f.n)];

			if (wm_rng_below(&rng, 2))
				*p = (uint8_t)wm_rng_u32(&rng);
			else
				*p ^= (uint8_t)(1u << wm_rng_below(&rng, 8));
		}
		if (wm_rng_below(&rng, 4) == 0)
			f.n = wm_rng_below(&rng, (uint32_t)f.n + 1);
		learned += read_file(&f);
	}
	assert_true(learned > n_frames * ROUNDS / 4);
}

static void changed_pcap_files_are_survived(void **state)
{
	(void)state;
	fuzz(make_pcap, 1);
}

static void changed_pcapng_files_are_survived(void **state)
{
	(void)state;
	fuzz(make_pcapng, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed_pcap_files_are_survived),
		cmocka_unit_test(changed_pcapng_files_are_survived),
	};

	return cmocka_run_group_tests_name("capture_fuzz", tests, NULL, NULL);
}
