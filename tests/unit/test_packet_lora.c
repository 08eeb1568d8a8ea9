// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/checksum.h>
#include <packet/dissect.h>
#include <packet/form.h>
#include <packet/lora.h>
#include <packet/semtech.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Header: 867.5 MHz, 125 kHz, SF 7, -78 dBm three times, 7 dB, LoRaWAN's sync word. Frame: unconfirmed data up of
// 26012682, number 31061, FPort 1.
static const uint8_t plain[] = {0x00, 0x00, 0x00, 0x0f, 0x33, 0xb4, 0xff, 0xe0, 0x01, 0x07, 0x3d, 0x3d, 0x3d, 0x1c,
	0x34, 0x40, 0x82, 0x26, 0x01, 0x26, 0x00, 0x55, 0x79, 0x01, 0x97, 0x85, 0x6b, 0x40, 0x99, 0xbf, 0xfd, 0xc7,
	0x07, 0x6c};

static struct wm_lora read_good(const uint8_t *frame, size_t len, int version)
{
	struct wm_lora l;
	uint64_t eui;
	size_t phy;

	assert_int_equal(wm_loratap_read(&l, &eui, &phy, frame, len), version);
	return l;
}

static void a_data_frame_is_read_field_by_field(void **state)
{
	struct wm_lora l = read_good(plain, sizeof(plain), 0);

	(void)state;
	assert_int_equal(l.freq_hz, 867500000);
	assert_int_equal(l.bw, 1);
	assert_int_equal(l.sf, 7);
	assert_int_equal(l.rssi, -78);
	assert_int_equal(l.snr, 28);
	assert_int_equal(l.sync, 0x34);
	assert_int_equal(l.crc, WM_LORA_CRC_GOOD);
	assert_int_equal(l.cr, 5);
	assert_int_equal(l.kind, WM_LORA_DATA);
	assert_int_equal(wm_be32(l.addr), 0x26012682);
	assert_int_equal(l.fcnt, 31061);
	assert_int_equal(l.fport, 1);
	assert_int_equal(l.len, 19);
}

static void an_rssi_in_quarters_is_told_by_the_maximum(void **state)
{
	uint8_t frame[sizeof(plain)];

	(void)state;
	memcpy(frame, plain, sizeof(plain));
	frame[13] = (uint8_t)-20;
	frame[10] = 35; // as most tools write -104 dBm
	frame[11] = frame[12] = 35;
	assert_int_equal(read_good(frame, sizeof(frame), 0).rssi, -104);
	frame[10] = 140; // as the specification has it
	assert_int_equal(read_good(frame, sizeof(frame), 0).rssi, -104);
	frame[11] = 255; // not known
	assert_int_equal(read_good(frame, sizeof(frame), 0).rssi, -104);
	assert_int_equal(read_good(frame, sizeof(frame), 0).snr, -20);
}

static void what_is_cut_short_or_senseless_is_refused(void **state)
{
	uint8_t frame[sizeof(plain) + WM_PHY_MAX];
	struct wm_lora l;
	uint64_t eui;
	size_t phy;

	(void)state;
	for (size_t n = 0; n <= WM_LORATAP_LEN; n++) {
		uint8_t *exact = malloc(n + 1); // a sanitizer sees what is read behind it

		memcpy(exact, plain, n);
		assert_int_equal(wm_loratap_read(&l, &eui, &phy, exact, n), -EINVAL);
		free(exact);
	}
	memset(frame, 0, sizeof(frame));
	memcpy(frame, plain, sizeof(plain));
	assert_int_equal(wm_loratap_read(&l, &eui, &phy, frame, WM_LORATAP_LEN + WM_PHY_MAX + 1), -EINVAL);
	assert_int_equal(wm_loratap_read(&l, &eui, &phy, frame, WM_LORATAP_LEN + WM_PHY_MAX), 0);
	for (size_t at = 0; at < 10; at++) {
		static const uint8_t bad[10] = {2, 0, 0xff, 0, 0, 0, 0, 0, 0, 4};

		if (at == 1 || (at >= 3 && at <= 7))
			continue;
		memcpy(frame, plain, sizeof(plain));
		frame[at] = bad[at];
		assert_int_equal(wm_loratap_read(&l, &eui, &phy, frame, sizeof(plain)), -EINVAL);
	}
}

// Any bytes are some frame or none, and nothing is read beyond them.
static void random_frames_never_harm(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)round % 64;
		uint8_t *frame = malloc(n + 1);
		struct wm_lora l;
		uint64_t eui;
		size_t phy;

		for (size_t i = 0; i < n; i++)
			frame[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
		if (n > WM_LORATAP_LEN) {
			memcpy(frame, plain, 10);
			frame[0] = round & 1;
			frame[3] = round & 2 ? WM_LORATAP1_LEN : WM_LORATAP_LEN;
		}
		if (wm_loratap_read(&l, &eui, &phy, frame, n) >= 0) {
			assert_true(l.kind != WM_LORA_DATA || l.len >= 12 + wm_lora_fopts_len(&l));
			assert_int_equal(phy + l.len, n);
		}
		free(frame);
	}
}

static struct wm_lora example(unsigned mtype, uint8_t len, uint8_t fctrl)
{
	struct wm_lora l = {.mhdr = (uint8_t)(mtype << 5),
		.fctrl = fctrl,
		.fport = 7,
		.fcnt = 0xfffe,
		.sf = 12,
		.bw = 4,
		.rssi = -119,
		.snr = -51,
		.cr = 6,
		.addr = {0xfe, 0x82, 0x45, 0x01},
		.freq_hz = 868099999,
		.clock_us = 0xfedcba98,
		.len = len,
		.crc = WM_LORA_CRC_BAD,
		.channel = 5,
		.sync = 0x34};

	l.kind = mtype == 0 ? WM_LORA_JOIN : mtype == 7 ? WM_LORA_OTHER : WM_LORA_DATA;
	if (l.kind == WM_LORA_OTHER)
		l.fcnt = 0;
	if (l.kind == WM_LORA_OTHER)
		memset(l.addr, 0, sizeof(l.addr));
	if (l.kind != WM_LORA_DATA || !wm_lora_has_port(&l))
		l.fport = 0;
	return l;
}

static void what_is_written_is_read_again(void **state)
{
	static const struct {
		uint8_t mtype, len, fctrl;
	} cases[] = {{2, 19, 0}, {4, 255, 0x80}, {2, 12, 0}, {2, 17, 0x05}, {5, 60, 0x2f}, {3, 13, 0}, {0, 23, 0},
		{7, 1, 0}, {7, 90, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned version = 0; version < 2; version++) {
			struct wm_lora l = example(cases[i].mtype, cases[i].len, cases[i].fctrl), back;
			uint8_t frame[WM_LORATAP_LEN_MAX + WM_PHY_MAX];
			size_t n = wm_loratap_write(frame, &l, version, 0x0000024b0b031c97), phy;
			uint64_t eui;

			wm_phy_write(frame + n, &l, 99);
			assert_int_equal(wm_loratap_read(&back, &eui, &phy, frame, n + l.len), (int)version);
			assert_int_equal(phy, n);
			assert_true(eui == (version == 1 ? 0x0000024b0b031c97 : 0));
			if (version == 0) { // which has no place for them
				l.crc = WM_LORA_CRC_GOOD;
				l.cr = 5;
				l.channel = 0;
				l.clock_us = 0;
			}
			assert_memory_equal(&l, &back, sizeof(l));
		}
	}
}

static void payload_is_a_function_of_key_address_and_counter(void **state)
{
	struct wm_lora l = example(2, 40, 0);
	uint8_t a[40], b[40];

	(void)state;
	wm_phy_write(a, &l, 1);
	wm_phy_write(b, &l, 1);
	assert_memory_equal(a, b, sizeof(a));
	wm_phy_write(b, &l, 2);
	assert_memory_not_equal(a + 9, b + 9, 31);
	l.fcnt++;
	wm_phy_write(b, &l, 1);
	assert_memory_not_equal(a + 9, b + 9, 31);
}

static struct wm_sample sample_of(const struct wm_form *form, struct wm_lora l)
{
	struct wm_sample s = {.lora = l, .seq = 0x12345678, .time_ns = 1234567890123};

	s.len = wm_lora_frame_len(form, &s);
	return s;
}

static void a_datagram_of_a_gateway_is_valid(void **state)
{
	const struct wm_semtech_route route = {0x0000024b0b031c97, 0x0a000001, 0xc0000209, 40001, 1700};
	struct wm_form push, ack;

	(void)state;
	wm_form_push_data(&push, &route);
	wm_form_push_ack(&ack, &route);
	for (unsigned len = 1; len <= WM_PHY_MAX; len++) {
		struct wm_lora l = example(len < 12 ? 7 : 2, (uint8_t)len, 0);
		struct wm_sample s = sample_of(&push, l), a = sample_of(&ack, l);
		uint8_t frame[1500], reply[64];
		struct wm_packet p;
		uint64_t sum;

		memset(frame, 0xaa, sizeof(frame));
		wm_frame_build(frame, &push, &s, false);
		assert_int_equal(frame[s.len], 0xaa);
		wm_dissect(&p, WM_LINK_ETHERNET, 0, frame, s.len, s.len);
		assert_int_equal(p.net, WM_NET_IPV4);
		assert_int_equal(p.proto, WM_PROTO_UDP);
		assert_int_equal(p.sport, 40001);
		assert_int_equal(p.dport, 1700);
		assert_int_equal(p.payload, s.len - 42);
		assert_int_equal(wm_sum_fold(wm_sum_add(0, frame + 14, 20)), 0xffff);
		sum = wm_sum_add(wm_sum_add(0, frame + 26, 8), frame + 34, s.len - 34u);
		assert_int_equal(wm_sum_fold(sum + htobe16(17) + htobe16(s.len - 34)), 0xffff);
		wm_frame_build(reply, &ack, &a, false);
		assert_int_equal(a.len, 46);
		assert_memory_equal(frame + 43, reply + 43, 2); // token
		assert_true(frame[44] > 0x10);
		assert_int_equal(reply[45], 1);
	}
}

static void json_says_what_the_radio_heard(void **state)
{
	struct wm_lora l = example(2, 13, 0);
	char json[WM_SEMTECH_JSON_MAX + 1], data[64];
	size_t n = wm_semtech_json(json, &l, 5);

	(void)state;
	json[n] = '\0';
	(void)sscanf(strstr(json, "\"data\":\"") + 8, "%63[^\"]", data);
	assert_int_equal(strlen(data), 20);
	assert_memory_equal(data, "QAFFgv4A/v8", 11); // 40 01 45 82 fe 00 fe ff
	data[0] = '\0';
	*strstr(json, "\"data\"") = '\0';
	assert_string_equal(json,
		"{\"rxpk\":[{\"tmst\":4275878552,\"chan\":5,\"rfch\":1,\"freq\":868.099999,\"stat\":-1,"
		"\"modu\":\"LORA\",\"datr\":\"SF12BW500\",\"codr\":\"4/6\",\"lsnr\":-12.8,"
		"\"rssi\":-119,\"size\":13,");
}

static void json_never_needs_more_room_than_it_has(void **state)
{
	struct wm_lora l = example(2, 255, 0);
	char json[WM_SEMTECH_JSON_MAX];

	(void)state;
	l.clock_us = UINT32_MAX;
	l.channel = UINT8_MAX;
	l.freq_hz = UINT32_MAX;
	l.bw = UINT8_MAX;
	l.sf = UINT8_MAX;
	l.cr = UINT8_MAX;
	l.snr = INT8_MIN;
	l.rssi = INT16_MIN;
	l.crc = UINT8_MAX;
	assert_true(wm_semtech_json(json, &l, 0) <= sizeof(json));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_data_frame_is_read_field_by_field),
		cmocka_unit_test(an_rssi_in_quarters_is_told_by_the_maximum),
		cmocka_unit_test(what_is_cut_short_or_senseless_is_refused),
		cmocka_unit_test(random_frames_never_harm),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(payload_is_a_function_of_key_address_and_counter),
		cmocka_unit_test(a_datagram_of_a_gateway_is_valid),
		cmocka_unit_test(json_says_what_the_radio_heard),
		cmocka_unit_test(json_never_needs_more_room_than_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
