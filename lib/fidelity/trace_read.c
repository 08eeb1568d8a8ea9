// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <capture/capture.h>
#include <fidelity/tally.h>
#include <fidelity/trace_pvt.h>
#include <packet/checksum.h>
#include <packet/dissect.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TELL_EVERY = 1 << 14, FIRST_ROOM = 1 << 14, L3_FAR = 255 };

static const int64_t span_max_ns = INT64_MAX / 2; // 146 years

struct reading {
	struct wm_trace t;
	size_t room;
	uint64_t first_ns; // epoch
	uint64_t earliest_ns;
	uint64_t latest_ns;
	uint64_t last_ns;
	bool sorted;
	bool unknown_link;
	int an_unknown_link;
};

// 1 = a good checksum, 0 = a bad one.
static int8_t good(uint64_t sum)
{
	uint16_t folded = wm_sum_fold(sum);

	return (int8_t)(folded == 0 || folded == 0xffff ? 1 : 0);
}

static int8_t ip_checksum(const struct wm_packet *p, const uint8_t *data)
{
	uint32_t len;

	if (p->net != WM_NET_IPV4)
		return -1;
	len = (data[p->l3] & 15u) * 4;
	if (p->l3 + len > p->cap_len)
		return -1;
	return good(wm_sum_add(0, data + p->l3, len));
}

static uint64_t pseudo_header(const struct wm_packet *p, uint32_t len)
{
	uint8_t proto_len[8];

	wm_put_be32(proto_len, p->proto);
	wm_put_be32(proto_len + 4, len);
	return wm_sum_add(wm_sum_add(wm_sum_add(0, p->src, 16), p->dst, 16), proto_len, 8); // mapped IPv4 adds 0xffff
}

// Of a datagram that was captured whole.
static int8_t l4_checksum(const struct wm_packet *p, const uint8_t *data)
{
	uint32_t at, end, len;
	uint64_t sum;

	if (p->net == WM_NET_OTHER || p->fragment || !p->has_length || p->l4 == 0)
		return -1;
	end = p->net == WM_NET_IPV4 ? p->l3 + wm_be16(data + p->l3 + 2) : p->l3 + 40u + wm_be16(data + p->l3 + 4);
	at = p->proto == WM_PROTO_TCP ? 16 : p->proto == WM_PROTO_UDP ? 6 : 2;
	if (p->proto != WM_PROTO_TCP && p->proto != WM_PROTO_UDP && p->proto != WM_PROTO_ICMP
		&& p->proto != WM_PROTO_ICMP6)
		return -1;
	if (end > p->cap_len || end < p->l4 + at + 2)
		return -1;
	if (p->proto == WM_PROTO_UDP && wm_be16(data + p->l4 + at) == 0)
		return -1;
	len = end - p->l4;
	sum = p->proto == WM_PROTO_ICMP ? 0 : pseudo_header(p, len);
	return good(wm_sum_add(sum, data + p->l4, len));
}

// Sets what a transport header tells; the rest is -1.
static void put_transport(struct wm_trace *t, size_t i, const struct wm_packet *p)
{
	uint32_t have = p->l4 > 0 ? p->cap_len - p->l4 : 0;

	t->field[WM_F_KIND][i] = WM_KIND_PROTO + p->proto;
	if ((p->proto == WM_PROTO_TCP || p->proto == WM_PROTO_UDP) && have >= 4) {
		t->field[WM_F_SPORT][i] = p->sport;
		t->field[WM_F_DPORT][i] = p->dport;
		if (p->proto == WM_PROTO_TCP)
			t->field[WM_F_KIND][i] = p->flags;
		if (p->proto == WM_PROTO_TCP && have >= 16) {
			t->field[WM_F_FLAGS][i] = p->flags;
			t->field[WM_F_WIN][i] = p->window;
		}
	} else if (have >= 1 && p->proto == WM_PROTO_ICMP) {
		t->field[WM_F_KIND][i] = WM_KIND_ICMP + p->icmp_type;
	} else if (have >= 1 && p->proto == WM_PROTO_ICMP6) {
		t->field[WM_F_KIND][i] = WM_KIND_ICMP6 + p->icmp_type;
	}
}

static int32_t most(uint32_t v)
{
	return v < INT32_MAX ? (int32_t)v : INT32_MAX;
}

static int put_packet(struct reading *r, const struct wm_packet *p, const uint8_t *data, struct wm_intern *addresses)
{
	int64_t src = wm_intern_add(addresses, p->src, 16), dst = wm_intern_add(addresses, p->dst, 16);
	struct wm_trace *t = &r->t;
	size_t i = t->n;

	if (src < 0 || dst < 0)
		return -ENOMEM;
	for (size_t f = 0; f < WM_FIELDS; f++)
		t->field[f][i] = -1;
	t->field[WM_F_LEN][i] = most(p->len);
	t->field[WM_F_HDR][i] = p->head_len;
	t->field[WM_F_PAYLOAD][i] = most(p->payload);
	t->field[WM_F_SRC][i] = (int32_t)src;
	t->field[WM_F_DST][i] = (int32_t)dst;
	t->seq[i] = p->proto == WM_PROTO_TCP ? p->seq : 0;
	t->ack[i] = p->ack;
	t->l3[i] = p->l3 < L3_FAR ? (uint8_t)p->l3 : L3_FAR;
	t->ip_ck[i] = ip_checksum(p, data);
	t->l4_ck[i] = l4_checksum(p, data);
	if (p->net != WM_NET_OTHER) {
		t->field[WM_F_TTL][i] = p->ttl;
		t->field[WM_F_PROTO][i] = p->proto;
		put_transport(t, i, p);
	} else {
		t->field[WM_F_PROTO][i] =
			wm_link_known(p->link) ? WM_KIND_OTHER + p->ethertype : WM_KIND_OPAQUE + p->link;
		t->field[WM_F_KIND][i] = t->field[WM_F_PROTO][i];
	}
	t->n++;
	return 0;
}

static int take_packet(struct reading *r, const struct wm_capture_packet *rec, struct wm_intern *addresses)
{
	struct wm_packet p;

	if (r->t.n == r->room) {
		r->room = r->room > 0 ? r->room * 2 : FIRST_ROOM;
		if (r->t.n >= UINT32_MAX / 2 || wm_trace_resize(&r->t, r->room) < 0)
			return -ENOMEM;
	}
	if (r->t.n == 0)
		r->first_ns = r->earliest_ns = r->latest_ns = r->last_ns = rec->time_ns;
	if (!wm_link_known(rec->link)) {
		r->unknown_link = true;
		r->an_unknown_link = rec->link;
	}
	r->t.links |= (uint64_t)1 << ((unsigned)rec->link & 63);
	r->t.time_ns[r->t.n] = (int64_t)(rec->time_ns - r->first_ns);
	r->t.back[r->t.n] = rec->time_ns < r->last_ns;
	r->sorted &= rec->time_ns >= r->last_ns;
	r->last_ns = rec->time_ns;
	r->earliest_ns = rec->time_ns < r->earliest_ns ? rec->time_ns : r->earliest_ns;
	r->latest_ns = rec->time_ns > r->latest_ns ? rec->time_ns : r->latest_ns;
	wm_dissect(&p, rec->link, rec->time_ns, rec->data, rec->cap_len, rec->len);
	return put_packet(r, &p, rec->data, addresses);
}

static void say(const struct wm_trace_options *o, const char *sentence)
{
	if (o->note != NULL)
		o->note(o->arg, sentence);
}

static void note_oddities(const struct reading *r, const struct wm_capture *c, const struct wm_trace_options *o)
{
	const struct wm_capture_counts *counts = wm_capture_counts(c);
	const struct {
		uint64_t n;
		const char *what;
	} odd[] = {
		{counts->untimed, "packets in pcapng simple packet blocks have no time: skipped"},
		{counts->bad_blocks, "pcapng blocks contradict themselves: skipped"},
		{counts->odd_times, "time stamps have a fraction of a second and more: added up"},
		{counts->odd_lens, "packets are shorter on the wire than captured: the captured length counts"},
	};
	char text[160];

	if (wm_capture_damage(c) != NULL)
		say(o, wm_capture_damage(c));
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (odd[i].n == 0)
			continue;
		(void)snprintf(text, sizeof(text), "%" PRIu64 " %s", odd[i].n, odd[i].what);
		say(o, text);
	}
	if (r->unknown_link) {
		(void)snprintf(text, sizeof(text), "link type %d is not decoded: only time and length count",
			r->an_unknown_link);
		say(o, text);
	}
}

static void tell(const struct wm_capture *c, const struct wm_trace_options *o)
{
	uint64_t done, all;

	if (o->tell == NULL)
		return;
	wm_capture_progress(c, &done, &all);
	o->tell(o->arg, all > 0 ? (double)done / (double)all : 0);
}

static int read_all(struct reading *r, const char *path, const struct wm_trace_options *o, struct wm_err *err)
{
	struct wm_capture_packet rec;
	struct wm_capture *c = NULL;
	int rc = wm_capture_open(&c, path, err);

	while (rc == 0 && (o->max == 0 || r->t.n < o->max)) {
		int got = wm_capture_next(c, &rec, err);

		if (got == 0)
			break;
		rc = got < 0 ? got : take_packet(r, &rec, o->addresses);
		if (rc == -ENOMEM)
			(void)wm_err_sys(err, rc, "%s: %zu packets", path, r->t.n);
		if (r->t.n % TELL_EVERY == 0)
			tell(c, o);
	}
	if (rc == 0)
		note_oddities(r, c, o);
	if (rc == 0 && r->t.n == 0 && wm_capture_damage(c) != NULL)
		rc = wm_err_set(err, -ENODATA, "%s: no packets: %s", path, wm_capture_damage(c));
	else if (rc == 0 && r->t.n == 0)
		rc = wm_err_set(err, -ENODATA, "%s: no packets", path);
	wm_capture_close(c);
	return rc;
}

static int reorder(struct wm_trace *t, const uint64_t *keys, struct wm_scratch *s)
{
	uint32_t *order = wm_scratch_get(s, t->n, sizeof(*order));
	struct wm_trace sorted;

	if (order == NULL || wm_sort_order(order, keys, t->n, s) < 0 || wm_trace_take(&sorted, t, order, t->n) < 0)
		return -ENOMEM;
	wm_trace_free(t);
	*t = sorted;
	return 0;
}

// Puts the packets in order of time, and gives them times since the earliest and gaps.
static int order_by_time(struct reading *r, struct wm_scratch *s)
{
	struct wm_trace *t = &r->t;
	uint64_t *keys;

	for (size_t i = 0; i < t->n; i++)
		t->time_ns[i] += (int64_t)(r->first_ns - r->earliest_ns);
	if (!r->sorted) {
		keys = wm_scratch_get(s, t->n, sizeof(*keys));
		if (keys == NULL)
			return -ENOMEM;
		for (size_t i = 0; i < t->n; i++)
			keys[i] = (uint64_t)t->time_ns[i];
		if (reorder(t, keys, s) < 0)
			return -ENOMEM;
	}
	t->span_ns = t->time_ns[t->n - 1];
	for (size_t i = 0; i < t->n; i++)
		t->tgap_ns[i] = i > 0 ? t->time_ns[i] - t->time_ns[i - 1] : -1;
	return 0;
}

// Puts the packets in order of flow and time, and gives them places and gaps in their flows.
static int order_by_flow(struct wm_trace *t, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, t->n, sizeof(*keys));

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		keys[i] = t->flow[i];
	if (reorder(t, keys, s) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		bool later = i > 0 && t->flow[i] == t->flow[i - 1];

		t->pos[i] = later ? t->pos[i - 1] + 1 : 0;
		t->gap_ns[i] = later ? t->time_ns[i] - t->time_ns[i - 1] : -1;
	}
	for (size_t i = t->n; i-- > 0;)
		t->rpos[i] = i + 1 < t->n && t->flow[i] == t->flow[i + 1] ? t->rpos[i + 1] + 1 : 0;
	return 0;
}

int wm_trace_read(struct wm_trace *out, const char *path, const struct wm_trace_options *options, struct wm_err *err)
{
	struct reading r = {.sorted = true};
	struct wm_scratch s = {0};
	int rc = read_all(&r, path, options, err);

	if (rc == 0 && r.latest_ns - r.earliest_ns > (uint64_t)span_max_ns)
		rc = wm_err_set(err, -EINVAL, "%s: the time stamps span more than 146 years", path);
	if (rc != 0)
		goto out;
	rc = order_by_time(&r, &s);
	wm_scratch_release(&s, 0);
	if (rc == 0)
		rc = wm_trace_assign_flows(&r.t);
	if (rc == 0)
		rc = order_by_flow(&r.t, &s);
	if (rc < 0) {
		rc = wm_err_sys(err, rc, "%s: %zu packets", path, r.t.n);
		goto out;
	}
	wm_trace_follow_tcp(&r.t);
	free(r.t.seq);
	free(r.t.ack);
	r.t.seq = r.t.ack = NULL;
	*out = r.t;
	r.t = (struct wm_trace){0};
out:
	wm_trace_free(&r.t);
	wm_scratch_fini(&s);
	return rc;
}
