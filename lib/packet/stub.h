// SPDX-License-Identifier: BSD-3-Clause
// stub: how a payload begins that no template gives, because the capture did not hold it or it was TCP's. The rest is
// zeros. Nothing is said by a stub; it only spares whoever looks at the traffic complaints that the real one does not
// raise: zeros are a broken message to many protocols, and many broken messages behind each other in a stream.
#pragma once

#include <packet/checksum.h>
#include <packet/sample.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	WM_STUB_MAX = 28,
	WM_STUB_TCP = 16,
};

/**
 * Begin the payload of a TCP segment, which is zero. Read as a length, at either end's byte order or in pieces of seven
 * bits, the stub is so large that the rest of the stream is one message; as text it is nothing. Of 256 values under the
 * dissectors of all ports that tshark 4.0 knows, 0xe7 is among the few that raise one complaint for 180 that zeros
 * raise.
 *
 * @return the sum (packet/checksum.h) of what was written.
 */
static inline uint64_t wm_stub_put_tcp(uint8_t *payload, size_t len)
{
	static const uint8_t stub[WM_STUB_TCP] = {
		0xe7, 0xe7, 0xe7, 0x67, 0xe7, 0xe7, 0xe7, 0xe7, 0xe7, 0xe7, 0xe7, 0xe7, 0xe7, 0xe7, 0xe7, 0xe7};
	static const uint8_t two[2] = {0xe0, 0}; // too short for a length in pieces: a message without content

	if (len >= WM_STUB_TCP) {
		memcpy(payload, stub, WM_STUB_TCP);
		return wm_sum_add(0, stub, WM_STUB_TCP);
	}
	memcpy(payload, len == 2 ? two : stub, len);
	return wm_sum_add(0, payload, len);
}

/** Whether a UDP payload begins with a number that a reply has from its query: DNS and LLMNR. */
static inline bool wm_stub_has_number(const struct wm_sample *s)
{
	return s->dport == 53 || s->sport == 53 || s->dport == 5355 || s->sport == 5355;
}

/** Whether wm_stub_finish_udp() may have something to do: never wrong if it has, and quick. */
static inline bool wm_stub_wants(const struct wm_sample *s)
{
	const uint64_t services =
		1ull << 53 % 64 | 1ull << 137 % 64 | 1ull << 5353 % 64 | 1ull << 5355 % 64 | 1ull << 5683 % 64;

	return ((services >> s->sport % 64 | services >> s->dport % 64) & 1) != 0;
}

/**
 * What a UDP payload's template leaves open: the number that DNS and LLMNR messages begin with, which a reply has from
 * its query; without a template, which leaves zeros, a stub before that for DNS, its kin and CoAP.
 *
 * @return what that adds to the sum.
 */
uint64_t wm_stub_finish_udp(uint8_t *payload, size_t len, const struct wm_sample *s, bool template);
