// SPDX-License-Identifier: BSD-3-Clause
// form: what a class of packets has in common, as an image of its headers, and the builder that turns form + sample
// into a frame with valid lengths and checksums.
//
// An image is the frame from its first byte to the end of the transport header. What differs from packet to packet is
// zero in it: MAC addresses of IP frames, IP total length, id and checksum, addresses, ports, seq, ack, flags, window,
// transport checksum, the values of TCP time stamps and SACK edges. Frames that are not IP have everything in the
// image (MAC addresses too) and what does not fit in the payload template.
#pragma once

#include <base/err.h>
#include <packet/sample.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wm_packet; // packet/dissect.h

enum { WM_FORM_HEAD_MAX = 192 };

struct wm_form {
	uint8_t head[WM_FORM_HEAD_MAX];
	uint16_t head_len; // to the end of the transport header (whole image)
	uint16_t l3;       // offset of the IP header; 0 = not IP
	uint16_t l4;       // offset of the transport header; 0 = none
	uint8_t ip;        // 4, 6, or 0 = not IP
	uint8_t proto;     // IP protocol of the transport header
	uint16_t ts;       // offset of the TCP time stamp values, 0 = none (RFC 7323)
	uint16_t sack;     // offset of the first SACK block, 0 = none (RFC 2018)
	uint16_t sack_n;   // blocks
	uint32_t head_sum; // one's-complement sums of what never changes: see form.c
	uint32_t l4_sum;
	const uint8_t *payload; // template, or NULL: zeros. Borrowed from the model
	const uint32_t
		*payload_sum; // (payload_len / 2 + 1) running one's-complement sums of the template's 16-bit words
	uint32_t payload_len;
};

/**
 * The image of a packet: its headers with what differs from packet to packet zeroed.
 *
 * @param frame The packet's captured bytes (Ethernet), pkt what wm_dissect() said of them. Headers of other link types
 *              are given an Ethernet header.
 * @param image Room for WM_FORM_HEAD_MAX bytes.
 * @return Its length, or 0 if the headers were not captured whole or are longer than WM_FORM_HEAD_MAX.
 */
size_t wm_form_image(const struct wm_packet *pkt, const uint8_t *frame, uint8_t *image);

/**
 * Make a form of an image and a payload template; checks everything, as images come from model files.
 *
 * @param payload     Borrowed for the form's life; NULL with payload_len 0 = zeros.
 * @param payload_sum Room for payload_len / 2 + 1 sums, filled here, borrowed for the form's life; NULL if no payload.
 * @return 0; -EINVAL with a reason if the image is not a packet's headers.
 */
int wm_form_init(struct wm_form *form, const uint8_t *image, size_t image_len, const uint8_t *payload,
	uint32_t *payload_sum, size_t payload_len, struct wm_err *err);

/**
 * Write the frame of a sample: s->len bytes (at least form->head_len, padded with zeros below the Ethernet minimum only
 * where s->len says so). Payload beyond the template is zero.
 *
 * IP and transport checksums are always right. MAC addresses of IP frames derive from the addresses
 * (locally administered 02:00 + last four address bytes; multicast as in RFC 1112 section 6.4 and RFC 2464 section 7).
 *
 * @param frame Room for s->len bytes.
 * @param zeroed The room behind the headers is known to be zero already (and the form has no payload template): not
 *               touched then.
 */
void wm_frame_build(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s, bool zeroed);
