// SPDX-License-Identifier: BSD-3-Clause
// dataset: what the engines learn from: flows, and the packets of each flow as features.
//
// A flow is a bidirectional 5-tuple; ICMP: the address pair (and protocol); frames that are not IP: the MAC pair and
// ethertype; IP fragments without ports and other protocols: the address pair and protocol. A SYN with a new sequence
// number after a FIN or RST opens another flow, and so does a packet after `idle_ns` of silence, or four minutes of it
// after a FIN or RST. The client is the sender of the SYN or receiver of the SYN-ACK if that is the flow's first
// packet; else the side without a well-known port, if just one side has one; else the sender of the first packet.
#pragma once

#include <base/err.h>
#include <dataset/lora.h>
#include <dataset/rows.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How a TCP segment's sequence number stands to what its sender sent before. */
enum wm_seq {
	WM_SEQ_NONE, // not TCP, or a RST that is not the byte expected next
	WM_SEQ_NEXT, // the byte expected next (also the first of its direction, but for a RST)
	WM_SEQ_OLD,  // repeats old data or a keep-alive
	WM_SEQ_HOLE, // leaves a gap
};

/** How its acknowledgement stands to what the peer sent. */
enum wm_ack {
	WM_ACK_NONE, // no ACK flag
	WM_ACK_ALL,  // all that the peer has sent so far (also if that was not captured)
	WM_ACK_SAME, // what was acknowledged before, though the peer has sent more
	WM_ACK_SOME, // more than before, but not all
};

struct wm_record {
	uint64_t time_ns; // since the dataset's first packet
	uint16_t len; // on the wire, with an Ethernet header (packet/form.h); larger ones (offloaded) count as 65535
	uint16_t payload; // transport payload, or bytes behind the link header if not IP
	uint16_t window;
	uint16_t form;   // index into forms
	uint8_t flags;   // TCP flags, or ICMP type, else 0
	uint8_t reverse; // 1 = from the server
	uint8_t seq;     // enum wm_seq
	uint8_t ack;     // enum wm_ack
};

struct wm_flow_record {
	uint8_t client[16]; // IPv4 mapped; MAC if not IP
	uint8_t server[16];
	uint16_t cport; // ICMP echo: identifier of the first echo
	uint16_t sport; // the server's; if not IP: ethertype or DSAP
	uint8_t proto;  // 0 = not IP
	uint8_t ip;     // 4, 6, 0
	bool started;   // opened by a SYN (without ACK)
	bool ended;     // FIN or RST seen
	uint32_t first; // its records are records[first .. first + n)
	uint32_t n;
	uint32_t pkts[2];  // by direction: 0 = from the client
	uint64_t bytes[2]; // on the wire
	uint64_t start_ns; // since the dataset's first packet
	uint64_t end_ns;
};

// A distinct header image (packet/form.h) with an example of the payload that goes with it: the payload of packets
// other than TCP, if it was captured whole; of frames that are not IP what the image had no room for. A form with a
// payload belongs to packets with a payload of just that length.
struct wm_form_record {
	uint32_t image; // offset into bytes
	uint16_t image_len;
	uint16_t payload_len;
	uint32_t payload; // offset into bytes; meaningful if payload_len > 0
	uint32_t count;   // packets that have it
	uint8_t ip;
	uint8_t proto;
	uint8_t ttl;
	uint8_t tos;
};

// Every way a packet can fail to become a record has its own count.
struct wm_dataset_counts {
	uint64_t packets;       // seen: the sum of the next six
	uint64_t used;          // records
	uint64_t filtered;      // by the BPF filter
	uint64_t truncated;     // headers not captured whole, or senseless
	uint64_t form_full;     // beyond WM_FORMS_MAX distinct forms: dropped
	uint64_t unknown_link;  // link type not decoded
	uint64_t untimed;       // pcapng blocks that hold a packet, but no time
	uint64_t backwards;     // earlier than the packet before: used, in time order
	uint64_t odd;           // lengths or times that contradict themselves: put right and used
	uint64_t bad_blocks;    // pcapng blocks that contradict themselves: skipped
	uint64_t damaged;       // captures that end in the middle of a record or are damaged from there on
	uint64_t by_proto[256]; // used IP packets
	uint64_t not_ip;        // used frames that are not IP
};

enum { WM_FORMS_MAX = 16384 };

struct wm_dataset {
	struct wm_record *records; // by flow, then by time
	size_t n_records;
	struct wm_flow_record *flows; // by start
	size_t n_flows;
	struct wm_form_record *forms;
	size_t n_forms;
	uint8_t *bytes; // images and payload examples
	size_t n_bytes;
	struct wm_receptions lora; // instead of all above, if that is what the files hold
	struct wm_flow_rows rows;  // likewise
	uint64_t first_ns;         // epoch time of the first packet
	uint64_t duration_ns;
	struct wm_dataset_counts counts;
	struct wm_err damage; // about the first capture that is damaged
};

struct wm_dataset_options {
	const char *filter; // BPF expression, or NULL
	uint64_t idle_ns;   // silence that ends a flow; 0 = one hour
	bool payloads;      // keep examples of payload (never of TCP)
	/** Called now and then with bytes read and bytes in all (0 if not known); NULL = no one to tell. */
	void (*progress)(void *arg, uint64_t done, uint64_t all);
	void *arg;
};

/**
 * Read captures into one dataset; several are one training set, one after the other in time order of their starts
 * (captures that overlap in time are merged as they are; others are put 1 s apart).
 *
 * Files of LoRa receptions (dataset/lora.h) make a dataset of receptions and of nothing else, flow tables
 * (dataset/rows.h) one of rows.
 *
 * Memory: records, flows and forms kept; the flow table holds only flows in flight.
 *
 * @return 0; -errno with a sentence. A capture that is cut short is read up to there and counted in counts.damaged;
 *         one without any usable packet is -ENODATA.
 */
int wm_dataset_read(struct wm_dataset *out, const char *const *paths, size_t n_paths,
	const struct wm_dataset_options *options, struct wm_err *err);

/** Accepts one that is all zero. */
void wm_dataset_free(struct wm_dataset *ds);

struct wm_capture_counts; // capture/capture.h

/** Add what a capture's reader has counted. */
void wm_dataset_count(struct wm_dataset_counts *counts, const struct wm_capture_counts *n);
