// SPDX-License-Identifier: BSD-3-Clause
#include <capture/capture.h>
#include <capture/writer.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pcap/pcap.h>

static void what_is_written_is_read_again(void **state)
{
	enum { N = 3000 };
	char path[] = "/tmp/wiremill-test-XXXXXX";
	int fd = mkstemp(path);
	struct wm_capture_writer *w;
	struct wm_capture_packet pkt;
	struct wm_capture *c;

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(wm_capture_writer_open(&w, path, 1, WM_FRAME_MAX, NULL), 0);
	for (uint32_t i = 0; i < N; i++) { // 4.5 MB: several times the buffer
		uint8_t *frame = wm_capture_writer_reserve(w, 14 + i);

		assert_non_null(frame);
		memset(frame, (int)(i & 0xff), 14 + i);
		wm_capture_writer_commit(w, i * 1234567891ull, 14 + i);
	}
	assert_int_equal(wm_capture_writer_close(w, NULL, NULL), 0);

	assert_int_equal(wm_capture_open(&c, path, NULL), 0);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(wm_capture_next(c, &pkt, NULL), 1);
		assert_int_equal(pkt.time_ns, i * 1234567891ull);
		assert_int_equal(pkt.len, 14 + i);
		assert_int_equal(pkt.cap_len, 14 + i);
		assert_int_equal(pkt.link, 1);
		assert_int_equal(pkt.data[0], i & 0xff);
		assert_int_equal(pkt.data[13 + i], i & 0xff);
	}
	assert_int_equal(wm_capture_next(c, &pkt, NULL), 0);
	assert_null(wm_capture_damage(c));
	wm_capture_close(c);
	(void)unlink(path);
}

static void what_cannot_be_written_is_told_with_its_path(void **state)
{
	struct wm_capture_writer *w;
	struct wm_capture_lost lost;
	struct wm_err err = {0};

	(void)state;
	assert_int_equal(wm_capture_writer_open(&w, "/nonexistent/x.pcap", 1, WM_FRAME_MAX, &err), -ENOENT);
	assert_string_equal(err.msg, "/nonexistent/x.pcap: cannot be written: No such file or directory");
	if (access("/dev/full", W_OK) != 0)
		skip();
	assert_int_equal(wm_capture_writer_open(&w, "/dev/full", 1, WM_FRAME_MAX, &err), 0);
	for (int i = 0; i < 100; i++)
		if (wm_capture_writer_reserve(w, 60000) != NULL)
			wm_capture_writer_commit(w, 0, 60000);
	assert_null(wm_capture_writer_reserve(w, 60));
	assert_int_equal(wm_capture_writer_close(w, &lost, &err), -ENOSPC);
	assert_string_equal(
		err.msg, "/dev/full: cannot be written: No space left on device; 17 packets are missing in it");
	assert_int_equal(lost.packets, 17); // as many as its buffer holds
	assert_int_equal(lost.bytes, 17 * 60000);
}

// Not only our own reader.
static void libpcap_reads_what_is_written(void **state)
{
	enum { N = 3000 };
	char path[] = "/tmp/wiremill-test-XXXXXX", reason[PCAP_ERRBUF_SIZE];
	int fd = mkstemp(path);
	struct wm_capture_writer *w;
	struct pcap_pkthdr *h;
	const uint8_t *data;
	pcap_t *p;

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(wm_capture_writer_open(&w, path, 1, WM_FRAME_MAX, NULL), 0);
	for (uint32_t i = 0; i < N; i++) {
		memset(wm_capture_writer_reserve(w, 1514), (int)(i & 0xff), 60);
		wm_capture_writer_commit(w, i * 1000000007ull, 60);
	}
	assert_int_equal(wm_capture_writer_close(w, NULL, NULL), 0);
	p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, reason);
	(void)unlink(path);
	assert_non_null(p);
	assert_int_equal(pcap_datalink(p), DLT_EN10MB);
	assert_int_equal(pcap_snapshot(p), WM_FRAME_MAX);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(pcap_next_ex(p, &h, &data), 1);
		assert_int_equal(h->len, 60);
		assert_int_equal(h->caplen, 60);
		assert_int_equal(h->ts.tv_sec, i * 1000000007ull / 1000000000);
		assert_int_equal(h->ts.tv_usec, i * 1000000007ull % 1000000000);
		assert_int_equal(data[59], i & 0xff);
	}
	assert_int_equal(pcap_next_ex(p, &h, &data), PCAP_ERROR_BREAK);
	pcap_close(p);
}

static void what_a_pcap_file_cannot_hold_is_a_failure_and_what_came_before_is_kept(void **state)
{
	char path[] = "/tmp/wiremill-test-XXXXXX";
	int fd = mkstemp(path);
	struct wm_capture_writer *w;
	struct wm_err err = {0};

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(wm_capture_writer_open(&w, path, 1, WM_FRAME_MAX, &err), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_non_null(wm_capture_writer_reserve(w, 60));
		assert_int_equal(wm_capture_writer_commit(w, (UINT64_C(1) << 32) * 1000000000 * i, 60), i == 0);
	}
	assert_null(wm_capture_writer_reserve(w, 60));
	assert_int_equal(wm_capture_writer_close(w, NULL, &err), -EOVERFLOW);
	assert_non_null(strstr(err.msg, "2106"));
	assert_int_equal(lseek(fd, 0, SEEK_END), 24 + 16 + 60);
	(void)close(fd);
	(void)unlink(path);
	assert_int_equal(wm_capture_writer_open(&w, "/dev/null", 1, WM_FRAME_MAX, &err), 0);
	assert_null(wm_capture_writer_reserve(w, WM_FRAME_MAX + 1));
	assert_int_equal(wm_capture_writer_close(w, NULL, &err), -EMSGSIZE);
	assert_int_equal(wm_capture_writer_close(NULL, NULL, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(what_cannot_be_written_is_told_with_its_path),
		cmocka_unit_test(libpcap_reads_what_is_written),
		cmocka_unit_test(what_a_pcap_file_cannot_hold_is_a_failure_and_what_came_before_is_kept),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
