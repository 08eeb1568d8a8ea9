// SPDX-License-Identifier: BSD-3-Clause
#include <engine/lora/radio.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	OWN_VALUES = 40,   // from so many on a link's own distributions are kept
	RESIDUALS_MIN = 4, // a link that has fewer says nothing of how values spread
	FAMILY_MIN = 40,
	LAGS_MIN = 60, // an autocorrelation is taken of so many
};

// RSSI and SNR of a device at a gateway, in order of time.
struct series {
	double *rssi, *snr;
	size_t n;
};

struct pool {
	uint32_t rssi, snr; // tables of what is beside the mean
	double rssi_mean, snr_mean;
	double rho;
};

struct learning {
	struct lora_book *b;
	const struct lora_groups *g;
	struct series s;
	int64_t *rssi, *snr; // (n) what is to become tables
};

static void take_series(struct learning *l, const struct lora_group *d, unsigned gateway)
{
	const struct lora_groups *g = l->g;

	l->s.n = 0;
	for (uint32_t i = 0; i < d->n_sent; i++) {
		const struct lora_sent *s = &g->sent[d->sent + i];

		for (uint32_t k = 0; k < s->n; k++) {
			const struct wm_lora *r = &g->set->at[g->order[s->reception + k]].lora;

			if (r->gateway != gateway)
				continue;
			l->s.rssi[l->s.n] = r->rssi;
			l->s.snr[l->s.n++] = r->snr;
		}
	}
}

static double mean_of(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return n > 0 ? sum / (double)n : 0;
}

// Pearson's correlation of x[i + lag] and y[i]; 0 if one does not vary.
static double correlation(const double *x, const double *y, size_t n, size_t lag)
{
	double mx = mean_of(x, n), my = mean_of(y, n), xx = 0, yy = 0, xy = 0;

	for (size_t i = 0; i < n; i++) {
		xx += (x[i] - mx) * (x[i] - mx);
		yy += (y[i] - my) * (y[i] - my);
	}
	for (size_t i = 0; i + lag < n; i++)
		xy += (x[i + lag] - mx) * (y[i] - my);
	return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

// Yule-Walker equations of order 2 for RSSI, 1 for SNR.
static void fit_fade(struct lora_fade *f, const struct series *s, double rho)
{
	double r1 = 0, r2 = 0, q1 = 0, a1, a2, rest;

	if (s->n >= LAGS_MIN) {
		r1 = correlation(s->rssi, s->rssi, s->n, 1);
		r2 = correlation(s->rssi, s->rssi, s->n, 2);
		q1 = correlation(s->snr, s->snr, s->n, 1);
		rho = correlation(s->rssi, s->snr, s->n, 0);
	}
	a2 = fabs(r1) < 0.999 ? (r2 - r1 * r1) / (1 - r1 * r1) : 0;
	a1 = r1 * (1 - a2);
	rest = 1 - a1 * r1 - a2 * r2;
	f->a1 = (float)a1;
	f->a2 = (float)a2;
	f->sa = (float)sqrt(rest > 0 ? rest : 0);
	f->b1 = (float)q1;
	f->sb = (float)sqrt(1 - q1 * q1 > 0 ? 1 - q1 * q1 : 0);
	rho = f->sa * f->sb > 0 ? rho * (1 - a1 * q1 - a2 * q1 * q1) / (double)(f->sa * f->sb) : 0;
	f->rho = (float)(rho > 1 ? 1 : rho < -1 ? -1 : rho);
}

static int64_t fine(double v)
{
	return (int64_t)lround(v * 256);
}

// What the links of groups from .. to - 1 have beside their means. @return how many values.
static size_t take_residuals(struct learning *l, struct pool *p, size_t from, size_t to)
{
	double rr = 0, ss = 0, rs = 0, rssi = 0, snr = 0;
	size_t n = 0, all = 0;

	for (size_t i = from; i < to; i++) {
		for (unsigned gw = 0; gw < l->g->set->n_gateways; gw++) {
			double mr, ms, unbias;

			take_series(l, &l->g->at[i], gw);
			mr = mean_of(l->s.rssi, l->s.n);
			ms = mean_of(l->s.snr, l->s.n);
			rssi += mr * (double)l->s.n;
			snr += ms * (double)l->s.n;
			all += l->s.n;
			if (l->s.n < RESIDUALS_MIN)
				continue;
			unbias = sqrt((double)l->s.n / ((double)l->s.n - 1));
			for (size_t k = 0; k < l->s.n; k++) {
				double r = (l->s.rssi[k] - mr) * unbias, s = (l->s.snr[k] - ms) * unbias;

				rr += r * r;
				ss += s * s;
				rs += r * s;
				l->rssi[n] = fine(r);
				l->snr[n++] = fine(s);
			}
		}
	}
	if (all > 0) {
		p->rssi_mean = rssi / (double)all;
		p->snr_mean = snr / (double)all;
	}
	if (rr > 0 && ss > 0)
		p->rho = rs / sqrt(rr * ss);
	return n;
}

static int learn_pool(struct learning *l, struct pool *p, size_t from, size_t to, size_t at_least)
{
	size_t n = take_residuals(l, p, from, to);
	int rc;

	if (n < at_least)
		return 0;
	if (n == 0)
		l->rssi[n] = l->snr[n] = 0, n = 1;
	rc = lora_book_table(l->b, &p->rssi, l->rssi, n);
	return rc < 0 ? rc : lora_book_table(l->b, &p->snr, l->snr, n);
}

// A link of l->s. Where it says little, its mean leans on the family's.
static int learn_link(struct learning *l, struct lora_link *link, const struct pool *p)
{
	size_t n = l->s.n;
	struct lora_fade f = {0};
	int rc = 0;

	fit_fade(&f, &l->s, p->rho);
	if (n >= OWN_VALUES) {
		for (size_t i = 0; i < n; i++) {
			l->rssi[i] = fine(l->s.rssi[i]);
			l->snr[i] = fine(l->s.snr[i]);
		}
		rc = lora_book_table(l->b, &link->rssi, l->rssi, n);
		if (rc == 0)
			rc = lora_book_table(l->b, &link->snr, l->snr, n);
	} else {
		double weight = (double)n / ((double)n + 1);

		link->rssi = p->rssi;
		link->snr = p->snr;
		f.rssi = (float)(weight * mean_of(l->s.rssi, n) + (1 - weight) * p->rssi_mean);
		f.snr = (float)(weight * mean_of(l->s.snr, n) + (1 - weight) * p->snr_mean);
	}
	return rc < 0 ? rc : lora_book_link(l->b, link, &f);
}

// Frames that no gateway heard were not seen: make the shares of those that were seen chances of all.
static void mend_chances(double *hear, unsigned n)
{
	double seen[LORA_LINKS_MAX];

	if (n <= 1)
		return;
	memcpy(seen, hear, n * sizeof(*seen));
	for (int round = 0; round < 50; round++) {
		double none = 1;

		for (unsigned i = 0; i < n; i++)
			none *= 1 - hear[i];
		for (unsigned i = 0; i < n; i++)
			hear[i] = seen[i] * (1 - none);
	}
}

// The gateways that heard most of a device, the most frequent first.
static unsigned take_gateways(struct learning *l, const struct lora_group *d, unsigned *gateways, size_t *heard)
{
	unsigned n = 0;

	for (unsigned gw = 0; gw < l->g->set->n_gateways; gw++) {
		unsigned i;

		take_series(l, d, gw);
		if (l->s.n == 0 || (n == LORA_LINKS_MAX && heard[n - 1] >= l->s.n))
			continue;
		for (i = n < LORA_LINKS_MAX ? n++ : n - 1; i > 0 && heard[i - 1] < l->s.n; i--) {
			gateways[i] = gateways[i - 1];
			heard[i] = heard[i - 1];
		}
		gateways[i] = gw;
		heard[i] = l->s.n;
	}
	return n;
}

static int learn_links(struct learning *l, const struct lora_group *d, struct lora_device *out, const struct pool *p)
{
	unsigned gateways[LORA_LINKS_MAX];
	size_t heard[LORA_LINKS_MAX];
	double hear[LORA_LINKS_MAX];
	unsigned n = take_gateways(l, d, gateways, heard);
	int rc = 0;

	for (unsigned i = 0; i < n; i++)
		hear[i] = (double)heard[i] / d->n_sent;
	mend_chances(hear, n);
	out->link = (uint32_t)l->b->n_links;
	out->n_links = n;
	for (unsigned i = 0; i < n && rc == 0; i++) {
		struct lora_link link = {.gateway = gateways[i]};

		link.hear = hear[i] >= 1 ? UINT32_MAX : (uint32_t)(hear[i] * UINT32_MAX);
		take_series(l, d, gateways[i]);
		rc = learn_link(l, &link, p);
	}
	return rc;
}

static int learn_all(struct learning *l)
{
	struct pool all = {0};
	int rc = learn_pool(l, &all, 0, l->g->n, 0);

	for (size_t i = 0, end; i < l->g->n && rc == 0; i = end) {
		struct pool family = all;

		for (end = i; end < l->g->n && l->g->at[end].family == l->g->at[i].family; end++)
			;
		rc = learn_pool(l, &family, i, end, FAMILY_MIN);
		for (size_t k = i; k < end && rc == 0; k++)
			rc = learn_links(l, &l->g->at[k], &l->b->devices[k], &family);
	}
	return rc;
}

int lora_learn_radio(struct lora_book *b, const struct lora_groups *g)
{
	size_t n = g->set->n + 1;
	struct learning l = {.b = b, .g = g};
	int rc = -ENOMEM;

	l.s.rssi = calloc(n, sizeof(*l.s.rssi));
	l.s.snr = calloc(n, sizeof(*l.s.snr));
	l.rssi = calloc(n, sizeof(*l.rssi));
	l.snr = calloc(n, sizeof(*l.snr));
	if (l.s.rssi != NULL && l.s.snr != NULL && l.rssi != NULL && l.snr != NULL)
		rc = learn_all(&l);
	free(l.s.rssi);
	free(l.s.snr);
	free(l.rssi);
	free(l.snr);
	return rc;
}

int lora_learn_between(struct lora_book *b, uint32_t *out, const struct lora_groups *g)
{
	int64_t *late = calloc(g->set->n + 1, sizeof(*late));
	size_t n = 0;
	int rc = 0;

	*out = LORA_NONE;
	if (late == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < g->n_sent; i++)
		for (uint32_t k = 1; k < g->sent[i].n; k++)
			late[n++] =
				(int64_t)(g->set->at[g->order[g->sent[i].reception + k]].time_ns - g->sent[i].time_ns);
	if (n > 0)
		rc = lora_book_table(b, out, late, n);
	free(late);
	return rc;
}
