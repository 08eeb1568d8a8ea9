// SPDX-License-Identifier: BSD-3-Clause
// Source: draft-ietf-opsawg-pcapng.
#include <base/grow.h>
#include <capture/reader.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_INTERFACE = 1, BLOCK_OLD_PACKET = 2, BLOCK_SIMPLE = 3, BLOCK_PACKET = 6, BLOCK_SECTION = 0x0a0d0d0a };
enum { BLOCK_MIN = 12, SECTION_MIN = 28, BLOCK_MAX = WM_RECORD_MAX + 4096 };
enum { OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };

// Ticks per second of an if_tsresol byte; 0 = more than 64 bits hold.
static uint64_t ticks_of(uint8_t resolution)
{
	uint64_t ticks = 1;

	if (resolution & 0x80)
		return (resolution & 0x7f) < 64 ? (uint64_t)1 << (resolution & 0x7f) : 0;
	if (resolution > 19)
		return 0;
	for (uint8_t i = 0; i < resolution; i++)
		ticks *= 10;
	return ticks;
}

static void read_options(const struct wm_capture *c, struct wm_interface *interface, const uint8_t *p, size_t len)
{
	while (len >= 4) {
		uint16_t code = wm_file16(c, p), n = wm_file16(c, p + 2);
		size_t padded = 4 + ((size_t)n + 3) / 4 * 4;

		if (code == 0 || len - 4 < n)
			return;
		if (code == OPTION_TSRESOL && n == 1)
			interface->ticks = ticks_of(p[4]);
		if (code == OPTION_TSOFFSET && n == 8
			&& __builtin_mul_overflow((int64_t)wm_file64(c, p + 4), 1000000000, &interface->offset_ns))
			interface->ticks = 0;
		if (len < padded)
			return;
		p += padded;
		len -= padded;
	}
}

static int add_interface(struct wm_capture *c, const uint8_t *body, size_t len)
{
	struct wm_interface interface = {.ticks = 1000000};

	if (len < 8) { // it keeps its number, but packets that refer to it cannot be placed
		c->counts.bad_blocks++;
		interface.ticks = 0;
	} else {
		interface.link = wm_file16(c, body);
		read_options(c, &interface, body + 8, len - 8);
	}
	if (wm_grow((void **)&c->interfaces, &c->cap_interfaces, c->n_interfaces + 1, sizeof(interface)) < 0)
		return -ENOMEM;
	c->interfaces[c->n_interfaces++] = interface;
	return 0;
}

// @return whether the time can be told in nanoseconds since the epoch.
static bool time_of(const struct wm_interface *interface, uint64_t stamp, uint64_t *time_ns)
{
	__extension__ unsigned __int128 ns;

	if (interface->ticks == 0)
		return false;
	ns = stamp;
	ns = ns * 1000000000 / interface->ticks;
	if (ns > INT64_MAX || (interface->offset_ns < 0 && (int64_t)ns < -interface->offset_ns))
		return false;
	*time_ns = (uint64_t)ns + (uint64_t)interface->offset_ns;
	return true;
}

// @return whether the block's body holds a packet.
static bool read_packet(
	const struct wm_capture *c, struct wm_capture_packet *pkt, const uint8_t *body, size_t len, uint32_t number)
{
	const struct wm_interface *interface;
	uint64_t stamp;

	if (len < 20 || number >= c->n_interfaces)
		return false;
	interface = &c->interfaces[number];
	stamp = (uint64_t)wm_file32(c, body + 4) << 32 | wm_file32(c, body + 8);
	pkt->cap_len = wm_file32(c, body + 12);
	pkt->len = wm_file32(c, body + 16);
	pkt->link = interface->link;
	pkt->data = body + 20;
	return pkt->cap_len <= len - 20 && time_of(interface, stamp, &pkt->time_ns);
}

// A section header, at the input's position. Fills reason (a piece of a sentence) unless it is 0.
static int read_section(struct wm_capture *c, char *reason, size_t room)
{
	int64_t have = wm_input_need(&c->in, SECTION_MIN);
	const uint8_t *p = wm_input_at(&c->in);

	if (have < 0)
		return (int)have;
	(void)snprintf(reason, room, "the pcapng section header is cut short or damaged");
	if (have < SECTION_MIN)
		return -EINVAL;
	c->swapped = false;
	c->swapped = wm_file32(c, p + 8) != 0x1a2b3c4d;
	if (wm_file32(c, p + 8) != 0x1a2b3c4d || wm_file32(c, p + 4) < SECTION_MIN)
		return -EINVAL;
	(void)snprintf(reason, room, "pcapng version %u.%u is not supported, only version 1", wm_file16(c, p + 12),
		wm_file16(c, p + 14));
	if (wm_file16(c, p + 12) != 1)
		return -EINVAL;
	c->n_interfaces = 0;
	return 0;
}

// What a whole block is to the reader; as wm_capture_next(), -EAGAIN = nothing to hand out.
static int read_block(
	struct wm_capture *c, struct wm_capture_packet *pkt, uint32_t kind, const uint8_t *body, size_t len)
{
	bool good;

	switch (kind) {
	case BLOCK_INTERFACE:
		return add_interface(c, body, len) < 0 ? -ENOMEM : -EAGAIN;
	case BLOCK_SIMPLE:
		c->counts.untimed++;
		return -EAGAIN;
	case BLOCK_PACKET:
		good = read_packet(c, pkt, body, len, len >= 4 ? wm_file32(c, body) : 0);
		break;
	case BLOCK_OLD_PACKET:
		good = read_packet(c, pkt, body, len, len >= 4 ? wm_file16(c, body) : 0);
		break;
	default:
		return -EAGAIN;
	}
	c->counts.bad_blocks += !good;
	return good ? 1 : -EAGAIN;
}

static int read_pcapng(struct wm_capture *c, struct wm_capture_packet *pkt)
{
	int rc = -EAGAIN;

	while (rc == -EAGAIN) { // each turn is at least BLOCK_MIN bytes further in the file
		int64_t have = wm_input_need(&c->in, BLOCK_MIN);
		char reason[96];
		uint32_t kind, len;

		if (have < 0)
			return (int)have;
		if (have == 0 && c->in.problem[0] == '\0')
			return 0;
		if (have < BLOCK_MIN)
			return wm_capture_damaged(
				c, "cut short in a block header, of which %lld bytes are there", (long long)have);
		kind = wm_file32(c, wm_input_at(&c->in));
		if (kind == BLOCK_SECTION) {
			rc = read_section(c, reason, sizeof(reason));
			if (rc == -EINVAL)
				return wm_capture_damaged(c, "%s", reason);
			if (rc < 0)
				return rc;
		}
		len = wm_file32(c, wm_input_at(&c->in) + 4);
		if (len < BLOCK_MIN || len % 4 != 0 || len > BLOCK_MAX)
			return wm_capture_damaged(c, "a block (type %u) claims a length of %u bytes", kind, len);
		have = wm_input_need(&c->in, len);
		if (have < 0)
			return (int)have;
		if (have < len)
			return wm_capture_damaged(c,
				"cut short in a block (type %u) of %u bytes, of which %lld are there", kind, len,
				(long long)have);
		rc = read_block(c, pkt, kind, wm_input_at(&c->in) + 8, len - BLOCK_MIN);
		wm_input_skip(&c->in, len);
	}
	return rc;
}

int wm_pcapng_start(struct wm_capture *c, struct wm_err *err)
{
	char reason[96];
	int rc = read_section(c, reason, sizeof(reason));

	if (rc == -EINVAL)
		return wm_err_set(err, rc, "%s: %s", c->path, reason);
	if (rc < 0)
		return wm_err_sys(err, rc, "%s", c->path);
	c->read = read_pcapng;
	return 0;
}
