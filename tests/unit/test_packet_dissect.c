// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/dissect.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ETH 0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1
#define IPV4(total, frag, proto)                                                                                       \
	0x45, 0x10, (total) >> 8, (total)&255, 0x12, 0x34, (frag) >> 8, (frag)&255, 61, proto, 0, 0, 10, 0, 0, 1, 10,  \
		0, 0, 2
#define IPV6_ADDRESSES                                                                                                 \
	0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
#define TCP 0x30, 0x39, 0, 80, 0, 0, 0, 9, 0, 0, 0, 7, 0x50, 0x18, 0x01, 0x00, 0, 0, 0, 0
#define UDP(len) 0x30, 0x39, 0, 53, 0, len, 0, 0

// Dissects from the heap, so that a sanitizer sees a read beyond the captured bytes.
static struct wm_packet dissect(int link, const uint8_t *data, size_t cap_len, uint32_t len)
{
	uint8_t *copy = malloc(cap_len + (cap_len == 0));
	struct wm_packet pkt;

	assert_non_null(copy);
	memcpy(copy, data, cap_len);
	wm_dissect(&pkt, link, 5, copy, (uint32_t)cap_len, len);
	free(copy);
	return pkt;
}

static void tcp_over_ethernet_has_all_its_fields(void **state)
{
	const uint8_t frame[60] = {ETH, 8, 0, IPV4(42, 0x4000, 6), TCP, 'h', 'i'};
	const uint8_t src[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};
	struct wm_packet p = dissect(WM_LINK_ETHERNET, frame, sizeof(frame), 60);

	(void)state;
	assert_int_equal(p.net, WM_NET_IPV4);
	assert_int_equal(p.l3, 14);
	assert_int_equal(p.l4, 34);
	assert_int_equal(p.head_len, 54);
	assert_int_equal(p.payload, 2); // 4 bytes of Ethernet padding are none
	assert_int_equal(p.proto, 6);
	assert_int_equal(p.ttl, 61);
	assert_int_equal(p.tos, 0x10);
	assert_int_equal(p.sport, 12345);
	assert_int_equal(p.dport, 80);
	assert_int_equal(p.seq, 9);
	assert_int_equal(p.ack, 7);
	assert_int_equal(p.flags, 0x18);
	assert_int_equal(p.window, 256);
	assert_false(p.fragment);
	assert_memory_equal(p.src, src, 16);
	assert_int_equal(p.dst[15], 2);
}

static void vlan_tags_of_every_kind_are_walked_over(void **state)
{
	const uint8_t frame[] = {
		ETH, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x91, 0, 0, 3, 0x92, 0, 0, 4, 8, 0, IPV4(28, 0, 17), UDP(8)};
	struct wm_packet p = dissect(WM_LINK_ETHERNET, frame, sizeof(frame), sizeof(frame));

	(void)state;
	assert_int_equal(p.l3, 30);
	assert_int_equal(p.dport, 53);
	assert_int_equal(p.payload, 0);
}

static void every_link_type_finds_the_same_datagram(void **state)
{
	const uint8_t ip[] = {IPV4(28, 0, 17), UDP(8)};
	static const struct {
		int link;
		uint32_t off;
		uint8_t head[20];
	} cases[] = {
		{0, 4, {2, 0, 0, 0}},
		{0, 4, {0, 0, 0, 2}},
		{108, 4, {0, 0, 0, 2}},
		{12, 0, {0}},
		{14, 0, {0}},
		{101, 0, {0}},
		{228, 0, {0}},
		{113, 16, {0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0}},
		{276, 20, {8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t frame[64];
		struct wm_packet p;

		memcpy(frame, cases[i].head, cases[i].off);
		memcpy(frame + cases[i].off, ip, sizeof(ip));
		p = dissect(cases[i].link, frame, cases[i].off + sizeof(ip), 0);
		assert_int_equal(p.net, WM_NET_IPV4);
		assert_int_equal(p.l3, cases[i].off);
		assert_int_equal(p.head_len, cases[i].off + 28);
		assert_int_equal(p.sport, 12345);
		assert_true(wm_link_known(cases[i].link));
	}
	assert_false(wm_link_known(127));
}

static void ipv6_extension_headers_are_walked_over(void **state)
{
	const uint8_t frame[] = {ETH, 0x86, 0xdd, 0x6a, 0xb1, 0x23, 0x45, 0, 44, 0, 64, IPV6_ADDRESSES, // hop-by-hop
		43, 0, 1, 4, 0, 0, 0, 0,                                                                // then routing
		51, 0, 0, 0, 0, 0, 0, 0,             // then authentication
		60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // then destination
		17, 0, 1, 4, 0, 0, 0, 0, UDP(8)};
	struct wm_packet p = dissect(WM_LINK_ETHERNET, frame, sizeof(frame), sizeof(frame));

	(void)state;
	assert_int_equal(p.net, WM_NET_IPV6);
	assert_int_equal(p.proto, 17);
	assert_int_equal(p.l4, 14 + 40 + 8 + 8 + 12 + 8);
	assert_int_equal(p.dport, 53);
	assert_int_equal(p.tos, 0xab);
	assert_int_equal(p.ttl, 64);
	assert_int_equal(p.payload, 0);
	assert_int_equal(p.dst[15], 2);
}

static void only_the_first_fragment_has_ports(void **state)
{
	const uint8_t first[] = {ETH, 8, 0, IPV4(28, 0x2000, 17), UDP(8)};
	const uint8_t later[] = {ETH, 8, 0, IPV4(28, 0x0001, 17), UDP(8)};
	const uint8_t later6[] = {
		ETH, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 16, 44, 64, IPV6_ADDRESSES, 17, 0, 0, 8, 0, 0, 0, 1, UDP(8)};
	struct wm_packet p = dissect(WM_LINK_ETHERNET, first, sizeof(first), sizeof(first));

	(void)state;
	assert_true(p.fragment && !p.later_fragment);
	assert_int_equal(p.dport, 53);
	p = dissect(WM_LINK_ETHERNET, later, sizeof(later), sizeof(later));
	assert_true(p.fragment && p.later_fragment);
	assert_int_equal(p.dport, 0);
	assert_int_equal(p.l4, 0);
	assert_int_equal(p.head_len, 34);
	assert_int_equal(p.payload, 8);
	p = dissect(WM_LINK_ETHERNET, later6, sizeof(later6), sizeof(later6));
	assert_true(p.fragment && p.later_fragment);
	assert_int_equal(p.proto, 17);
	assert_int_equal(p.head_len, 62);
	assert_int_equal(p.payload, 8);
}

static void icmp_echo_has_identifier_and_number(void **state)
{
	const uint8_t echo[] = {ETH, 8, 0, IPV4(30, 0, 1), 8, 0, 0, 0, 0x12, 0x34, 0, 7, 'x', 'y'};
	const uint8_t unreachable[] = {ETH, 8, 0, IPV4(28, 0, 1), 3, 1, 0, 0, 9, 9, 9, 9};
	struct wm_packet p = dissect(WM_LINK_ETHERNET, echo, sizeof(echo), sizeof(echo));

	(void)state;
	assert_int_equal(p.icmp_type, 8);
	assert_int_equal(p.seq, 0x12340007);
	assert_int_equal(p.payload, 2);
	p = dissect(WM_LINK_ETHERNET, unreachable, sizeof(unreachable), sizeof(unreachable));
	assert_int_equal(p.icmp_type, 3);
	assert_int_equal(p.icmp_code, 1);
	assert_int_equal(p.seq, 0);
}

static void length_zero_reaches_to_the_end_of_the_frame(void **state)
{
	const uint8_t frame[] = {ETH, 8, 0, IPV4(0, 0, 6), TCP};
	struct wm_packet p = dissect(WM_LINK_ETHERNET, frame, sizeof(frame), 9054);

	(void)state;
	assert_int_equal(p.payload, 9000);
	assert_false(p.has_length);
}

static void frames_that_are_not_ip_say_what_they_are(void **state)
{
	const uint8_t arp[42] = {ETH, 8, 6}, stp[60] = {ETH, 0, 38, 0x42, 0x42, 3};
	const uint8_t bad[60] = {ETH, 8, 0, 0x43}; // header length of 12 bytes
	struct wm_packet p = dissect(WM_LINK_ETHERNET, arp, sizeof(arp), sizeof(arp));

	(void)state;
	assert_int_equal(p.net, WM_NET_OTHER);
	assert_int_equal(p.ethertype, 0x0806);
	assert_int_equal(p.payload, 28);
	assert_int_equal(p.src[5], 1);
	assert_int_equal(p.dst[5], 2);
	p = dissect(WM_LINK_ETHERNET, stp, sizeof(stp), sizeof(stp));
	assert_int_equal(p.ethertype, 0x42);
	p = dissect(WM_LINK_ETHERNET, bad, sizeof(bad), sizeof(bad));
	assert_int_equal(p.net, WM_NET_OTHER);
}

static void every_cut_is_survived_and_lengths_stay_those_of_the_wire(void **state)
{
	const uint8_t frame[] = {ETH, 0x81, 0, 0, 1, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 36, 0, 64, IPV6_ADDRESSES, 44, 0, 1,
		4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 1, TCP};

	(void)state;
	for (size_t cap = 0; cap <= sizeof(frame); cap++) {
		struct wm_packet p = dissect(WM_LINK_ETHERNET, frame, cap, sizeof(frame));

		assert_int_equal(p.len, sizeof(frame));
		assert_int_equal(p.cap_len, cap);
		assert_true(p.l4 <= cap && p.l3 <= cap);
		if (cap == sizeof(frame))
			assert_int_equal(p.dport, 80);
	}
}

static void wire_length_is_never_below_the_captured_one(void **state)
{
	const uint8_t frame[60] = {ETH, 8, 6};

	(void)state;
	assert_int_equal(dissect(WM_LINK_ETHERNET, frame, sizeof(frame), 0).len, 60);
}

static void known_ports_are_those_of_services(void **state)
{
	(void)state;
	assert_true(wm_port_known(1) && wm_port_known(1023) && wm_port_known(8080) && wm_port_known(47808));
	assert_false(wm_port_known(0) || wm_port_known(1024) || wm_port_known(8081) || wm_port_known(65535));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_over_ethernet_has_all_its_fields),
		cmocka_unit_test(vlan_tags_of_every_kind_are_walked_over),
		cmocka_unit_test(every_link_type_finds_the_same_datagram),
		cmocka_unit_test(ipv6_extension_headers_are_walked_over),
		cmocka_unit_test(only_the_first_fragment_has_ports),
		cmocka_unit_test(icmp_echo_has_identifier_and_number),
		cmocka_unit_test(length_zero_reaches_to_the_end_of_the_frame),
		cmocka_unit_test(frames_that_are_not_ip_say_what_they_are),
		cmocka_unit_test(every_cut_is_survived_and_lengths_stay_those_of_the_wire),
		cmocka_unit_test(wire_length_is_never_below_the_captured_one),
		cmocka_unit_test(known_ports_are_those_of_services),
	};

	return cmocka_run_group_tests_name("packet_dissect", tests, NULL, NULL);
}
