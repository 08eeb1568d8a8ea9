// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/sequence.h>

#include <base/clock.h>
#include <engine/necst/checkpoint.h>
#include <engine/necst/examples.h>
#include <engine/necst/lanes.h>
#include <engine/necst/layout.h>
#include <engine/necst/net.h>
#include <engine/necst/shard.h>

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	UPDATES_WANTED = 1200,
	EPOCHS_LEAST = 20,
	EPOCHS_MOST = 400,
	EVALUATIONS = 30, // over the whole training
	PATIENCE = 8,     // evaluations without a better one
};

static const float RATE = 8e-3f, RATE_LAST = 1e-4f, DECAY = 1e-3f, MAX_NORM = 1.0f;
static const float UNSEEN = -1e4f; // a logit

struct trainer {
	const struct wm_fit_options *o;
	struct necst_examples x;
	struct necst_sequence seq; // points into net.w
	struct necst_net net;
	float *best;
	struct necst_shard shard[NECST_SHARDS];
	struct necst_lanes lanes;
	struct necst_training t;
	double began_s;
};

// ---------------------------------------------------------------------------------------------- work

static void *run_shard(void *arg)
{
	necst_shard_run(arg);
	return NULL;
}

// All shards, by as many threads as asked for; the sums are the same for any number.
static void run_shards(struct trainer *t)
{
	pthread_t thread[NECST_SHARDS];
	bool started[NECST_SHARDS] = {false};

	for (size_t k = 1; k < NECST_SHARDS && t->o->threads > 1; k++)
		started[k] = pthread_create(&thread[k], NULL, run_shard, &t->shard[k]) == 0;
	for (size_t k = 0; k < NECST_SHARDS; k++)
		if (!started[k])
			necst_shard_run(&t->shard[k]);
	for (size_t k = 1; k < NECST_SHARDS; k++)
		if (started[k])
			(void)pthread_join(thread[k], NULL);
}

static void start_pass(struct trainer *t, bool train)
{
	for (size_t k = 0; k < NECST_SHARDS; k++) {
		struct necst_shard *s = &t->shard[k];

		s->train = train;
		s->nll_token = s->nll_size = s->nll_gap = 0;
		s->n_token = s->n_size = s->n_gap = 0;
		memset(s->h, 0, NECST_LANES * t->seq.dims.units * sizeof(float));
		memset(s->c, 0, NECST_LANES * t->seq.dims.units * sizeof(float));
	}
}

static struct necst_loss mean_nll(const struct trainer *t)
{
	struct necst_loss sum = {0};
	size_t n_token = 0;

	for (size_t k = 0; k < NECST_SHARDS; k++) {
		sum.token += t->shard[k].nll_token;
		sum.size += t->shard[k].nll_size;
		sum.gap += t->shard[k].nll_gap;
		n_token += t->shard[k].n_token;
	}
	// All three per packet, so that they may be added.
	sum.size /= n_token > 0 ? (double)n_token : 1;
	sum.gap /= n_token > 0 ? (double)n_token : 1;
	sum.token /= n_token > 0 ? (double)n_token : 1;
	return sum;
}

// How far training is, by updates or by the time it may take, whichever is further.
static double progress(const struct trainer *t)
{
	double by_updates = (double)t->t.update / (double)t->t.updates;
	double by_time = t->o->time_limit_s > 0 ? (wm_now_s() - t->began_s) / t->o->time_limit_s : 0;

	return fmin(1.0, fmax(by_updates, by_time));
}

static void update(struct trainer *t, size_t n, double done)
{
	float rate = RATE_LAST + (RATE - RATE_LAST) * 0.5f * (1.0f + cosf((float)M_PI * (float)done));

	(void)n;
	for (size_t k = 0; k < NECST_SHARDS; k++) {
		float *g = t->shard[k].grad.mem;

		for (size_t i = 0; i < t->net.n; i++)
			t->net.g[i] += g[i];
		memset(g, 0, t->net.n * sizeof(float));
	}
	necst_net_update(&t->net, rate, DECAY, MAX_NORM);
}

static bool told_to_stop(const struct trainer *t)
{
	return t->o->stop != NULL && t->o->stop(t->o->arg);
}

static struct necst_loss train_epoch(struct trainer *t)
{
	uint32_t steps = necst_lanes_deal(&t->lanes, t->x.train, t->x.n_train, t->o->seed, t->t.epoch);
	struct wm_rng rng;

	wm_rng_init(&rng, t->o->seed, WM_STREAM_TRAIN, UINT64_C(1) << 32 | t->t.epoch);
	start_pass(t, true);
	for (uint32_t at = 0; at < steps && !told_to_stop(t); at += NECST_STEPS) {
		size_t n = necst_lanes_fill(&t->lanes, t->shard, t->x.train, &rng);
		double done = progress(t);

		for (size_t k = 0; k < NECST_SHARDS; k++) {
			t->shard[k].scale = 1.0f / (float)(n > 0 ? n : 1);
			t->shard[k].seed = t->o->seed + k;
			t->shard[k].update = t->t.update;
		}
		run_shards(t);
		update(t, n, done);
		t->t.update++;
	}
	t->t.epoch++;
	return mean_nll(t);
}

static struct necst_loss evaluate(struct trainer *t)
{
	const struct necst_stretch *all = t->x.n_held > 0 ? t->x.held : t->x.train;
	uint32_t steps =
		necst_lanes_deal(&t->lanes, all, t->x.n_held > 0 ? t->x.n_held : t->x.n_train, t->o->seed, UINT64_MAX);

	start_pass(t, false);
	for (uint32_t at = 0; at < steps; at += NECST_STEPS) {
		(void)necst_lanes_fill(&t->lanes, t->shard, all, NULL);
		run_shards(t);
	}
	return mean_nll(t);
}

// ---------------------------------------------------------------------------------------------- training

// A size class that was never seen with a cluster has no probability with it, from the start and for good: where the
// softmax is zero there is no gradient.
static void bar_unseen_sizes(struct trainer *t)
{
	const struct necst_sequence *s = &t->seq;
	const size_t n = (size_t)s->dims.tokens * s->size_pad;

	for (size_t i = 0; i < n; i++)
		s->size_tok[i] = UNSEEN;
	for (size_t i = 0; i < t->x.n; i++)
		if (t->x.size[i] >= 0)
			s->size_tok[(size_t)t->x.token[i] * s->size_pad + (size_t)t->x.size[i]] = 0;
}

static int trainer_create(struct trainer *t)
{
	struct necst_sequence *s = &t->seq;
	const size_t units = s->dims.units, stretches = t->x.n_train + t->x.n_held + 1;
	int rc = necst_net_create(&t->net, s->n_weights);

	if (rc < 0)
		return rc;
	necst_layout_point(s, t->net.w);
	t->best = malloc(s->n_weights * sizeof(float));
	if (t->best == NULL || necst_lanes_create(&t->lanes, stretches) < 0)
		return -ENOMEM;
	for (size_t k = 0; k < NECST_SHARDS; k++) {
		rc = necst_shard_create(&t->shard[k], s, &t->x);
		if (rc < 0)
			return rc;
	}
	necst_net_init(&t->net, 0, (size_t)(s->u - s->emb), 0.1f, t->o->seed, 11);
	necst_net_init(&t->net, (size_t)(s->u - s->emb), units * 4 * units, 1.0f / sqrtf((float)units), t->o->seed, 12);
	necst_net_init(&t->net, (size_t)(s->head - s->emb), units * necst_columns(s), 0.1f, t->o->seed, 13);
	for (size_t i = 0; i < units; i++) // a forget gate that starts open
		s->bias[units + i] = 1.0f;
	bar_unseen_sizes(t);
	return 0;
}

static void trainer_free(struct trainer *t)
{
	for (size_t k = 0; k < NECST_SHARDS; k++)
		necst_shard_free(&t->shard[k]);
	free(t->best);
	necst_lanes_free(&t->lanes);
	necst_net_free(&t->net);
	necst_examples_free(&t->x);
}

static void report(const struct trainer *t, const struct necst_loss *now, const struct necst_loss *held)
{
	char line[160];

	if (t->o->report == NULL)
		return;
	(void)snprintf(line, sizeof(line),
		"epoch %u of %u, nats per packet (held out): cluster %.3f (%.3f), size %.3f (%.3f), gap %.3f (%.3f)%s",
		t->t.epoch, t->t.epochs, now->token, held->token, now->size, held->size, now->gap, held->gap,
		t->t.since_best == 0 ? ", best so far" : "");
	t->o->report(t->o->arg, progress(t), line);
}

static double total(const struct necst_loss *l)
{
	return l->token + l->size + l->gap;
}

// Keep the weights if they explain the held-out flows better than any before.
static void keep_best(struct trainer *t, const struct necst_loss *held)
{
	if (t->t.best_update != 0 && total(held) >= total(&t->t.best)) {
		t->t.since_best++;
		return;
	}
	memcpy(t->best, t->net.w, t->net.n * sizeof(float));
	t->t.best = *held;
	t->t.best_update = t->t.update;
	t->t.since_best = 0;
}

// Hours of training are not given up for a disk that is full now.
static void save(const struct trainer *t)
{
	struct wm_err why = {0};
	int rc = necst_checkpoint_save(t->o->checkpoint, &t->t, &t->net, t->best, &why);

	if (t->o->saved != NULL)
		t->o->saved(t->o->arg, rc, &why);
}

static void train(struct trainer *t)
{
	const uint32_t every = (t->t.epochs + EVALUATIONS - 1) / EVALUATIONS;

	while (t->t.epoch < t->t.epochs) {
		struct necst_loss now = train_epoch(t), held;

		if (told_to_stop(t) && t->t.best_update != 0)
			break;
		if (t->t.epoch % every != 0 && t->t.epoch < t->t.epochs && progress(t) < 1 && !told_to_stop(t))
			continue;
		held = evaluate(t);
		keep_best(t, &held);
		report(t, &now, &held);
		if (told_to_stop(t) || progress(t) >= 1 || t->t.since_best >= PATIENCE)
			break;
		if (t->o->checkpoint != NULL)
			save(t);
	}
}

static void plan_training(struct trainer *t)
{
	size_t packets = t->x.n - t->x.n_held_packets;
	size_t chunks = packets / (NECST_SHARDS * NECST_CHUNK) + 1;
	size_t epochs = UPDATES_WANTED / chunks;

	epochs = epochs < EPOCHS_LEAST ? EPOCHS_LEAST : epochs > EPOCHS_MOST ? EPOCHS_MOST : epochs;
	t->t.epochs = (uint32_t)epochs;
	t->t.updates = epochs * chunks;
	t->t.fingerprint = t->x.n ^ (uint64_t)t->seq.dims.tokens << 40 ^ (uint64_t)t->seq.dims.gaps << 48
			   ^ (uint64_t)t->seq.dims.sizes << 56 ^ t->o->seed << 20;
}

int necst_sequence_fit(struct necst_sequence *out, const struct wm_dataset *ds, const struct necst_vocab *v,
	const struct necst_clusters *tokens, const struct necst_sizes *sizes, const struct necst_clocks *clocks,
	const struct necst_gaps *gaps, const struct necst_classes *classes, const struct wm_fit_options *options,
	struct wm_err *err)
{
	const struct necst_dims dims = {tokens->n, sizes->n, gaps->n, classes->n, NECST_UNITS, NECST_GAPS_ALIKE};
	struct trainer *t = calloc(1, sizeof(*t));
	struct necst_sequence s = {0};
	int rc = t == NULL ? -ENOMEM : 0;

	if (rc == 0) {
		t->o = options;
		t->began_s = wm_now_s();
		necst_layout_size(&t->seq, &dims);
		rc = necst_examples_make(
			&t->x, &dims, t->seq.token_pad, ds, v, tokens, sizes, clocks, gaps, classes, options->seed);
	}
	if (rc == 0)
		rc = trainer_create(t);
	if (rc == 0)
		rc = necst_layout_create(&s, &dims);
	if (rc < 0) {
		(void)wm_err_sys(err, rc, "training the sequence model");
		goto out;
	}
	plan_training(t);
	if (options->resume && options->checkpoint != NULL)
		rc = necst_checkpoint_load(options->checkpoint, &t->t, &t->net, t->best, err);
	if (rc < 0)
		goto out;
	train(t);
	assert(s.mem != NULL && t->best != NULL);
	memcpy(s.mem, t->best, t->net.n * sizeof(float));
	s.held = t->t.best;
	memcpy(s.reach, t->x.reach, tokens->n * sizeof(s.reach[0]));
	s.updates = t->t.best_update;
	*out = s;
	s = (struct necst_sequence){0};
out:
	necst_sequence_free(&s);
	if (t != NULL)
		trainer_free(t);
	free(t);
	return rc;
}
