// SPDX-License-Identifier: BSD-3-Clause
// Source: draft-ietf-opsawg-pcap.
#include <capture/reader.h>

#include <errno.h>
#include <string.h>

enum { FILE_HEADER = 24, RECORD_HEADER = 16 };

static int read_pcap(struct wm_capture *c, struct wm_capture_packet *pkt)
{
	int64_t have = wm_input_need(&c->in, RECORD_HEADER);
	const uint8_t *p = wm_input_at(&c->in);
	uint32_t frac, cap;

	if (have < 0)
		return (int)have;
	if (have == 0 && c->in.problem[0] == '\0')
		return 0;
	if (have < RECORD_HEADER)
		return wm_capture_damaged(
			c, "cut short in a record header, of which %lld bytes are there", (long long)have);
	frac = wm_file32(c, p + 4);
	cap = wm_file32(c, p + 8);
	if (cap > WM_RECORD_MAX)
		return wm_capture_damaged(c, "a record claims %u captured bytes", cap);
	pkt->time_ns = wm_file32(c, p) * (uint64_t)1000000000 + frac * c->frac_ns;
	pkt->cap_len = cap;
	pkt->len = wm_file32(c, p + 12);
	pkt->link = c->link;
	have = wm_input_need(&c->in, (size_t)RECORD_HEADER + cap);
	if (have < 0)
		return (int)have;
	if (have < RECORD_HEADER + (int64_t)cap)
		return wm_capture_damaged(c, "cut short in a packet of %u bytes, of which %lld are there", cap,
			(long long)have - RECORD_HEADER);
	pkt->data = wm_input_at(&c->in) + RECORD_HEADER;
	wm_input_skip(&c->in, (size_t)RECORD_HEADER + cap);
	c->counts.odd_times += frac >= c->frac_limit;
	return 1;
}

int wm_pcap_start(struct wm_capture *c, struct wm_err *err)
{
	int64_t have = wm_input_need(&c->in, FILE_HEADER);
	const uint8_t *p = wm_input_at(&c->in);
	uint32_t magic, network;

	if (have < FILE_HEADER)
		return wm_err_set(err, -EINVAL, "%s: cut short in the file header: a pcap file has at least %d bytes",
			c->path, FILE_HEADER);
	memcpy(&magic, p, sizeof(magic));
	c->swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
	c->frac_limit = wm_file32(c, p) == 0xa1b2c3d4 ? 1000000 : 1000000000;
	c->frac_ns = 1000000000 / c->frac_limit;
	if (wm_file16(c, p + 4) != 2)
		return wm_err_set(err, -EINVAL, "%s: pcap version %u.%u is not supported, only version 2", c->path,
			wm_file16(c, p + 4), wm_file16(c, p + 6));
	network = wm_file32(c, p + 20);
	if ((network & 0x03ff0000) != 0)
		return wm_err_set(
			err, -EINVAL, "%s: reserved bits are set in the link type field (0x%08x)", c->path, network);
	c->link = (int)(network & 0xffff); // above it: whether frames end in an FCS
	c->read = read_pcap;
	wm_input_skip(&c->in, FILE_HEADER);
	return 0;
}
