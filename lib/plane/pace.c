// SPDX-License-Identifier: BSD-3-Clause
#include <plane/pace.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Times that follow from a rate have to fit into those of a run.
static const double RATE_MIN = 1e-6, RATE_MAX = 1e15;

static const struct {
	const char *text;
	enum wm_rate_kind kind;
	double scale;
} rate_units[] = {
	{"pps", WM_RATE_PPS, 1},
	{"kpps", WM_RATE_PPS, 1e3},
	{"Mpps", WM_RATE_PPS, 1e6},
	{"Gpps", WM_RATE_PPS, 1e9},
	{"bps", WM_RATE_BPS, 1},
	{"kbps", WM_RATE_BPS, 1e3},
	{"Mbps", WM_RATE_BPS, 1e6},
	{"Gbps", WM_RATE_BPS, 1e9},
	{"bps-l2", WM_RATE_BPS, 1},
	{"kbps-l2", WM_RATE_BPS, 1e3},
	{"Mbps-l2", WM_RATE_BPS, 1e6},
	{"Gbps-l2", WM_RATE_BPS, 1e9},
	{"bps-l1", WM_RATE_BPS_L1, 1},
	{"kbps-l1", WM_RATE_BPS_L1, 1e3},
	{"Mbps-l1", WM_RATE_BPS_L1, 1e6},
	{"Gbps-l1", WM_RATE_BPS_L1, 1e9},
	{"%", WM_RATE_PERCENT, 1},
};

// A plain decimal number at the start of text; *end is text itself if there is none. Not strtod's inf, nan, hex.
static double number(const char *text, const char **end)
{
	char *stop = NULL;
	double value;

	*end = text;
	if ((*text < '0' || *text > '9') && *text != '.')
		return 0;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return 0;
	value = strtod(text, &stop);
	*end = stop;
	return value;
}

int wm_rate_parse(struct wm_rate *out, const char *text, struct wm_err *err)
{
	struct wm_rate rate = {.kind = WM_RATE_MODEL, .value = 1};
	const char *end;

	if (strcmp(text, "max") == 0)
		rate.kind = WM_RATE_MAX;
	else if (strcmp(text, "model") == 0)
		rate.kind = WM_RATE_MODEL;
	else if (text[0] == 'x') {
		rate.value = number(text + 1, &end);
		if (*end != '\0')
			goto fail;
	} else {
		size_t i = 0;

		rate.value = number(text, &end);
		while (i < sizeof(rate_units) / sizeof(*rate_units) && strcmp(end, rate_units[i].text) != 0)
			i++;
		if (end == text || i == sizeof(rate_units) / sizeof(*rate_units))
			goto fail;
		rate.kind = rate_units[i].kind;
		rate.value *= rate_units[i].scale;
	}
	if (!(rate.value >= RATE_MIN && rate.value <= RATE_MAX))
		goto fail;
	if (rate.kind == WM_RATE_PERCENT && rate.value > 100)
		goto fail;
	*out = rate;
	return 0;

fail:
	return wm_err_set(err, -EINVAL,
		"rate '%s' is none: write max, model, x4, 5Mpps, 10Gbps, 10Gbps-l1 or 50%% (above 0, at most 100%%)",
		text);
}

void wm_pace_init(struct wm_pace *p, const struct wm_rate *rate, double share)
{
	*p = (struct wm_pace){.kind = rate->kind, .slope = 1, .extra_len = WM_FRAME_FCS};
	if (rate->kind == WM_RATE_BPS_L1) {
		p->kind = WM_RATE_BPS;
		p->extra_len += WM_FRAME_LINE;
	}
	if (p->kind == WM_RATE_PPS || p->kind == WM_RATE_BPS)
		p->ns_per_unit = 1e9 / (rate->value * share);
}

void wm_pace_percent(struct wm_pace *p, double percent, double link_bps, double share)
{
	struct wm_rate rate = {.kind = WM_RATE_BPS_L1, .value = link_bps * percent / 100};

	wm_pace_init(p, &rate, share);
}

void wm_pace_prime(struct wm_pace *p, uint64_t span_ns, uint64_t n, uint64_t len)
{
	double units = (double)n;

	if (n < 2 || span_ns == 0)
		return;
	p->mean_ns = (double)span_ns / (double)n * WM_PACE_WINDOW;
	p->mean_len = (double)len / (double)n * WM_PACE_WINDOW;
	if (p->kind == WM_RATE_BPS)
		units = 8 * (double)(len + n * p->extra_len);
	if (p->ns_per_unit > 0)
		p->slope = units * p->ns_per_unit / (double)span_ns;
}

// That the mean window of samples takes as long as it should at the rate.
static double mean_slope(const struct wm_pace *p)
{
	double units = WM_PACE_WINDOW;

	if (p->kind == WM_RATE_BPS)
		units = 8 * (p->mean_len + (double)(WM_PACE_WINDOW * p->extra_len));
	return units * p->ns_per_unit / (p->mean_ns > 1 ? p->mean_ns : 1);
}

void wm_pace_retune(struct wm_pace *p)
{
	double error_ns = p->due_ns - p->units * p->ns_per_unit;
	double horizon_ns, push;

	// A running mean that begins as the plain one.
	if (p->n_windows < 64)
		p->n_windows++;
	p->mean_ns += ((double)p->window_ns - p->mean_ns) / p->n_windows;
	p->mean_len += ((double)p->window_len - p->mean_len) / p->n_windows;
	p->window_ns = 0;
	p->window_len = 0;
	p->window_n = 0;
	if (p->ns_per_unit == 0)
		return;

	// One second to make up for the error, more where windows are long: it must not overshoot.
	horizon_ns = 1e9 + 4 * mean_slope(p) * p->mean_ns;
	push = 1 - error_ns / horizon_ns;
	push = push < 0.5 ? 0.5 : push > 2 ? 2 : push;
	p->slope = push * mean_slope(p);
}

double wm_pace_switch(struct wm_pace *p, const struct wm_pace *to)
{
	double before = p->slope;

	p->kind = to->kind;
	p->ns_per_unit = to->ns_per_unit;
	p->extra_len = to->extra_len;
	p->switched = true;
	p->units = to->ns_per_unit > 0 ? p->due_ns / to->ns_per_unit : 0;
	p->slope = to->ns_per_unit > 0 && p->mean_ns > 0 ? mean_slope(p) : to->slope;
	return p->slope / before;
}
