// SPDX-License-Identifier: BSD-3-Clause
// sample: one packet, fully decided. The seam between those who think about models (before it) and those who think
// about bytes (behind it).
//
// A sample and its form say every byte of the frame: the form holds what a class of packets shares (link layer, IP
// version, TTL, TOS, options, payload template), the sample what is this packet's own.
#pragma once

#include <packet/lora.h>

#include <assert.h>
#include <stdint.h>

enum {
	WM_BIT_REVERSE = 1 << 0, // server to client
	WM_BIT_FIRST = 1 << 1,   // first packet of its flow
	WM_BIT_LAST = 1 << 2,    // last packet of its flow
	WM_MODEL_SHIFT = 3,      // the upper five bits: index of the model that made it
	WM_MODELS_MAX = 32,
};

enum { WM_FORM_TICK = UINT16_MAX }; // a sample's form: no packet, but a word about what follows, by its flags

enum wm_tick {
	WM_TICK_TIME, // nothing that comes before this sample will follow
	WM_TICK_FLOW, // its flow has ended with the packet that came last
	WM_TICK_END,  // the run ends here, whatever else would follow
	WM_TICK_LAP,  // a queue is through with a lap of what it sends again (plane/departures.h)
};

// One cache line. Addresses and numbers are those of the packet as sent (source = sender), in host byte order;
// IPv4 addresses are mapped (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2).
struct wm_sample {
	uint64_t time_ns; // departure on the virtual timeline
	union {
		struct {
			uint8_t src[16]; // unused by frames that are not IP
			uint8_t dst[16];
		};
		struct wm_lora lora; // of forms that packet/semtech.h makes
	};
	union {
		struct {
			uint32_t seq; // TCP; ICMP echo: identifier << 16 | sequence number; UDP: number of query, reply
			uint32_t ack; // TCP
		};
		const uint8_t *bytes; // of raw forms: the frame, there until the sample's place in its ring is free
	};
	uint32_t flow; // low 32 bits of the flow's id
	uint16_t sport;
	uint16_t dport;
	uint16_t len; // bytes on the wire without FCS, link layer included
	uint16_t window;
	uint16_t form; // index into the model's forms
	uint8_t flags; // TCP flags (RFC 9293 section 3.1)
	uint8_t bits;  // WM_BIT_*, model index
};

static_assert(sizeof(struct wm_sample) == 64, "a sample is one cache line");

static inline unsigned wm_sample_model(const struct wm_sample *s)
{
	return s->bits >> WM_MODEL_SHIFT;
}
