// SPDX-License-Identifier: BSD-3-Clause
#include "flow_line.h"

#include <packet/dissect.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

enum { ADDRESS_SIZE = 64, NAME_SIZE = 16 };

const char flow_csv_header[] = "te,td,sa,da,sp,dp,pr,flg,fwd,stos,pkt,byt,label\n";
const char flow_label_header[] = "start,end,src,dst,sport,dport,proto,label,model,packets,bytes\n";

static void address_text(char text[ADDRESS_SIZE], const struct flow_record *flow, int side)
{
	const uint8_t *a = flow->address[side];

	if (flow->lora)
		(void)snprintf(text, ADDRESS_SIZE, "%02x%02x%02x%02x", a[0], a[1], a[2], a[3]);
	else if (flow->ip == 4)
		(void)inet_ntop(AF_INET, a + 12, text, ADDRESS_SIZE);
	else if (flow->ip == 6)
		(void)inet_ntop(AF_INET6, a, text, ADDRESS_SIZE);
	else
		(void)snprintf(text, ADDRESS_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4], a[5]);
}

// As NetFlow collectors call protocols; a number where there is no name, an ethertype where there is no IP.
static void proto_text(char text[NAME_SIZE], const struct flow_record *flow)
{
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = {{WM_PROTO_TCP, "TCP"}, {WM_PROTO_UDP, "UDP"}, {WM_PROTO_ICMP, "ICMP"}, {WM_PROTO_ICMP6, "ICMP6"},
		{2, "IGMP"}, {47, "GRE"}, {50, "ESP"}, {51, "AH"}, {132, "SCTP"}};

	if (flow->lora) {
		(void)snprintf(text, NAME_SIZE, "LORAWAN");
		return;
	}
	if (flow->ip == 0) {
		(void)snprintf(text, NAME_SIZE, "0x%04x", flow->ethertype);
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == flow->proto) {
			(void)snprintf(text, NAME_SIZE, "%s", names[i].name);
			return;
		}
	}
	(void)snprintf(text, NAME_SIZE, "%u", flow->proto);
}

// nfdump's notation; what is not TCP is shown as acknowledged.
static void flags_text(char text[7], uint8_t proto, uint8_t flags)
{
	static const char letters[] = "UAPRSF";

	if (proto != WM_PROTO_TCP)
		flags = 0x10;
	for (int i = 0; i < 6; i++) {
		text[i] = '.';
		if (flags & 0x20 >> i)
			text[i] = letters[i];
	}
	text[6] = '\0';
}

// A label of a model file may hold anything (RFC 4180 section 2).
static void put_text(FILE *out, const char *text)
{
	if (strpbrk(text, "\",\r\n") == NULL) {
		(void)fputs(text, out);
		return;
	}
	(void)fputc('"', out);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"')
			(void)fputc('"', out);
		(void)fputc(*p == '\r' || *p == '\n' ? ' ' : *p, out);
	}
	(void)fputc('"', out);
}

static void write_direction(FILE *out, const struct flow_record *flow, int from, const char *label)
{
	const struct flow_side *side = &flow->side[from];
	bool icmp = flow->proto == WM_PROTO_ICMP || flow->proto == WM_PROTO_ICMP6;
	unsigned sport = icmp ? 0 : flow->port[from];
	unsigned dport = icmp ? (unsigned)side->flags << 8 | side->code : flow->port[!from];
	uint64_t ms = (side->last_ns - side->first_ns) / 1000000;
	time_t end = (time_t)(side->last_ns / 1000000000);
	char sa[ADDRESS_SIZE], da[ADDRESS_SIZE], pr[NAME_SIZE], flg[7], te[32];
	struct tm tm;

	(void)strftime(te, sizeof(te), "%Y-%m-%d %H:%M:%S", gmtime_r(&end, &tm));
	address_text(sa, flow, from);
	address_text(da, flow, !from);
	proto_text(pr, flow);
	flags_text(flg, flow->proto, side->flags);
	(void)fprintf(out, "%s,%" PRIu64 ".%03" PRIu64 ",%s,%s,%u,%u,%s,%s,0,%u,%" PRIu64 ",%" PRIu64 ",", te,
		ms / 1000, ms % 1000, sa, da, sport, dport, pr, flg, side->tos, side->packets, side->ip_bytes);
	put_text(out, label);
	(void)fputc('\n', out);
}

void flow_write_csv(FILE *out, const struct flow_record *flow, const char *label)
{
	if (flow->ip == 0)
		return;
	for (int from = 0; from < 2; from++)
		if (flow->side[from].packets > 0)
			write_direction(out, flow, from, label);
}

static void put_time(FILE *out, uint64_t ns)
{
	(void)fprintf(out, "%" PRIu64 ".%09" PRIu64 ",", ns / 1000000000, ns % 1000000000);
}

void flow_write_label(FILE *out, const struct flow_record *flow, const char *label, const char *model)
{
	const struct flow_side *a = &flow->side[0], *b = &flow->side[1];
	uint64_t first = a->packets == 0 || (b->packets > 0 && b->first_ns < a->first_ns) ? b->first_ns : a->first_ns;
	uint64_t last = a->packets == 0 || (b->packets > 0 && b->last_ns > a->last_ns) ? b->last_ns : a->last_ns;
	char src[ADDRESS_SIZE], dst[ADDRESS_SIZE], proto[NAME_SIZE];

	address_text(src, flow, 0);
	address_text(dst, flow, 1);
	proto_text(proto, flow);
	put_time(out, first);
	put_time(out, last);
	(void)fprintf(out, "%s,%s,%u,%u,%s,", src, dst, flow->port[0], flow->port[1], proto);
	put_text(out, label);
	(void)fputc(',', out);
	put_text(out, model);
	(void)fprintf(out, ",%" PRIu64 ",%" PRIu64 "\n", a->packets + b->packets, a->bytes + b->bytes);
}
