// SPDX-License-Identifier: BSD-3-Clause
#include <capture/reader.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_HAND = 128 << 10 };

int wm_capture_damaged(struct wm_capture *c, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (c->damaged)
		return 0;
	c->damaged = true;
	n = snprintf(c->damage, sizeof(c->damage), "damaged at byte %llu: ", (unsigned long long)wm_input_tell(&c->in));
	va_start(ap, fmt);
	(void)vsnprintf(c->damage + n, sizeof(c->damage) - (size_t)n, fmt, ap);
	va_end(ap);
	if (c->in.problem[0] != '\0') {
		size_t used = strlen(c->damage);

		(void)snprintf(c->damage + used, sizeof(c->damage) - used, " (%s)", c->in.problem);
	}
	return 0;
}

// Formats that are known by their first bytes, but not read.
static int refuse(const struct wm_capture *c, const uint8_t *p, size_t n, struct wm_err *err)
{
	static const struct {
		const char *magic;
		const char *name;
		const char *hint;
	} known[] = {
		{"\x28\xb5\x2f\xfd", "zstd", "decompress it first: zstd -d"},
		{"\xfd\x37zX", "xz", "decompress it first: xz -d"},
		{"BZh", "bzip2", "decompress it first: bzip2 -d"},
		{"\x04\x22\x4d\x18", "lz4", "decompress it first: lz4 -d"},
		{"PK\x03\x04", "zip", "unpack it first: unzip"},
		{"snoop", "snoop", "convert it first: editcap -F pcap"},
		{"\x34\xcd\xb2\xa1", "modified pcap", "convert it first: editcap -F pcap"},
		{"\xa1\xb2\xcd\x34", "modified pcap", "convert it first: editcap -F pcap"},
	};
	const char *suffix = strrchr(c->path, '.');

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = strlen(known[i].magic);

		if (n >= len && memcmp(p, known[i].magic, len) == 0)
			return wm_err_set(
				err, -EINVAL, "%s: %s files are not read; %s", c->path, known[i].name, known[i].hint);
	}
	if (suffix != NULL && strcmp(suffix, ".erf") == 0) // ERF has no magic number
		return wm_err_set(
			err, -EINVAL, "%s: ERF files are not read; convert it first: editcap -F nsecpcap", c->path);
	if (n < 4)
		return wm_err_set(err, -EINVAL, "%s: %s (%zu bytes), not a pcap or pcapng capture", c->path,
			n == 0 ? "empty" : "too short", n);
	return wm_err_set(err, -EINVAL, "%s: not a pcap or pcapng capture (begins with bytes %02x %02x %02x %02x)",
		c->path, p[0], p[1], p[2], p[3]);
}

static int start(struct wm_capture *c, struct wm_err *err)
{
	int64_t have = wm_input_need(&c->in, 8);
	const uint8_t *p = wm_input_at(&c->in);
	uint32_t magic;

	if (have < 0)
		return wm_err_sys(err, -ENOMEM, "%s", c->path);
	if (c->in.problem[0] != '\0' && have < 8)
		return wm_err_set(err, c->in.rc, "%s: %s", c->path, c->in.problem);
	if (have < 4)
		return refuse(c, p, (size_t)have, err);
	memcpy(&magic, p, sizeof(magic));
	switch (magic) {
	case 0xa1b2c3d4:
	case 0xd4c3b2a1:
	case 0xa1b23c4d:
	case 0x4d3cb2a1:
		return wm_pcap_start(c, err);
	case 0x0a0d0d0a:
		return wm_pcapng_start(c, err);
	default:
		return refuse(c, p, (size_t)have, err);
	}
}

int wm_capture_open(struct wm_capture **out, const char *path, struct wm_err *err)
{
	struct wm_capture *c = calloc(1, sizeof(*c));
	int rc = -ENOMEM;

	if (c == NULL)
		return wm_err_sys(err, rc, "%s", path);
	c->path = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
	if (c->path == NULL) {
		(void)wm_err_sys(err, rc, "%s", path);
		goto fail;
	}
	rc = wm_input_open(&c->in, path, err);
	if (rc < 0)
		goto fail;
	rc = start(c, err);
	if (rc < 0)
		goto fail;
	*out = c;
	return 0;

fail:
	wm_capture_close(c);
	return rc;
}

int wm_capture_next(struct wm_capture *c, struct wm_capture_packet *pkt, struct wm_err *err)
{
	for (;;) {
		int rc = c->damaged ? 0 : c->read(c, pkt);

		if (rc < 0)
			return wm_err_sys(err, rc, "%s", c->path);
		if (rc == 0)
			return 0;
		c->counts.packets++;
		if (pkt->len < pkt->cap_len) {
			c->counts.odd_lens++;
			pkt->len = pkt->cap_len;
		}
		if (c->expression == NULL)
			return 1;
		rc = wm_filter_match(c, pkt, err);
		if (rc != 0)
			return rc;
		c->counts.filtered++;
	}
}

bool wm_capture_waits(const struct wm_capture *c)
{
	const struct wm_input *in = &c->in;
	struct pollfd pfd = {.fd = in->fd, .events = POLLIN};

	// No usual packet is longer than what is enough here, and a file never waits.
	return in->n_all == 0 && !in->ended && in->end - in->pos < AT_HAND && poll(&pfd, 1, 0) == 0;
}

const char *wm_capture_damage(const struct wm_capture *c)
{
	return c->damaged ? c->damage : NULL;
}

const struct wm_capture_counts *wm_capture_counts(const struct wm_capture *c)
{
	return &c->counts;
}

void wm_capture_progress(const struct wm_capture *c, uint64_t *done, uint64_t *all)
{
	*done = c->in.n_read;
	*all = c->in.n_all;
}

void wm_capture_close(struct wm_capture *c)
{
	if (c == NULL)
		return;
	wm_filters_free(c);
	wm_input_close(&c->in);
	free(c->interfaces);
	free(c->path);
	free(c);
}
