// SPDX-License-Identifier: BSD-3-Clause
#include <plane/uplink.h>

#include <base/grow.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// 0/1 and 128/1 together are what VPNs put in place of a default route, and 2000::/3 is all of the IPv6 internet. No
// private range is as large.
enum { DEFAULT_PREFIX_MAX = 3 };

enum {
	READS = 100,     // of what changes while it is read, before that is a failure
	MESSAGES = 4096, // at a time, of what has changed
};

struct link {
	unsigned index;
	unsigned master; // 0 = none
	unsigned below;  // what a VLAN or the like sits on, 0 = nothing here
	unsigned peer;   // the other end of a veth, 0 = none here
	bool tags;       // its frames are kept apart from those of others on what it sits on
	bool is_vrf;     // a table of routes: its members are not joined
	bool routes;     // a default route leaves by it
	bool seen;
};

struct links {
	struct link *at;
	size_t n, cap;
	bool failed; // no memory
	bool untold; // there is a default route whose interface is not told
};

static struct link *find(const struct links *l, unsigned index)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].index == index)
			return &l->at[i];
	return NULL;
}

// Attributes by their type, as far as a table has room.
struct attributes {
	const struct nlattr *at[64];
};

static int take_attribute(const struct nlattr *a, void *arg)
{
	struct attributes *all = arg;

	if (mnl_attr_get_type(a) < sizeof(all->at) / sizeof(all->at[0]))
		all->at[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

static unsigned number(const struct nlattr *a)
{
	return a != NULL && mnl_attr_get_payload_len(a) == sizeof(uint32_t) ? mnl_attr_get_u32(a) : 0;
}

static const char *kind_of(const struct nlattr *info)
{
	struct attributes nested = {0};

	if (info != NULL)
		(void)mnl_attr_parse_nested(info, take_attribute, &nested);
	return nested.at[IFLA_INFO_KIND] != NULL ? mnl_attr_get_str(nested.at[IFLA_INFO_KIND]) : "";
}

static int take_link(const struct nlmsghdr *message, void *arg)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	struct attributes all = {0};
	struct links *l = arg;
	struct link link;
	const char *kind;
	unsigned other;

	(void)mnl_attr_parse(message, sizeof(*head), take_attribute, &all);
	kind = kind_of(all.at[IFLA_LINKINFO]);
	other = all.at[IFLA_LINK_NETNSID] == NULL ? number(all.at[IFLA_LINK]) : 0;
	link = (struct link){.index = (unsigned)head->ifi_index,
		.master = number(all.at[IFLA_MASTER]),
		.tags = strcmp(kind, "vlan") == 0 || strcmp(kind, "dsa") == 0,
		.is_vrf = strcmp(kind, "vrf") == 0};
	*(strcmp(kind, "veth") == 0 ? &link.peer : &link.below) = other;
	if (wm_grow((void **)&l->at, &l->cap, l->n + 1, sizeof(*l->at)) < 0) {
		l->failed = true;
		return MNL_CB_ERROR;
	}
	l->at[l->n++] = link;
	return MNL_CB_OK;
}

static void mark(const struct links *l, unsigned index)
{
	struct link *link = find(l, index);

	if (link != NULL)
		link->routes = true;
}

// Of a route with several hops, each has its interface.
static void mark_hops(const struct links *l, const struct nlattr *hops)
{
	const char *at = mnl_attr_get_payload(hops);
	size_t left = mnl_attr_get_payload_len(hops);
	struct rtnexthop hop;
	size_t len;

	while (left >= sizeof(hop)) {
		memcpy(&hop, at, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop))
			break;
		mark(l, (unsigned)hop.rtnh_ifindex);
		len = (size_t)RTNH_ALIGN((int)hop.rtnh_len);
		if (left <= len)
			break;
		left -= len;
		at += len;
	}
}

static int take_route(const struct nlmsghdr *message, void *arg)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(message);
	struct attributes all = {0};
	struct links *l = arg;

	if (head->rtm_dst_len > DEFAULT_PREFIX_MAX || head->rtm_type != RTN_UNICAST
		|| head->rtm_table == RT_TABLE_LOCAL)
		return MNL_CB_OK;
	(void)mnl_attr_parse(message, sizeof(*head), take_attribute, &all);
	mark(l, number(all.at[RTA_OIF]));
	if (all.at[RTA_MULTIPATH] != NULL)
		mark_hops(l, all.at[RTA_MULTIPATH]);
	l->untold |= all.at[RTA_OIF] == NULL && all.at[RTA_MULTIPATH] == NULL; // net.ipv4.nexthop_compat_mode = 0
	return MNL_CB_OK;
}

// Ask for all of a kind. @return 0 or -errno.
static int dump(struct mnl_socket *s, uint16_t type, unsigned char family, mnl_cb_t take, struct links *l)
{
	char buffer[32768];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	unsigned sequence = (unsigned)time(NULL) + type + family;
	int rc = MNL_CB_OK;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = sequence;
	if (type == RTM_GETLINK)
		((struct ifinfomsg *)mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg)))->ifi_family =
			family;
	else
		((struct rtmsg *)mnl_nlmsg_put_extra_header(message, sizeof(struct rtmsg)))->rtm_family = family;
	if (mnl_socket_sendto(s, message, message->nlmsg_len) < 0)
		return -errno;
	while (rc > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(s, buffer, sizeof(buffer));

		if (n < 0)
			return -errno;
		rc = mnl_cb_run(buffer, (size_t)n, sequence, mnl_socket_get_portid(s), take, l);
	}
	return rc == MNL_CB_ERROR ? (l->failed ? -ENOMEM : -errno) : 0;
}

static int read_all(struct links *l)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int rc;

	if (s == NULL)
		return -errno;
	rc = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (rc == 0)
		rc = dump(s, RTM_GETLINK, AF_UNSPEC, take_link, l);
	if (rc == 0)
		rc = dump(s, RTM_GETROUTE, AF_INET, take_route, l);
	if (rc == 0)
		rc = dump(s, RTM_GETROUTE, AF_INET6, take_route, l);
	(void)mnl_socket_close(s);
	return rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT ? 0 : rc; // no IPv6 here
}

static const struct link *leads_to(const struct links *l, unsigned index, bool tagged);

// What is joined to an interface: what it is a member of, and behind it; its own members; what sits on it. Of these,
// frames with a tag get to the first alone.
static const struct link *leads_on(const struct links *l, const struct link *link, bool tagged)
{
	const struct link *peer = find(l, link->peer), *master = find(l, link->master), *out = NULL;

	if (master != NULL && !master->is_vrf)
		out = leads_to(l, master->index, tagged);
	if (out == NULL && peer != NULL && peer->master > 0) // it comes out there, and goes on if there is a bridge
		out = leads_to(l, peer->master, tagged);
	for (size_t i = 0; i < l->n && out == NULL && !tagged; i++)
		if (l->at[i].below == link->index || (l->at[i].master == link->index && !link->is_vrf))
			out = leads_to(l, l->at[i].index, tagged);
	return out;
}

// The interface with a default route that a frame on this one gets to, or NULL. Each is visited once.
static const struct link *leads_to(const struct links *l, unsigned index, bool tagged)
{
	struct link *link = find(l, index);
	const struct link *out;

	if (link == NULL || link->seen)
		return NULL;
	link->seen = true;
	if (link->routes)
		return link;
	out = leads_on(l, link, tagged);
	return out != NULL ? out : leads_to(l, link->below, tagged || link->tags);
}

unsigned wm_uplink_named(const char **args)
{
	static const char *const keys[] = {"iface=", "tx_iface=", "remote="};

	while (**args != '\0') {
		size_t n = strcspn(*args, ",");
		const char *arg = *args;
		char name[IF_NAMESIZE];

		*args += n + ((*args)[n] == ',');
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			size_t len = strlen(keys[i]);
			unsigned index;

			if (n < len || n - len >= sizeof(name) || strncmp(arg, keys[i], len) != 0)
				continue;
			(void)snprintf(name, sizeof(name), "%.*s", (int)(n - len), arg + len);
			index = if_nametoindex(name);
			if (index > 0)
				return index;
		}
	}
	return 0;
}

int wm_uplink_find(unsigned if_index, bool *carries, char via[IF_NAMESIZE], struct wm_err *err)
{
	struct links links = {0};
	const struct link *out;
	int rc = read_all(&links);

	for (int i = 0; i < READS && rc == -EINTR; i++) { // something changed in between
		links.n = 0;
		links.untold = false;
		rc = read_all(&links);
	}

	if (rc == 0 && links.untold)
		rc = -ENODATA;
	if (rc == 0) {
		out = leads_to(&links, if_index, false);
		*carries = out != NULL;
		if (out != NULL && if_indextoname(out->index, via) == NULL)
			(void)snprintf(via, IF_NAMESIZE, "?");
	}
	free(links.at);
	return rc == 0 ? 0 : wm_err_sys(err, rc, "the kernel does not say where the default route goes");
}

int wm_uplink_listen(struct wm_err *err)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP};
	const struct sockaddr_nl at = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int rc = fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && rc == 0; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) < 0
			&& errno != EINVAL) // a kernel without such a group has nothing to say in it
			rc = -errno;
	if (rc == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return wm_err_sys(err, rc, "the kernel does not say when routes change");
}

bool wm_uplink_changed(int fd)
{
	char buffer[8192];
	bool changed = false;

	for (int i = 0; i < MESSAGES; i++) {
		if (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) < 0
			&& errno != ENOBUFS) // that: there were even more
			break;
		changed = true;
	}
	return changed;
}
