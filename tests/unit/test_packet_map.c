// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <base/philox.h>
#include <packet/fold.h>
#include <packet/map.h>

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FRAME_MAX = 512, ETH = 14 };

static struct wm_map map_of(const char *const *nets)
{
	struct wm_map m = {0};
	struct wm_err err = {0};

	for (; *nets != NULL; nets++)
		if (wm_map_add_net(&m, *nets, &err) < 0)
			fail_msg("%s", err.msg);
	return m;
}

static const char *mapped(const struct wm_map *m, const char *text)
{
	static char out[INET6_ADDRSTRLEN];
	uint8_t addr[16] = {[10] = 0xff, [11] = 0xff};
	bool four = strchr(text, ':') == NULL;

	assert_int_equal(inet_pton(four ? AF_INET : AF_INET6, text, four ? addr + 12 : addr), 1);
	wm_map_address(m, addr);
	assert_non_null(inet_ntop(four ? AF_INET : AF_INET6, four ? addr + 12 : addr, out, sizeof(out)));
	return out;
}

static void hosts_keep_their_place_in_another_network(void **state)
{
	static const char *const nets[] = {"10.1.0.0/16=172.16.0.0/16", "10.0.0.0/8=192.0.2.0/24",
		"1.2.3.0/25=9.0.0.0/8", "10.1.2.3=8.8.8.8", "fd00::/8=2001:db8::/32", "::/0=fc00::/7", NULL};
	static const char *const cases[][2] = {
		{"10.1.2.3", "172.16.2.3"}, // the first that matches
		{"10.1.255.255", "172.16.255.255"}, {"10.2.2.3", "192.0.2.3"}, {"1.2.3.127", "9.0.0.127"},
		{"1.2.3.128", "1.2.3.128"}, {"8.8.8.8", "8.8.8.8"}, {"fd12:3456::1:2", "2001:db8::1:2"},
		{"fe80::1", "fc80::1"}, // seven bits of it
	};
	const struct wm_map m = map_of(nets);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(mapped(&m, cases[i][0]), cases[i][1]);
	assert_false(wm_map_narrows(&m.nets[0]));
	assert_true(wm_map_narrows(&m.nets[1]));
	assert_false(wm_map_narrows(&m.nets[2]));
}

static void addresses_that_become_one_are_counted_once_each(void **state)
{
	static const char *const nets[] = {"10.0.0.0/8=192.0.2.0/26", "fd00::/16=2001:db8::/112", NULL};
	const struct wm_map m = map_of(nets);
	uint8_t addr[16] = {[10] = 0xff, [11] = 0xff}, six[16] = {0xfd, [15] = 1};
	struct wm_fold *fold;
	uint64_t changed;

	(void)state;
	assert_true(wm_map_folds(&m));
	assert_int_equal(wm_fold_create(&fold, &m), 0);
	for (int times = 0; times < 2; times++) {
		for (unsigned i = 0; i < 5000; i++) { // 10.0.0.0 .. 10.0.19.135, on 64 addresses
			addr[12] = 10;
			addr[14] = (uint8_t)(i >> 8);
			addr[15] = (uint8_t)i;
			wm_fold_add(fold, addr);
			addr[12] = 11; // stays
			wm_fold_add(fold, addr);
		}
		for (unsigned i = 0; i < 300; i++) { // on one
			six[2] = (uint8_t)(i >> 8);
			six[3] = (uint8_t)i;
			wm_fold_add(fold, six);
		}
		assert_int_equal(wm_fold_count(fold, &changed), 5000 - 64 + 300 - 1);
		assert_int_equal(changed, 5300);
	}
	memcpy(addr + 12, (const uint8_t[]){192, 0, 2, 5}, 4); // what stays, and another one becomes
	wm_fold_add(fold, addr);
	assert_int_equal(wm_fold_count(fold, NULL), 5000 - 64 + 300 - 1 + 1);
	wm_fold_destroy(fold);
}

// The plain sum over bytes, apart from the code's own.
static uint16_t sum_of(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16 > 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put_sum(uint8_t *at, uint32_t pseudo, const uint8_t *p, size_t n)
{
	wm_put_be16(at, 0);
	wm_put_be16(at, (uint16_t)~sum_of(pseudo, p, n));
}

static size_t sum_at(uint8_t proto)
{
	return proto == 6 ? 16 : proto == 17 ? 6 : 2;
}

// An IP packet of n bytes of random content behind its header, with right checksums.
static size_t put_ip(uint8_t *ip, bool six, uint8_t proto, size_t n, struct wm_rng *rng)
{
	size_t head = six ? 40 : 20;
	uint8_t *l4 = ip + head;
	uint32_t pseudo;

	for (size_t i = 0; i < head + n; i++)
		ip[i] = (uint8_t)wm_rng_u32(rng);
	ip[0] = six ? 0x60 : 0x45;
	if (six) {
		wm_put_be16(ip + 4, (uint16_t)n);
		ip[6] = proto;
		ip[8] = 0xfd;
		ip[24] = wm_rng_u32(rng) % 2 ? 0xfd : 0xfe;
	} else {
		wm_put_be16(ip + 2, (uint16_t)(head + n));
		wm_put_be16(ip + 6, 0x4000);
		ip[9] = proto;
		ip[12] = 10;
		ip[16] = wm_rng_u32(rng) % 2 ? 10 : 11;
		put_sum(ip + 10, 0, ip, 20);
	}
	if (proto == 6)
		l4[12] = 0x50;
	if (proto == 1 || proto == 58)
		l4[0] = 200; // nothing that quotes
	pseudo = proto == 1 ? 0 : sum_of((uint32_t)(proto + n), ip + (six ? 8 : 12), six ? 32 : 8);
	put_sum(l4 + sum_at(proto), pseudo, l4, n);
	return head + n;
}

static bool is_right(const uint8_t *ip)
{
	bool six = ip[0] >> 4 == 6;
	size_t head = six ? 40 : 20, n = six ? wm_be16(ip + 4) : wm_be16(ip + 2) - 20u;
	uint8_t proto = six ? ip[6] : ip[9];
	uint32_t pseudo = proto == 1 ? 0 : sum_of((uint32_t)(proto + n), ip + (six ? 8 : 12), six ? 32 : 8);

	return (six || sum_of(0, ip, 20) == 0xffff) && sum_of(pseudo, ip + head, n) == 0xffff;
}

static size_t put_frame(uint8_t *frame, bool six, uint8_t proto, size_t n, struct wm_rng *rng)
{
	memset(frame, 2, 12);
	wm_put_be16(frame + 12, six ? 0x86dd : 0x0800);
	return ETH + put_ip(frame + ETH, six, proto, n, rng);
}

static const char *const there[] = {"10.0.0.0/8=30.0.0.0/8", "fd00::/8=2a00::/8", NULL};
static const char *const back[] = {"30.0.0.0/8=10.0.0.0/8", "2a00::/8=fd00::/8", NULL};

static void right_checksums_stay_right_and_wrong_ones_as_wrong(void **state)
{
	static const uint8_t protos[] = {6, 17, 1, 58};
	struct wm_map m = map_of(there), reverse = map_of(back);
	struct wm_rng rng;

	(void)state;
	wm_rng_init(&rng, 1, WM_STREAM_TEST, 0);
	m.ports[m.n_ports++] = (struct wm_map_number){1, 40001};
	reverse.ports[reverse.n_ports++] = (struct wm_map_number){40001, 1};
	for (int i = 0; i < 20000; i++) {
		uint8_t proto = protos[wm_rng_u32(&rng) % 4], frame[FRAME_MAX], was[FRAME_MAX];
		bool six = proto == 58 || (proto != 1 && wm_rng_u32(&rng) % 2 > 0);
		size_t n = put_frame(frame, six, proto, 20 + wm_rng_u32(&rng) % 64, &rng);
		uint8_t *l4 = frame + ETH + (six ? 40 : 20);

		if (proto == 6 || proto == 17) {
			size_t l4_len = n - (size_t)(l4 - frame);
			const uint8_t *ip = frame + ETH;

			wm_put_be16(l4 + 2, 1);
			put_sum(l4 + sum_at(proto),
				sum_of((uint32_t)(proto + l4_len), ip + (six ? 8 : 12), six ? 32 : 8), l4, l4_len);
		}
		memcpy(was, frame, n);
		assert_true(is_right(frame + ETH));
		assert_true(wm_map_frame(&m, frame, n));
		assert_true(is_right(frame + ETH));
		assert_int_equal(frame[ETH + (six ? 8 : 12)], six ? 0x2a : 30);
		if (proto == 6 || proto == 17)
			assert_int_equal(wm_be16(l4 + 2), 40001);
		l4[19] ^= 0x55; // wrong by as much there and back
		assert_true(wm_map_frame(&reverse, frame, n));
		l4[19] ^= 0x55;
		if (wm_be16(was + (l4 - frame) + sum_at(proto)) != 0 && wm_be16(l4 + sum_at(proto)) != 0xffff)
			assert_memory_equal(frame, was, n);
		assert_true(is_right(frame + ETH));
	}
}

static void a_udp_packet_without_a_checksum_stays_without(void **state)
{
	const struct wm_map m = map_of(there);
	uint8_t frame[FRAME_MAX];
	struct wm_rng rng;
	size_t n;

	(void)state;
	wm_rng_init(&rng, 3, WM_STREAM_TEST, 0);
	n = put_frame(frame, false, 17, 30, &rng);
	wm_put_be16(frame + ETH + 26, 0);
	assert_true(wm_map_frame(&m, frame, n));
	assert_int_equal(wm_be16(frame + ETH + 26), 0);
	assert_int_equal(sum_of(0, frame + ETH, 20), 0xffff);
}

static void what_icmp_errors_quote_is_mapped_too(void **state)
{
	const struct wm_map m = map_of(there);
	struct wm_rng rng;

	(void)state;
	wm_rng_init(&rng, 2, WM_STREAM_TEST, 0);
	for (int i = 0; i < 2000; i++) {
		bool six = i % 2 > 0;
		uint8_t frame[FRAME_MAX], *l4 = frame + ETH + (six ? 40 : 20), proto = six ? 58 : 1,
					  inside = i % 4 < 2 ? 6 : 17;
		size_t quoted = (six ? 40 : 20) + 24, n = put_frame(frame, six, proto, 8 + quoted, &rng);
		uint32_t pseudo = six ? sum_of((uint32_t)(58 + 8 + quoted), frame + ETH + 8, 32) : 0;

		l4[0] = six ? 1 : 3;
		(void)put_ip(l4 + 8, six, inside, 24, &rng);
		put_sum(l4 + 2, pseudo, l4, 8 + quoted);
		assert_true(is_right(frame + ETH) && is_right(l4 + 8));
		assert_true(wm_map_frame(&m, frame, n));
		assert_true(is_right(frame + ETH) && is_right(l4 + 8));
		assert_int_equal(l4[8 + (six ? 8 : 12)], six ? 0x2a : 30);
	}
}

static void arp_and_neighbour_discovery_follow(void **state)
{
	static const uint8_t arp[] = {2, 2, 2, 2, 2, 2, 6, 6, 6, 6, 6, 6, 0x81, 0, 0xa0, 7, 8, 6, 0, 1, 8, 0, 6, 4, 0,
		2, 6, 6, 6, 6, 6, 6, 10, 1, 2, 3, 2, 2, 2, 2, 2, 2, 11, 4, 5, 6};
	static const uint8_t want[] = {2, 2, 2, 2, 2, 2, 9, 9, 9, 9, 9, 9, 0x81, 0, 0xa0, 8, 8, 6, 0, 1, 8, 0, 6, 4, 0,
		2, 9, 9, 9, 9, 9, 9, 30, 1, 2, 3, 2, 2, 2, 2, 2, 2, 11, 4, 5, 6};
	struct wm_map m = map_of(there);
	uint8_t frame[FRAME_MAX], *l4 = frame + ETH + 40;
	struct wm_rng rng;
	size_t n;

	(void)state;
	assert_int_equal(wm_map_add_mac(&m, "06:06:06:06:06:06=09:09:09:09:09:09", NULL), 0);
	assert_int_equal(wm_map_add_vlan(&m, "7=8", NULL), 0);
	memcpy(frame, arp, sizeof(arp));
	assert_true(wm_map_frame(&m, frame, sizeof(arp)));
	assert_memory_equal(frame, want, sizeof(want));
	wm_rng_init(&rng, 4, WM_STREAM_TEST, 0);
	n = put_frame(frame, true, 58, 32, &rng);
	l4[0] = 136; // neighbour advertisement with a target link-layer address
	l4[8] = 0xfd;
	memcpy(l4 + 24, "\2\1\6\6\6\6\6\6", 8);
	put_sum(l4 + 2, sum_of(58 + 32, frame + ETH + 8, 32), l4, 32);
	assert_true(wm_map_frame(&m, frame, n));
	assert_true(is_right(frame + ETH));
	assert_int_equal(l4[8], 0x2a);
	assert_memory_equal(l4 + 26, "\t\t\t\t\t\t", 6);
}

// Of frames that are cut short or senseless nothing behind their end is touched (or read, as sanitizers would say).
static void frames_may_be_cut_anywhere(void **state)
{
	static const uint8_t protos[] = {6, 17, 1, 58, 44};
	const struct wm_map m = map_of(there);
	struct wm_rng rng;

	(void)state;
	wm_rng_init(&rng, 5, WM_STREAM_TEST, 0);
	for (int i = 0; i < 20000; i++) {
		uint8_t frame[FRAME_MAX];
		size_t n = put_frame(frame, i % 2 > 0, protos[i % 5], 40, &rng), cut = wm_rng_u32(&rng) % n;
		uint8_t *copy = malloc(cut + 1), *l4 = frame + ETH + (i % 2 > 0 ? 40 : 20);

		assert_non_null(copy);
		if (i % 3 == 0)
			l4[0] = (uint8_t)(wm_rng_u32(&rng) % 16);
		if (i % 7 == 0)
			frame[ETH + wm_rng_u32(&rng) % 60] = (uint8_t)wm_rng_u32(&rng);
		memcpy(copy, frame, cut);
		copy[cut] = 0xa5;
		(void)wm_map_frame(&m, copy, cut);
		assert_int_equal(copy[cut], 0xa5);
		free(copy);
	}
}

static void texts_that_make_no_sense_are_refused(void **state)
{
	static const char *const nets[] = {"", "10.0.0.0/8", "10.0.0.0/33=1.0.0.0/8", "10.0.0.0/8=fd00::/8", "x=y",
		"10.0/8=1.0.0.0/8", "10.0.0.0/8=1.0.0.0/8/9", "10.0.0.0/ 8=1.0.0.0/8", "::/129=::/1"};
	static const char *const numbers[] = {"", "80", "0=1", "1=0", "80=65536", "-1=2", "80=x", "80 =81"};
	struct wm_map m = {0};
	struct wm_err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++)
		assert_int_equal(wm_map_add_net(&m, nets[i], &err), -22);
	assert_non_null(strstr(err.msg, "write 10.0.0.0/8=192.0.2.0/24"));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_int_equal(wm_map_add_port(&m, numbers[i], &err), -22);
	assert_int_equal(wm_map_add_vlan(&m, "1=4095", &err), -22);
	assert_int_equal(wm_map_add_mac(&m, "02:00:00:00:00:01=2", &err), -22);
	assert_true(wm_map_is_empty(&m));
	for (int i = 0; i < WM_MAP_MAX; i++)
		assert_int_equal(wm_map_add_port(&m, "80=8080", &err), 0);
	assert_int_equal(wm_map_add_port(&m, "80=8080", &err), -22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_keep_their_place_in_another_network),
		cmocka_unit_test(addresses_that_become_one_are_counted_once_each),
		cmocka_unit_test(right_checksums_stay_right_and_wrong_ones_as_wrong),
		cmocka_unit_test(a_udp_packet_without_a_checksum_stays_without),
		cmocka_unit_test(what_icmp_errors_quote_is_mapped_too),
		cmocka_unit_test(arp_and_neighbour_discovery_follow),
		cmocka_unit_test(frames_may_be_cut_anywhere),
		cmocka_unit_test(texts_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests_name("packet_map", tests, NULL, NULL);
}
