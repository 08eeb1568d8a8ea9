// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/shard.h>

#include <base/philox.h>
#include <engine/necst/layout.h>
#include <nn/dense.h>
#include <nn/loss.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DROP = 90 }; // of 256 units

int necst_shard_create(struct necst_shard *s, const struct necst_sequence *seq, const struct necst_examples *x)
{
	const size_t units = seq->dims.units, columns = necst_columns(seq);

	*s = (struct necst_shard){.seq = seq, .x = x, .lstm = {.units = units, .n_idx = NECST_INPUTS}};
	necst_offsets(&seq->dims, s->offsets);
	s->h = calloc(NECST_LANES * units, sizeof(float));
	s->c = calloc(NECST_LANES * units, sizeof(float));
	s->rows = calloc((size_t)NECST_CHUNK * NECST_INPUTS, sizeof(int32_t));
	s->reset = calloc(NECST_CHUNK, 1);
	s->hout = calloc(NECST_CHUNK * units, sizeof(float));
	s->dhout = calloc(NECST_CHUNK * units, sizeof(float));
	s->seen = calloc(NECST_CHUNK * units, sizeof(float));
	s->work = calloc(wm_lstm_work(&s->lstm, NECST_STEPS, NECST_LANES), sizeof(float));
	s->logits = calloc(NECST_CHUNK * columns, sizeof(float));
	if (s->h == NULL || s->c == NULL || s->rows == NULL || s->reset == NULL || s->hout == NULL || s->dhout == NULL
		|| s->seen == NULL || s->work == NULL || s->logits == NULL
		|| necst_layout_create(&s->grad, &seq->dims) < 0) {
		necst_shard_free(s);
		return -ENOMEM;
	}
	return 0;
}

void necst_shard_free(struct necst_shard *s)
{
	free(s->h);
	free(s->c);
	free(s->rows);
	free(s->reset);
	free(s->hout);
	free(s->dhout);
	free(s->seen);
	free(s->work);
	free(s->logits);
	necst_sequence_free(&s->grad);
	*s = (struct necst_shard){0};
}

// The token's loss; what the flow could not have done is taken out of the softmax.
static void token_loss(struct necst_shard *s)
{
	const size_t columns = necst_columns(s->seq);

	for (size_t i = 0; i < NECST_CHUNK; i++) {
		float *logits = s->logits + i * columns;
		const float *mask;
		int32_t r = s->record[i];

		s->target[i] = -1;
		if (r < 0)
			continue;
		mask = s->x->masks.rows + (size_t)s->x->mask[r] * s->seq->token_pad;
		if (mask[s->x->token[r]] < 0) // a rare kind that another stands in for
			continue;
		s->target[i] = s->x->token[r];
		s->n_token++;
		for (size_t j = 0; j < s->seq->token_pad; j++)
			logits[j] = mask[j] < 0 ? -1e30f : logits[j];
	}
	s->nll_token +=
		wm_softmax_nll(s->logits, s->logits, columns, s->target, NECST_CHUNK, s->seq->token_pad, s->scale);
}

// Add a row to the logits of one packet.
static void add_row(float *logits, const float *row, size_t n)
{
	for (size_t j = 0; j < n; j++)
		logits[j] += row[j];
}

// The size's loss, given the token: the token's row is added to the logits, and gets their gradient.
static void size_loss(struct necst_shard *s)
{
	const size_t pad = s->seq->size_pad, columns = necst_columns(s->seq);
	float *first = s->logits + s->seq->token_pad;

	for (size_t i = 0; i < NECST_CHUNK; i++) {
		int32_t r = s->record[i];

		s->target[i] = r < 0 ? -1 : s->x->size[r];
		if (s->target[i] < 0)
			continue;
		s->n_size++;
		add_row(first + i * columns, s->seq->size_tok + s->x->token[r] * pad, pad);
	}
	s->nll_size += wm_softmax_nll(first, first, columns, s->target, NECST_CHUNK, pad, s->scale);
	for (size_t i = 0; s->train && i < NECST_CHUNK; i++)
		if (s->target[i] >= 0)
			add_row(s->grad.size_tok + s->x->token[s->record[i]] * pad, first + i * columns, pad);
}

static size_t size_row(const struct necst_shard *s, int32_t r)
{
	return s->x->size[r] < 0 ? s->seq->dims.sizes : (size_t)s->x->size[r];
}

// The gap's loss, given the token and the size.
static void gap_loss(struct necst_shard *s)
{
	const size_t pad = s->seq->gap_pad, columns = necst_columns(s->seq);
	float *first = s->logits + s->seq->token_pad + s->seq->size_pad;

	for (size_t i = 0; i < NECST_CHUNK; i++) {
		float *logits = first + i * columns;
		int32_t r = s->record[i];

		s->target[i] = r < 0 ? -1 : s->x->gap[r];
		if (s->target[i] < 0)
			continue;
		s->n_gap++;
		add_row(logits, s->seq->gap_tok + s->x->token[r] * pad, pad);
		add_row(logits, s->seq->gap_size + size_row(s, r) * pad, pad);
		for (size_t j = s->seq->dims.gaps; j < pad; j++)
			logits[j] = -1e30f;
	}
	s->nll_gap += wm_softmax_nll(first, first, columns, s->target, NECST_CHUNK, pad, s->scale);
	for (size_t i = 0; s->train && i < NECST_CHUNK; i++) {
		int32_t r = s->record[i];

		if (s->target[i] < 0)
			continue;
		add_row(s->grad.gap_tok + s->x->token[r] * pad, first + i * columns, pad);
		add_row(s->grad.gap_size + size_row(s, r) * pad, first + i * columns, pad);
	}
}

// Dropout (Srivastava et al. 2014) between the state and the heads; the mask is used again on the way back.
static void drop(float *to, const float *from, size_t n, const struct necst_shard *s)
{
	const float keep = 1.0f / (1.0f - (float)DROP / 256.0f);
	struct wm_rng rng;

	wm_rng_init(&rng, s->seed, WM_STREAM_TRAIN, UINT64_C(1) << 33 | s->update << 34);
	for (size_t i = 0; i < n; i += 4) {
		uint32_t random = wm_rng_u32(&rng);

		for (size_t j = i; j < i + 4; j++, random >>= 8)
			to[j] = (random & 255) < DROP ? 0 : from[j] * keep;
	}
}

void necst_shard_run(struct necst_shard *s)
{
	const struct necst_sequence *w = s->seq;
	const size_t columns = necst_columns(w);

	wm_lstm_forward(&s->lstm, s->hout, s->h, s->c, w->emb, w->u, w->bias, s->rows, s->reset, NECST_STEPS,
		NECST_LANES, s->work);
	if (s->train)
		drop(s->seen, s->hout, NECST_CHUNK * (size_t)w->dims.units, s);
	else
		memcpy(s->seen, s->hout, NECST_CHUNK * (size_t)w->dims.units * sizeof(float));
	wm_dense_forward(s->logits, s->seen, w->head, w->head_b, NECST_CHUNK, w->dims.units, columns);
	token_loss(s);
	size_loss(s);
	gap_loss(s);
	if (!s->train)
		return;
	wm_dense_backward(s->dhout, s->grad.head, s->grad.head_b, s->logits, s->seen, w->head, NECST_CHUNK,
		w->dims.units, columns);
	drop(s->dhout, s->dhout, NECST_CHUNK * (size_t)w->dims.units, s);
	wm_lstm_backward(&s->lstm, s->grad.emb, s->grad.u, s->grad.bias, s->dhout, s->hout, w->u, s->rows, s->reset,
		NECST_STEPS, NECST_LANES, s->work);
}
