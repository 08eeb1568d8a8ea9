// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <dataset/dataset.h>
#include <packet/form.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { CLIENT = 1, SERVER = 2 };
static const uint64_t ms = 1000000, second = 1000 * 1000000ull;

// A capture being written (little-endian nanosecond pcap, Ethernet).
struct file {
	FILE *f;
	char path[40];
};

static void put(struct file *f, const void *p, size_t n)
{
	assert_int_equal(fwrite(p, 1, n, f->f), n);
}

static void file_begin(struct file *f)
{
	static const uint8_t header[24] = {0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, [18] = 4, [20] = 1};
	int fd;

	strcpy(f->path, "/tmp/wiremill-test-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	f->f = fdopen(fd, "wb");
	assert_non_null(f->f);
	put(f, header, sizeof(header));
}

static void put_frame(struct file *f, uint64_t time_ns, const uint8_t *frame, uint32_t cap, uint32_t len)
{
	uint32_t header[4] = {htole32((uint32_t)(time_ns / second)), htole32((uint32_t)(time_ns % second)),
		htole32(cap), htole32(len)};

	put(f, header, sizeof(header));
	put(f, frame, cap);
}

struct segment {
	uint8_t from; // CLIENT or SERVER
	uint8_t flags;
	uint32_t seq;
	uint32_t ack;
	uint16_t payload;
	uint16_t port; // the client's, 0 = 40000
};

static void put_tcp(struct file *f, uint64_t time_ns, const struct segment *s)
{
	uint8_t b[1514] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 0, 0, 1, 0, 0, 64, 6};
	uint16_t port = s->port > 0 ? s->port : 40000;
	uint32_t len = 54u + s->payload;

	wm_put_be16(b + 16, (uint16_t)(len - 14));
	b[26] = b[30] = 10;
	b[29] = s->from;
	b[33] = s->from ^ 3;
	wm_put_be16(b + 34, s->from == CLIENT ? port : 8081);
	wm_put_be16(b + 36, s->from == CLIENT ? 8081 : port);
	wm_put_be32(b + 38, s->seq);
	wm_put_be32(b + 42, s->ack);
	b[46] = 0x50;
	b[47] = s->flags;
	put_frame(f, time_ns, b, len, len);
}

static void put_udp(struct file *f, uint64_t time_ns, uint16_t sport, uint16_t dport, const char *payload)
{
	uint8_t b[200] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17};
	uint32_t n = (uint32_t)strlen(payload), len = 42 + n;

	wm_put_be16(b + 16, (uint16_t)(len - 14));
	b[26] = b[30] = 10;
	b[29] = sport > dport ? 1 : 2;
	b[33] = b[29] ^ 3;
	wm_put_be16(b + 34, sport);
	wm_put_be16(b + 36, dport);
	wm_put_be16(b + 38, (uint16_t)(8 + n));
	memcpy(b + 42, payload, n);
	put_frame(f, time_ns, b, len, len);
}

static int read_files(struct wm_dataset *ds, struct file *files, size_t n, struct wm_err *err)
{
	const struct wm_dataset_options options = {.payloads = true};
	const char *paths[4];
	int rc;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(fclose(files[i].f), 0);
		paths[i] = files[i].path;
	}
	rc = wm_dataset_read(ds, paths, n, &options, err);
	for (size_t i = 0; i < n; i++)
		(void)unlink(files[i].path);
	return rc;
}

static void tcp_numbers_are_told_by_what_they_mean(void **state)
{
	static const struct {
		struct segment s;
		uint8_t seq;
		uint8_t ack;
	} cases[] = {
		{{CLIENT, SYN, 100, 0, 0, 0}, WM_SEQ_NEXT, WM_ACK_NONE},
		{{SERVER, SYN | ACK, 0xfffffff0, 101, 0, 0}, WM_SEQ_NEXT, WM_ACK_ALL},
		{{CLIENT, ACK, 101, 0xfffffff1, 0, 0}, WM_SEQ_NEXT, WM_ACK_ALL},
		{{CLIENT, ACK, 101, 0xfffffff1, 10, 0}, WM_SEQ_NEXT, WM_ACK_ALL},
		{{CLIENT, ACK, 111, 0xfffffff1, 10, 0}, WM_SEQ_NEXT, WM_ACK_ALL},
		{{SERVER, ACK, 0xfffffff1, 101, 100, 0}, WM_SEQ_NEXT, WM_ACK_SAME}, // wraps around
		{{SERVER, ACK, 85, 111, 0, 0}, WM_SEQ_NEXT, WM_ACK_SOME},
		{{SERVER, ACK, 85, 121, 0, 0}, WM_SEQ_NEXT, WM_ACK_ALL},
		{{CLIENT, ACK, 111, 85, 10, 0}, WM_SEQ_OLD, WM_ACK_ALL},
		{{CLIENT, ACK, 120, 85, 1, 0}, WM_SEQ_OLD, WM_ACK_ALL}, // keep-alive
		{{CLIENT, ACK, 200, 85, 1, 0}, WM_SEQ_HOLE, WM_ACK_ALL},
		{{SERVER, ACK, 85, 121, 0, 0}, WM_SEQ_NEXT, WM_ACK_SAME},
		{{CLIENT, FIN | ACK, 201, 85, 0, 0}, WM_SEQ_NEXT, WM_ACK_ALL},
		{{SERVER, ACK, 85, 202, 0, 0}, WM_SEQ_NEXT, WM_ACK_ALL},
		{{SERVER, RST, 85, 0, 0, 0}, WM_SEQ_NEXT, WM_ACK_NONE},
		{{SERVER, RST, 0, 0, 0, 0}, WM_SEQ_NONE, WM_ACK_NONE},
	};
	enum { N = sizeof(cases) / sizeof(cases[0]) };
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	for (size_t i = 0; i < N; i++)
		put_tcp(&f, second + i * ms, &cases[i].s);
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_int_equal(ds.n_flows, 1);
	assert_int_equal(ds.n_records, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(ds.records[i].seq, cases[i].seq);
		assert_int_equal(ds.records[i].ack, cases[i].ack);
		assert_int_equal(ds.records[i].reverse, cases[i].s.from == SERVER);
		assert_int_equal(ds.records[i].flags, cases[i].s.flags);
		assert_int_equal(ds.records[i].payload, cases[i].s.payload);
		assert_true(ds.records[i].time_ns == i * ms);
	}
	assert_true(ds.flows[0].started && ds.flows[0].ended);
	assert_int_equal(ds.flows[0].cport, 40000);
	assert_int_equal(ds.flows[0].sport, 8081);
	assert_int_equal(ds.flows[0].client[15], CLIENT);
	assert_int_equal(ds.flows[0].pkts[0] + ds.flows[0].pkts[1], N);
	assert_true(ds.first_ns == second);
	assert_true(ds.duration_ns == (N - 1) * ms);
	wm_dataset_free(&ds);
}

static void a_new_syn_after_the_end_opens_another_flow(void **state)
{
	static const struct segment segments[] = {
		{CLIENT, SYN, 1, 0, 0, 0}, {CLIENT, SYN, 1, 0, 0, 0},       // sent again
		{SERVER, RST | ACK, 0, 2, 0, 0}, {CLIENT, SYN, 1, 0, 0, 0}, // still the same
		{CLIENT, SYN, 9, 0, 0, 0},                                  // another
		{CLIENT, SYN, 20, 0, 0, 0},                                 // not ended
	};
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	for (size_t i = 0; i < 6; i++)
		put_tcp(&f, i * ms, &segments[i]);
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_int_equal(ds.n_flows, 2);
	assert_int_equal(ds.flows[0].n, 4);
	assert_int_equal(ds.flows[1].first, 4);
	assert_int_equal(ds.flows[1].n, 2);
	assert_true(ds.flows[0].ended);
	assert_false(ds.flows[1].ended);
	wm_dataset_free(&ds);
}

static void silence_ends_a_flow(void **state)
{
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	put_udp(&f, 0, 5000, 53, "a");
	put_udp(&f, 3600 * second, 53, 5000, "b"); // just in time
	put_udp(&f, 7201 * second, 5000, 53, "c");
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_int_equal(ds.n_flows, 2);
	assert_int_equal(ds.flows[0].n, 2);
	wm_dataset_free(&ds);
}

static void a_flow_that_has_ended_is_forgotten_sooner(void **state)
{
	static const struct segment fin = {CLIENT, FIN | ACK, 1, 1, 0, 0}, late = {SERVER, ACK, 1, 2, 0, 0};
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	put_tcp(&f, 0, &fin);
	put_tcp(&f, 240 * second, &late); // just in time
	put_tcp(&f, 481 * second, &late);
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_int_equal(ds.n_flows, 2);
	assert_int_equal(ds.flows[0].n, 2);
	wm_dataset_free(&ds);
}

static void the_client_is_who_speaks_to_a_known_port(void **state)
{
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	put_udp(&f, 0, 53, 5000, "an answer");
	put_udp(&f, 1, 5000, 53, "a question");
	put_udp(&f, 2, 5001, 5002, "peers");
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_int_equal(ds.n_flows, 2);
	assert_int_equal(ds.flows[0].cport, 5000);
	assert_int_equal(ds.records[0].reverse, 1);
	assert_int_equal(ds.records[1].reverse, 0);
	assert_int_equal(ds.flows[1].cport, 5001);
	wm_dataset_free(&ds);
}

static void time_that_goes_backwards_is_put_in_order(void **state)
{
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	for (unsigned i = 0; i < 100; i++)
		put_udp(&f, second + (i * 37 % 100) * ms, 5000, 53, "x");
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_int_equal(ds.n_flows, 1);
	for (unsigned i = 0; i < 100; i++)
		assert_true(ds.records[i].time_ns == i * ms);
	assert_true(ds.counts.backwards > 0);
	assert_int_equal(ds.counts.used, 100);
	wm_dataset_free(&ds);
}

static void captures_follow_each_other_unless_they_overlap(void **state)
{
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		file_begin(&f[i]);
	put_udp(&f[0], 900 * second, 5000, 53, "x"); // the last one: 1 s after the other two
	put_udp(&f[1], 100 * second, 5000, 53, "x");
	put_udp(&f[1], 110 * second, 5000, 53, "x");
	put_udp(&f[2], 105 * second, 5000, 53, "x");
	assert_int_equal(read_files(&ds, f, 3, &err), 0);
	assert_int_equal(ds.n_records, 4);
	assert_true(ds.first_ns == 100 * second);
	assert_true(ds.records[0].time_ns == 0);
	assert_true(ds.records[1].time_ns == 5 * second);
	assert_true(ds.records[2].time_ns == 10 * second);
	assert_true(ds.records[3].time_ns == 11 * second);
	assert_int_equal(ds.counts.backwards, 0);
	wm_dataset_free(&ds);
}

// What the form of record i holds as its payload.
static bool payload_is(const struct wm_dataset *ds, size_t i, const char *text)
{
	const struct wm_form_record *r = &ds->forms[ds->records[i].form];

	return r->payload_len == strlen(text) && memcmp(ds->bytes + r->payload, text, r->payload_len) == 0;
}

static void payload_examples_are_kept_by_length_and_direction(void **state)
{
	static const char *const texts[] = {"query 0", "query 1", "query 2", "query 3", "query 4", "query 5"};
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	for (size_t i = 0; i < 6; i++)
		put_udp(&f, i, 5000, 53, texts[i]);
	put_udp(&f, 6, 5000, 53, texts[3]);
	put_udp(&f, 7, 53, 5000, "reply 0");
	put_udp(&f, 8, 5000, 53, "longer query");
	put_udp(&f, 9, 5000, 53, "");
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_int_equal(ds.n_forms, 4 + 1 + 1 + 1);
	for (size_t i = 0; i < 4; i++)
		assert_true(payload_is(&ds, i, texts[i]));
	assert_true(payload_is(&ds, 4, texts[0])); // no fifth example: in turn
	assert_true(payload_is(&ds, 5, texts[1]));
	assert_true(payload_is(&ds, 6, texts[3]));
	assert_true(payload_is(&ds, 7, "reply 0"));
	assert_true(payload_is(&ds, 8, "longer query"));
	assert_true(payload_is(&ds, 9, ""));
	wm_dataset_free(&ds);
}

static void every_form_can_be_built(void **state)
{
	uint8_t arp[60] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
	static const struct segment syn = {CLIENT, SYN, 1, 0, 0, 0};
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	put_tcp(&f, 0, &syn);
	put_udp(&f, 1, 5000, 53, "text");
	put_frame(&f, 2, arp, sizeof(arp), sizeof(arp));
	put_frame(&f, 3, arp, 20, sizeof(arp)); // cut short: what there is is the image
	put_frame(&f, 4, arp, 10, sizeof(arp)); // not even an Ethernet header
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_int_equal(ds.n_records, 4);
	assert_int_equal(ds.counts.truncated, 1);
	assert_int_equal(ds.counts.not_ip, 2);
	assert_int_equal(ds.counts.by_proto[6], 1);
	assert_int_equal(ds.flows[2].sport, 0x0806);
	assert_int_equal(ds.flows[2].ip, 0);
	assert_int_equal(ds.records[2].payload, 46);
	for (size_t i = 0; i < ds.n_forms; i++) {
		const struct wm_form_record *r = &ds.forms[i];
		uint32_t sums[100];
		struct wm_form form;

		assert_int_equal(wm_form_init(&form, ds.bytes + r->image, r->image_len,
					 r->payload_len > 0 ? ds.bytes + r->payload : NULL, sums, r->payload_len, &err),
			0);
		assert_int_equal(form.ip, r->ip);
		assert_int_equal(form.proto, r->proto);
		assert_int_equal(r->count, 1);
	}
	wm_dataset_free(&ds);
}

static void nothing_to_learn_from_is_an_error_with_the_reason(void **state)
{
	uint8_t arp[60] = {0};
	struct wm_dataset ds = {.n_records = 7};
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	assert_int_equal(read_files(&ds, &f, 1, &err), -ENODATA);
	assert_non_null(strstr(err.msg, ": no packets that can be used"));
	file_begin(&f);
	put_frame(&f, 0, arp, 5, 60);
	assert_int_equal(read_files(&ds, &f, 1, &err), -ENODATA);
	assert_non_null(strstr(err.msg, "1 with headers cut short or senseless"));
	assert_int_equal(ds.n_records, 7);
}

static void damage_is_counted_and_told(void **state)
{
	static const struct segment syn = {CLIENT, SYN, 1, 0, 0, 0};
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	put_tcp(&f, 0, &syn);
	put(&f, "cut", 3);
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_int_equal(ds.counts.damaged, 1);
	assert_int_equal(ds.counts.packets, 1);
	assert_non_null(strstr(ds.damage.msg, "damaged at byte 94: cut short in a record header"));
	wm_dataset_free(&ds);
}

static void flows_that_come_and_go_by_the_thousands_are_told_apart(void **state)
{
	enum { FLOWS = 5000 };
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	for (int round = 0; round < 3; round++) // the third one after silence: all have been forgotten
		for (uint64_t i = 0; i < FLOWS; i++)
			put_udp(&f,
				(round == 2 ? 4000 * second : (uint64_t)round * second) + i * 1000 + (i % 7) * second,
				(uint16_t)(10000 + i), 53, "x");
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_int_equal(ds.n_flows, 2 * FLOWS);
	for (size_t i = 0; i < ds.n_flows; i++) {
		const struct wm_flow_record *flow = &ds.flows[i];

		assert_int_equal(flow->n, i < FLOWS ? 2 : 1);
		assert_true(i == 0 || flow->start_ns >= ds.flows[i - 1].start_ns);
		assert_true(ds.records[flow->first].time_ns == flow->start_ns);
		assert_true(ds.records[flow->first + flow->n - 1].time_ns == flow->end_ns);
	}
	wm_dataset_free(&ds);
}

// Against a table that forgets nothing and looks at the time of the flow before.
static void flows_that_expire_between_live_ones_are_found_all_the_same(void **state)
{
	enum { PACKETS = 20000, PORTS = 600 };
	static uint64_t last[PORTS];
	static uint32_t flow_of[PORTS], want[PACKETS];
	uint32_t x = 1, flows = 0;
	uint64_t now = 0;
	struct wm_dataset ds;
	struct wm_err err = {{0}};
	struct file f;

	(void)state;
	file_begin(&f);
	for (size_t i = 0; i < PACKETS; i++) {
		uint32_t port;

		x = x * 1664525 + 1013904223;
		port = (x >> 8) % PORTS;
		now += (x >> 20) % 16 * second;
		if (last[port] == 0 || now - last[port] > 3600 * second)
			flow_of[port] = flows++;
		last[port] = now;
		want[flow_of[port]]++;
		put_udp(&f, now, (uint16_t)(10000 + port), 53, "x");
	}
	assert_int_equal(read_files(&ds, &f, 1, &err), 0);
	assert_true(flows > 2 * PORTS);
	assert_int_equal(ds.n_flows, flows);
	for (size_t i = 0; i < flows; i++)
		assert_int_equal(ds.flows[i].n, want[i]);
	wm_dataset_free(&ds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_numbers_are_told_by_what_they_mean),
		cmocka_unit_test(a_new_syn_after_the_end_opens_another_flow),
		cmocka_unit_test(silence_ends_a_flow),
		cmocka_unit_test(a_flow_that_has_ended_is_forgotten_sooner),
		cmocka_unit_test(the_client_is_who_speaks_to_a_known_port),
		cmocka_unit_test(time_that_goes_backwards_is_put_in_order),
		cmocka_unit_test(captures_follow_each_other_unless_they_overlap),
		cmocka_unit_test(payload_examples_are_kept_by_length_and_direction),
		cmocka_unit_test(every_form_can_be_built),
		cmocka_unit_test(nothing_to_learn_from_is_an_error_with_the_reason),
		cmocka_unit_test(damage_is_counted_and_told),
		cmocka_unit_test(flows_that_come_and_go_by_the_thousands_are_told_apart),
		cmocka_unit_test(flows_that_expire_between_live_ones_are_found_all_the_same),
	};

	return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
