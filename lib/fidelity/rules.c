// SPDX-License-Identifier: BSD-3-Clause
// Group R: what every row of a flow table must obey.
#include <fidelity/tables.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>

enum rule {
	WHOLE_AND_POSITIVE,
	BYTES_PER_PACKET,
	ONE_PACKET_NO_DURATION,
	PORTS_IN_RANGE,
	PORTS_USED,
	NO_PORTS_ELSEWHERE,
	ADDRESSES,
	PORT_PROTOCOL,
	FLAGS_FORM,
	FLAGS_ONLY_TCP,
	ANY,
	RULES,
};

static const char *const keys[RULES] = {
	[WHOLE_AND_POSITIVE] = "R.whole_and_positive.share",
	[BYTES_PER_PACKET] = "R.bytes_per_packet.share",
	[ONE_PACKET_NO_DURATION] = "R.one_packet_no_duration.share",
	[PORTS_IN_RANGE] = "R.ports_in_range.share",
	[PORTS_USED] = "R.ports_used_by_tcp_udp.share",
	[NO_PORTS_ELSEWHERE] = "R.no_ports_elsewhere.share",
	[ADDRESSES] = "R.addresses.share",
	[PORT_PROTOCOL] = "R.port_protocol.share",
	[FLAGS_FORM] = "R.flags_form.share",
	[FLAGS_ONLY_TCP] = "R.flags_only_tcp.share",
	[ANY] = "R.any.share",
};

enum { WELL_KNOWN = 1024 };

// The protocol that a well-known port has in the real table, by its text; -1 = none, or more than one.
struct served {
	double proto[WELL_KNOWN];
};

enum kind { KIND_OTHER, KIND_TCP, KIND_UDP, KIND_ICMP };

static enum kind kind_of(const char *proto)
{
	static const struct {
		const char *name;
		enum kind kind;
	} names[] = {{"TCP", KIND_TCP}, {"6", KIND_TCP}, {"UDP", KIND_UDP}, {"17", KIND_UDP}, {"ICMP", KIND_ICMP},
		{"1", KIND_ICMP}, {"ICMPV6", KIND_ICMP}, {"ICMP6", KIND_ICMP}, {"IPV6-ICMP", KIND_ICMP},
		{"58", KIND_ICMP}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, proto) == 0)
			return names[i].kind;
	return KIND_OTHER;
}

static const char *text_of(const struct wm_rows *r, size_t column, size_t i)
{
	return r->texts[(size_t)r->col[column][i]];
}

static void find_served(struct served *out, const struct wm_rows *ref)
{
	size_t n[WELL_KNOWN] = {0};

	for (size_t p = 0; p < WELL_KNOWN; p++)
		out->proto[p] = -1;
	for (size_t i = 0; i < ref->n; i++) {
		enum kind kind = kind_of(text_of(ref, WM_R_PR, i));
		double port = ref->col[WM_R_DP][i], proto = ref->col[WM_R_PR][i];

		if ((kind != KIND_TCP && kind != KIND_UDP) || !(port >= 0 && port < WELL_KNOWN))
			continue;
		if (n[(size_t)port] == 0)
			out->proto[(size_t)port] = proto;
		else if (out->proto[(size_t)port] < proto || out->proto[(size_t)port] > proto)
			out->proto[(size_t)port] = -1;
		n[(size_t)port]++;
	}
	for (size_t p = 0; p < WELL_KNOWN; p++)
		if (n[p] < WM_FEW)
			out->proto[p] = -1;
}

static bool whole(double v)
{
	return v == rint(v);
}

enum usable { NO_ADDRESS, SENDS, RECEIVES_ONLY };

static enum usable usable(const char *text)
{
	uint8_t a[16];

	if (inet_pton(AF_INET, text, a) == 1)
		return a[0] >> 4 == 14 || memcmp(a, "\xff\xff\xff\xff", 4) == 0 ? RECEIVES_ONLY : SENDS;
	if (inet_pton(AF_INET6, text, a) == 1)
		return a[0] == 0xff ? RECEIVES_ONLY : SENDS;
	return NO_ADDRESS;
}

// Six places, each a dot or its letter.
static bool is_in_nfdump_notation(const char *text)
{
	static const char letters[] = "UAPRSF";
	size_t i = 0;

	while (i < 6 && (text[i] == '.' || toupper((unsigned char)text[i]) == letters[i]))
		i++;
	return i == 6 && text[6] == '\0';
}

static bool is_hexadecimal(const char *text)
{
	if (text[0] == '0' && toupper((unsigned char)text[1]) == 'X')
		text += 2;
	return *text != '\0' && text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static bool is_flags(const char *text)
{
	return is_in_nfdump_notation(text) || text[strspn(text, ".")] == '\0' || is_hexadecimal(text);
}

// Letters and dots, with one of S, F, P, R among them.
static bool says_tcp(const char *text)
{
	bool tcp = false;

	for (; *text != '\0'; text++) {
		int c = toupper((unsigned char)*text);

		if (c != '.' && (c < 'A' || c > 'Z'))
			return false;
		tcp |= strchr("SFPR", c) != NULL;
	}
	return tcp;
}

// How each text may be used, so that each is looked at once.
struct uses {
	uint8_t *of; // by number of the text: enum usable + 1; 0 = not known yet
};

static enum usable use(struct uses *u, const struct wm_rows *r, size_t column, size_t i)
{
	size_t text = (size_t)r->col[column][i];

	if (u->of[text] == 0)
		u->of[text] = (uint8_t)(usable(r->texts[text]) + 1);
	return (enum usable)(u->of[text] - 1);
}

static void judge_numbers(bool broken[RULES], const struct wm_rows *r, size_t i)
{
	const double pkt = r->col[WM_R_PKT][i], byt = r->col[WM_R_BYT][i], td = r->col[WM_R_TD][i];
	const double sp = r->col[WM_R_SP][i], dp = r->col[WM_R_DP][i];
	const enum kind kind = kind_of(text_of(r, WM_R_PR, i));

	broken[WHOLE_AND_POSITIVE] = !whole(pkt) || !whole(byt) || pkt < 1 || byt < 1 || td < 0;
	broken[BYTES_PER_PACKET] = byt < 20 * pkt || byt > 65535 * pkt;
	broken[ONE_PACKET_NO_DURATION] = pkt >= 1 && pkt <= 1 && td > 0;
	broken[PORTS_IN_RANGE] = !whole(sp) || !whole(dp) || sp < 0 || sp > UINT16_MAX || dp < 0 || dp > UINT16_MAX;
	broken[PORTS_USED] = (kind == KIND_TCP || kind == KIND_UDP) && (sp < 1 || dp < 1);
	broken[NO_PORTS_ELSEWHERE] = kind == KIND_OTHER && (sp < 0 || sp > 0 || dp < 0 || dp > 0);
}

static void judge_texts(
	bool broken[RULES], const struct wm_rows *r, size_t i, const struct served *served, struct uses *uses)
{
	const enum kind kind = kind_of(text_of(r, WM_R_PR, i));
	const double dp = r->col[WM_R_DP][i], sa = r->col[WM_R_SA][i], da = r->col[WM_R_DA][i];
	const double proto = dp >= 0 && dp < WELL_KNOWN && whole(dp) ? served->proto[(size_t)dp] : -1;
	const bool same = sa >= da && sa <= da, differs = proto < r->col[WM_R_PR][i] || proto > r->col[WM_R_PR][i];

	broken[ADDRESSES] = use(uses, r, WM_R_SA, i) != SENDS || use(uses, r, WM_R_DA, i) == NO_ADDRESS || same;
	broken[PORT_PROTOCOL] = (kind == KIND_TCP || kind == KIND_UDP) && proto >= 0 && differs;
	if (r->col[WM_R_CATEGORY + WM_TABLE_FLAGS] == NULL)
		return;
	broken[FLAGS_FORM] = !is_flags(text_of(r, WM_R_CATEGORY + WM_TABLE_FLAGS, i));
	broken[FLAGS_ONLY_TCP] = kind != KIND_TCP && says_tcp(text_of(r, WM_R_CATEGORY + WM_TABLE_FLAGS, i));
}

// Share of the rows that break each rule.
static void judge(double shares[RULES], const struct wm_rows *r, const struct served *served, struct uses *uses)
{
	for (size_t k = 0; k < RULES; k++)
		shares[k] = 0;
	for (size_t i = 0; i < r->n; i++) {
		bool broken[RULES] = {false};

		judge_numbers(broken, r, i);
		judge_texts(broken, r, i, served, uses);
		for (size_t k = 0; k < ANY; k++)
			broken[ANY] |= broken[k];
		for (size_t k = 0; k < RULES; k++)
			shares[k] += broken[k] / (double)r->n;
	}
}

static size_t most_text(const struct wm_rows *r)
{
	double most = 0;

	for (size_t i = 0; i < r->n; i++)
		most = fmax(most, fmax(r->col[WM_R_SA][i], r->col[WM_R_DA][i]));
	return (size_t)most;
}

int wm_measure_rules(const struct wm_row_comparison *c)
{
	const size_t a_most = most_text(c->a), b_most = most_text(c->b);
	struct uses uses = {wm_scratch_get(c->s, (a_most > b_most ? a_most : b_most) + 1, 1)};
	struct served *served = wm_scratch_get(c->s, 1, sizeof(*served));
	double a[RULES], b[RULES];

	if (uses.of == NULL || served == NULL)
		return -ENOMEM;
	if (c->a->n == 0 || c->b->n == 0)
		return 0;
	find_served(served, c->ref);
	judge(a, c->a, served, &uses);
	judge(b, c->b, served, &uses);
	for (size_t k = 0; k < RULES; k++) {
		if ((k == FLAGS_FORM || k == FLAGS_ONLY_TCP)
			&& (c->a->col[WM_R_CATEGORY + WM_TABLE_FLAGS] == NULL
				|| c->b->col[WM_R_CATEGORY + WM_TABLE_FLAGS] == NULL))
			continue;
		wm_put(c->out, fmax(b[k] - a[k], 0), "%s", keys[k]);
	}
	return 0;
}
