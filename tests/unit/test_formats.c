// SPDX-License-Identifier: BSD-3-Clause
// Captures of every kind, sound and broken, that are not part of the sources: the folder is named by WIREMILL_DATA
// (or is where tests/meson.build looks for it); without it the tests are skipped.
#include <capture/capture.h>
#include <dataset/dataset.h>
#include <packet/dissect.h>
#include <packet/form.h>

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *data_folder(void)
{
	const char *folder = getenv("WIREMILL_DATA");

	return folder != NULL ? folder : getenv("WIREMILL_DATA_BESIDE");
}

// Calls back for each file in a folder below the data folder. @return how many there were.
static int each_file(const char *below, void (*what)(const char *path))
{
	const char *folder = data_folder();
	struct dirent **names;
	char path[600];
	int n, files = 0;

	if (folder == NULL)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, below);
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/%s", folder, below, names[i]->d_name);
		if (names[i]->d_name[0] != '.') {
			what(path);
			files++;
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return files;
}

static void read_and_add_up(const char *path)
{
	const struct wm_dataset_options options = {.payloads = true};
	struct wm_dataset ds = {0};
	struct wm_err err = {{0}};
	int rc = wm_dataset_read(&ds, &path, 1, &options, &err);

	if (rc < 0) {
		assert_true(strncmp(err.msg, path, strlen(path)) == 0);
		assert_true(strlen(err.msg) > strlen(path) + 2);
		return;
	}
	assert_int_equal(ds.counts.packets, ds.counts.used + ds.counts.filtered + ds.counts.truncated
						    + ds.counts.form_full + ds.counts.unknown_link + ds.counts.untimed);
	assert_int_equal(ds.counts.used, ds.n_records);
	assert_int_equal(ds.counts.damaged > 0, ds.damage.msg[0] != '\0');
	for (size_t i = 0; i < ds.n_flows; i++) {
		const struct wm_flow_record *flow = &ds.flows[i];

		assert_true(flow->n > 0 && flow->first + flow->n <= ds.n_records);
		assert_int_equal(flow->n, flow->pkts[0] + flow->pkts[1]);
	}
	wm_dataset_free(&ds);
}

static void every_file_is_read_or_refused_with_a_reason(void **state)
{
	(void)state;
	if (data_folder() == NULL)
		skip();
	assert_true(each_file("formats/valid", read_and_add_up) >= 27);
	assert_true(each_file("formats/malformed", read_and_add_up) >= 30);
}

// Packets as capinfos counts them; 0 = refused.
static void packet_counts_are_those_of_other_tools(void **state)
{
	static const struct {
		const char *name;
		unsigned packets;
	} files[] = {
		{"valid/ipv4_fragments.pcap", 53},
		{"valid/ipv6_fragments.pcap", 36},
		{"valid/ipv6_http.pcap", 19},
		{"valid/linktype_80211_radiotap_http.pcap", 26},
		{"valid/linktype_null_loopback.pcap", 3},
		{"valid/linktype_rawip.pcap", 100},
		{"valid/linktype_sll2.pcap", 3},
		{"valid/linktype_sll_arp.pcap", 12},
		{"valid/mac_in_mac_pbb.pcap", 12},
		{"valid/mixed_vlan_mpls.pcap", 47},
		{"valid/ns_big_endian.pcap", 10},
		{"valid/ns_little_endian_100.pcap", 100},
		{"valid/pcapng_many_interfaces.pcapng", 64},
		{"valid/pcapng_mixed_linktypes.pcapng", 159}, // 100 of them with a time in the year 586512
		{"valid/qinq.pcap", 2},
		{"valid/us_big_endian_netlink.pcap", 13},
		{"valid/vlan.pcap", 26},
		{"valid/solaris.snoop", 0},
		{"valid/dag_100.erf", 0},
		{"valid/pcapng_zst_compressed.pcapng.zst", 0},
		{"valid/erf_xz_compressed.erf.xz", 0},
		{"malformed/cut_mid_packet.pcap", 50},
		{"malformed/cut_mid_record_header.pcap", 50},
		{"malformed/caplen_2GB.pcap", 5},
		{"malformed/time_goes_backwards.pcap", 40},
		{"malformed/usec_gt_1e6.pcap", 20},
		{"malformed/wirelen_zero_lt_caplen.pcap", 20},
	};

	(void)state;
	if (data_folder() == NULL)
		skip();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct wm_capture_packet pkt;
		struct wm_capture *c = NULL;
		struct wm_err err;
		char path[600];

		(void)snprintf(path, sizeof(path), "%s/formats/%s", data_folder(), files[i].name);
		if (wm_capture_open(&c, path, &err) < 0) {
			assert_int_equal(files[i].packets, 0);
			continue;
		}
		while (wm_capture_next(c, &pkt, &err) == 1)
			continue;
		assert_int_equal(wm_capture_counts(c)->packets + wm_capture_counts(c)->bad_blocks, files[i].packets);
		assert_int_equal(wm_capture_damage(c) != NULL,
			strstr(path, "/cut_") != NULL || strstr(path, "caplen_2GB") != NULL);
		wm_capture_close(c);
	}
}

// The sample that says what a packet's own fields are.
static void sample_of(struct wm_sample *s, const struct wm_packet *pkt)
{
	*s = (struct wm_sample){.time_ns = pkt->time_ns,
		.seq = pkt->seq,
		.ack = pkt->ack,
		.sport = pkt->sport,
		.dport = pkt->dport,
		.len = (uint16_t)wm_form_frame_len(pkt),
		.window = pkt->window,
		.flags = pkt->proto == WM_PROTO_TCP ? pkt->flags : pkt->icmp_type};
	memcpy(s->src, pkt->src, 16);
	memcpy(s->dst, pkt->dst, 16);
}

static unsigned rebuilt;

static void rebuild(const struct wm_packet *was, const uint8_t *data)
{
	static uint8_t frame[65536];
	uint8_t image[WM_FORM_HEAD_MAX];
	size_t n = wm_form_image(was, data, image);
	struct wm_packet is;
	struct wm_sample s;
	struct wm_form form;
	struct wm_err err;

	if (n == 0 || wm_form_frame_len(was) > UINT16_MAX || was->head_len + was->payload > was->len)
		return;
	assert_int_equal(wm_form_init(&form, image, n, NULL, NULL, 0, &err), 0);
	sample_of(&s, was);
	wm_frame_build(frame, &form, &s, false);
	wm_dissect(&is, WM_LINK_ETHERNET, was->time_ns, frame, s.len, s.len);
	assert_int_equal(is.net, was->net);
	assert_int_equal(is.ethertype, was->ethertype);
	assert_int_equal(is.proto, was->proto);
	assert_int_equal(is.len, wm_form_frame_len(was));
	assert_int_equal(is.fragment, was->fragment);
	assert_int_equal(is.sport, was->sport);
	assert_int_equal(is.dport, was->dport);
	assert_int_equal(is.flags, was->flags);
	assert_int_equal(is.window, was->window);
	assert_int_equal(is.ttl, was->ttl);
	assert_int_equal(is.tos, was->tos);
	assert_int_equal(is.icmp_type, was->icmp_type);
	assert_int_equal(is.seq, was->seq);
	assert_int_equal(is.ack, was->ack);
	if (was->has_length || was->net == WM_NET_OTHER)
		assert_int_equal(is.payload, was->payload);
	if (was->net != WM_NET_OTHER)
		assert_memory_equal(is.src, was->src, 16);
	rebuilt++;
}

static void rebuild_all(const char *path)
{
	struct wm_capture_packet rec;
	struct wm_capture *c = NULL;
	struct wm_packet pkt;
	struct wm_err err;

	if (wm_capture_open(&c, path, &err) < 0)
		return;
	while (wm_capture_next(c, &rec, &err) == 1) {
		wm_dissect(&pkt, rec.link, rec.time_ns, rec.data, rec.cap_len, rec.len);
		rebuild(&pkt, rec.data);
	}
	wm_capture_close(c);
}

static void real_packets_are_rebuilt_with_the_fields_they_had(void **state)
{
	static const char *const folders[] = {"backbone-small", "dns-tinba", "http-hue", "icmp-ping", "iot-coap-mqtt",
		"mix-westermo", "small-apps", "tls-quic", "formats/valid", "formats/malformed"};

	(void)state;
	if (data_folder() == NULL)
		skip();
	rebuilt = 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		(void)each_file(folders[i], rebuild_all);
	assert_true(rebuilt > 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_is_read_or_refused_with_a_reason),
		cmocka_unit_test(packet_counts_are_those_of_other_tools),
		cmocka_unit_test(real_packets_are_rebuilt_with_the_fields_they_had),
	};

	return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
