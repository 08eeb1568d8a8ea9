// SPDX-License-Identifier: BSD-3-Clause
#include <plane/pace.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Times that follow from a rate have to fit into those of a run.
static const double RATE_MIN = 1e-6, RATE_MAX = 1e15, SPEED_MAX = 1e6; // see synth/scale.h

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
	if (rate.kind == WM_RATE_MODEL && rate.value > SPEED_MAX)
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

static double units_of(const struct wm_pace *p, uint32_t n, uint64_t len)
{
	return p->kind == WM_RATE_BPS ? 8 * (double)(len + n * p->extra_len) : n;
}

// Stretch what is left of the block, so that its last packet leaves when the rate says.
static void stretch(struct wm_pace *p)
{
	const struct wm_pace_block *b = &p->block;
	double left_ns = p->line_ns > p->due_ns ? p->line_ns - p->due_ns : 0, units = units_of(p, b->n, b->len);

	if (p->leads)
		units -= units_of(p, 1, b->first_len);
	p->slope = p->step_ns = 0;
	if (b->last_ns > p->last_ns)
		p->slope = left_ns / (double)(b->last_ns - p->last_ns);
	else if (units > 0)
		p->step_ns = left_ns / units;
}

void wm_pace_block(struct wm_pace *p, const struct wm_pace_block *block)
{
	double first_ns = units_of(p, 1, block->first_len) * p->ns_per_unit;

	p->line_ns -= units_of(p, p->block.n, p->block.len) * p->ns_per_unit;
	p->line_ns += p->began ? first_ns : 0;
	p->due_ns = p->line_ns > p->due_ns ? p->line_ns : p->due_ns;
	p->last_ns = block->first_ns > p->last_ns ? block->first_ns : p->last_ns;
	p->line_ns += units_of(p, block->n, block->len) * p->ns_per_unit - first_ns;
	p->block = *block;
	p->began = p->leads = true;
	stretch(p);
}

void wm_pace_skip(struct wm_pace *p, uint32_t len)
{
	if (p->block.n == 0)
		return;
	p->block.n--;
	p->block.len -= wm_pace_len(len);
	p->line_ns -= units_of(p, 1, wm_pace_len(len)) * p->ns_per_unit;
	stretch(p);
}

double wm_pace_switch(struct wm_pace *p, const struct wm_pace *to, const struct wm_pace_block *next)
{
	double slope = p->slope, step_ns = p->step_ns, ns_per_unit = p->kind == to->kind ? p->ns_per_unit : 0;

	p->kind = to->kind;
	p->ns_per_unit = to->ns_per_unit;
	p->extra_len = to->extra_len;
	p->switched = true;
	p->began = true;
	p->line_ns = p->due_ns;
	p->slope = to->slope;
	p->step_ns = 0;
	if (p->ns_per_unit == 0) {
		p->block.n = 0;
	} else if (p->block.n > 0) {
		p->line_ns += units_of(p, p->block.n, p->block.len) * p->ns_per_unit;
		stretch(p);
	} else if (next != NULL && next->n > 0) {
		wm_pace_block(p, next);
	}
	if (ns_per_unit > 0) // not the slopes': what is left of a block may be denser than the block was
		return p->ns_per_unit / ns_per_unit;
	if (slope > 0)
		return p->slope / slope;
	return step_ns > 0 ? p->step_ns / step_ns : 0;
}
