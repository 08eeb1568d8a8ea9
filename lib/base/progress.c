// SPDX-License-Identifier: BSD-3-Clause
#include <base/progress.h>

#include <base/clock.h>

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

enum { BAR_COLUMNS = 20, DEFAULT_COLUMNS = 80, TIME_LEN = 32 };

static const uint64_t redraw_ns = NS_PER_S / 10;
static const uint64_t log_ns = 10 * NS_PER_S;
static const uint64_t settle_ns = NS_PER_S / 2; // before that the pace is not worth an estimate

void wm_progress_init(struct wm_progress *p, FILE *out)
{
	*p = (struct wm_progress){.out = out};
	p->terminal = out != NULL && isatty(fileno(out));
	p->start_ns = wm_now_ns();
	p->shown_ns = p->start_ns;
}

// ", 1:02:03 left", or nothing while it cannot be told.
static void print_left(char out[TIME_LEN], uint64_t elapsed_ns, double done)
{
	double left_s = (double)elapsed_ns / 1e9 * (1 - done) / done;
	uint64_t s;

	out[0] = '\0';
	if (elapsed_ns < settle_ns || !(done > 0) || !(left_s < 1e7))
		return;
	s = (uint64_t)(left_s + 0.5);
	if (s >= 3600)
		(void)snprintf(
			out, TIME_LEN, ", %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " left", s / 3600, s / 60 % 60, s % 60);
	else
		(void)snprintf(out, TIME_LEN, ", %" PRIu64 ":%02" PRIu64 " left", s / 60, s % 60);
}

static size_t columns(FILE *out)
{
	struct winsize ws;

	if (ioctl(fileno(out), TIOCGWINSZ, &ws) != 0 || ws.ws_col < BAR_COLUMNS)
		return DEFAULT_COLUMNS;
	return ws.ws_col < WM_PROGRESS_COLUMNS ? ws.ws_col : WM_PROGRESS_COLUMNS;
}

static void draw(struct wm_progress *p, double done, const char *text, const char *left)
{
	static const char full[] = "####################", none[] = "....................";
	int n_full = (int)(done * BAR_COLUMNS);
	char line[WM_PROGRESS_COLUMNS];

	(void)snprintf(line, sizeof(line), "%3d %% [%.*s%.*s] %s%s", (int)(done * 100), n_full, full,
		BAR_COLUMNS - n_full, none, text, left);
	// One column stays free: a full line would wrap. ESC [ K clears what a longer line left behind.
	(void)fprintf(p->out, "\r%.*s\033[K", (int)columns(p->out) - 1, line);
	(void)fflush(p->out);
	p->drawn = true;
	(void)snprintf(p->text, sizeof(p->text), "%s", text);
}

static bool is_due(const struct wm_progress *p, uint64_t now, const char *text)
{
	if (p->terminal && strncmp(p->text, text, sizeof(p->text) - 1) != 0)
		return true;
	return now - p->shown_ns >= (p->terminal ? redraw_ns : log_ns);
}

void wm_progress_show(struct wm_progress *p, double done, const char *text)
{
	uint64_t now = wm_now_ns();
	char left[TIME_LEN];

	if (p->out == NULL || !is_due(p, now, text))
		return;
	p->shown_ns = now;
	if (!(done > 0))
		done = 0;
	if (done > 1)
		done = 1;
	print_left(left, now - p->start_ns, done);
	if (p->terminal)
		draw(p, done, text, left);
	else
		(void)fprintf(p->out, "%3d %% %s%s\n", (int)(done * 100), text, left);
}

void wm_progress_end(struct wm_progress *p)
{
	if (p->out != NULL && p->drawn) {
		(void)fputs("\r\033[K", p->out);
		(void)fflush(p->out);
	}
	p->drawn = false;
}
