// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/shard.h>

#include <engine/necst/layout.h>
#include <nn/dense.h>
#include <nn/loss.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int necst_shard_create(struct necst_shard *s, const struct necst_sequence *seq, const struct necst_examples *x)
{
	const size_t units = seq->dims.units, columns = seq->token_pad + seq->gap_pad;

	*s = (struct necst_shard){.seq = seq, .x = x, .lstm = {.units = units, .n_idx = NECST_INPUTS}};
	s->h = calloc(NECST_LANES * units, sizeof(float));
	s->c = calloc(NECST_LANES * units, sizeof(float));
	s->rows = calloc((size_t)NECST_CHUNK * NECST_INPUTS, sizeof(int32_t));
	s->reset = calloc(NECST_CHUNK, 1);
	s->hout = calloc(NECST_CHUNK * units, sizeof(float));
	s->dhout = calloc(NECST_CHUNK * units, sizeof(float));
	s->work = calloc(wm_lstm_work(&s->lstm, NECST_STEPS, NECST_LANES), sizeof(float));
	s->logits = calloc(NECST_CHUNK * columns, sizeof(float));
	if (s->h == NULL || s->c == NULL || s->rows == NULL || s->reset == NULL || s->hout == NULL || s->dhout == NULL
		|| s->work == NULL || s->logits == NULL || necst_layout_create(&s->grad, &seq->dims) < 0) {
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
	free(s->work);
	free(s->logits);
	necst_sequence_free(&s->grad);
	*s = (struct necst_shard){0};
}

// The token's loss; what the flow could not have done is taken out of the softmax.
static void token_loss(struct necst_shard *s)
{
	const size_t columns = s->seq->token_pad + s->seq->gap_pad;

	for (size_t i = 0; i < NECST_CHUNK; i++) {
		float *logits = s->logits + i * columns;
		const float *mask;
		int32_t r = s->record[i];

		s->target[i] = -1;
		if (r < 0)
			continue;
		mask = s->x->masks + (size_t)s->x->mask[r] * s->seq->token_pad;
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

// The gap's loss, given the token: the token's row is added to the logits, and gets their gradient.
static void gap_loss(struct necst_shard *s)
{
	const size_t pad = s->seq->gap_pad, columns = s->seq->token_pad + pad;

	for (size_t i = 0; i < NECST_CHUNK; i++) {
		float *logits = s->logits + i * columns + s->seq->token_pad;
		int32_t r = s->record[i];

		s->target[i] = r < 0 ? -1 : s->x->gap[r];
		if (s->target[i] < 0)
			continue;
		s->n_gap++;
		for (size_t j = 0; j < pad; j++)
			logits[j] += s->seq->gap_tok[s->x->token[r] * pad + j];
		for (size_t j = s->seq->dims.gaps; j < pad; j++)
			logits[j] = -1e30f;
	}
	s->nll_gap += wm_softmax_nll(s->logits + s->seq->token_pad, s->logits + s->seq->token_pad, columns, s->target,
		NECST_CHUNK, pad, s->scale);
	for (size_t i = 0; s->train && i < NECST_CHUNK; i++) {
		const float *d = s->logits + i * columns + s->seq->token_pad;

		if (s->target[i] < 0)
			continue;
		for (size_t j = 0; j < pad; j++)
			s->grad.gap_tok[s->x->token[s->record[i]] * pad + j] += d[j];
	}
}

void necst_shard_run(struct necst_shard *s)
{
	const struct necst_sequence *w = s->seq;
	const size_t columns = w->token_pad + w->gap_pad;

	wm_lstm_forward(&s->lstm, s->hout, s->h, s->c, w->emb, w->u, w->bias, s->rows, s->reset, NECST_STEPS,
		NECST_LANES, s->work);
	wm_dense_forward(s->logits, s->hout, w->head, w->head_b, NECST_CHUNK, w->dims.units, columns);
	token_loss(s);
	gap_loss(s);
	if (!s->train)
		return;
	wm_dense_backward(s->dhout, s->grad.head, s->grad.head_b, s->logits, s->hout, w->head, NECST_CHUNK,
		w->dims.units, columns);
	wm_lstm_backward(&s->lstm, s->grad.emb, s->grad.u, s->grad.bias, s->dhout, s->hout, w->u, s->rows, s->reset,
		NECST_STEPS, NECST_LANES, s->work);
}
