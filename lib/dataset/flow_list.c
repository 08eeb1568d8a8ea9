// SPDX-License-Identifier: BSD-3-Clause
#include <dataset/dataset.h>
#include <dataset/flow_list.h>
#include <packet/dissect.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_MAX = 64,      // characters of an address
	NAMES_MAX = 131070, // addresses of hosts in 198.18.0.0/15
	ETHERNET = 14,
	PACKETS_MAX = 1 << 30, // of a flow, in each direction
};

static const uint64_t apart_ns = 1000000000; // tables whose times are whole seconds say no more

// ---------------------------------------------------------------------------------------------- captures

static int take_flows(struct wm_flow_list *out, const struct wm_dataset *ds)
{
	out->at = calloc(ds->n_flows, sizeof(*out->at));
	if (out->at == NULL)
		return -ENOMEM;
	out->n = ds->n_flows;
	for (size_t i = 0; i < ds->n_flows; i++) {
		const struct wm_flow_record *f = &ds->flows[i];
		struct wm_listed_flow *to = &out->at[i];

		*to = (struct wm_listed_flow){.start_ns = f->start_ns,
			.duration_ns = f->end_ns - f->start_ns,
			.bytes = {f->bytes[0], f->bytes[1]},
			.pkts = {f->pkts[0], f->pkts[1]},
			.cport = f->cport,
			.sport = f->sport,
			.proto = f->proto,
			.ip = f->ip,
			.started = f->started,
			.ended = f->ended};
		memcpy(to->client, f->client, sizeof(to->client));
		memcpy(to->server, f->server, sizeof(to->server));
	}
	return 0;
}

// ---------------------------------------------------------------------------------------------- tables

struct host {
	uint8_t address[16];
	uint8_t ip;
};

struct side {
	const struct wm_flow_row *row;
	uint64_t start_ns;
	struct host src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	bool upwards; // the source is the greater end
};

static void text_of(char out[TEXT_MAX], const struct wm_intern *in, uint32_t number)
{
	const struct wm_interned *item = &in->items[number];

	(void)snprintf(out, TEXT_MAX, "%.*s", (int)item->len, (const char *)in->bytes + item->at);
}

static void map_ipv4(struct host *h, uint32_t address)
{
	const uint32_t net = htonl(address);

	*h = (struct host){.ip = 4};
	h->address[10] = h->address[11] = 0xff;
	memcpy(h->address + 12, &net, sizeof(net));
}

// "02:00:5e:00:00:01". @return whether it is that.
static bool read_mac(uint8_t mac[6], const char *text)
{
	if (strlen(text) != 17)
		return false;
	for (int i = 0; i < 6; i++) {
		const char *at = text + 3 * i;
		char *end;

		mac[i] = (uint8_t)strtoul(at, &end, 16);
		if (!isxdigit((unsigned char)*at) || end != at + 2 || *end != (i < 5 ? ':' : '\0'))
			return false;
	}
	return true;
}

// @return whether it was an address.
static bool read_host(struct host *h, const char *text)
{
	*h = (struct host){0};
	if (inet_pton(AF_INET6, text, h->address) == 1) {
		h->ip = 6;
		return true;
	}
	if (inet_pton(AF_INET, text, h->address + 12) == 1) {
		h->address[10] = h->address[11] = 0xff;
		h->ip = 4;
		return true;
	}
	return read_mac(h->address, text);
}

static int read_hosts(struct wm_flow_list *out, struct host *hosts, const struct wm_intern *in)
{
	const uint32_t first = UINT32_C(0xc6120001); // 198.18.0.1
	char text[TEXT_MAX];

	for (size_t i = 0; i < in->n; i++) {
		text_of(text, in, (uint32_t)i);
		if (read_host(&hosts[i], text))
			continue;
		if (out->n_names == NAMES_MAX)
			return -E2BIG;
		map_ipv4(&hosts[i], first + (uint32_t)out->n_names++);
	}
	return 0;
}

// As NetFlow collectors and Zeek call them, a number, or an ethertype. @return false if it is none of these.
static bool read_proto(uint8_t *proto, uint16_t *ethertype, const char *text)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = {{"TCP", WM_PROTO_TCP}, {"UDP", WM_PROTO_UDP}, {"ICMP", WM_PROTO_ICMP}, {"ICMP6", WM_PROTO_ICMP6},
		{"IPV6-ICMP", WM_PROTO_ICMP6}, {"IGMP", 2}, {"GRE", 47}, {"ESP", 50}, {"AH", 51}, {"SCTP", 132}};
	unsigned long v;
	char *end;

	*ethertype = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, text) == 0) {
			*proto = names[i].number;
			return true;
		}
	}
	v = strtoul(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || v > UINT16_MAX)
		return false;
	*proto = (uint8_t)(v <= UINT8_MAX ? v : 0);
	*ethertype = (uint16_t)(v > UINT8_MAX ? v : 0);
	return v > 0;
}

static int read_side(struct side *s, const struct wm_flow_rows *rows, size_t i, const struct host *hosts)
{
	const struct wm_flow_row *row = &rows->at[i];
	char text[TEXT_MAX];
	uint16_t ethertype;
	int order;

	text_of(text, &rows->protos, row->proto);
	*s = (struct side){.row = row,
		.src = hosts[row->src],
		.dst = hosts[row->dst],
		.sport = row->sport,
		.dport = row->dport,
		.start_ns = row->time_ns};
	if (!read_proto(&s->proto, &ethertype, text) || s->src.ip != s->dst.ip || (ethertype > 0) != (s->src.ip == 0))
		return -EINVAL;
	if (row->packets[0] + row->packets[1] == 0 || row->packets[0] > PACKETS_MAX || row->packets[1] > PACKETS_MAX)
		return -EINVAL;
	if (s->proto == WM_PROTO_ICMP || s->proto == WM_PROTO_ICMP6) // tables write the type there
		s->sport = s->dport = 0;
	if (ethertype > 0)
		s->sport = s->dport = ethertype;
	order = memcmp(s->src.address, s->dst.address, sizeof(s->src.address));
	s->upwards = order > 0 || (order == 0 && s->sport > s->dport);
	return 0;
}

// Rows of the same two ends stand together, by time.
static int by_ends(const void *a, const void *b)
{
	const struct side *x = a, *y = b;
	const struct host *x_low = x->upwards ? &x->dst : &x->src, *y_low = y->upwards ? &y->dst : &y->src,
			  *x_high = x->upwards ? &x->src : &x->dst, *y_high = y->upwards ? &y->src : &y->dst;
	const uint32_t x_ports = x->upwards ? (uint32_t)x->dport << 16 | x->sport : (uint32_t)x->sport << 16 | x->dport,
		       y_ports = y->upwards ? (uint32_t)y->dport << 16 | y->sport : (uint32_t)y->sport << 16 | y->dport;
	int order = memcmp(x_low->address, y_low->address, sizeof(x_low->address));

	if (order == 0)
		order = memcmp(x_high->address, y_high->address, sizeof(x_high->address));
	if (order == 0)
		order = (x_ports > y_ports) - (x_ports < y_ports);
	if (order == 0)
		order = (x->proto > y->proto) - (x->proto < y->proto);
	if (order == 0)
		order = (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
	return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static bool same_ends(const struct side *a, const struct side *b)
{
	return a->proto == b->proto && a->upwards != b->upwards && a->sport == b->dport && a->dport == b->sport
	       && memcmp(&a->src, &b->dst, sizeof(a->src)) == 0 && memcmp(&a->dst, &b->src, sizeof(a->dst)) == 0;
}

// What the table says of how a TCP connection began and ended.
static void read_ends(struct wm_listed_flow *f, const struct wm_flow_rows *rows, const struct wm_flow_row *row)
{
	char text[TEXT_MAX];

	if (f->proto != WM_PROTO_TCP)
		return;
	if (rows->info.has[WM_TABLE_FLAGS]) {
		text_of(text, &rows->categories[WM_TABLE_FLAGS], row->category[WM_TABLE_FLAGS]);
		f->started |= strchr(text, 'S') != NULL;
		f->ended |= strpbrk(text, "FR") != NULL;
		return;
	}
	f->started = f->ended = true;
	if (rows->info.has[WM_TABLE_STATE]) { // Zeek's conn_state
		text_of(text, &rows->categories[WM_TABLE_STATE], row->category[WM_TABLE_STATE]);
		f->started = strcmp(text, "OTH") != 0 && strcmp(text, "SHR") != 0;
		f->ended = strcmp(text, "OTH") != 0 && strcmp(text, "S0") != 0 && strcmp(text, "S1") != 0;
	}
}

static void add_side(struct wm_listed_flow *f, const struct wm_flow_rows *rows, const struct side *s, unsigned from)
{
	const unsigned header = rows->info.schema == WM_TABLE_LABELS ? 0 : ETHERNET;

	for (unsigned i = 0; i < 2; i++) {
		f->pkts[i ^ from] += (uint32_t)s->row->packets[i];
		f->bytes[i ^ from] += s->row->bytes[i] + header * s->row->packets[i];
	}
	read_ends(f, rows, s->row);
}

static bool from_server(const struct wm_flow_rows *rows, const struct side *s)
{
	return !rows->info.both_sides && rows->info.schema != WM_TABLE_LABELS && wm_port_known(s->sport)
	       && !wm_port_known(s->dport) && s->src.ip != 0;
}

static struct wm_listed_flow flow_of(const struct wm_flow_rows *rows, const struct side *a, const struct side *b)
{
	const bool turned = from_server(rows, a);
	const struct host *client = turned ? &a->dst : &a->src, *server = turned ? &a->src : &a->dst;
	uint64_t end = a->start_ns + a->row->duration_ns;
	struct wm_listed_flow f = {.start_ns = a->start_ns,
		.cport = turned ? a->dport : a->sport,
		.sport = turned ? a->sport : a->dport,
		.proto = a->proto,
		.ip = a->src.ip,
		.joint = rows->info.schema == WM_TABLE_LABELS};

	memcpy(f.client, client->address, sizeof(f.client));
	memcpy(f.server, server->address, sizeof(f.server));
	add_side(&f, rows, a, turned);
	if (b != NULL) {
		add_side(&f, rows, b, !turned);
		end = b->start_ns + b->row->duration_ns > end ? b->start_ns + b->row->duration_ns : end;
	}
	f.duration_ns = end - f.start_ns;
	return f;
}

static void pair_sides(struct wm_flow_list *out, const struct wm_flow_rows *rows, const struct side *s, size_t n)
{
	const bool one_way = !rows->info.both_sides && rows->info.schema != WM_TABLE_LABELS;

	for (size_t i = 0; i < n; i++) {
		const struct side *b = i + 1 < n ? &s[i + 1] : NULL;
		const bool pair = one_way && b != NULL && same_ends(&s[i], b)
				  && b->start_ns <= s[i].start_ns + s[i].row->duration_ns + apart_ns;

		out->at[out->n++] = flow_of(rows, &s[i], pair ? b : NULL);
		i += pair;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct wm_listed_flow *x = a, *y = b;
	int order = (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);

	// A total order, so that any sort gives the same.
	order = order != 0 ? order : memcmp(x->client, y->client, sizeof(x->client));
	order = order != 0 ? order : memcmp(x->server, y->server, sizeof(x->server));
	return order != 0 ? order : memcmp(x, y, offsetof(struct wm_listed_flow, joint));
}

// Row times as starts, none before 0.
static void set_starts(struct side *s, size_t n, const struct wm_flow_rows *rows)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < n && rows->info.time_is_end; i++)
		longest = s[i].row->duration_ns > longest ? s[i].row->duration_ns : longest;
	for (size_t i = 0; i < n && rows->info.time_is_end; i++)
		s[i].start_ns = longest + s[i].start_ns - s[i].row->duration_ns;
}

static int take_rows(struct wm_flow_list *out, const struct wm_flow_rows *rows, const char *path, struct wm_err *err)
{
	struct host *hosts = calloc(rows->hosts.n + 1, sizeof(*hosts));
	struct side *sides = calloc(rows->n + 1, sizeof(*sides));
	size_t n = 0;
	int rc = -ENOMEM;

	out->at = calloc(rows->n + 1, sizeof(*out->at));
	if (hosts == NULL || sides == NULL || out->at == NULL) {
		(void)wm_err_sys(err, rc, "%s: %zu rows", path, rows->n);
		goto end;
	}
	rc = read_hosts(out, hosts, &rows->hosts);
	if (rc < 0) {
		(void)wm_err_set(err, rc, "%s: it has more than %d names that are no addresses", path, NAMES_MAX);
		goto end;
	}
	for (size_t i = 0; i < rows->n; i++)
		n += read_side(&sides[n], rows, i, hosts) == 0;
	out->n_left_out += rows->n - n;
	if (n < rows->n && out->fault.msg[0] == '\0')
		(void)wm_err_set(&out->fault, 0, "%s: a row has no packets, or no protocol that IP knows", path);
	set_starts(sides, n, rows);
	qsort(sides, n, sizeof(*sides), by_ends);
	pair_sides(out, rows, sides, n);
	qsort(out->at, out->n, sizeof(*out->at), by_start);
end:
	free(hosts);
	free(sides);
	return rc;
}

// ---------------------------------------------------------------------------------------------- both

static int take(struct wm_flow_list *out, const struct wm_dataset *ds, const char *path, struct wm_err *err)
{
	const struct wm_flow_rows *rows = &ds->rows;
	int rc = 0;

	out->damage = ds->damage;
	if (rows->n > 0) {
		out->n_left_out = rows->counts.rows - rows->counts.used + rows->senseless;
		out->fault = rows->fault;
		rc = take_rows(out, rows, path, err);
	} else if (ds->n_flows > 0) {
		out->n_left_out = ds->counts.packets - ds->counts.used;
		rc = take_flows(out, ds);
		if (rc < 0)
			(void)wm_err_sys(err, rc, "%s: %zu flows", path, ds->n_flows);
	}
	if (rc == 0 && out->n == 0)
		rc = wm_err_set(err, -ENODATA, "%s: it holds no flows that traffic could follow", path);
	return rc;
}

int wm_flow_list_read(struct wm_flow_list *out, const char *path, struct wm_err *err)
{
	const struct wm_dataset_options options = {0};
	struct wm_flow_list list = {0};
	struct wm_dataset ds = {0};
	int rc = wm_dataset_read(&ds, &path, 1, &options, err);

	if (rc == 0)
		rc = take(&list, &ds, path, err);
	wm_dataset_free(&ds);
	if (rc < 0) {
		wm_flow_list_free(&list);
		return rc;
	}
	for (size_t i = list.n; i-- > 0;)
		list.at[i].start_ns -= list.at[0].start_ns;
	*out = list;
	return 0;
}

void wm_flow_list_free(struct wm_flow_list *list)
{
	free(list->at);
	*list = (struct wm_flow_list){0};
}
