// SPDX-License-Identifier: BSD-3-Clause
// draft: a sample that has been thought through, to be sent many times: its headers as they are sent, with what changes
// from lap to lap and with time beside them. What is left to do then is a copy and a few fields, in a straight line:
// nothing depends on the kind of form, so that a mix of forms costs no mispredicted branches.
//
//	forms  -> stencils  once: where the fields are that change
//	sample -> draft     when the packet is first seen
//	draft  -> headers   each time: wm_draft_put(), the same bytes as wm_frame_build() of the sample on that lap
//
// Or as fast as the CPU can, as in draft_avx512.inc: what changes is in the lanes of a vector, put together and put in
// place by permutations that the stencil holds.
//
// Headers are written backwards from where the payload begins, which is at one place in every buffer: a payload of
// zeros, or of a constant beginning and zeros (packet/stub.h), is there before and is not touched.
#pragma once

#include <packet/checksum.h>
#include <packet/derive.h>
#include <packet/form.h>

#include <assert.h>
#include <endian.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	WM_DRAFT_HEAD = 96,  // bytes before the payload that headers and padding may take
	WM_DRAFT_ROOM = 128, // that may be written
	WM_STENCILS = 8,     // of each form
	WM_NO_STENCIL = UINT16_MAX,
};

// What the payload's place has to hold: a bit each, for a place may do for several.
enum wm_draft_payload {
	WM_PAYLOAD_NONE = 1, // whatever it likes
	WM_PAYLOAD_ZEROS = 2,
	WM_PAYLOAD_STUB = 4,      // wm_stub_put_tcp()'s bytes, then zeros
	WM_PAYLOAD_TEMPLATE = 8,  // the form's, then zeros
	WM_PAYLOAD_NUMBERED = 16, // the same, and it begins with the number of query and reply
	WM_PAYLOAD_SAMPLE = 32,   // unknown: this is no draft, but the sample itself
};

// What changes, in 32-bit lanes of a vector: a block of four numbers, and one of what is shorter.
enum wm_lane {
	WM_LANE_STAMP,
	WM_LANE_SEQ, // or the number that a UDP payload begins with
	WM_LANE_ECHO,
	WM_LANE_ACK,
	WM_LANE_CLIENT, // in network order all along
	WM_LANE_PORT,   // above it the sum of what the transport checksum covers and does not change
	WM_LANE_ID,
	WM_LANE_IP_SUM,
	WM_LANES,
};

// Which numbers of a flow move, and with those of which side.
enum wm_move_kind {
	WM_MOVE_SEQ,     // seq with the client's
	WM_MOVE_BOTH,    // ack with the server's, too
	WM_MOVE_REVERSE, // seq with the server's
	WM_MOVE_REVERSE_BOTH,
	WM_MOVES,
};

// How far a lap's flows are from those of the samples. All zero: not at all.
struct wm_move {
	uint32_t host[256]; // added to the client's address in network order, by its last byte; [0] is 0
	alignas(32) uint32_t by[WM_MOVES][WM_LANES]; // added to port, seq and ack; 0 elsewhere
};

// Where the fields are: distances from the payload's place back. A field that a form does not have is written where it
// does no harm.
struct wm_stencil {
	// For vectors: one from order on, one for the last 64 bytes, and a third line of what else is wanted with them.
	// What comes of order is before the headers.
	alignas(64) uint8_t order[WM_LANES * 4]; // lanes as they are sent: which of 16 bytes, or 0x80 for none
	uint8_t put[WM_DRAFT_HEAD]; // each byte in front of the payload: of its half of the draft, or 64 + of the lanes
	uint8_t gather[WM_LANES * 4]; // lanes, in host order: which bytes of the draft
	uint8_t beside[16];           // its user's, for what goes with the headers
	uint16_t if_zero;             // what is sent for a checksum of 0
	uint8_t move;                 // enum wm_move_kind

	const struct wm_form *form; // whose payload it is; NULL = none
	uint8_t l2;                 // the frame's beginning
	uint8_t mac, client;        // last four bytes of the client's MAC and IP addresses
	uint8_t id, ip_checksum;
	uint8_t port;    // the client's
	uint8_t numbers; // seq and ack
	uint8_t stamps;  // TCP time stamp and the echoed one
	uint8_t checksum;
	int8_t id_mask, stamp_mask, echo_mask, number_mask; // -1: there is one; 0
};

static_assert(offsetof(struct wm_stencil, put) == 32 && offsetof(struct wm_stencil, gather) % 64 == 0
		      && sizeof(struct wm_stencil) == 256,
	"vectors are aligned");

// Those of a model's forms. Forms whose fields are in the same places share theirs: so few are in use that all of them
// stay in the first cache, and none is waited for.
struct wm_stencils {
	const struct wm_form *forms;
	struct wm_stencil *list;     // n different ones
	uint16_t (*of)[WM_STENCILS]; // of each form, by variant: index into list; WM_NO_STENCIL = no drafts of it
	size_t n;
};

// What is asked about a packet once it is a frame.
struct wm_tag {
	uint16_t len; // of the frame
	uint8_t bits; // the sample's
	uint8_t pad;  // its user's: bytes that the frame lacks to the least there can be
};

struct wm_draft {
	alignas(64) uint64_t time_ns;
	uint32_t stamp;     // of the sender's clock, less the time; of UDP: the number that the payload begins with
	uint32_t echo;      // of the echoed one
	uint16_t sum;       // of what the transport checksum covers and does not change
	uint16_t ip_sum;    // of the IPv4 header
	uint16_t id;        // wm_ipv4_id_key()
	uint16_t stencil;   // index into the model's list
	uint16_t port_mask; // bits of the client's port that move
	uint8_t host;       // index into wm_move
	uint8_t payload;    // enum wm_draft_payload
	struct wm_tag tag;
	union {
		uint8_t head[WM_DRAFT_HEAD]; // headers and padding as on lap 0, at the end
		struct wm_sample sample;     // if payload is WM_PAYLOAD_SAMPLE
	};
};

static_assert(sizeof(struct wm_tag) == 4 && sizeof(struct wm_draft) == 128, "a word, and two cache lines");

/** Make a move: port and numbers[] are added to the client's ports and to the sequence numbers of client and server.
 *  The hosts are the caller's. */
void wm_move_init(struct wm_move *out, uint32_t port, const uint32_t numbers[2]);

/** Find the stencils of n_forms forms. out->list and out->of have room for those of n_forms forms and are the caller's;
 *  the forms are borrowed for as long as stencils are used. */
void wm_stencils_init(struct wm_stencils *out, const struct wm_form *forms, size_t n_forms);

/**
 * Make a draft of a sample, or keep it as it is: drafts are for TCP and UDP, with headers of up to WM_DRAFT_HEAD bytes,
 * between single hosts. Time, length and bits are set in any case.
 *
 * @param stencils Of the sample's model.
 */
void wm_draft_make(struct wm_draft *out, const struct wm_sample *s, const struct wm_stencils *stencils);

/** Hold the sample itself. */
static inline void wm_draft_keep(struct wm_draft *d, const struct wm_sample *s)
{
	d->payload = WM_PAYLOAD_SAMPLE;
	d->sample = *s;
}

static inline uint32_t wm_mask(int8_t bit)
{
	return (uint32_t)(int32_t)bit;
}

static inline bool wm_draft_is_sample(const struct wm_draft *d)
{
	return d->payload == WM_PAYLOAD_SAMPLE;
}

/**
 * Write the headers of a draft. They end where the payload begins; the frame begins st->l2 bytes before that.
 *
 * @param payload The payload's place; WM_DRAFT_ROOM bytes before it may be written to.
 * @param st      The draft's stencil.
 * @param time_ns Departure on the virtual timeline.
 */
static inline void wm_draft_put(uint8_t *payload, const struct wm_draft *d, const struct wm_stencil *st,
	const struct wm_move *move, uint64_t time_ns)
{
	const uint8_t *end = d->head + WM_DRAFT_HEAD, *numbers = end - st->numbers;
	const uint32_t *by = move->by[st->move];
	uint32_t client = wm_load32(end - st->client) + move->host[d->host];
	uint32_t was = be16toh(wm_load16(end - st->port)), mask = d->port_mask;
	uint16_t port = htobe16((uint16_t)(was ^ ((was ^ (was + by[WM_LANE_PORT])) & mask)));
	uint16_t id = htobe16((uint16_t)(wm_ipv4_id(d->id, time_ns) & wm_mask(st->id_mask)));
	uint32_t seq = htobe32(be32toh(wm_load32(numbers)) + by[WM_LANE_SEQ]);
	uint32_t ack = htobe32(be32toh(wm_load32(numbers + 4)) + by[WM_LANE_ACK]);
	uint32_t stamp = htobe32(wm_ts_ticks(time_ns) + d->stamp) & wm_mask(st->stamp_mask);
	uint32_t echo = htobe32(wm_ts_ticks(time_ns) + d->echo) & wm_mask(st->echo_mask);
	uint64_t sum = (uint64_t)(seq & wm_mask(st->number_mask)) + (ack & wm_mask(st->number_mask));
	uint16_t checksum;

	if (d->payload == WM_PAYLOAD_NUMBERED)
		sum = htobe16((uint16_t)(d->stamp + by[WM_LANE_SEQ]));
	sum += (uint64_t)d->sum + client + port + stamp + echo;
	checksum = (uint16_t)~wm_sum_fold(sum);
	memcpy(payload - WM_DRAFT_HEAD, d->head, WM_DRAFT_HEAD);
	wm_store32(payload - st->mac, client);
	wm_store32(payload - st->client, client);
	wm_store16(payload - st->id, id);
	wm_sum_put(payload - st->ip_checksum, (uint64_t)d->ip_sum + client + id);
	wm_store16(payload - st->port, port);
	wm_store32(payload - st->numbers, seq);
	wm_store32(payload - st->numbers + 4, ack);
	wm_store32(payload - st->stamps, stamp);
	wm_store32(payload - st->stamps + 4, echo);
	wm_store16(payload - st->checksum, checksum > 0 ? checksum : st->if_zero);
}

/**
 * Write the payload of a draft that has one of its form's (WM_PAYLOAD_TEMPLATE and on); what is behind that is not
 * written and has to be zero. @return how many bytes were written.
 */
uint32_t wm_draft_put_payload(
	uint8_t *payload, const struct wm_draft *d, const struct wm_stencil *st, const struct wm_move *move);

// What wm_draft_put() is, and what does the same on some CPUs.
typedef void wm_draft_put_fn(uint8_t *payload, const struct wm_draft *d, const struct wm_stencil *st,
	const struct wm_move *move, uint64_t time_ns);

enum wm_draft_isa { WM_DRAFT_SCALAR, WM_DRAFT_AVX512, WM_DRAFT_ISAS };

struct wm_draft_putter {
	const char *name;
	enum wm_draft_isa isa;
	wm_draft_put_fn *put; // not inline: for tests; payload is aligned to 64 bytes
};

/** Those that this CPU can run, the reference first, the fastest last. @return how many. */
size_t wm_draft_putters(const struct wm_draft_putter *const **out);

/** The fastest, or the reference if the environment variable WIREMILL_KERNELS names kernels (tensor/tensor.h) for CPUs
 *  that can do no better: scalar, avx2. */
const struct wm_draft_putter *wm_draft_putter_best(void);
