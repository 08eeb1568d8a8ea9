// SPDX-License-Identifier: BSD-3-Clause
#include <plane/stats.h>

#define FIELD(type, member) offsetof(struct type, member)
#define TABLE(fields)                                                                                                  \
	{                                                                                                              \
		fields, sizeof(fields) / sizeof((fields)[0])                                                           \
	}

static const struct wm_field run[] = {
	{"generated", "generated_packets", WM_FIELD_COUNT, FIELD(wm_plane_stats, generated),
		"Packets that the models made, or that were read from the capture."},
	{"queued", "queued_packets", WM_FIELD_LEVEL, FIELD(wm_plane_stats, queued),
		"Packets made and not yet taken by a queue or written."},
	{"waiting", "waiting_packets", WM_FIELD_LEVEL, FIELD(wm_plane_stats, waiting),
		"Packets built that wait in front of the ports."},
	{"ring_used", "ring_used_packets", WM_FIELD_LEVEL, FIELD(wm_plane_stats, ring_used),
		"Places taken in the rings of packets made ahead."},
	{"ring_room", "ring_room_packets", WM_FIELD_LEVEL, FIELD(wm_plane_stats, ring_room),
		"Places in the rings of packets made ahead."},
	{"port_errors", "port_errors", WM_FIELD_COUNT, FIELD(wm_plane_stats, port_errors),
		"Packets that ports took and could not send."},
	{"paused_ns", "paused_seconds", WM_FIELD_NS, FIELD(wm_plane_stats, paused_ns),
		"Time for which the timeline was paused."},
};

static const struct wm_field queue[] = {
	{"fresh", "fresh_packets", WM_FIELD_COUNT, FIELD(wm_plane_queue, fresh),
		"Packets taken from the models or the capture."},
	{"recycled", "recycled_packets", WM_FIELD_COUNT, FIELD(wm_plane_queue, recycled),
		"Packets taken from an earlier lap, because fresh ones were missing."},
	{"sent", "sent_packets", WM_FIELD_COUNT, FIELD(wm_plane_queue, sent),
		"Packets that the port took, or that were written to the pcap."},
	{"bytes", "sent_bytes", WM_FIELD_COUNT, FIELD(wm_plane_queue, bytes), "Bytes of these, without FCS."},
	{"padding", "sent_padding_bytes", WM_FIELD_COUNT, FIELD(wm_plane_queue, padding),
		"Bytes that these lack to the shortest Ethernet frame, and ports add."},
	{"oversize", "oversize_packets", WM_FIELD_COUNT, FIELD(wm_plane_queue, oversize),
		"Packets dropped because they were longer than the port can send."},
	{"lost", "lost_packets", WM_FIELD_COUNT, FIELD(wm_plane_queue, lost),
		"Packets dropped because the run ended, or the link was down, before the port took them."},
	{"link_down", "link_down_packets", WM_FIELD_COUNT, FIELD(wm_plane_queue, link_down),
		"Packets of those lost that were lost because the link was down."},
	{"starved", "starved", WM_FIELD_COUNT, FIELD(wm_plane_queue, starved),
		"Times that there was no packet to send."},
	{"no_mbuf", "no_mbuf", WM_FIELD_COUNT, FIELD(wm_plane_queue, no_mbuf),
		"Times that a packet had to wait for a buffer."},
	{"port_full", "port_full", WM_FIELD_COUNT, FIELD(wm_plane_queue, port_full),
		"Bursts that the port did not take whole."},
	{"late", "late_packets", WM_FIELD_COUNT, FIELD(wm_plane_queue, late),
		"Packets that left more than 10 microseconds after their time."},
	{"shifts", "shifts", WM_FIELD_COUNT, FIELD(wm_plane_queue, shifts),
		"Times that the timeline was shifted because packets were late."},
	{"shift_ns", "shift_seconds", WM_FIELD_NS, FIELD(wm_plane_queue, shift_ns),
		"Time by which the timeline was shifted."},
	{"unlabelled", "unlabelled_packets", WM_FIELD_COUNT, FIELD(wm_plane_queue, unlabelled),
		"Packets sent that are missing in the labels, because who writes them was too slow."},
	{"received", "received_packets", WM_FIELD_COUNT, FIELD(wm_plane_queue, received),
		"Packets that came back and were dropped without a look."},
};

static const struct wm_field port[] = {
	{"link_downs", "link_downs", WM_FIELD_COUNT, FIELD(wm_plane_port, downs), "Times that the link went down."},
	{"link_down_ns", "link_down_seconds", WM_FIELD_NS, FIELD(wm_plane_port, down_ns),
		"Time for which the link was down."},
	{"errors", "error_packets", WM_FIELD_COUNT, FIELD(wm_plane_port, errors),
		"Packets that the port took and could not send."},
	{"missed", "missed_packets", WM_FIELD_COUNT, FIELD(wm_plane_port, missed),
		"Packets that came in and found no room."},
};

static const struct wm_field way[] = {
	{"sent", "sent_packets", WM_FIELD_COUNT, FIELD(wm_plane_way, sent), "Packets sent in this direction."},
	{"unseen", "unseen_packets", WM_FIELD_COUNT, FIELD(wm_plane_way, unseen),
		"Packets sent when the receiver was too far behind to look out for them."},
	{"received", "received_packets", WM_FIELD_COUNT, FIELD(wm_plane_way, received),
		"Packets that came back, each counted once."},
	{"bytes", "received_bytes", WM_FIELD_COUNT, FIELD(wm_plane_way, bytes), "Bytes of these, without FCS."},
	{"lost", "lost_packets", WM_FIELD_COUNT, FIELD(wm_plane_way, lost), "Packets that did not come back."},
	{"under_way", "under_way_packets", WM_FIELD_LEVEL, FIELD(wm_plane_way, under_way),
		"Packets that may still come back."},
	{"reordered", "reordered_packets", WM_FIELD_COUNT, FIELD(wm_plane_way, reordered),
		"Packets that came back behind one sent later."},
	{"duplicates", "duplicate_packets", WM_FIELD_COUNT, FIELD(wm_plane_way, duplicates),
		"Packets that came back once more."},
	{"strangers", "stranger_packets", WM_FIELD_COUNT, FIELD(wm_plane_way, strangers),
		"Packets that came in and nobody had sent, or too late."},
};

static const struct wm_field model[] = {
	{"packets", "sent_packets", WM_FIELD_COUNT, FIELD(wm_plane_model, packets),
		"Packets of the model that were sent."},
	{"bytes", "sent_bytes", WM_FIELD_COUNT, FIELD(wm_plane_model, bytes), "Bytes of these, without FCS."},
};

const struct wm_fields wm_fields_run = TABLE(run);
const struct wm_fields wm_fields_queue = TABLE(queue);
const struct wm_fields wm_fields_port = TABLE(port);
const struct wm_fields wm_fields_way = TABLE(way);
const struct wm_fields wm_fields_model = TABLE(model);

void wm_plane_queue_add(struct wm_plane_queue *sum, const struct wm_plane_queue *q)
{
	for (size_t i = 0; i < wm_fields_queue.n; i++) {
		const struct wm_field *f = &wm_fields_queue.at[i];
		uint64_t value = wm_field_value(f, sum) + wm_field_value(f, q);

		memcpy((char *)sum + f->offset, &value, sizeof(value));
	}
}

void wm_plane_port_sum(struct wm_plane_queue *out, const struct wm_plane_stats *stats, uint16_t port_id)
{
	struct wm_plane_queue sum = {.port = port_id};

	for (unsigned i = 0; i < stats->n_queues; i++)
		if (stats->queue[i].port == port_id)
			wm_plane_queue_add(&sum, &stats->queue[i]);
	*out = sum;
}
