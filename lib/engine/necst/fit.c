// SPDX-License-Identifier: BSD-3-Clause
// fit: from a dataset to a model, stage by stage.
#include <engine/necst/classes.h>
#include <engine/necst/clocks.h>
#include <engine/necst/clusters.h>
#include <engine/necst/embed.h>
#include <engine/necst/emit.h>
#include <engine/necst/gaps.h>
#include <engine/necst/necst.h>
#include <engine/necst/plan.h>
#include <engine/necst/rests.h>
#include <engine/necst/sequence.h>
#include <engine/necst/vocab.h>

#include <nn/blas.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fitting {
	struct necst_vocab vocab;
	struct necst_embedding embedding;
	struct necst_clusters tokens;
	struct necst_sizes sizes;
	struct necst_clocks clocks;
	struct necst_gaps gaps;
	struct necst_classes classes;
	struct necst_sequence sequence;
};

static void tell(const struct wm_fit_options *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct wm_fit_options *o, const char *fmt, ...)
{
	char line[160];
	va_list ap;

	if (o->report == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	o->report(o->arg, 0, line);
}

static int put_kinds(struct wm_model_writer *w, const struct necst_vocab *v, const struct necst_clusters *tokens)
{
	uint8_t kind[NECST_TOKENS_MAX][sizeof(struct necst_kind)];
	size_t shape[2] = {tokens->n, sizeof(struct necst_kind)}, latent[2] = {tokens->n, NECST_LATENT}, n = tokens->n;
	int rc;

	for (uint32_t t = 0; t < tokens->n; t++)
		memcpy(kind[t], &v->kinds[tokens->kind[t]], sizeof(kind[t]));
	rc = wm_model_put(w, "token.kind", WM_U8, 2, shape, kind);
	if (rc == 0)
		rc = wm_model_put(w, "token.mean", WM_F32, 2, latent, tokens->mean);
	return rc == 0 ? wm_model_put(w, "token.weight", WM_F32, 1, &n, tokens->weight) : rc;
}

static int put_gaps(struct wm_model_writer *w, const struct necst_gaps *g)
{
	size_t shape[2] = {g->n, NECST_GAP_PARTS + 1};
	int rc = wm_model_put_metaf(w, "necst.resolution_ns", "%llu", (unsigned long long)g->resolution_ns);

	return rc == 0 ? wm_model_put(w, "gap.knots", WM_U64, 2, shape, g->knots) : rc;
}

static int put_clocks(struct wm_model_writer *w, const struct necst_clocks *c, size_t n_tokens)
{
	return wm_model_put(w, "token.own_clock", WM_U8, 1, &n_tokens, c->own);
}

static int put_forms(struct wm_model_writer *w, const struct wm_dataset *ds)
{
	size_t shape[2] = {ds->n_forms, 4};
	uint32_t(*index)[4] = calloc(ds->n_forms + 1, sizeof(*index));
	int rc;

	if (index == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ds->n_forms; i++) {
		const struct wm_form_record *f = &ds->forms[i];

		index[i][0] = f->image;
		index[i][1] = f->image_len;
		index[i][2] = f->payload_len > 0 ? f->payload : 0;
		index[i][3] = f->payload_len;
	}
	rc = wm_model_put(w, "form.index", WM_U32, 2, shape, index);
	free(index);
	return rc == 0 ? wm_model_put(w, "form.bytes", WM_U8, 1, &ds->n_bytes, ds->bytes) : rc;
}

static int put_sequence(struct wm_model_writer *w, const struct necst_sequence *s)
{
	const size_t gates = 4 * (size_t)s->dims.units, columns = necst_columns(s);
	size_t emb[2] = {(size_t)(s->u - s->emb) / gates, gates}, u[2] = {s->dims.units, gates};
	size_t head[2] = {s->dims.units, columns}, n = gates, m = columns;
	size_t size_tok[2] = {s->dims.tokens, s->size_pad}, gap_tok[2] = {s->dims.tokens, s->gap_pad};
	size_t gap_size[2] = {s->dims.sizes + 1, s->gap_pad};
	size_t reach[2] = {s->dims.tokens, 2};
	int rc = wm_model_put(w, "lstm.embedding", WM_F32, 2, emb, s->emb);

	rc = rc < 0 ? rc : wm_model_put(w, "token.reach", WM_U64, 2, reach, s->reach);
	rc = rc < 0 ? rc : wm_model_put(w, "lstm.recurrent", WM_F32, 2, u, s->u);
	rc = rc < 0 ? rc : wm_model_put(w, "lstm.bias", WM_F32, 1, &n, s->bias);
	rc = rc < 0 ? rc : wm_model_put(w, "head.weight", WM_F32, 2, head, s->head);
	rc = rc < 0 ? rc : wm_model_put(w, "head.bias", WM_F32, 1, &m, s->head_b);
	rc = rc < 0 ? rc : wm_model_put(w, "head.size_given_token", WM_F32, 2, size_tok, s->size_tok);
	rc = rc < 0 ? rc : wm_model_put(w, "head.gap_given_token", WM_F32, 2, gap_tok, s->gap_tok);
	rc = rc < 0 ? rc : wm_model_put(w, "head.gap_given_size", WM_F32, 2, gap_size, s->gap_size);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "necst.sizes", "%u", s->dims.sizes);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "necst.gaps_alike", "%u", s->dims.gaps_alike);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "necst.classes", "%u", s->dims.classes);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "necst.updates", "%llu", (unsigned long long)s->updates);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "necst.nll_token", "%.4f", s->held.token);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "necst.nll_size", "%.4f", s->held.size);
	return rc < 0 ? rc : wm_model_put_metaf(w, "necst.nll_gap", "%.4f", s->held.gap);
}

static int learn(struct fitting *f, const struct wm_dataset *ds, const struct wm_fit_options *o, struct wm_err *err)
{
	int rc = necst_vocab_build(&f->vocab, ds, err);

	if (rc < 0)
		return rc;
	tell(o, "%zu packet kinds, %u header images, %u profiles, %u services", f->vocab.n_kinds, f->vocab.n_groups,
		f->vocab.n_profiles, f->vocab.n_services);
	rc = necst_embed(&f->embedding, ds, &f->vocab, o, err);
	if (rc < 0)
		return rc;
	rc = necst_clusters_fit(&f->tokens, &f->vocab, &f->embedding, ds->n_records, o->seed, err);
	if (rc < 0)
		return rc;
	tell(o, "embedding: ELBO %.3f nats per packet, held out; %u clusters by BIC", f->embedding.elbo_nats,
		f->tokens.n);
	rc = necst_clocks_fit(&f->clocks, ds, f->tokens.token, f->tokens.n);
	if (rc == 0)
		rc = necst_gaps_fit(&f->gaps, ds, &f->clocks, f->tokens.token);
	if (rc < 0)
		return wm_err_sys(err, rc, "cutting the inter-departure times into bins");
	rc = necst_classes_fit(&f->classes, ds, &f->vocab, o->seed, err);
	if (rc < 0)
		return rc;
	necst_sizes_fit(&f->sizes, ds, &f->vocab);
	tell(o, "%u payload classes, %u gap bins, %u flow classes", f->sizes.n, f->gaps.n, f->classes.n);
	return necst_sequence_fit(
		&f->sequence, ds, &f->vocab, &f->tokens, &f->sizes, &f->clocks, &f->gaps, &f->classes, o, err);
}

static int put_all(struct wm_model_writer *w, const struct fitting *f, const struct wm_dataset *ds, struct wm_err *err)
{
	unsigned longest = 1;
	int rc = put_kinds(w, &f->vocab, &f->tokens);

	rc = rc < 0 ? rc : put_gaps(w, &f->gaps);
	rc = rc < 0 ? rc : put_clocks(w, &f->clocks, f->tokens.n);
	rc = rc < 0 ? rc : put_forms(w, ds);
	rc = rc < 0 ? rc : put_sequence(w, &f->sequence);
	rc = rc < 0 ? rc : necst_emit_put(w, ds, &f->vocab, &f->tokens, &f->sizes);
	rc = rc < 0 ? rc : necst_rests_put(w, ds, &f->tokens, &f->clocks, &f->gaps);
	rc = rc < 0 ? rc : necst_plan_put(w, ds, &f->vocab, &f->classes);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "necst.families", "%u", f->vocab.n_families);
	for (size_t i = 0; i < ds->n_records; i++)
		longest = ds->records[i].len > longest ? ds->records[i].len : longest;
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "necst.longest", "%u", longest);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "necst.elbo", "%.4f", f->embedding.elbo_nats);
	return rc < 0 ? wm_err_sys(err, rc, "putting the model together") : 0;
}

int necst_fit(struct wm_model_writer *out, const struct wm_dataset *ds, const struct wm_fit_options *options,
	struct wm_err *err)
{
	struct fitting *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL)
		return wm_err_sys(err, -ENOMEM, "fitting");
	wm_blas_single_thread();
	rc = learn(f, ds, options, err);
	if (rc == 0)
		rc = put_all(out, f, ds, err);
	necst_sequence_free(&f->sequence);
	necst_classes_free(&f->classes);
	necst_clusters_free(&f->tokens);
	necst_embedding_free(&f->embedding);
	necst_vocab_free(&f->vocab);
	free(f);
	return rc;
}
