// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <capture/capture.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

// A file being written, in either byte order.
struct file {
	uint8_t bytes[4096];
	size_t n;
	bool big;
};

static void put16(struct file *f, uint16_t v)
{
	v = f->big ? htobe16(v) : htole16(v);
	memcpy(f->bytes + f->n, &v, 2), f->n += 2;
}

static void put32(struct file *f, uint32_t v)
{
	v = f->big ? htobe32(v) : htole32(v);
	memcpy(f->bytes + f->n, &v, 4), f->n += 4;
}

static void put_bytes(struct file *f, const void *p, size_t n)
{
	memcpy(f->bytes + f->n, p, n), f->n += n;
}

static void put_pcap_header(struct file *f, uint32_t magic, uint32_t network)
{
	put32(f, magic);
	put16(f, 2), put16(f, 4);
	put32(f, 0), put32(f, 0), put32(f, 65535), put32(f, network);
}

static void put_record(struct file *f, uint32_t sec, uint32_t frac, uint32_t cap, uint32_t len)
{
	static const uint8_t data[64] = "a packet";

	put32(f, sec), put32(f, frac), put32(f, cap), put32(f, len);
	put_bytes(f, data, cap < sizeof(data) ? cap : sizeof(data));
}

static void put_section(struct file *f)
{
	put32(f, 0x0a0d0d0a), put32(f, 28), put32(f, 0x1a2b3c4d);
	put16(f, 1), put16(f, 0), put32(f, ~0u), put32(f, ~0u), put32(f, 28);
}

// resolution and offset as in the options; 0 and 0 leave them out.
static void put_interface(struct file *f, uint16_t link, uint8_t resolution, int32_t offset_s)
{
	uint32_t len = 20 + (resolution > 0 ? 8u : 0) + (offset_s != 0 ? 12u : 0);
	const uint8_t value[4] = {resolution};

	put32(f, 1), put32(f, len), put16(f, link), put16(f, 0), put32(f, 0);
	if (resolution > 0)
		put16(f, 9), put16(f, 1), put_bytes(f, value, 4);
	if (offset_s != 0) {
		put16(f, 14), put16(f, 8);
		put32(f, f->big ? (offset_s < 0 ? ~0u : 0) : (uint32_t)offset_s);
		put32(f, f->big ? (uint32_t)offset_s : (offset_s < 0 ? ~0u : 0));
	}
	put32(f, len);
}

static void put_packet(struct file *f, uint32_t interface, uint64_t stamp, uint32_t cap, uint32_t len)
{
	put32(f, 6), put32(f, 36), put32(f, interface);
	put32(f, (uint32_t)(stamp >> 32)), put32(f, (uint32_t)stamp);
	put32(f, cap), put32(f, len), put_bytes(f, "data", 4), put32(f, 36);
}

// Opens what was written, through a temporary file; gz = compressed.
static int open_file(struct wm_capture **c, const struct file *f, bool gz, struct wm_err *err)
{
	char path[] = "/tmp/wiremill-test-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	if (gz) {
		gzFile z = gzdopen(dup(fd), "wb");

		assert_int_equal(gzwrite(z, f->bytes, (unsigned)f->n), (int)f->n);
		assert_int_equal(gzclose(z), Z_OK);
	} else {
		assert_int_equal(write(fd, f->bytes, f->n), (ssize_t)f->n);
	}
	(void)close(fd);
	rc = wm_capture_open(c, path, err);
	(void)unlink(path);
	return rc;
}

static void pcap_of_both_orders_and_resolutions_is_read(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct file f = {.big = (i & 1) != 0};
		struct wm_capture_packet pkt;
		struct wm_capture *c;
		struct wm_err err = {{0}};

		put_pcap_header(&f, i & 2 ? 0xa1b23c4d : 0xa1b2c3d4, 1);
		put_record(&f, 1000000000, 5, 10, 90);
		put_record(&f, 4000000000, 999999, 0, 60);
		assert_int_equal(open_file(&c, &f, (i & 4) != 0, &err), 0);
		assert_int_equal(wm_capture_next(c, &pkt, &err), 1);
		assert_true(pkt.time_ns == 1000000000000000000 + (i & 2 ? 5 : 5000));
		assert_int_equal(pkt.cap_len, 10);
		assert_int_equal(pkt.len, 90);
		assert_int_equal(pkt.link, 1);
		assert_string_equal((const char *)pkt.data, "a packet");
		assert_int_equal(wm_capture_next(c, &pkt, &err), 1);
		assert_true(pkt.time_ns / 1000000000 == 4000000000); // after 2038, before 2106
		assert_int_equal(wm_capture_next(c, &pkt, &err), 0);
		assert_null(wm_capture_damage(c));
		assert_int_equal(wm_capture_counts(c)->packets, 2);
		wm_capture_close(c);
	}
}

static void pcapng_interfaces_have_their_own_link_type_and_clock(void **state)
{
	static const struct {
		uint8_t resolution;
		uint64_t stamp;
		uint64_t ns;
	} cases[] = {
		{0, 1500000, 1500000000},                   // microseconds unless said otherwise
		{9, 1500000001, 1500000001},                //
		{3, 1500, 1500000000},                      //
		{0x80 | 20, 3 << 19, 1500000000},           // 2^-20 s
		{12, 1500000001999, 1500000001},            // finer than nanoseconds: cut
		{0x80 | 32, (uint64_t)3 << 31, 1500000000}, //
	};

	(void)state;
	for (int big = 0; big < 2; big++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct file f = {.big = big != 0};
			struct wm_capture_packet pkt;
			struct wm_capture *c;
			struct wm_err err = {{0}};

			put_section(&f);
			put_interface(&f, 113, 0, 0);
			put_interface(&f, 101, cases[i].resolution, 100);
			put_packet(&f, 1, cases[i].stamp, 4, 77);
			put_packet(&f, 0, 8, 3, 3);
			assert_int_equal(open_file(&c, &f, false, &err), 0);
			assert_int_equal(wm_capture_next(c, &pkt, &err), 1);
			assert_true(pkt.time_ns == cases[i].ns + 100000000000);
			assert_int_equal(pkt.link, 101);
			assert_int_equal(pkt.len, 77);
			assert_memory_equal(pkt.data, "data", 4);
			assert_int_equal(wm_capture_next(c, &pkt, &err), 1);
			assert_true(pkt.time_ns == 8000);
			assert_int_equal(pkt.link, 113);
			assert_int_equal(wm_capture_next(c, &pkt, &err), 0);
			assert_null(wm_capture_damage(c));
			wm_capture_close(c);
		}
	}
}

static void pcapng_sections_begin_anew_in_their_own_byte_order(void **state)
{
	struct file f = {0};
	struct wm_capture_packet pkt;
	struct wm_capture *c;
	struct wm_err err = {{0}};

	(void)state;
	put_section(&f);
	put_interface(&f, 1, 0, 0);
	put_packet(&f, 0, 1, 4, 4);
	f.big = true;
	put_section(&f);
	put_interface(&f, 276, 9, -1);
	put_packet(&f, 0, 2000000000, 4, 4);
	put_packet(&f, 1, 3, 4, 4);          // of the section before: there is no interface 1 here
	put_packet(&f, 0, 5, 4, 4);          // before 1970
	put_packet(&f, 0, 2000000000, 5, 5); // longer than its block
	assert_int_equal(open_file(&c, &f, false, &err), 0);
	assert_int_equal(wm_capture_next(c, &pkt, &err), 1);
	assert_int_equal(pkt.link, 1);
	assert_int_equal(wm_capture_next(c, &pkt, &err), 1);
	assert_int_equal(pkt.link, 276);
	assert_true(pkt.time_ns == 1000000000);
	assert_int_equal(wm_capture_next(c, &pkt, &err), 0);
	assert_int_equal(wm_capture_counts(c)->bad_blocks, 3);
	wm_capture_close(c);
}

static void damage_ends_the_capture_and_is_told(void **state)
{
	(void)state;
	for (size_t cut = 1; cut < 2 * 26; cut++) {
		struct file f = {0};
		struct wm_capture_packet pkt;
		struct wm_capture *c;
		struct wm_err err = {{0}};
		int n = 0;

		put_pcap_header(&f, 0xa1b2c3d4, 1);
		put_record(&f, 1, 0, 10, 10);
		put_record(&f, 2, 0, 10, 10);
		f.n -= cut;
		assert_int_equal(open_file(&c, &f, cut % 2 == 0, &err), 0);
		while (wm_capture_next(c, &pkt, &err) == 1)
			n++;
		assert_int_equal(n, cut <= 26);
		if (cut == 26)
			assert_null(wm_capture_damage(c));
		else
			assert_non_null(strstr(wm_capture_damage(c), "damaged at byte "));
		wm_capture_close(c);
	}
}

static void records_that_claim_too_much_are_damage(void **state)
{
	struct file f = {0};
	struct wm_capture_packet pkt;
	struct wm_capture *c;
	struct wm_err err = {{0}};

	(void)state;
	put_pcap_header(&f, 0xa1b2c3d4, 1);
	put_record(&f, 1, 0, 0x7fffffff, 60);
	assert_int_equal(open_file(&c, &f, false, &err), 0);
	assert_int_equal(wm_capture_next(c, &pkt, &err), 0);
	assert_string_equal(wm_capture_damage(c), "damaged at byte 24: a record claims 2147483647 captured bytes");
	assert_int_equal(wm_capture_next(c, &pkt, &err), 0);
	wm_capture_close(c);
}

static void damage_is_located_in_a_large_file(void **state)
{
	static uint8_t record[16 + 60000];
	char path[] = "/tmp/wiremill-test-XXXXXX";
	struct file head = {.n = 0};
	struct wm_capture_packet pkt;
	struct wm_capture *c;
	struct wm_err err = {{0}};
	int fd = mkstemp(path), n = 0;

	(void)state;
	assert_true(fd >= 0);
	put_pcap_header(&head, 0xa1b2c3d4, 1);
	assert_int_equal(write(fd, head.bytes, 24), 24);
	record[8] = record[12] = 60000 & 0xff;
	record[9] = record[13] = 60000 >> 8;
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, record, sizeof(record)), sizeof(record));
	assert_int_equal(write(fd, record, 20), 20);
	(void)close(fd);
	assert_int_equal(wm_capture_open(&c, path, &err), 0);
	(void)unlink(path);
	while (wm_capture_next(c, &pkt, &err) == 1)
		n++;
	assert_int_equal(n, 100);
	assert_string_equal(wm_capture_damage(c),
		"damaged at byte 6001624: cut short in a packet of 60000 bytes, of which 4 are there"); // 24 + 100 *
													// 60016
	wm_capture_close(c);
}

static void odd_records_are_read_and_counted(void **state)
{
	struct file f = {0};
	struct wm_capture_packet pkt;
	struct wm_capture *c;
	struct wm_err err = {{0}};

	(void)state;
	put_pcap_header(&f, 0xa1b2c3d4, 1);
	put_record(&f, 1, 2500000, 10, 5);
	assert_int_equal(open_file(&c, &f, false, &err), 0);
	assert_int_equal(wm_capture_next(c, &pkt, &err), 1);
	assert_true(pkt.time_ns == 3500000000);
	assert_int_equal(pkt.len, 10);
	assert_int_equal(wm_capture_counts(c)->odd_times, 1);
	assert_int_equal(wm_capture_counts(c)->odd_lens, 1);
	wm_capture_close(c);
}

static void what_is_no_capture_is_refused_by_name(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *reason;
	} cases[] = {
		{"", 0, "empty"},
		{"\xd4\xc3\xb2", 3, "too short"},
		{"\x28\xb5\x2f\xfd....", 8, "zstd -d"},
		{"\xfd\x37zXZ...", 8, "xz -d"},
		{"BZh9....", 8, "bzip2 -d"},
		{"snoop\0\0\0", 8, "snoop"},
		{"te,td,sa,da\n", 12, "not a pcap or pcapng capture (begins with bytes 74 65 2c 74)"},
		{"\xd4\xc3\xb2\xa1\2\0\4\0", 8, "cut short in the file header"},
		{"\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1a", 12, "section header is cut short"},
	};
	struct wm_capture *c = NULL;
	struct file f = {0};
	struct wm_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(f.bytes, cases[i].bytes, cases[i].n);
		f.n = cases[i].n;
		assert_int_equal(open_file(&c, &f, false, &err), -EINVAL);
		assert_non_null(strstr(err.msg, cases[i].reason));
		assert_non_null(strstr(err.msg, "/tmp/wiremill-test-"));
	}
	f.n = 0;
	put_pcap_header(&f, 0xa1b2c3d4, 0x00300001);
	assert_int_equal(open_file(&c, &f, false, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "reserved bits"));
	f.n = 0;
	put_pcap_header(&f, 0xa1b2c3d4, 1);
	f.bytes[4] = 1;
	assert_int_equal(open_file(&c, &f, false, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "pcap version 1.4 is not supported"));
	assert_int_equal(wm_capture_open(&c, "/nonexistent/x.pcap", &err), -ENOENT);
	assert_string_equal(err.msg, "/nonexistent/x.pcap: No such file or directory");
	assert_int_equal(wm_capture_open(&c, "/tmp", &err), -EISDIR);
	assert_null(c);
}

static void filter_matches_by_link_type(void **state)
{
	static const uint8_t udp[] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 9, 0, 53};
	struct wm_capture_packet pkt;
	struct file f = {0};
	struct wm_capture *c;
	struct wm_err err;

	(void)state;
	put_pcap_header(&f, 0xa1b2c3d4, 101);
	put_record(&f, 1, 0, 24, 28);
	memcpy(f.bytes + f.n - 24, udp, 24);
	put_record(&f, 2, 0, 24, 28);
	assert_int_equal(open_file(&c, &f, false, &err), 0);
	assert_int_equal(wm_capture_filter(c, "udp port 53", &err), 0);
	assert_int_equal(wm_capture_next(c, &pkt, &err), 1);
	assert_int_equal(wm_capture_next(c, &pkt, &err), 0);
	assert_int_equal(wm_capture_counts(c)->packets, 2);
	assert_int_equal(wm_capture_counts(c)->filtered, 1);
	wm_capture_close(c);

	assert_int_equal(open_file(&c, &f, false, &err), 0);
	assert_int_equal(wm_capture_filter(c, "udp prt 53", &err), -EINVAL);
	assert_non_null(strstr(err.msg, "filter 'udp prt 53': "));
	wm_capture_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_of_both_orders_and_resolutions_is_read),
		cmocka_unit_test(pcapng_interfaces_have_their_own_link_type_and_clock),
		cmocka_unit_test(pcapng_sections_begin_anew_in_their_own_byte_order),
		cmocka_unit_test(damage_ends_the_capture_and_is_told),
		cmocka_unit_test(records_that_claim_too_much_are_damage),
		cmocka_unit_test(damage_is_located_in_a_large_file),
		cmocka_unit_test(odd_records_are_read_and_counted),
		cmocka_unit_test(what_is_no_capture_is_refused_by_name),
		cmocka_unit_test(filter_matches_by_link_type),
	};

	return cmocka_run_group_tests_name("capture_read", tests, NULL, NULL);
}
