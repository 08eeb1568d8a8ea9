// SPDX-License-Identifier: BSD-3-Clause
// form: what a class of packets has in common, as an image of its headers, and the builder that turns form + sample
// into a frame with valid lengths and checksums.
//
// An image is the frame from its first byte to the end of the transport header. What differs from packet to packet is
// zero in it: MAC addresses of IP frames, IP total length, id and checksum, addresses, ports, seq, ack, flags, window,
// transport checksum, the values of TCP time stamps and SACK edges, the type (if an echo), identifier and sequence
// number of ICMP echoes. Frames that are not IP have everything in the image (MAC addresses too) up to
// WM_FORM_HEAD_MAX bytes, and what does not fit in the payload template.
//
// Some of the fields so freed say how the field is to be made:
//
//	IPv4 total length,    bytes that follow the datagram in the frame: Ethernet padding, or a trailer that was
// captured. 	IPv6 payload length   So a packet's transport payload is always sample.len - head_len - pad. 	IPv4 id
// 1 = always 0 (the capture's packet had DF and id 0, RFC 6864); 0 = differs 	IPv6 flow label       1 = there is one
// (made of flow and direction), 0 = none 	IPv6 fragment id      0; differs 	destination MAC
// ff:ff:ff:ff:ff:ff = broadcast; else zero, and made of the address
#pragma once

#include <base/err.h>
#include <packet/checksum.h>
#include <packet/sample.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wm_packet; // packet/dissect.h
struct wm_form;

enum { WM_FORM_HEAD_MAX = 192 };

/** Write the frame of a sample whose form has a maker of its own: all of its s->len bytes. */
typedef void wm_make_fn(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s);

struct wm_form {
	uint8_t head[WM_FORM_HEAD_MAX + 4]; // as the frame begins; zero where it is filled in, and behind head_len; a
					    // port's VLAN tag may make it longer (packet/dress.h)
	uint16_t head_len;           // to the end of the transport header (whole image)
	uint16_t pad;                // bytes behind the datagram; a sample's len is at least head_len + pad
	uint16_t l3;                 // offset of the IP header; 0 = not IP
	uint16_t l4;                 // offset of the transport header; 0 = none that is built
	uint8_t ip;                  // 4, 6, or 0 = not IP
	uint8_t proto;               // IP protocol of the transport header
	bool broadcast;              // the destination MAC address stays
	bool own_src;                // the source MAC address is in the head
	bool own_dst;                // the destination's is, for packets to one station
	uint16_t grown;              // bytes that a port adds: samples' lengths are without them
	bool vary_id;                // IPv4: the id differs from packet to packet
	bool vary_label;             // IPv6: has a flow label
	bool echo;                   // ICMP echo: type, identifier and sequence number are the sample's
	uint16_t fragment;           // offset of the IPv6 fragment identification, 0 = none
	uint16_t ts;                 // offset of the TCP time stamp values, 0 = none (RFC 7323)
	uint16_t sack;               // offset of the first SACK block, 0 = none (RFC 2018)
	uint16_t sack_n;             // blocks
	uint32_t head_sum;           // sum (packet/checksum.h) of the IPv4 header in head
	uint32_t l4_sum;             // of the transport header in head and the pseudo-header's protocol
	const uint8_t *payload;      // template, or NULL: none. Borrowed from the model
	const uint32_t *payload_sum; // [i] = plain sum of the template's first i 16-bit words, in memory order
	uint32_t payload_len;
	wm_make_fn
		*make; // makes the frames, which are not IP as far as sample and form can tell; NULL: wm_frame_build()
};

/**
 * The image of a packet: its headers with what differs from packet to packet zeroed.
 *
 * @param pkt   What wm_dissect() said of it.
 * @param frame Its captured bytes. Headers of other link types are given an Ethernet header.
 * @param image Room for WM_FORM_HEAD_MAX bytes.
 * @return Its length, or 0 if the headers were not captured whole, make no sense or are longer than WM_FORM_HEAD_MAX.
 */
size_t wm_form_image(const struct wm_packet *pkt, const uint8_t *frame, uint8_t *image);

/** The packet's length on the wire once it has an Ethernet header, as its image does. */
uint32_t wm_form_frame_len(const struct wm_packet *pkt);

/**
 * Make a form of an image and a payload template; checks everything, as images come from model files.
 *
 * @param payload     Borrowed for the form's life; NULL with payload_len 0 = none.
 * @param payload_sum Room for payload_len / 2 + 1 sums, filled here, borrowed for the form's life; NULL if no payload.
 * @return 0; -EINVAL with a reason if the image is not a packet's headers.
 */
int wm_form_init(struct wm_form *form, const uint8_t *image, size_t image_len, const uint8_t *payload,
	uint32_t *payload_sum, size_t payload_len, struct wm_err *err);

/** Sum (packet/checksum.h) of the first len bytes of the payload that the template gives. */
static inline uint64_t wm_form_payload_sum(const struct wm_form *form, uint32_t len)
{
	uint32_t n = len < form->payload_len ? len : form->payload_len;
	uint8_t last[2] = {0, 0};

	if (n == 0)
		return 0;
	if (n & 1)
		last[0] = form->payload[n - 1];
	return (uint64_t)form->payload_sum[n / 2] + wm_load16(last);
}

/**
 * Write the frame of a sample: s->len bytes (at least form->head_len + form->pad). Payload beyond the template is zero;
 * that of TCP and UDP forms without a template begins with a stub (packet/stub.h).
 *
 * What neither form nor sample says is derived from the sample without state (packet/derive.h): the IPv4 id from time
 * and flow, TCP time stamps from a 1 ms clock with an offset of its own for each end of a flow, TSecr from the peer's
 * clock a while ago (0 without ACK), SACK blocks beyond the acknowledgement. The number that DNS and LLMNR messages
 * begin with is the sample's.
 *
 * IP and transport checksums are always right (a datagram's fragment: as if it were whole). MAC addresses of IP frames
 * derive from the addresses (locally administered 02:00 + last four address bytes; multicast as in RFC 1112 section 6.4
 * and RFC 2464 section 7, ff:ff:ff:ff:ff:ff for 255.255.255.255).
 *
 * @param frame Room for s->len bytes.
 * @param zeroed The room behind the headers is known to be zero already (and the form has no payload template): not
 *               touched then, but for WM_STUB_MAX bytes.
 */
void wm_frame_build(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s, bool zeroed);
