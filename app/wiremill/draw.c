// SPDX-License-Identifier: BSD-3-Clause
#include "draw.h"

#include "stats.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
	COLUMNS = 80, // unless the terminal says otherwise, as are the next
	ROWS = 24,
	LINE_MAX_LEN = 256,
	BAR = 20,
	NAME = 26, // columns of what a row is about, and on terminals too narrow for all
	NAME_SHORT = 12,
	FIXED = 8, // lines that are always there, and the cursor's
};

struct page {
	FILE *out;
	unsigned columns, rows;
	unsigned lines;
};

static void measure(struct page *p)
{
	struct winsize size;

	p->columns = COLUMNS;
	p->rows = ROWS;
	if (ioctl(fileno(p->out), TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_col > 0)
		p->columns = size.ws_col;
	if (size.ws_row > 0)
		p->rows = size.ws_row;
}

// Cut to the terminal's width, and its height: what wraps or scrolls away would be left behind.
__attribute__((format(printf, 2, 3))) static void line(struct page *p, const char *fmt, ...)
{
	char text[LINE_MAX_LEN];
	va_list ap;

	if (p->lines + 1 >= p->rows)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fprintf(p->out, "%.*s\n", (int)p->columns - 1, text);
	p->lines++;
}

// 12345678 is "12.35 M".
static const char *short_number(double value, char text[16])
{
	static const char prefixes[] = " kMGTPE";
	unsigned i = 0;

	for (; value >= 999.995 && prefixes[i + 1] != '\0'; i++)
		value /= 1000;
	(void)snprintf(text, 16, i == 0 && value == (double)(long)value ? "%.0f%c" : "%.2f %c", value, prefixes[i]);
	return text;
}

static const char *short_time(double ns, char text[16])
{
	if (ns < 1e3)
		(void)snprintf(text, 16, "%.0f ns", ns);
	else if (ns < 1e6)
		(void)snprintf(text, 16, "%.1f us", ns * 1e-3);
	else
		(void)snprintf(text, 16, "%.1f ms", ns * 1e-6);
	return text;
}

static int name_width(const struct page *p)
{
	return p->columns >= COLUMNS ? NAME : NAME_SHORT;
}

static void row(struct page *p, const char *name, uint64_t sent, const struct wm_rates *r)
{
	char pps[16], l2[16], l1[16], all[16];

	line(p, "%-*.*s %12s %12s %12s %12s", name_width(p), name_width(p), name, short_number(r->packets, pps),
		short_number(r->bits_l2, l2), short_number(r->bits_l1, l1), short_number((double)sent, all));
}

// Ports and models, each a row, as far as there is room; those that there is none for are counted.
static void rows(struct page *p, const struct wm_plane_stats *now, const struct wm_plane_stats *before,
	const struct models *models)
{
	unsigned n = now->n_ports + now->n_models + now->n_ways, room = p->rows > FIXED ? p->rows - FIXED : 0;
	unsigned shown = n <= room ? n : room > 0 ? room - 1 : 0, done = 0;
	double seconds = stats_seconds(now, before);
	char name[96];

	for (unsigned i = 0; i < now->n_ports && done < shown; i++, done++) {
		const struct wm_plane_port *port = &now->port[i];
		struct wm_plane_queue sum, then;
		struct wm_rates rates;

		wm_plane_port_sum(&sum, now, port->port);
		wm_plane_port_sum(&then, before, port->port);
		rates = stats_queue_rates(&sum, &then, seconds);
		(void)snprintf(name, sizeof(name), "port %u %s%s", port->port, port->up ? "" : "DOWN ", port->name);
		row(p, name, sum.sent, &rates);
	}
	for (unsigned i = 0; i < now->n_models && done < shown; i++, done++) {
		struct wm_rates rates = stats_model_rates(&now->model[i], &before->model[i], seconds);

		(void)snprintf(name, sizeof(name), "model %.80s", models->at[i].label);
		row(p, name, now->model[i].packets, &rates);
	}
	for (unsigned i = 0; i < now->n_ways && done < shown; i++, done++) {
		const struct wm_plane_way *w = &now->way[i];
		char median[16], p99[16];

		line(p,
			"port %u to %u: lost %" PRIu64 " of %" PRIu64 ", reordered %" PRIu64
			"; latency median %s, p99 %s",
			w->from, w->to, w->lost, w->received + w->lost, w->reordered,
			short_time(w->latency.median_ns, median), short_time(w->latency.p99_ns, p99));
	}
	if (done < n)
		line(p, "and %u more that there is no room for", n - done);
}

static void bar(char text[BAR + 1], double share)
{
	unsigned n = (unsigned)(share * BAR + 0.5);

	memset(text, '.', BAR);
	memset(text, '#', n < BAR ? n : BAR);
	text[BAR] = '\0';
}

static void head(struct page *p, const struct wm_plane_stats *now)
{
	unsigned s = (unsigned)now->elapsed_s;
	char rate[STATS_RATE_SIZE], traffic[48] = "";

	if (now->pcap)
		(void)snprintf(traffic, sizeof(traffic), ", %.3f s of traffic", (double)now->traffic_ns * 1e-9);
	line(p, "wiremill %s  %02u:%02u:%02u  rate %s%s", now->paused ? "PAUSED" : "running", s / 3600, s / 60 % 60,
		s % 60, stats_rate_text(&now->rate, rate), traffic);
}

// What ports lose and wait for, and how exact they are.
static void draw_ports(struct page *p, const struct wm_plane_stats *now, const struct wm_plane_stats *before)
{
	const struct wm_plane_queue *t = &now->total;
	char p50[16], p99[16], max[16], ever[16];
	struct wm_timing_tally lately;
	struct wm_timing_summary s;

	wm_timing_since(&lately, &now->timing, &before->timing);
	wm_timing_sum_up(&s, &lately);
	if (now->timing.max > 0 || s.gaps > 0)
		line(p, "pacing error  p50 %s, p99 %s, max %s (of the run: %s)", short_time(s.p50_ns, p50),
			short_time(s.p99_ns, p99), short_time(s.max_ns, max),
			short_time((double)now->timing.max / now->timing.ticks_per_ns, ever));
	line(p, "dropped  oversize %" PRIu64 ", link down %" PRIu64 ", lost %" PRIu64 ", port errors %" PRIu64,
		t->oversize, t->link_down, t->lost - t->link_down, now->port_errors);
	line(p,
		"waits  samples %" PRIu64 ", buffers %" PRIu64 ", port %" PRIu64 "; late %" PRIu64 ", shifts %" PRIu64
		" by %.3f s",
		t->starved, t->no_mbuf, t->port_full, t->late, t->shifts, (double)t->shift_ns * 1e-9);
}

unsigned draw(
	FILE *out, const struct wm_plane_stats *now, const struct wm_plane_stats *before, const struct models *models)
{
	struct wm_rates rates = stats_queue_rates(&now->total, &before->total, stats_seconds(now, before));
	double full = now->ring_room > 0 ? (double)now->ring_used / (double)now->ring_room : 0;
	struct page p = {.out = out};
	char text[BAR + 1];

	measure(&p);
	bar(text, full);
	head(&p, now);
	line(&p, "%-*s %12s %12s %12s %12s", name_width(&p), "", "packets/s", "bit/s l2", "bit/s l1", "packets");
	row(&p, "all", now->total.sent, &rates);
	rows(&p, now, before, models);
	line(&p, "fresh %.1f %%  rings [%s] %.0f %%", 100 * stats_fresh(&now->total, &before->total), text, 100 * full);
	if (!now->pcap)
		draw_ports(&p, now, before);
	return p.lines;
}
