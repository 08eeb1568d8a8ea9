// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/embed.h>

#include <engine/necst/net.h>
#include <nn/act.h>
#include <nn/dense.h>
#include <nn/loss.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field { KIND, LENGTH, WINDOW, GROUP, SERVICE, FIELDS };

enum {
	HIDDEN = 64,
	NARROW = 32,
	BATCH = 128,
	STEPS = 1500,
	LENGTH_CLASSES = 64,
	WINDOW_CLASSES = 24,
	GROUP_CLASSES = 48,
	HELD_OUT = 10, // every tenth packet
};

static const float RATE = 2e-3f, SLOPE = 0.1f, MAX_NORM = 5.0f;
static const float KL_WEIGHT = 0.05f; // beta of Higgins et al. 2017, below 1: clusters are to tell lengths apart
static const double WARM_UP = 0.3;    // of the steps, until the KL term counts in full

// Offsets of the layers' weights in the net; b of a layer stands behind its w.
struct layout {
	uint32_t field[FIELDS + 1]; // first class of each field; field[FIELDS] = all classes
	size_t in, in_b;            // (classes, HIDDEN): a one-hot layer is a sum of rows
	size_t enc, enc_b, mu, mu_b, lv, lv_b;
	size_t dec, dec_b, wide, wide_b, out, out_b;
	size_t n;
};

struct pass { // activations of a batch, and their gradients
	float in[BATCH * HIDDEN], in_a[BATCH * HIDDEN], enc[BATCH * NARROW], enc_a[BATCH * NARROW];
	float mu[BATCH * NECST_LATENT], lv[BATCH * NECST_LATENT], eps[BATCH * NECST_LATENT], z[BATCH * NECST_LATENT];
	float dec[BATCH * NARROW], dec_a[BATCH * NARROW], wide[BATCH * HIDDEN], wide_a[BATCH * HIDDEN];
	float d_wide[BATCH * HIDDEN], d_narrow[BATCH * NARROW], d_narrow2[BATCH * NARROW];
	float d_z[BATCH * NECST_LATENT], d_mu[BATCH * NECST_LATENT], d_lv[BATCH * NECST_LATENT];
	int32_t target[BATCH];
	float *logits; // (BATCH, classes)
};

struct vae {
	struct layout at;
	struct necst_net net;
	struct pass *p;
	uint16_t *class; // (records, FIELDS)
	size_t n;
};

// ---------------------------------------------------------------------------------------------- fields to classes

static int by_u16(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

// Classes of a number: cut at up to `most` quantiles, so that values that recur have a class of their own.
static uint32_t classify(uint16_t *class, const uint16_t *value, size_t n, uint32_t most, uint16_t *sorted)
{
	uint16_t edge[LENGTH_CLASSES + WINDOW_CLASSES];
	uint32_t k = 0;

	memcpy(sorted, value, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_u16);
	for (uint32_t i = 0; i < most; i++) {
		uint16_t q = sorted[n * i / most];

		if (k == 0 || q != edge[k - 1])
			edge[k++] = q;
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t c = 0;

		while (c + 1 < k && edge[c + 1] <= value[i])
			c++;
		class[i * FIELDS] = (uint16_t)c;
	}
	return k;
}

static int make_classes(struct vae *m, const struct wm_dataset *ds, const struct necst_vocab *v)
{
	uint16_t *value = malloc((ds->n_records + 1) * sizeof(*value));
	uint16_t *sorted = malloc((ds->n_records + 1) * sizeof(*sorted));
	uint32_t *first = m->at.field, groups = v->n_groups < GROUP_CLASSES ? v->n_groups : GROUP_CLASSES;
	uint32_t n;

	if (value == NULL || sorted == NULL) {
		free(value);
		free(sorted);
		return -ENOMEM;
	}
	first[LENGTH] = (uint32_t)v->n_kinds;
	for (size_t i = 0; i < ds->n_records; i++)
		value[i] = ds->records[i].len;
	n = classify(m->class + LENGTH, value, ds->n_records, LENGTH_CLASSES, sorted);
	first[WINDOW] = first[LENGTH] + n;
	for (size_t i = 0; i < ds->n_records; i++)
		value[i] = ds->records[i].window;
	n = classify(m->class + WINDOW, value, ds->n_records, WINDOW_CLASSES, sorted);
	first[GROUP] = first[WINDOW] + n;
	first[SERVICE] = first[GROUP] + groups + 1;
	first[FIELDS] = first[SERVICE] + v->n_services;
	for (size_t i = 0; i < ds->n_flows; i++) {
		const struct wm_flow_record *f = &ds->flows[i];

		for (size_t j = f->first; j < (size_t)f->first + f->n; j++) {
			uint32_t g = v->group[j];

			m->class[j * FIELDS + KIND] = v->kind[j];
			m->class[j * FIELDS + GROUP] = (uint16_t)(g < groups ? g : groups);
			m->class[j * FIELDS + SERVICE] = (uint16_t)v->service[i];
		}
	}
	free(value);
	free(sorted);
	return 0;
}

// ---------------------------------------------------------------------------------------------- the network

static size_t take(size_t *n, size_t weights)
{
	size_t at = *n;

	*n += weights;
	return at;
}

static int build(struct vae *m, uint64_t seed)
{
	struct layout *at = &m->at;
	const size_t classes = at->field[FIELDS];
	size_t n = 0;
	int rc;

	at->in = take(&n, classes * HIDDEN);
	at->in_b = take(&n, HIDDEN);
	at->enc = take(&n, HIDDEN * NARROW);
	at->enc_b = take(&n, NARROW);
	at->mu = take(&n, NARROW * NECST_LATENT);
	at->mu_b = take(&n, NECST_LATENT);
	at->lv = take(&n, NARROW * NECST_LATENT);
	at->lv_b = take(&n, NECST_LATENT);
	at->dec = take(&n, NECST_LATENT * NARROW);
	at->dec_b = take(&n, NARROW);
	at->wide = take(&n, NARROW * HIDDEN);
	at->wide_b = take(&n, HIDDEN);
	at->out = take(&n, HIDDEN * classes);
	at->out_b = take(&n, classes);
	rc = necst_net_create(&m->net, n);
	if (rc < 0)
		return rc;
	necst_net_init(&m->net, at->in, classes * HIDDEN, 0.3f, seed, 1);
	necst_net_init(&m->net, at->enc, HIDDEN * NARROW, 0.15f, seed, 2);
	necst_net_init(&m->net, at->mu, NARROW * NECST_LATENT, 0.2f, seed, 3);
	necst_net_init(&m->net, at->lv, NARROW * NECST_LATENT, 0.05f, seed, 4);
	necst_net_init(&m->net, at->dec, NECST_LATENT * NARROW, 0.5f, seed, 5);
	necst_net_init(&m->net, at->wide, NARROW * HIDDEN, 0.2f, seed, 6);
	necst_net_init(&m->net, at->out, HIDDEN * classes, 0.1f, seed, 7);
	m->p = calloc(1, sizeof(*m->p));
	if (m->p == NULL)
		return -ENOMEM;
	m->p->logits = malloc(BATCH * classes * sizeof(float));
	return m->p->logits == NULL ? -ENOMEM : 0;
}

// Posterior of a batch: mu, log variance.
static void encode(struct vae *m, const uint32_t *rows, size_t b)
{
	const struct layout *at = &m->at;
	const float *w = m->net.w;
	struct pass *p = m->p;

	for (size_t i = 0; i < b; i++) {
		float *y = p->in + i * HIDDEN;

		memcpy(y, w + at->in_b, HIDDEN * sizeof(float));
		for (int f = 0; f < FIELDS; f++) {
			const float *row =
				w + at->in
				+ (size_t)(at->field[f] + m->class[(size_t)rows[i] * FIELDS + (size_t)f]) * HIDDEN;

			for (size_t j = 0; j < HIDDEN; j++)
				y[j] += row[j];
		}
	}
	wm_lrelu_forward(p->in_a, p->in, b * HIDDEN, SLOPE);
	wm_dense_forward(p->enc, p->in_a, w + at->enc, w + at->enc_b, b, HIDDEN, NARROW);
	wm_lrelu_forward(p->enc_a, p->enc, b * NARROW, SLOPE);
	wm_dense_forward(p->mu, p->enc_a, w + at->mu, w + at->mu_b, b, NARROW, NECST_LATENT);
	wm_dense_forward(p->lv, p->enc_a, w + at->lv, w + at->lv_b, b, NARROW, NECST_LATENT);
	for (size_t i = 0; i < b * NECST_LATENT; i++) // a deviation in e^-4 .. e^2
		p->lv[i] = fminf(fmaxf(p->lv[i], -8.0f), 4.0f);
}

static void draw(struct vae *m, size_t b, struct wm_rng *rng)
{
	struct pass *p = m->p;

	for (size_t i = 0; i < b * NECST_LATENT; i++) {
		p->eps[i] = wm_rng_normal(rng);
		p->z[i] = p->mu[i] + expf(0.5f * p->lv[i]) * p->eps[i];
	}
}

// Decode z; logits become the gradient of the mean negative log-likelihood. Returns its sum over the batch.
static double decode(struct vae *m, const uint32_t *rows, size_t b)
{
	const struct layout *at = &m->at;
	const size_t classes = at->field[FIELDS];
	const float *w = m->net.w;
	struct pass *p = m->p;
	double nll = 0;

	wm_dense_forward(p->dec, p->z, w + at->dec, w + at->dec_b, b, NECST_LATENT, NARROW);
	wm_lrelu_forward(p->dec_a, p->dec, b * NARROW, SLOPE);
	wm_dense_forward(p->wide, p->dec_a, w + at->wide, w + at->wide_b, b, NARROW, HIDDEN);
	wm_lrelu_forward(p->wide_a, p->wide, b * HIDDEN, SLOPE);
	wm_dense_forward(p->logits, p->wide_a, w + at->out, w + at->out_b, b, HIDDEN, classes);
	for (int f = 0; f < FIELDS; f++) {
		float *logits = p->logits + at->field[f];

		for (size_t i = 0; i < b; i++)
			p->target[i] = m->class[(size_t)rows[i] * FIELDS + (size_t)f];
		nll += wm_softmax_nll(
			logits, logits, classes, p->target, b, at->field[f + 1] - at->field[f], 1.0f / (float)b);
	}
	return nll;
}

// Gradients of all weights, from the logits' back to the embedding rows.
static void backward(struct vae *m, const uint32_t *rows, size_t b, float kl_weight)
{
	const struct layout *at = &m->at;
	const float *w = m->net.w;
	float *g = m->net.g;
	struct pass *p = m->p;

	wm_dense_backward(
		p->d_wide, g + at->out, g + at->out_b, p->logits, p->wide_a, w + at->out, b, HIDDEN, at->field[FIELDS]);
	wm_lrelu_backward(p->d_wide, p->d_wide, p->wide, b * HIDDEN, SLOPE);
	wm_dense_backward(
		p->d_narrow, g + at->wide, g + at->wide_b, p->d_wide, p->dec_a, w + at->wide, b, NARROW, HIDDEN);
	wm_lrelu_backward(p->d_narrow, p->d_narrow, p->dec, b * NARROW, SLOPE);
	wm_dense_backward(p->d_z, g + at->dec, g + at->dec_b, p->d_narrow, p->z, w + at->dec, b, NECST_LATENT, NARROW);
	for (size_t i = 0; i < b * NECST_LATENT; i++) {
		p->d_mu[i] = p->d_z[i];
		p->d_lv[i] = p->d_z[i] * 0.5f * expf(0.5f * p->lv[i]) * p->eps[i];
	}
	wm_gauss_kl(p->d_mu, p->d_lv, p->mu, p->lv, b * NECST_LATENT, kl_weight / (float)b);
	wm_dense_backward(
		p->d_narrow, g + at->mu, g + at->mu_b, p->d_mu, p->enc_a, w + at->mu, b, NARROW, NECST_LATENT);
	wm_dense_backward(
		p->d_narrow2, g + at->lv, g + at->lv_b, p->d_lv, p->enc_a, w + at->lv, b, NARROW, NECST_LATENT);
	for (size_t i = 0; i < b * NARROW; i++)
		p->d_narrow[i] += p->d_narrow2[i];
	wm_lrelu_backward(p->d_narrow, p->d_narrow, p->enc, b * NARROW, SLOPE);
	wm_dense_backward(p->d_wide, g + at->enc, g + at->enc_b, p->d_narrow, p->in_a, w + at->enc, b, HIDDEN, NARROW);
	wm_lrelu_backward(p->d_wide, p->d_wide, p->in, b * HIDDEN, SLOPE);
	for (size_t i = 0; i < b; i++) {
		const float *d = p->d_wide + i * HIDDEN;

		for (int f = 0; f < FIELDS; f++) {
			float *row = g + at->in
				     + (size_t)(at->field[f] + m->class[(size_t)rows[i] * FIELDS + (size_t)f]) * HIDDEN;

			for (size_t j = 0; j < HIDDEN; j++)
				row[j] += d[j];
		}
		for (size_t j = 0; j < HIDDEN; j++)
			g[at->in_b + j] += d[j];
	}
}

static int train(struct vae *m, const struct wm_fit_options *o)
{
	uint32_t rows[BATCH];
	struct wm_rng rng;

	for (uint32_t step = 0; step < STEPS; step++) {
		float kl = KL_WEIGHT * (float)fmin(1.0, step / (WARM_UP * STEPS));
		float rate = RATE * 0.5f * (1.0f + cosf((float)M_PI * (float)step / STEPS));

		if (step % 16 == 0 && o->stop != NULL && o->stop(o->arg))
			return -ECANCELED;
		wm_rng_init(&rng, o->seed, WM_STREAM_EMBED, step);
		for (size_t i = 0; i < BATCH; i++) {
			uint32_t r = wm_rng_below(&rng, (uint32_t)m->n);

			rows[i] = r % HELD_OUT == 0 && r + 1 < m->n ? r + 1 : r;
		}
		encode(m, rows, BATCH);
		draw(m, BATCH, &rng);
		decode(m, rows, BATCH);
		backward(m, rows, BATCH, kl);
		necst_net_update(&m->net, rate, 0, MAX_NORM);
	}
	return 0;
}

static int embed_all(struct vae *m, struct necst_embedding *e, uint64_t seed)
{
	double nll = 0, kl = 0;
	uint32_t rows[BATCH];
	struct wm_rng rng;
	size_t held = 0;

	e->z = malloc((m->n * NECST_LATENT + 1) * sizeof(float));
	if (e->z == NULL)
		return -ENOMEM;
	wm_rng_init(&rng, seed, WM_STREAM_EMBED, STEPS);
	for (size_t at = 0; at < m->n; at += BATCH) {
		size_t b = m->n - at < BATCH ? m->n - at : BATCH;

		for (size_t i = 0; i < b; i++)
			rows[i] = (uint32_t)(at + i);
		encode(m, rows, b);
		draw(m, b, &rng);
		memcpy(e->z + at * NECST_LATENT, m->p->z, b * NECST_LATENT * sizeof(float));
	}
	for (size_t at = 0; at < m->n && held < 20000; at += (size_t)BATCH * HELD_OUT) {
		size_t b = 0;

		for (; b < BATCH && at + b * HELD_OUT < m->n; b++)
			rows[b] = (uint32_t)(at + b * HELD_OUT);
		encode(m, rows, b);
		draw(m, b, &rng);
		nll += decode(m, rows, b);
		kl += wm_gauss_kl(m->p->d_mu, m->p->d_lv, m->p->mu, m->p->lv, b * NECST_LATENT, 0);
		held += b;
	}
	e->elbo_nats = -(nll + kl) / (double)held;
	return 0;
}

int necst_embed(struct necst_embedding *out, const struct wm_dataset *ds, const struct necst_vocab *v,
	const struct wm_fit_options *options, struct wm_err *err)
{
	struct vae m = {.n = ds->n_records};
	struct necst_embedding e = {0};
	int rc = -ENOMEM;

	m.class = malloc((m.n * FIELDS + 1) * sizeof(*m.class));
	if (m.class != NULL)
		rc = make_classes(&m, ds, v);
	if (rc == 0)
		rc = build(&m, options->seed);
	if (rc == 0)
		rc = train(&m, options);
	if (rc == 0)
		rc = embed_all(&m, &e, options->seed);
	free(m.class);
	if (m.p != NULL)
		free(m.p->logits);
	free(m.p);
	necst_net_free(&m.net);
	if (rc < 0) {
		necst_embedding_free(&e);
		return wm_err_sys(err, rc, "embedding the packets");
	}
	*out = e;
	return 0;
}

void necst_embedding_free(struct necst_embedding *e)
{
	free(e->z);
	*e = (struct necst_embedding){0};
}
