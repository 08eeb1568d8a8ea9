// SPDX-License-Identifier: BSD-3-Clause
// All metrics in one place: what they are called, measure, and come from. Reports, gate and manual page follow it.
#include <fidelity/measure.h>

#include <string.h>

static const struct wm_measure jsdx = {"JSDx", .002, .02, 1, "Jensen-Shannon divergence of exact values, in bits",
	"Lin, IEEE Trans. Inf. Theory 37(1), 1991"};
static const struct wm_measure jsdq = {
	"JSDq", .002, .02, 1, "the same over at most 50 bins at the quantiles of the real data", "Lin 1991"};
static const struct wm_measure jsdr = {"JSDr", .002, .02, 1,
	"the same of the sorted frequencies: which value is the frequent one does not matter",
	"Yin et al., NetShare, SIGCOMM 2022"};
static const struct wm_measure jsdv = {
	"JSDv", 0, 0, 1, "the same of the values themselves: which is which does matter", "Lin 1991"};
static const struct wm_measure jsd = {"JSD", .002, .02, 1, "Jensen-Shannon divergence, in bits", "Lin 1991"};
static const struct wm_measure w1n = {"W1n", .01, .08, 10,
	"Wasserstein-1 distance over the standard deviation of the real data",
	"Vallender, Theory Probab. Appl. 18(4), 1974"};
static const struct wm_measure w1log = {
	"W1log", .01, .08, 10, "the same of log10 (times at least 1 us, counts at least 1)", "Vallender 1974"};
static const struct wm_measure acf = {"ACF", .01, .04, 1,
	"mean absolute difference of the correlations at lags 1 to 10", "Box, Jenkins, Time Series Analysis, 1970"};
static const struct wm_measure haar = {"haar", .1, .4, 10,
	"mean absolute difference of the logscale diagram (log2 of the mean squared Haar detail) per octave",
	"Abry, Veitch, IEEE Trans. Inf. Theory 44(1), 1998"};
static const struct wm_measure idc = {"idc", .1, .4, 10,
	"mean absolute difference of log2 of the index of dispersion per octave",
	"Cox, Lewis, The Statistical Analysis of Series of Events, 1966"};
static const struct wm_measure hurst = {
	"hurst", .05, .2, 1, "absolute difference of the Hurst parameters", "Abry, Veitch 1998"};
static const struct wm_measure share = {"share", .005, .02, 1, "absolute difference of two shares", ""};
static const struct wm_measure share_more = {"share", .005, .02, 1, "how much more often than in the real data", ""};
static const struct wm_measure auc = {"auc", .05, .1, 1,
	"area under the ROC curve of gradient boosted trees that tell synthetic from real; 0.5 = they cannot",
	"Lopez-Paz, Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017"};
static const struct wm_measure copy = {"copy", .005, .03, 1,
	"share of the synthetic data that occurs verbatim in the real", "Meehan et al., AISTATS 2020"};
static const struct wm_measure dcr = {"dcr", .03, .06, 1,
	"share of the synthetic records nearer to the real data than to as much of the holdout; 0.5 = no memory, 1 = "
	"copies",
	"Platzer, Reutterer, Frontiers in Big Data 4, 2021"};
static const struct wm_measure tvd = {"TVD", .005, .02, 1, "mean total variation distance of the joint distribution",
	"Zhang et al., PrivSyn, USENIX Security 2021"};
static const struct wm_measure tvdmax = {
	"TVDmax", .02, .08, 1, "the largest total variation distance of a pair", "Zhang et al. 2021"};
static const struct wm_measure tie = {"tie", .05, .1, 1,
	"share of the field's ties to others that was lost or made up; a tie is the total variation distance of their "
	"joint distribution from independence, less what chance makes of it",
	"Gibbs, Su, Int. Statistical Review 70(3), 2002"};
static const struct wm_measure nats_x = {
	"JSDx", .002, .02, 1, "Jensen-Shannon divergence of exact values, in nats (at most 0.693)", "Yin et al. 2022"};
static const struct wm_measure nats_q = {
	"JSDq", .002, .02, 1, "the same over at most 50 bins at the quantiles of the real data", "Yin et al. 2022"};
static const struct wm_measure nats_r = {"JSDr", .002, .02, 1,
	"the same of the sorted frequencies: which value is the frequent one does not matter", "Yin et al. 2022"};
static const struct wm_measure rel = {"rel", .02, .08, 1,
	"absolute difference of a sketch's mean relative error about heavy hitters (over 0.1 % of the packets)",
	"Yin et al. 2022"};
static const struct wm_measure rank = {"rank", .2, .8, 2,
	"1 - Spearman's rank correlation of the sketches' errors; 0 = they rank the same", "Yin et al. 2022"};
static const struct wm_measure tstr = {"tstr", .02, .08, 1,
	"F1 on real rows that is lost when trees learn from synthetic rows instead of real ones",
	"Esteban, Hyland, Raetsch, arXiv 1706.02633, 2017"};
static const struct wm_measure emd = {
	"EMD", 0, 0, 0, "Wasserstein-1 distance in the field's own unit", "Yin et al. 2022"};
static const struct wm_measure emd_range = {
	"EMD_range", 0, 0, 0, "EMD over the range of the real data", "Yin et al. 2022"};
static const struct wm_measure emd_iqr = {
	"EMD_IQR", 0, 0, 0, "EMD over the interquartile range of the real data", "Yin et al. 2022"};

#define LEN "packet length on the wire"
#define GAP "time since the packet before in the flow"
#define TGAP "time since the packet before in the trace"
#define COPIED WM_METRIC_ONE_SIDED

static const struct wm_metric_def defs[] = {
	{"A.len.JSDx", LEN, &jsdx, 0},
	{"A.len.JSDq", LEN, &jsdq, 0},
	{"A.len.W1n", LEN, &w1n, 0},
	{"A.hdr.JSDx", "length of the headers", &jsdx, 0},
	{"A.hdr.JSDq", "length of the headers", &jsdq, 0},
	{"A.hdr.W1n", "length of the headers", &w1n, 0},
	{"A.payload.JSDx", "length of the payload", &jsdx, 0},
	{"A.payload.JSDq", "length of the payload", &jsdq, 0},
	{"A.payload.W1n", "length of the payload", &w1n, 0},
	{"A.ttl.JSDx", "time to live", &jsdx, 0},
	{"A.ttl.W1n", "time to live", &w1n, 0},
	{"A.flags.JSDx", "TCP flags", &jsdx, 0},
	{"A.win.JSDx", "TCP window", &jsdx, 0},
	{"A.win.JSDq", "TCP window", &jsdq, 0},
	{"A.win.W1log", "TCP window", &w1log, 0},
	{"A.proto.JSDx", "protocol", &jsdx, 0},
	{"A.dir.JSDx", "direction", &jsdx, 0},
	{"A.svc.JSDx", "server's port", &jsdx, 0},
	{"A.cport.JSDq", "client's port", &jsdq, 0},
	{"A.cport.W1n", "client's port", &w1n, 0},
	{"A.sport.JSDx", "source port", &jsdx, 0},
	{"A.dport.JSDx", "destination port", &jsdx, 0},
	{"A.src.JSDr", "source address", &jsdr, 0},
	{"A.src.JSDv", "source address", &jsdv, WM_METRIC_SHOWN},
	{"A.dst.JSDr", "destination address", &jsdr, 0},
	{"A.dst.JSDv", "destination address", &jsdv, WM_METRIC_SHOWN},
	{"A.gap.JSDq", GAP, &jsdq, 0},
	{"A.gap.W1n", GAP, &w1n, 0},
	{"A.gap.W1log", GAP, &w1log, 0},
	{"A.tgap.JSDq", TGAP, &jsdq, 0},
	{"A.tgap.W1n", TGAP, &w1n, 0},
	{"A.tgap.W1log", TGAP, &w1log, 0},

	{"B.len.ACF", "packet lengths in a flow", &acf, 0},
	{"B.loggap.ACF", "logarithms of the gaps in a flow", &acf, 0},
	{"B.dir.ACF", "directions in a flow", &acf, 0},
	{"B.2gram_dir_flags.JSD", "2 packets in a row, by direction and kind", &jsd, 0},
	{"B.3gram_dir_flags.JSD", "3 packets in a row, by direction and kind", &jsd, 0},
	{"B.2gram_dir_len.JSD", "2 packets in a row, by direction and length", &jsd, 0},
	{"B.3gram_dir_len.JSD", "3 packets in a row, by direction and length", &jsd, 0},
	{"B.joint_dir_flags_len_gap.JSD", "direction, kind, length and gap of a packet together", &jsd, 0},
	{"B.gap_rank.tie", "which packets of a flow come soon and which late", &tie, 0},

	{"C.pkts.JSDx", "packets of a flow", &jsdx, 0},
	{"C.pkts.JSDq", "packets of a flow", &jsdq, 0},
	{"C.pkts.W1n", "packets of a flow", &w1n, 0},
	{"C.pkts.W1log", "packets of a flow", &w1log, 0},
	{"C.bytes.JSDq", "bytes of a flow", &jsdq, 0},
	{"C.bytes.W1n", "bytes of a flow", &w1n, 0},
	{"C.bytes.W1log", "bytes of a flow", &w1log, 0},
	{"C.dur.JSDq", "duration of a flow", &jsdq, 0},
	{"C.dur.W1n", "duration of a flow", &w1n, 0},
	{"C.dur.W1log", "duration of a flow", &w1log, 0},
	{"C.rev_pkts.JSDq", "server's share of a flow's packets", &jsdq, 0},
	{"C.rev_pkts.W1n", "server's share of a flow's packets", &w1n, 0},
	{"C.rev_bytes.JSDq", "server's share of a flow's bytes", &jsdq, 0},
	{"C.rev_bytes.W1n", "server's share of a flow's bytes", &w1n, 0},
	{"C.startgap.JSDq", "time between starts of flows", &jsdq, 0},
	{"C.startgap.W1n", "time between starts of flows", &w1n, 0},
	{"C.startgap.W1log", "time between starts of flows", &w1log, 0},
	{"C.active.JSDq", "flows under way at a time", &jsdq, 0},
	{"C.active.W1n", "flows under way at a time", &w1n, 0},

	{"D.time_order.share", "packets not earlier than the one before in the file", &share, WM_METRIC_ONE_SIDED},
	{"D.syn_first.share", "TCP flows that begin with a SYN", &share, 0},
	{"D.handshake.share", "TCP flows of 4 packets and more that begin SYN, SYN-ACK, ACK", &share, 0},
	{"D.fin_rst_in_last_6.share", "TCP flows of 4 packets and more with FIN or RST in the last 6", &share, 0},
	{"D.syn_in_the_middle.share", "TCP flows of 4 packets and more with a SYN after the second packet", &share, 0},
	{"D.seq_next.share", "TCP packets that begin at the next expected byte", &share, 0},
	{"D.seq_retransmitted.share", "TCP packets that repeat old data", &share, 0},
	{"D.seq_hole.share", "TCP packets that leave a hole", &share, 0},
	{"D.ack_beyond.share", "acknowledgements beyond what the peer sent", &share, 0},
	{"D.ack_back.share", "acknowledgements that go back", &share, 0},
	{"D.ip_checksum.share", "good IPv4 header checksums", &share, WM_METRIC_ONE_SIDED},
	{"D.l4_checksum.share", "good TCP, UDP and ICMP checksums", &share, WM_METRIC_ONE_SIDED},

	{"E.bytes_1s.W1n", "bytes per second", &w1n, 0},
	{"E.bytes_1s.ACF", "bytes per second", &acf, 0},
	{"E.bytes_auto.W1n", "bytes per bin", &w1n, 0},
	{"E.bytes_auto.ACF", "bytes per bin", &acf, 0},
	{"E.bytes.haar", "bytes over time, per scale", &haar, 0},
	{"E.bytes.idc", "bytes over time, per scale", &idc, 0},
	{"E.bytes.hurst", "bytes over time", &hurst, 0},
	{"E.pkts_1s.W1n", "packets per second", &w1n, 0},
	{"E.pkts_1s.ACF", "packets per second", &acf, 0},
	{"E.pkts_auto.W1n", "packets per bin", &w1n, 0},
	{"E.pkts_auto.ACF", "packets per bin", &acf, 0},
	{"E.pkts.haar", "packets over time, per scale", &haar, 0},
	{"E.pkts.idc", "packets over time, per scale", &idc, 0},
	{"E.pkts.hurst", "packets over time", &hurst, 0},

	{"F.packets.auc", "packets by themselves", &auc, 0},
	{"F.windows.auc", "8 packets of a flow in a row", &auc, 0},
	{"F.flows.auc", "flows", &auc, 0},
	{"F.rows.auc", "rows of the table", &auc, 0},
	{"F.rows_with_addresses.auc", "rows of the table with their addresses", &auc, 0},

	{"G.windows.copy", "8 packets of a flow in a row, gaps to 2 digits", &copy, COPIED},
	{"G.exact_windows.copy", "8 packets of a flow in a row, gaps to the nanosecond", &copy,
		COPIED | WM_METRIC_SHOWN},
	{"G.exact_trace.copy", "8 packets in a row, of any flows, gaps to the nanosecond", &copy,
		COPIED | WM_METRIC_SHOWN},
	{"G.flows.copy", "whole flows of 6 packets and more", &copy, COPIED},
	{"G.flows.dcr", "duration, server's port, packets and bytes of a flow", &dcr, COPIED | WM_METRIC_SHOWN},
	{"G.rows.copy", "rows of the table", &copy, COPIED},
	{"G.nearer_to_real.dcr", "distance to the closest record", &dcr, COPIED},

	{"N.sa.JSDr", "SA: source address", &nats_r, 0},
	{"N.sa_value.JSDx", "SA: source address", &nats_x, 0},
	{"N.da.JSDr", "DA: destination address", &nats_r, 0},
	{"N.da_value.JSDx", "DA: destination address", &nats_x, 0},
	{"N.sp.JSDx", "SP: source port", &nats_x, 0},
	{"N.dp.JSDx", "DP: destination port", &nats_x, 0},
	{"N.pr.JSDx", "PR: protocol", &nats_x, 0},
	{"N.flg.JSDx", "TCP flags", &nats_x, 0},
	{"N.tos.JSDx", "type of service", &nats_x, 0},
	{"N.fwd.JSDx", "forwarding status", &nats_x, 0},
	{"N.label.JSDx", "label", &nats_x, 0},
	{"N.type.JSDx", "type of traffic", &nats_x, 0},
	{"N.service.JSDx", "service", &nats_x, 0},
	{"N.state.JSDx", "state of the connection", &nats_x, 0},
	{"N.ts.JSDq", "TS: start time, s", &nats_q, 0},
	{"N.ts.W1n", "TS: start time, s", &w1n, 0},
	{"N.ts.EMD", "TS: start time, s", &emd, WM_METRIC_SHOWN},
	{"N.ts.EMD_range", "TS: start time, s", &emd_range, WM_METRIC_SHOWN},
	{"N.ts.EMD_IQR", "TS: start time, s", &emd_iqr, WM_METRIC_SHOWN},
	{"N.td.JSDq", "TD: duration, s", &nats_q, 0},
	{"N.td.W1n", "TD: duration, s", &w1n, 0},
	{"N.td.W1log", "TD: duration, s", &w1log, 0},
	{"N.td.EMD", "TD: duration, s", &emd, WM_METRIC_SHOWN},
	{"N.td.EMD_range", "TD: duration, s", &emd_range, WM_METRIC_SHOWN},
	{"N.td.EMD_IQR", "TD: duration, s", &emd_iqr, WM_METRIC_SHOWN},
	{"N.pkt.JSDq", "PKT: packets", &nats_q, 0},
	{"N.pkt.W1n", "PKT: packets", &w1n, 0},
	{"N.pkt.W1log", "PKT: packets", &w1log, 0},
	{"N.pkt.EMD", "PKT: packets", &emd, WM_METRIC_SHOWN},
	{"N.pkt.EMD_range", "PKT: packets", &emd_range, WM_METRIC_SHOWN},
	{"N.pkt.EMD_IQR", "PKT: packets", &emd_iqr, WM_METRIC_SHOWN},
	{"N.byt.JSDq", "BYT: bytes", &nats_q, 0},
	{"N.byt.W1n", "BYT: bytes", &w1n, 0},
	{"N.byt.W1log", "BYT: bytes", &w1log, 0},
	{"N.byt.EMD", "BYT: bytes", &emd, WM_METRIC_SHOWN},
	{"N.byt.EMD_range", "BYT: bytes", &emd_range, WM_METRIC_SHOWN},
	{"N.byt.EMD_IQR", "BYT: bytes", &emd_iqr, WM_METRIC_SHOWN},
	{"N.iat.JSDq", "time between rows, s", &nats_q, 0},
	{"N.iat.W1n", "time between rows, s", &w1n, 0},
	{"N.iat.W1log", "time between rows, s", &w1log, 0},
	{"N.iat.EMD", "time between rows, s", &emd, WM_METRIC_SHOWN},
	{"N.iat.EMD_range", "time between rows, s", &emd_range, WM_METRIC_SHOWN},
	{"N.iat.EMD_IQR", "time between rows, s", &emd_iqr, WM_METRIC_SHOWN},
	{"N.ps.EMD", "PS: packet size, IP bytes", &emd, WM_METRIC_SHOWN},
	{"N.pat.EMD", "PAT: arrival time of a packet, us", &emd, WM_METRIC_SHOWN},
	{"N.fs.EMD", "FS: packets of a one-way 5-tuple", &emd, WM_METRIC_SHOWN},

	{"R.whole_and_positive.share", "rows that break a rule: packets and bytes that are no whole positive numbers",
		&share_more, WM_METRIC_ONE_SIDED},
	{"R.bytes_per_packet.share", "rows that break a rule: under 20 or over 65535 bytes per packet", &share_more,
		WM_METRIC_ONE_SIDED},
	{"R.one_packet_no_duration.share", "rows that break a rule: one packet that lasts", &share_more,
		WM_METRIC_ONE_SIDED},
	{"R.ports_in_range.share", "rows that break a rule: ports that are none", &share_more, WM_METRIC_ONE_SIDED},
	{"R.ports_used_by_tcp_udp.share", "rows that break a rule: TCP or UDP with port 0", &share_more,
		WM_METRIC_ONE_SIDED},
	{"R.no_ports_elsewhere.share", "rows that break a rule: ports of a protocol without any", &share_more,
		WM_METRIC_ONE_SIDED},
	{"R.addresses.share", "rows that break a rule: addresses that cannot be, or are the same", &share_more,
		WM_METRIC_ONE_SIDED},
	{"R.port_protocol.share",
		"rows that break a rule: a well-known port with another protocol than in the real data", &share_more,
		WM_METRIC_ONE_SIDED},
	{"R.flags_form.share", "rows that break a rule: flags that are none", &share_more, WM_METRIC_ONE_SIDED},
	{"R.flags_only_tcp.share", "rows that break a rule: TCP flags without TCP", &share_more, WM_METRIC_ONE_SIDED},
	{"R.any.share", "rows that break a rule: any of these rules", &share_more, WM_METRIC_ONE_SIDED},

	{"U.countmin_dst.rel", "Count-Min sketch of destinations", &rel, 0},
	{"U.countsketch_dst.rel", "Count Sketch of destinations", &rel, 0},
	{"U.univmon_dst.rel", "UnivMon of destinations", &rel, 0},
	{"U.countmin_tuple.rel", "Count-Min sketch of one-way 5-tuples", &rel, 0},
	{"U.countsketch_tuple.rel", "Count Sketch of one-way 5-tuples", &rel, 0},
	{"U.univmon_tuple.rel", "UnivMon of one-way 5-tuples", &rel, 0},
	{"U.sketches.rank", "order of the sketches", &rank, 0},
	{"U.label.tstr", "labels of rows", &tstr, 0},

	{"T.pairs.TVD", "every two fields", &tvd, 0},
	{"T.worst_pair.TVDmax", "every two fields", &tvdmax, 0},
	{"T.len.tie", "packet length and each other field", &tie, 0},
	{"T.payload.tie", "payload and each other field", &tie, 0},
	{"T.ttl.tie", "time to live and each other field", &tie, 0},
	{"T.flags.tie", "TCP flags and each other field", &tie, 0},
	{"T.win.tie", "TCP window and each other field", &tie, 0},
	{"T.proto.tie", "protocol and each other field", &tie, 0},
	{"T.svc.tie", "server's port and each other field", &tie, 0},
	{"T.dir.tie", "direction and each other field", &tie, 0},
};
_Static_assert(sizeof(defs) / sizeof(defs[0]) <= WM_METRICS_MAX, "struct wm_values holds them all");

const struct wm_metric_def *wm_metric_defs(size_t *n)
{
	*n = sizeof(defs) / sizeof(defs[0]);
	return defs;
}

const struct wm_metric_def *wm_metric_def_of(const char *key)
{
	for (size_t i = 0; i < sizeof(defs) / sizeof(defs[0]); i++)
		if (strcmp(defs[i].key, key) == 0)
			return &defs[i];
	return NULL;
}
