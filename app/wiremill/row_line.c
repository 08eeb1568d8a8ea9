// SPDX-License-Identifier: BSD-3-Clause
#include "row_line.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

enum what {
	DATE,
	SECONDS,
	END_SECONDS,
	DURATION,
	SRC,
	DST,
	SPORT,
	DPORT,
	PROTO,
	PROTO_SMALL,
	PACKETS,
	BYTES,
	PACKETS_OUT,
	PACKETS_IN,
	BYTES_OUT,
	BYTES_IN,
	CATEGORY, // the first of WM_TABLE_CATEGORIES
};

enum { COLUMNS = 16 };

struct column {
	const char *name;
	int what;
};

static const struct column ugr16[COLUMNS] = {{"te", DATE}, {"td", DURATION}, {"sa", SRC}, {"da", DST}, {"sp", SPORT},
	{"dp", DPORT}, {"pr", PROTO}, {"flg", CATEGORY + WM_TABLE_FLAGS}, {"fwd", CATEGORY + WM_TABLE_FORWARDED},
	{"stos", CATEGORY + WM_TABLE_TOS}, {"pkt", PACKETS}, {"byt", BYTES}, {"label", CATEGORY + WM_TABLE_LABEL}};
static const struct column netshare[COLUMNS] = {{"srcip", SRC}, {"dstip", DST}, {"srcport", SPORT}, {"dstport", DPORT},
	{"proto", PROTO}, {"ts", SECONDS}, {"td", DURATION}, {"pkt", PACKETS}, {"byt", BYTES},
	{"label", CATEGORY + WM_TABLE_LABEL}, {"type", CATEGORY + WM_TABLE_TYPE}};
static const struct column zeek[COLUMNS] = {{"ts", SECONDS}, {"id.orig_h", SRC}, {"id.orig_p", SPORT},
	{"id.resp_h", DST}, {"id.resp_p", DPORT}, {"proto", PROTO_SMALL}, {"service", CATEGORY + WM_TABLE_SERVICE},
	{"duration", DURATION}, {"conn_state", CATEGORY + WM_TABLE_STATE}, {"orig_pkts", PACKETS_OUT},
	{"orig_ip_bytes", BYTES_OUT}, {"resp_pkts", PACKETS_IN}, {"resp_ip_bytes", BYTES_IN},
	{"label", CATEGORY + WM_TABLE_LABEL}, {"detailed-label", CATEGORY + WM_TABLE_TYPE}};
static const struct column cidds[COLUMNS] = {{"Date first seen", DATE}, {"Duration", DURATION}, {"Proto", PROTO},
	{"Src IP Addr", SRC}, {"Src Pt", SPORT}, {"Dst IP Addr", DST}, {"Dst Pt", DPORT}, {"Packets", PACKETS},
	{"Bytes", BYTES}, {"Flags", CATEGORY + WM_TABLE_FLAGS}, {"Tos", CATEGORY + WM_TABLE_TOS},
	{"class", CATEGORY + WM_TABLE_LABEL}, {"attackType", CATEGORY + WM_TABLE_TYPE}};
static const struct column labels[COLUMNS] = {{"start", SECONDS}, {"end", END_SECONDS}, {"src", SRC}, {"dst", DST},
	{"sport", SPORT}, {"dport", DPORT}, {"proto", PROTO}, {"label", CATEGORY + WM_TABLE_LABEL},
	{"packets", PACKETS}, {"bytes", BYTES}};

static const struct column *columns_of(const struct wm_table_info *info)
{
	static const struct column *const of[] = {[WM_TABLE_UGR16] = ugr16,
		[WM_TABLE_NETSHARE] = netshare,
		[WM_TABLE_ZEEK] = zeek,
		[WM_TABLE_CIDDS] = cidds,
		[WM_TABLE_LABELS] = labels};

	return of[info->schema];
}

static bool is_written(const struct wm_table_info *info, const struct column *c)
{
	return c->what < CATEGORY || info->has[c->what - CATEGORY];
}

static unsigned digits_of(uint64_t unit_ns)
{
	unsigned n = 0;

	for (uint64_t unit = 1000000000; unit > unit_ns && n < 9; unit /= 10)
		n++;
	return n;
}

void row_line_init(
	struct row_line *l, const struct wm_table_info *info, uint64_t time_unit_ns, uint64_t duration_unit_ns)
{
	*l = (struct row_line){.info = info,
		.time_digits = digits_of(time_unit_ns),
		.duration_digits = digits_of(duration_unit_ns),
		.day_s = UINT64_MAX};
}

static void put_bytes(struct row_line *l, const char *text, size_t n)
{
	if (n > sizeof(l->text) - 2 - l->len) { // of a field: the line's end always has room
		l->cut++;
		n = sizeof(l->text) - 2 - l->len;
	}
	memcpy(l->text + l->len, text, n);
	l->len += n;
}

// RFC 4180 section 2.
static void put_text(struct row_line *l, const char *text)
{
	const size_t n = strlen(text);

	if (strpbrk(text, "\",") == NULL) {
		put_bytes(l, text, n);
		return;
	}
	put_bytes(l, "\"", 1);
	for (size_t i = 0; i < n; i++)
		put_bytes(l, text[i] == '"' ? "\"\"" : &text[i], text[i] == '"' ? 2 : 1);
	put_bytes(l, "\"", 1);
}

static void put_number(struct row_line *l, uint64_t n, unsigned digits)
{
	char text[20];
	unsigned at = sizeof(text);

	do
		text[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0 || sizeof(text) - at < digits);
	put_bytes(l, text + at, sizeof(text) - at);
}

static void put_seconds(struct row_line *l, uint64_t ns, unsigned digits)
{
	uint64_t part = ns % 1000000000;

	put_number(l, ns / 1000000000, 1);
	if (digits == 0)
		return;
	for (unsigned i = digits; i < 9; i++)
		part /= 10;
	put_bytes(l, ".", 1);
	put_number(l, part, digits);
}

static void put_date(struct row_line *l, uint64_t ns)
{
	const uint64_t s = ns / 1000000000;
	uint64_t part = ns % 1000000000;

	if (s != l->day_s) {
		const time_t t = (time_t)s;
		struct tm tm;

		(void)strftime(l->date, sizeof(l->date), "%Y-%m-%d %H:%M:%S", gmtime_r(&t, &tm));
		l->day_s = s;
	}
	put_bytes(l, l->date, strlen(l->date));
	if (l->time_digits == 0)
		return;
	for (unsigned i = l->time_digits; i < 9; i++)
		part /= 10;
	put_bytes(l, ".", 1);
	put_number(l, part, l->time_digits);
}

static void put_small(struct row_line *l, const char *text)
{
	const size_t from = l->len;

	put_text(l, text);
	for (size_t i = from; i < l->len; i++)
		l->text[i] = (char)tolower((unsigned char)l->text[i]);
}

static void put_value(struct row_line *l, const struct wm_row *row, int what)
{
	switch (what) {
	case DATE:
		put_date(l, row->time_ns);
		break;
	case SECONDS:
		put_seconds(l, row->time_ns, l->time_digits);
		break;
	case END_SECONDS:
		put_seconds(l, row->time_ns + row->duration_ns,
			l->time_digits > l->duration_digits ? l->time_digits : l->duration_digits);
		break;
	case DURATION:
		put_seconds(l, row->duration_ns, l->duration_digits);
		break;
	case SRC:
		put_text(l, row->src);
		break;
	case DST:
		put_text(l, row->dst);
		break;
	case SPORT:
		put_number(l, row->sport, 1);
		break;
	case DPORT:
		put_number(l, row->dport, 1);
		break;
	case PROTO:
		put_text(l, row->proto);
		break;
	case PROTO_SMALL:
		put_small(l, row->proto);
		break;
	case PACKETS:
		put_number(l, row->packets[0] + row->packets[1], 1);
		break;
	case BYTES:
		put_number(l, row->bytes[0] + row->bytes[1], 1);
		break;
	case PACKETS_OUT:
	case PACKETS_IN:
		put_number(l, row->packets[what == PACKETS_IN], 1);
		break;
	case BYTES_OUT:
	case BYTES_IN:
		put_number(l, row->bytes[what == BYTES_IN], 1);
		break;
	default:
		put_text(l, row->category[what - CATEGORY]);
	}
}

// Categories that the schema has no name for come last, under ours.
static bool is_extra(const struct row_line *l, int category)
{
	const struct column *c = columns_of(l->info);

	for (int i = 0; i < COLUMNS && c[i].name != NULL; i++)
		if (c[i].what == CATEGORY + category)
			return false;
	return l->info->has[category];
}

static void separate(struct row_line *l)
{
	if (l->len > 0)
		put_bytes(l, ",", 1);
}

static void end_line(struct row_line *l)
{
	l->text[l->len++] = '\n';
}

void row_line_names(struct row_line *l)
{
	static const char *const extra[WM_TABLE_CATEGORIES] = {
		"flg", "tos", "fwd", "label", "type", "service", "conn_state"};
	const struct column *c = columns_of(l->info);

	l->len = 0;
	for (int i = 0; i < COLUMNS && c[i].name != NULL; i++) {
		const bool from = c[i].what == DATE && l->info->schema == WM_TABLE_UGR16 && !l->info->time_is_end;

		if (!is_written(l->info, &c[i]))
			continue;
		separate(l);
		put_text(l, from ? "ts" : c[i].name);
	}
	for (int i = 0; i < WM_TABLE_CATEGORIES; i++) {
		if (!is_extra(l, i))
			continue;
		separate(l);
		put_text(l, extra[i]);
	}
	end_line(l);
}

void row_line_put(struct row_line *l, const struct wm_row *row)
{
	const struct column *c = columns_of(l->info);

	l->len = 0;
	for (int i = 0; i < COLUMNS && c[i].name != NULL; i++) {
		if (!is_written(l->info, &c[i]))
			continue;
		separate(l);
		put_value(l, row, c[i].what);
	}
	for (int i = 0; i < WM_TABLE_CATEGORIES; i++) {
		if (!is_extra(l, i))
			continue;
		separate(l);
		put_text(l, row->category[i]);
	}
	end_line(l);
}
