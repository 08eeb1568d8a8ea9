// SPDX-License-Identifier: BSD-3-Clause
// A frame: link type (two bytes), length on the wire beyond what was captured (two bytes), the frame.
#include "fuzz.h"

#include <packet/dissect.h>

#include <assert.h>
#include <string.h>

enum { HEAD = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wm_packet p;
	uint32_t cap_len, len;
	uint16_t head[2];

	if (size < HEAD || size > UINT16_MAX)
		return 0;
	memcpy(head, data, HEAD);
	cap_len = (uint32_t)(size - HEAD);
	len = cap_len + head[1];
	wm_dissect(&p, head[0], 7, data + HEAD, cap_len, len);
	assert(p.time_ns == 7 && p.cap_len == cap_len && p.len == len && p.link == head[0]);
	assert(p.net != WM_NET_OTHER || p.proto == 0);
	assert(p.l3 <= cap_len && p.l4 <= cap_len);
	assert(p.payload <= UINT16_MAX || p.payload <= len); // what the IP header says
	return 0;
}
