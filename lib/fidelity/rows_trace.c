// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <fidelity/rows.h>
#include <packet/dissect.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_SIZE = 64, FLAGS_SIZE = 8 };

// One direction of a flow, or both.
struct sum {
	double packets;
	double bytes; // of IP
	int64_t first_ns;
	int64_t last_ns;
	uint8_t flags;
};

static void add(struct sum *s, const struct wm_trace *t, size_t i)
{
	double l3 = t->l3[i], length = (double)t->field[WM_F_HDR][i] - l3 + t->field[WM_F_PAYLOAD][i];

	if (s->packets == 0)
		s->first_ns = t->time_ns[i];
	s->last_ns = t->time_ns[i];
	s->packets++;
	s->bytes += length;
	s->flags |= t->field[WM_F_FLAGS][i] > 0 ? (uint8_t)t->field[WM_F_FLAGS][i] : 0;
}

static const char *address_text(char text[ADDRESS_SIZE], const struct wm_intern *in, int32_t number)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const uint8_t *a = in->bytes + in->items[number].at;
	bool v4 = memcmp(a, mapped, sizeof(mapped)) == 0;

	return inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a + 12 : a, text, ADDRESS_SIZE);
}

// As flow collectors call protocols.
static void proto_text(char text[16], int32_t proto)
{
	if (proto == WM_PROTO_TCP || proto == WM_PROTO_UDP)
		(void)snprintf(text, 16, proto == WM_PROTO_TCP ? "TCP" : "UDP");
	else if (proto == WM_PROTO_ICMP || proto == WM_PROTO_ICMP6)
		(void)snprintf(text, 16, proto == WM_PROTO_ICMP ? "ICMP" : "ICMP6");
	else
		(void)snprintf(text, 16, "%d", proto);
}

// nfdump's notation; what is not TCP is shown as acknowledged.
static void flags_text(char text[FLAGS_SIZE], int32_t proto, uint8_t flags)
{
	static const char letters[] = "UAPRSF";

	flags = proto == WM_PROTO_TCP ? flags : 0x10;
	for (int i = 0; i < 6; i++)
		text[i] = (char)(flags & 0x20 >> i ? letters[i] : '.');
	text[6] = '\0';
}

struct making {
	struct wm_rows rows;
	size_t room;
	const struct wm_trace *t;
	const struct wm_intern *addresses;
	const struct wm_table_info *like;
	struct wm_texts *texts;
};

static int put_text(struct making *m, size_t column, const char *text)
{
	int64_t number = wm_intern_add(&m->texts->in, text, strlen(text) + 1);

	if (number < 0)
		return -ENOMEM;
	m->rows.col[column][m->rows.n] = (double)number;
	return 0;
}

// Make room for another row.
static int make_room(struct making *m)
{
	double **col = m->rows.col;

	if (m->rows.n < m->room)
		return 0;
	m->room = m->room > 0 ? m->room * 2 : 1024;
	for (size_t k = 0; k <= WM_R_CATEGORY + WM_TABLE_FLAGS; k++) { // there are none behind these
		double *more = reallocarray(col[k], m->room, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		col[k] = more;
	}
	return 0;
}

// The row of what packet i and its like add up to; src and dst are those of packet i.
static int put_row(struct making *m, const struct sum *s, size_t i, bool swap)
{
	const struct wm_trace *t = m->t;
	int32_t proto = t->field[WM_F_PROTO][i], sport = t->field[WM_F_SPORT][i], dport = t->field[WM_F_DPORT][i];
	int32_t src = t->field[swap ? WM_F_DST : WM_F_SRC][i], dst = t->field[swap ? WM_F_SRC : WM_F_DST][i];
	char text[ADDRESS_SIZE], name[16], flags[FLAGS_SIZE];
	double **col = m->rows.col;
	size_t n = m->rows.n;

	if (make_room(m) < 0)
		return -ENOMEM;
	proto_text(name, proto);
	flags_text(flags, proto, s->flags);
	col[WM_R_TS][n] = (double)(m->like->time_is_end ? s->last_ns : s->first_ns);
	col[WM_R_TD][n] = wm_seconds(s->last_ns - s->first_ns);
	col[WM_R_SP][n] = (swap ? dport : sport) > 0 ? (swap ? dport : sport) : 0;
	col[WM_R_DP][n] = (swap ? sport : dport) > 0 ? (swap ? sport : dport) : 0;
	col[WM_R_PKT][n] = s->packets;
	col[WM_R_BYT][n] = s->bytes;
	if (put_text(m, WM_R_SA, address_text(text, m->addresses, src)) < 0
		|| put_text(m, WM_R_DA, address_text(text, m->addresses, dst)) < 0 || put_text(m, WM_R_PR, name) < 0
		|| put_text(m, WM_R_CATEGORY + WM_TABLE_FLAGS, flags) < 0)
		return -ENOMEM;
	m->rows.n++;
	return 0;
}

// The flow of packets first .. end.
static int put_flow(struct making *m, size_t first, size_t end)
{
	const bool both = m->like->schema == WM_TABLE_ZEEK || m->like->schema == WM_TABLE_LABELS;
	struct sum sums[2] = {{.packets = 0}};
	size_t example[2] = {first, first};
	int rc = 0;

	for (size_t i = first; i < end; i++) {
		int32_t dir = both ? 0 : m->t->field[WM_F_DIR][i];

		if (sums[dir].packets == 0)
			example[dir] = i;
		add(&sums[dir], m->t, i);
	}
	for (int dir = 0; dir < 2 && rc == 0; dir++)
		if (sums[dir].packets > 0)
			rc = put_row(m, &sums[dir], example[dir], both && m->t->field[WM_F_DIR][first] == 1);
	return rc;
}

int wm_rows_of_trace(struct wm_rows *out, const struct wm_trace *t, const struct wm_intern *addresses,
	const struct wm_table_info *like, struct wm_texts *texts)
{
	struct making m = {.t = t, .addresses = addresses, .like = like, .texts = texts};
	int rc = 0;

	for (size_t i = 0, end; i < t->n && rc == 0; i = end) {
		for (end = i; end < t->n && t->flow[end] == t->flow[i];)
			end++;
		if (t->field[WM_F_TTL][i] >= 0)
			rc = put_flow(&m, i, end);
	}
	if (rc < 0 || m.rows.n == 0) {
		wm_rows_free(&m.rows);
		return rc < 0 ? rc : -ENODATA;
	}
	if (like->schema != WM_TABLE_UGR16) { // others know no flags, or mean something else
		free(m.rows.col[WM_R_CATEGORY + WM_TABLE_FLAGS]);
		m.rows.col[WM_R_CATEGORY + WM_TABLE_FLAGS] = NULL;
	}
	*out = m.rows;
	return 0;
}
