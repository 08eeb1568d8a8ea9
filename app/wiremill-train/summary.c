// SPDX-License-Identifier: BSD-3-Clause
#include "summary.h"

#include <inttypes.h>
#include <time.h>

struct list {
	FILE *out;
	const char *title;
	size_t n;
};

static void add(struct list *l, uint64_t count, const char *what)
{
	if (count == 0)
		return;
	(void)fprintf(l->out, l->n == 0 ? "%-10s" : ", ", l->title);
	(void)fprintf(l->out, "%s %" PRIu64, what, count);
	l->n++;
}

static void end(struct list *l)
{
	if (l->n > 0)
		(void)fputc('\n', l->out);
}

static const char *proto_name(char text[16], unsigned proto)
{
	static const struct {
		unsigned proto;
		const char *name;
	} known[] = {{1, "ICMP"}, {2, "IGMP"}, {6, "TCP"}, {17, "UDP"}, {47, "GRE"}, {50, "ESP"}, {51, "AH"},
		{58, "ICMPv6"}, {88, "EIGRP"}, {89, "OSPF"}, {103, "PIM"}, {112, "VRRP"}, {132, "SCTP"}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].proto == proto)
			return known[i].name;
	(void)snprintf(text, 16, "protocol %u:", proto);
	return text;
}

static void print_protocols(FILE *out, const struct wm_dataset_counts *c)
{
	struct list l = {out, "protocols", 0};
	char text[16];

	for (unsigned i = 0; i < 256; i++)
		add(&l, c->by_proto[i], proto_name(text, i));
	add(&l, c->not_ip, "not IP");
	end(&l);
}

static void print_dropped(FILE *out, const struct wm_dataset_counts *c)
{
	struct list l = {out, "dropped", 0};

	add(&l, c->filtered, "by the filter");
	add(&l, c->truncated, "with headers cut short");
	add(&l, c->unknown_link, "of an unknown link type");
	add(&l, c->form_full, "beyond the limit of distinct headers");
	add(&l, c->untimed, "without a time");
	add(&l, c->bad_blocks, "in blocks that contradict themselves"); // never were packets to be counted
	end(&l);
}

// What was used nonetheless.
static void print_mended(FILE *out, const struct wm_dataset_counts *c)
{
	struct list l = {out, "mended", 0};

	add(&l, c->backwards, "put into order of time");
	add(&l, c->odd, "with contradictory length or time");
	end(&l);
}

static void print_flows(FILE *out, const struct wm_dataset *ds)
{
	uint64_t tcp = 0, udp = 0, started = 0;

	for (size_t i = 0; i < ds->n_flows; i++) {
		tcp += ds->flows[i].proto == 6;
		udp += ds->flows[i].proto == 17;
		started += ds->flows[i].proto == 6 && ds->flows[i].started;
	}
	(void)fprintf(out,
		"flows     %zu: TCP %" PRIu64 " (%" PRIu64 " from their SYN on), UDP %" PRIu64 ", other %" PRIu64 "\n",
		ds->n_flows, tcp, started, udp, ds->n_flows - tcp - udp);
}

static void print_receptions(FILE *out, const struct wm_receptions *r)
{
	uint64_t data = 0, joins = 0, bad = 0;

	for (size_t i = 0; i < r->n; i++) {
		data += r->at[i].lora.kind == WM_LORA_DATA;
		joins += r->at[i].lora.kind == WM_LORA_JOIN;
		bad += r->at[i].lora.crc == WM_LORA_CRC_BAD;
	}
	(void)fprintf(out,
		"LoRaWAN   at %zu gateway%s: data %" PRIu64 ", join requests %" PRIu64 ", other %" PRIu64
		"; received with errors %" PRIu64 "\n",
		r->n_gateways, r->n_gateways == 1 ? "" : "s", data, joins, r->n - data - joins, bad);
}

static void print_damage(FILE *out, const struct wm_dataset *ds)
{
	if (ds->counts.damaged == 1)
		(void)fprintf(out, "read up to the damage: %s\n", ds->damage.msg);
	else if (ds->counts.damaged > 1)
		(void)fprintf(out, "read up to the damage in %" PRIu64 " files, such as %s\n", ds->counts.damaged,
			ds->damage.msg);
}

static void print_rows(FILE *out, const struct wm_dataset *ds, size_t n_files, const char *date)
{
	const struct wm_flow_rows *r = &ds->rows;
	struct list l = {out, "dropped", 0};

	(void)fprintf(out, "rows      %zu of %" PRIu64 " in %zu file%s, %.3f s from %s on\n", r->n, r->counts.rows,
		n_files, n_files == 1 ? "" : "s", (double)ds->duration_ns * 1e-9, date);
	(void)fprintf(out, "table     like %s: hosts %zu, protocols %zu\n", r->info.name, r->hosts.n, r->protos.n);
	add(&l, r->counts.untimed, "without a time");
	add(&l, r->counts.uncounted, "without packets or bytes");
	add(&l, r->counts.misshapen, "misshapen");
	add(&l, r->senseless, "with what cannot be");
	end(&l);
	if (l.n > 0)
		(void)fprintf(out, "such as   %s\n", r->fault.msg);
	print_damage(out, ds);
}

void summary_print(FILE *out, const struct wm_dataset *ds, size_t n_files)
{
	const struct wm_dataset_counts *c = &ds->counts;
	time_t first = (time_t)(ds->first_ns / 1000000000u);
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&first, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
	if (ds->rows.n > 0) {
		print_rows(out, ds, n_files, date);
		return;
	}
	(void)fprintf(out, "packets   %" PRIu64 " of %" PRIu64 " in %zu file%s, %.3f s from %s on\n", c->used,
		c->packets, n_files, n_files == 1 ? "" : "s", (double)ds->duration_ns * 1e-9, date);
	if (ds->lora.n > 0) {
		print_receptions(out, &ds->lora);
	} else {
		print_protocols(out, c);
		print_flows(out, ds);
	}
	print_dropped(out, c);
	print_mended(out, c);
	print_damage(out, ds);
}
