// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/stub.h>

static bool is_dns(uint16_t port)
{
	return port == 53 || port == 137 || port == 5353 || port == 5355;
}

// A question about a name that fills the message, as far as one can.
static size_t put_short_dns(uint8_t *stub, size_t len)
{
	if (len < 19)
		return len < 17 ? 4 : 17;
	stub[12] = (uint8_t)(len - 18);
	memset(stub + 13, 'x', len - 18);
	memset(stub + len - 5, 0, 5);
	stub[len - 3] = stub[len - 1] = 1;
	return len;
}

// A question about the root and a NULL record (RFC 1035 section 3.3.10) that takes up whatever follows. The number of
// the exchange is the caller's.
static size_t put_dns(uint8_t *stub, size_t len, bool response)
{
	static const uint8_t message[WM_STUB_MAX] = {[5] = 1, [14] = 1, [16] = 1, [19] = 10, [21] = 1};

	memcpy(stub, message, sizeof(message));
	wm_put_be16(stub + 2, response ? 0x8180 : 0x0100);
	if (len < WM_STUB_MAX)
		return put_short_dns(stub, len);
	stub[11] = 1;
	wm_put_be16(stub + 26, (uint16_t)(len - WM_STUB_MAX));
	return WM_STUB_MAX;
}

static uint64_t put_stub(uint8_t *payload, size_t len, const struct wm_sample *s)
{
	static const uint8_t coap[2][5] = {{0x40, 0x01, 0, 0, 0xff}, {0x60, 0x45, 0, 0, 0xff}}; // GET, its answer
	uint8_t stub[WM_STUB_MAX];
	size_t n;

	if (is_dns(s->sport) || is_dns(s->dport)) {
		n = put_dns(stub, len, is_dns(s->sport));
	} else if (s->sport == 5683 || s->dport == 5683) {
		n = sizeof(coap[0]);
		memcpy(stub, coap[s->sport == 5683], n);
	} else {
		return 0;
	}
	n = n < len ? n : len;
	memcpy(payload, stub, n);
	return wm_sum_add(0, payload, n);
}

uint64_t wm_stub_finish_udp(uint8_t *payload, size_t len, const struct wm_sample *s, bool template)
{
	uint64_t sum = template ? 0 : put_stub(payload, len, s);
	uint16_t was, number = htobe16((uint16_t)s->seq);

	if (len < 2 || !wm_stub_has_number(s))
		return sum;
	was = wm_load16(payload);
	memcpy(payload, &number, sizeof(number));
	return sum + number + (uint16_t)~was;
}
