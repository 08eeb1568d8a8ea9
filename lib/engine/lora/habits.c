// SPDX-License-Identifier: BSD-3-Clause
#include <engine/lora/habits.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	OWN_INTERVALS = 24, // from so many on a device's own are kept
	OWN_ADVANCES = 30,  //
	OWN_CHANNELS = 40,  //
	FAMILY_MIN = 16,    // a family that has fewer says nothing
	ADVANCE_CLEAR = 16, // an interval is the time between two frames by what the counter went on, up to this
	POISSON_KNOTS = 64,
	OWN_PHASES = 8, // from so many on a device has a place of its own in its family's grid
};

#define WAVE_MIN 0.4 // how far together frames have to come to be waves: 0 = evenly, 1 = at once
enum { WAVES_MIN = 8 };

static const double unknown_period_ns = 6e11; // a device that was heard once, in a capture without length

// What a family, or all, can say.
struct pool {
	uint32_t interval; // table, or none
	double period_ns;
	uint32_t repeat;  // table
	bool grid;        // interval is a shift against a grid that the wall clock gives, of period_ns
	double strike_ns; // when it strikes next, since the capture's end
	double spread_ns; // of the shifts
	double again;     // chance that the next reception is the same frame again
	uint32_t channel;
};

struct learning {
	struct lora_book *b;
	const struct lora_groups *g;
	double duration_ns;
	int64_t *values;         // (n_sent)
	struct lora_pair *pairs; // (n_sent)
};

static uint32_t chance(double p)
{
	return p >= 1 ? UINT32_MAX : p <= 0 ? 0 : (uint32_t)(p * UINT32_MAX);
}

static bool is_step(const struct lora_sent *s)
{
	return s->advance != LORA_NONE && s->advance != LORA_ADVANCE_REPEAT && s->advance != LORA_ADVANCE_RESET
	       && s->advance <= ADVANCE_CLEAR;
}

static size_t take_intervals(int64_t *out, const struct lora_groups *g, const struct lora_group *d)
{
	size_t n = 0;

	for (uint32_t i = 0; i < d->n_sent; i++) {
		const struct lora_sent *s = &g->sent[d->sent + i];

		if (is_step(s))
			out[n++] = (int64_t)(s->since_ns / s->advance);
	}
	return n;
}

static size_t take_repeats(int64_t *out, const struct lora_groups *g, const struct lora_group *d)
{
	size_t n = 0;

	for (uint32_t i = 0; i < d->n_sent; i++)
		if (g->sent[d->sent + i].advance == LORA_ADVANCE_REPEAT)
			out[n++] = (int64_t)g->sent[d->sent + i].since_ns;
	return n;
}

static size_t take_channels(struct lora_pair *out, const struct lora_groups *g, const struct lora_group *d)
{
	const struct lora_sent *s = g->sent + d->sent;

	for (uint32_t i = 0; i < d->n_sent; i++)
		out[i] = (struct lora_pair){i > 0 ? s[i - 1].channel : LORA_NONE, s[i].channel};
	return d->n_sent;
}

static double mean_of(const int64_t *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i];
	return n > 0 ? sum / (double)n : 0;
}

// What groups from .. to - 1 say together; what they cannot is left as it is.
static int learn_pool(struct learning *l, struct pool *p, size_t from, size_t to)
{
	size_t n = 0, repeats = 0, received = 0;
	int rc = 0;

	for (size_t i = from; i < to; i++)
		n += take_intervals(l->values + n, l->g, &l->g->at[i]);
	if (n >= FAMILY_MIN) {
		p->period_ns = mean_of(l->values, n);
		rc = lora_book_table(l->b, &p->interval, l->values, n);
	}
	for (size_t i = from; i < to; i++) {
		repeats += take_repeats(l->values + repeats, l->g, &l->g->at[i]);
		received += l->g->at[i].n_sent;
	}
	if (received >= FAMILY_MIN)
		p->again = (double)repeats / (double)received;
	if (repeats > 0 && rc == 0)
		rc = lora_book_table(l->b, &p->repeat, l->values, repeats);
	n = 0;
	for (size_t i = from; i < to; i++)
		n += take_channels(l->pairs + n, l->g, &l->g->at[i]);
	if ((n >= OWN_CHANNELS || p->channel == LORA_NONE) && rc == 0)
		rc = lora_book_chain(l->b, &p->channel, l->pairs, n);
	return rc;
}

// ---------------------------------------------------------------------------------------------- the wall clock

// A sum of points on the circle of a clock's period.
struct circle {
	double x, y, n;
};

static double angle_of(const struct learning *l, const struct lora_sent *s, double period_ns)
{
	return 2 * M_PI * fmod((double)s->time_ns - l->duration_ns, period_ns) / period_ns;
}

static void add_phases(struct circle *c, const struct learning *l, const struct lora_group *d, double period_ns)
{
	for (uint32_t i = 0; i < d->n_sent; i++) {
		const struct lora_sent *s = &l->g->sent[d->sent + i];

		if (s->advance == LORA_ADVANCE_REPEAT)
			continue;
		c->x += cos(angle_of(l, s, period_ns));
		c->y += sin(angle_of(l, s, period_ns));
		c->n++;
	}
}

// The device's own place on the circle if it says enough of it, else the family's.
static double center_of(
	const struct learning *l, const struct lora_group *d, const struct circle *family, double period_ns)
{
	struct circle own = {0};

	if (d->n_new < OWN_PHASES)
		return atan2(family->y, family->x);
	add_phases(&own, l, d, period_ns);
	return atan2(own.y, own.x);
}

// Shifts of groups from .. to - 1 against their places. @return how far together they are: 1 = all in one point.
static double take_shifts(struct learning *l, struct pool *p, size_t from, size_t to, double period_ns, size_t *n)
{
	struct circle family = {0};
	double together = 0, spread = 0;

	for (size_t i = from; i < to; i++)
		add_phases(&family, l, &l->g->at[i], period_ns);
	*n = 0;
	for (size_t i = from; i < to; i++) {
		const struct lora_group *d = &l->g->at[i];
		double center = center_of(l, d, &family, period_ns);

		for (uint32_t k = 0; k < d->n_sent; k++) {
			const struct lora_sent *s = &l->g->sent[d->sent + k];
			double off;

			if (s->advance == LORA_ADVANCE_REPEAT)
				continue;
			off = remainder(angle_of(l, s, period_ns) - center, 2 * M_PI);
			together += cos(off);
			off *= period_ns / (2 * M_PI);
			spread += off * off;
			l->values[(*n)++] = (int64_t)off;
		}
	}
	p->spread_ns = sqrt(spread / (double)*n);
	p->strike_ns = remainder(atan2(family.y, family.x), 2 * M_PI) * period_ns / (2 * M_PI);
	return together / (double)*n;
}

// Devices that report every quarter of an hour or so often do it when the clock strikes, all of them, whatever the
// intervals between those frames that were heard; then their frames come in waves.
static int learn_wall_clock(struct learning *l, struct pool *p, size_t from, size_t to)
{
	static const double strikes_s[] = {
		60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400};
	double best = WAVE_MIN, best_ns = 0;
	size_t n;

	for (size_t i = 0; i < sizeof(strikes_s) / sizeof(strikes_s[0]); i++) {
		double period_ns = strikes_s[i] * 1e9, together;
		struct pool tried = *p;

		if (WAVES_MIN * period_ns > l->duration_ns)
			break;
		together = take_shifts(l, &tried, from, to, period_ns, &n);
		if (n >= OWN_INTERVALS && together > best) {
			best = together;
			best_ns = period_ns;
		}
	}
	if (best_ns == 0)
		return 0;
	(void)take_shifts(l, p, from, to, best_ns, &n);
	p->grid = true;
	p->period_ns = best_ns;
	return lora_book_table(l->b, &p->interval, l->values, n);
}

// ---------------------------------------------------------------------------------------------- intervals

// A device whose frames keep to a grid: what one comes too late, the next one makes good. Then the shifts against the
// straight line through (counter, time) spread less than the intervals do.
// @param shifts (n_sent), filled. @return how many; 0 if there is no such grid.
static size_t take_grid(
	int64_t *shifts, double *period_ns, double *strike_ns, const struct lora_groups *g, const struct lora_group *d)
{
	const struct lora_sent *s = g->sent + d->sent;
	double k = 0, n = 0, sk = 0, st = 0, skk = 0, skt = 0, slope, base, spread = 0, step = 0, steps = 0;

	for (uint32_t i = 0; i < d->n_sent; i++) {
		double t = (double)(s[i].time_ns - s[0].time_ns);

		if (i > 0 && s[i].advance == LORA_ADVANCE_RESET)
			return 0;
		k += i > 0 ? s[i].advance : 0;
		if (i > 0 && s[i].advance == LORA_ADVANCE_REPEAT)
			continue;
		n++;
		sk += k;
		st += t;
		skk += k * k;
		skt += k * t;
	}
	if (n * skk - sk * sk <= 0)
		return 0;
	slope = (n * skt - sk * st) / (n * skk - sk * sk);
	base = (st - slope * sk) / n;
	k = n = 0;
	for (uint32_t i = 0; i < d->n_sent; i++) {
		double shift;

		k += i > 0 ? s[i].advance : 0;
		if (i > 0 && s[i].advance == LORA_ADVANCE_REPEAT)
			continue;
		shift = (double)(s[i].time_ns - s[0].time_ns) - base - slope * k;
		spread += shift * shift;
		shifts[(size_t)n++] = (int64_t)shift;
		if (i > 0 && s[i].advance == 1) {
			double off = (double)s[i].since_ns - slope;

			step += off * off;
			steps++;
		}
	}
	*period_ns = slope;
	*strike_ns = (double)s[0].time_ns + base;
	return slope > 0 && steps >= OWN_INTERVALS && spread / n < 0.8 * step / steps ? (size_t)n : 0;
}

// Someone who says nothing of an interval is taken to send at random, at the rate that was seen.
static int poisson_table(struct learning *l, uint32_t *out, double mean_ns)
{
	int64_t knots[POISSON_KNOTS];

	for (int i = 0; i < POISSON_KNOTS; i++)
		knots[i] = (int64_t)(-log(1 - (i + 0.5) / POISSON_KNOTS) * mean_ns);
	return lora_book_table(l->b, out, knots, POISSON_KNOTS);
}

static double spread_of(const int64_t *v, size_t n)
{
	double mean = mean_of(v, n), sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ((double)v[i] - mean) * ((double)v[i] - mean);
	return sqrt(sum / (double)n);
}

// When a clock that struck at `at_ns` does so next, since the capture's end.
static uint64_t next_strike(const struct learning *l, double at_ns, double period_ns)
{
	double since = fmod(l->duration_ns - at_ns, period_ns);

	return (uint64_t)(since < 0 ? -since : period_ns - since);
}

static double last_sent(const struct learning *l, const struct lora_group *d)
{
	const struct lora_sent *s = l->g->sent + d->sent;
	uint32_t i = d->n_sent - 1;

	while (i > 0 && s[i].advance == LORA_ADVANCE_REPEAT)
		i--;
	return (double)s[i].time_ns;
}

static int take_family_interval(struct learning *l, const struct lora_group *d, struct lora_device *out,
	struct lora_time *time, const struct pool *p)
{
	double strike_ns = p->strike_ns;
	struct circle own = {0};

	out->interval = p->interval;
	time->period_ns = (uint64_t)p->period_ns;
	if (!p->grid) {
		time->next_ns = next_strike(l, last_sent(l, d), p->period_ns);
		return 0;
	}
	out->flags |= LORA_GRID;
	if (d->n_new >= OWN_PHASES) {
		add_phases(&own, l, d, p->period_ns);
		strike_ns = atan2(own.y, own.x) * p->period_ns / (2 * M_PI);
	}
	time->next_ns = next_strike(l, l->duration_ns + strike_ns, p->period_ns);
	return 0;
}

static int learn_interval(struct learning *l, const struct lora_group *d, struct lora_device *out,
	struct lora_time *time, const struct pool *p)
{
	double period_ns, strike_ns, mean_ns;
	size_t n = take_grid(l->values, &period_ns, &strike_ns, l->g, d);

	if (n > 0) {
		out->flags |= LORA_GRID;
		time->period_ns = (uint64_t)period_ns;
		time->next_ns = next_strike(l, strike_ns, period_ns);
		return lora_book_table(l->b, &out->interval, l->values, n);
	}
	n = take_intervals(l->values, l->g, d);
	if (n >= OWN_INTERVALS && (!p->grid || spread_of(l->values, n) < p->spread_ns)) {
		period_ns = mean_of(l->values, n);
		time->period_ns = (uint64_t)fmin(period_ns, ldexp(1, LORA_TIME_BITS));
		time->next_ns = period_ns >= 1 ? next_strike(l, last_sent(l, d), period_ns) : LORA_ANY;
		return lora_book_table(l->b, &out->interval, l->values, n);
	}
	mean_ns = l->duration_ns > 0 ? l->duration_ns / d->n_new : unknown_period_ns;
	if (p->interval != LORA_NONE && p->period_ns >= 1 && p->period_ns <= mean_ns)
		return take_family_interval(l, d, out, time, p);
	time->period_ns = (uint64_t)fmin(mean_ns, ldexp(1, LORA_TIME_BITS));
	time->next_ns = LORA_ANY;
	return poisson_table(l, &out->interval, mean_ns);
}

// ---------------------------------------------------------------------------------------------- devices

static int learn_advance(struct learning *l, const struct lora_group *d, struct lora_device *out)
{
	const struct lora_sent *s = l->g->sent + d->sent;
	size_t n = 0;

	if (d->n_sent < OWN_ADVANCES)
		return 0;
	for (uint32_t i = 1; i < d->n_sent; i++)
		l->pairs[n++] = (struct lora_pair){s[i - 1].advance, s[i].advance};
	return lora_book_chain(l->b, &out->advance, l->pairs, n);
}

static int learn_messages(struct learning *l, const struct lora_group *d, struct lora_device *out)
{
	const struct lora_sent *s = l->g->sent + d->sent;
	uint32_t before = LORA_NONE;
	size_t n = 0;

	for (uint32_t i = 0; i < d->n_sent; i++) {
		if (s[i].advance == LORA_ADVANCE_REPEAT)
			continue;
		l->pairs[n++] = (struct lora_pair){before, s[i].message};
		before = s[i].message;
	}
	return lora_book_chain(l->b, &out->message, l->pairs, n);
}

static uint32_t next_counter(const struct learning *l, const struct lora_group *d, double period_ns)
{
	const struct lora_sent *last = &l->g->sent[d->sent + d->n_sent - 1];
	double since_ns = l->duration_ns - (double)last->time_ns;

	return (uint16_t)(lora_of(l->g, last)->fcnt + 1 + (uint64_t)(period_ns > 0 ? since_ns / period_ns : 0));
}

static int learn_device(struct learning *l, const struct lora_group *d, struct lora_device *out, struct lora_time *time,
	const struct pool *p)
{
	const uint8_t *addr = lora_of(l->g, &l->g->sent[d->sent])->addr;
	double period_ns, rate;
	int rc;

	*out = (struct lora_device){
		.repeat = p->repeat, .advance = LORA_NONE, .again = chance(p->again), .channel = p->channel};
	out->address = (uint32_t)addr[0] << 24 | (uint32_t)addr[1] << 16 | (uint32_t)addr[2] << 8 | addr[3];
	out->flags = d->anonymous ? LORA_ANONYMOUS : 0;
	rc = learn_interval(l, d, out, time, p);
	period_ns = (double)time->period_ns;
	if (rc == 0)
		rc = learn_advance(l, d, out);
	if (rc == 0)
		rc = learn_messages(l, d, out);
	if (rc == 0 && d->n_sent >= OWN_CHANNELS)
		rc = lora_book_chain(l->b, &out->channel, l->pairs, take_channels(l->pairs, l->g, d));
	if (rc < 0)
		return rc;
	rate = l->duration_ns > 0 ? d->n_new / l->duration_ns : 0;
	out->hear = chance(rate > 0 ? rate * period_ns : 1);
	if (out->hear == 0)
		out->hear = 1;
	out->fcnt = next_counter(l, d, period_ns);
	if (out->repeat == LORA_NONE)
		out->again = 0;
	return 0;
}

static int learn_all(struct learning *l)
{
	const struct pool nothing = {.interval = LORA_NONE, .repeat = LORA_NONE, .channel = LORA_NONE};
	struct pool all = nothing;
	int rc = learn_pool(l, &all, 0, l->g->n);

	for (size_t i = 0, end; i < l->g->n && rc == 0; i = end) {
		struct pool family = nothing;

		for (end = i; end < l->g->n && l->g->at[end].family == l->g->at[i].family; end++)
			;
		family.channel = all.channel;
		family.repeat = all.repeat;
		rc = learn_pool(l, &family, i, end);
		if (rc == 0)
			rc = learn_wall_clock(l, &family, i, end);
		for (size_t k = i; k < end && rc == 0; k++)
			rc = learn_device(l, &l->g->at[k], &l->b->devices[k], &l->b->times[k], &family);
	}
	return rc;
}

int lora_learn_habits(struct lora_book *b, const struct lora_groups *g, uint64_t duration_ns)
{
	struct learning l = {.b = b, .g = g, .duration_ns = (double)duration_ns};
	int rc = -ENOMEM;

	b->devices = calloc(g->n, sizeof(*b->devices));
	b->times = calloc(g->n, sizeof(*b->times));
	b->n_devices = g->n;
	l.values = calloc(g->n_sent + 1, sizeof(*l.values));
	l.pairs = calloc(g->n_sent + 1, sizeof(*l.pairs));
	if (b->devices != NULL && b->times != NULL && l.values != NULL && l.pairs != NULL)
		rc = learn_all(&l);
	free(l.values);
	free(l.pairs);
	return rc;
}
