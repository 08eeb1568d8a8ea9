// SPDX-License-Identifier: BSD-3-Clause
#include <packet/dress.h>
#include <packet/map.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	IPV4_MAPPED = 96, // bits in front of an IPv4 address
	ADDRESS_MAX = 64,
};

// The two sides of "old=new", cut apart in room for a copy.
static int cut(const char *text, char *room, const char **from, const char **to)
{
	char *equals;

	if (strlen(text) >= 2 * ADDRESS_MAX)
		return -EINVAL;
	memcpy(room, text, strlen(text) + 1);
	equals = strchr(room, '=');
	if (equals == NULL)
		return -EINVAL;
	*equals = '\0';
	*from = room;
	*to = equals + 1;
	return 0;
}

static int parse_number(const char *text, unsigned max, unsigned *out)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || v > max)
		return -EINVAL;
	*out = (unsigned)v;
	return 0;
}

// ADDRESS or ADDRESS/BITS, of which the bits behind the prefix do not matter.
static int parse_net(const char *text, uint8_t addr[16], uint8_t *bits, bool *is_ipv4)
{
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	bool four = memchr(text, ':', n) == NULL;
	unsigned most = four ? 32 : 128, given = most;
	char host[ADDRESS_MAX];

	if (n >= sizeof(host) || (slash != NULL && parse_number(slash + 1, most, &given) < 0))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	memset(addr, 0, 10);
	memset(addr + 10, 0xff, 2);
	if (inet_pton(four ? AF_INET : AF_INET6, host, four ? addr + 12 : addr) != 1)
		return -EINVAL;
	*bits = (uint8_t)(given + (four ? IPV4_MAPPED : 0));
	*is_ipv4 = four;
	return 0;
}

static int too_many(const char *text, struct wm_err *err)
{
	return wm_err_set(err, -EINVAL, "'%s' is one too many: there can be %d of a kind", text, WM_MAP_MAX);
}

int wm_map_add_net(struct wm_map *m, const char *text, struct wm_err *err)
{
	struct wm_map_net net = {0};
	char room[2 * ADDRESS_MAX];
	const char *from, *to;
	bool four = false, also = false;

	if (cut(text, room, &from, &to) < 0 || parse_net(from, net.from, &net.from_bits, &four) < 0
		|| parse_net(to, net.to, &net.to_bits, &also) < 0 || four != also)
		return wm_err_set(err, -EINVAL,
			"'%s' does not map a network to another of its kind: write 10.0.0.0/8=192.0.2.0/24 or "
			"fd00::/8=2001:db8::/32",
			text);
	if (m->n_nets == WM_MAP_MAX)
		return too_many(text, err);
	m->nets[m->n_nets++] = net;
	return 0;
}

int wm_map_add_mac(struct wm_map *m, const char *text, struct wm_err *err)
{
	struct wm_map_mac mac;
	char room[2 * ADDRESS_MAX];
	const char *from, *to;

	if (cut(text, room, &from, &to) < 0 || wm_mac_parse(mac.from, from, NULL) < 0
		|| wm_mac_parse(mac.to, to, NULL) < 0)
		return wm_err_set(err, -EINVAL,
			"'%s' does not map a MAC address to another: write 02:00:00:00:00:01=02:00:00:00:00:02", text);
	if (m->n_macs == WM_MAP_MAX)
		return too_many(text, err);
	m->macs[m->n_macs++] = mac;
	return 0;
}

static int add_number(struct wm_map_number *numbers, unsigned *n, unsigned max, const char *text, struct wm_err *err)
{
	char room[2 * ADDRESS_MAX];
	const char *from, *to;
	unsigned a = 0, b = 0;

	if (cut(text, room, &from, &to) < 0 || parse_number(from, max, &a) < 0 || parse_number(to, max, &b) < 0
		|| a == 0 || b == 0)
		return wm_err_set(
			err, -EINVAL, "'%s' does not map a number in 1..%u to another: write 80=4080", text, max);
	if (*n == WM_MAP_MAX)
		return too_many(text, err);
	numbers[(*n)++] = (struct wm_map_number){(uint16_t)a, (uint16_t)b};
	return 0;
}

int wm_map_add_vlan(struct wm_map *m, const char *text, struct wm_err *err)
{
	return add_number(m->vlans, &m->n_vlans, 4094, text, err);
}

int wm_map_add_port(struct wm_map *m, const char *text, struct wm_err *err)
{
	return add_number(m->ports, &m->n_ports, 65535, text, err);
}
