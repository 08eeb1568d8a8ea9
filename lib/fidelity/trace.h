// SPDX-License-Identifier: BSD-3-Clause
// trace: the packets of a capture as columns, by flow and then by time.
//
// A flow is a bidirectional 5-tuple (ICMP: the address pair; other frames: the MAC pair and ethertype); a SYN with a
// new sequence number after a FIN or RST opens another one. Flows do not end by silence: a distance must not depend on
// where a time-out cuts. The client is the sender of the SYN or the receiver of the SYN-ACK if that is the first
// packet; else the side without a well-known port if just one has one; else the sender of the first packet.
#pragma once

#include <base/err.h>
#include <dataset/intern.h>
#include <fidelity/scratch.h>

#include <stdbool.h>
#include <stdint.h>

/** Columns of numbers; -1 where a packet has none. */
enum wm_field {
	WM_F_LEN,     // on the wire
	WM_F_HDR,     // up to the end of the transport header
	WM_F_PAYLOAD, // from the IP length: padding is no payload
	WM_F_TTL,     // also tells IP packets from others
	WM_F_FLAGS,   // of TCP
	WM_F_WIN,
	WM_F_PROTO, // of IP; WM_KIND_OTHER + ethertype (or LLC DSAP), WM_KIND_OPAQUE + link type
	WM_F_KIND,  // TCP: flags; WM_KIND_*
	WM_F_SRC,   // number of the address in what traces share
	WM_F_DST,
	WM_F_SPORT,
	WM_F_DPORT,
	WM_F_SVC,   // the server's port
	WM_F_CPORT, // the client's
	WM_F_DIR,   // 0 = from the client
	WM_FIELDS,
};

enum {
	WM_KIND_PROTO = 256,      // + protocol
	WM_KIND_ICMP = 512,       // + type
	WM_KIND_ICMP6 = 1024,     // + type
	WM_KIND_OTHER = 1 << 16,  // + ethertype or LLC DSAP
	WM_KIND_OPAQUE = 1 << 17, // + link type that is not decoded
};

/** How a TCP packet continues its direction's bytes, and what its acknowledgement says. */
enum { WM_SQ_NONE, WM_SQ_NEXT, WM_SQ_OLD, WM_SQ_HOLE };
enum { WM_AK_NONE, WM_AK_GOOD, WM_AK_BEYOND, WM_AK_BACK };

struct wm_trace {
	size_t n;
	int32_t *field[WM_FIELDS]; // each (n)
	int64_t *time_ns;          // since the capture's first packet
	int64_t *gap_ns;           // since the packet before in the flow; -1 = its first
	int64_t *tgap_ns;          // since the packet before in the capture; -1 = its first
	uint32_t *flow;            // numbered by start
	uint32_t *pos;             // in the flow, from 0
	uint32_t *rpos;            // to its end: 0 = the last
	uint8_t *back;             // 1 = earlier than the packet before in the file
	uint8_t *sq;               // WM_SQ_*
	uint8_t *ak;               // WM_AK_*
	int8_t *ip_ck;             // IPv4 header checksum: 1 good, 0 bad, -1 none to be checked
	int8_t *l4_ck;             // of TCP, UDP, ICMP where the datagram was captured whole
	uint32_t *seq;             // TCP; NULL once sq and ak are known
	uint32_t *ack;
	uint8_t *l3;     // where the network header begins; 255 = there or further
	size_t n_flows;  // of the whole capture
	int64_t span_ns; // from its first packet to its last
	uint64_t links;  // set of the link types seen: bit link % 64
};

/** Seconds of a column's nanoseconds, NAN for none. */
double wm_seconds(int64_t ns);

/**
 * Read a capture.
 *
 * @param addresses Shared by the traces that are to be compared.
 * @param max       Packets at most; 0 = all.
 * @param notes     Called with each sentence about what is odd in the capture.
 * @param tell      Called now and then with the share of the file read; NULL is allowed, as for notes.
 * @return 0; -ENODATA without any packet; -errno with a sentence.
 */
struct wm_trace_options {
	struct wm_intern *addresses;
	uint64_t max;
	void (*note)(void *arg, const char *sentence);
	void (*tell)(void *arg, double done);
	void *arg;
};
int wm_trace_read(struct wm_trace *out, const char *path, const struct wm_trace_options *options, struct wm_err *err);

/** The rows whose numbers are given, in that order, as a trace of its own. @return 0 or -ENOMEM. */
int wm_trace_take(struct wm_trace *out, const struct wm_trace *t, const uint32_t *rows, size_t n);

/** Put rows of another trace, as other flows, behind those of one. @return 0 or -ENOMEM: it is as it was. */
int wm_trace_append(struct wm_trace *out, const struct wm_trace *t, const uint32_t *rows, size_t n);

void wm_trace_free(struct wm_trace *t); // accepts one that is all zero

/** First row of each run of one flow, in order; n_runs of them, and behind them t->n. @return NULL without memory. */
uint32_t *wm_trace_runs(const struct wm_trace *t, size_t *n_runs, struct wm_scratch *s);

/** Rows in order of time, those of the same time by flow. @return NULL without memory. */
uint32_t *wm_trace_order(const struct wm_trace *t, struct wm_scratch *s);

/** Whether rows i and i + k are packets p and p + k of one flow. */
static inline bool wm_trace_follows(const struct wm_trace *t, size_t i, size_t k)
{
	return i + k < t->n && t->flow[i] == t->flow[i + k] && t->pos[i + k] - t->pos[i] == k;
}
