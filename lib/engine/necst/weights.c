// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/weights.h>

#include <base/zeros.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float LOG2_E = 0x1.715476p+0f;
static const float ROW_MOST = 90; // of one input; ten of them and a gate is at its end in any case

static float clamped(float x)
{
	return fminf(fmaxf(x, -ROW_MOST), ROW_MOST);
}

// The largest sum of one row of each input that any gate can see.
static double most_input(const struct necst_sequence *s, const uint32_t offsets[NECST_INPUTS + 1])
{
	const size_t gates = 4 * (size_t)s->dims.units;
	double most = 0;

	for (size_t j = 0; j < gates; j++) {
		double sum = 0;

		for (int i = 0; i < NECST_INPUTS; i++) {
			double largest = 0;

			for (size_t r = offsets[i]; r < offsets[i + 1]; r++)
				largest = fmax(largest, fabs((double)clamped(s->emb[r * gates + j])));
			sum += largest;
		}
		most = fmax(most, sum);
	}
	return most;
}

static int round_inputs(
	struct necst_weights *w, const struct necst_sequence *s, const uint32_t offsets[NECST_INPUTS + 1])
{
	const size_t n = (size_t)offsets[NECST_INPUTS] * 4 * s->dims.units;

	w->emb = wm_zeros(n, sizeof(*w->emb));
	if (w->emb == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const float x = clamped(s->emb[i]);

		wm_fixed_round(w->emb + i, &x, 1, w->gates.b_bits);
	}
	return 0;
}

// Rows of logits: from (rows, n) to (rows, pad).
static int16_t *round_logits(const float *from, size_t rows, size_t n, size_t pad)
{
	int16_t *to = wm_zeros(rows * pad + 1, sizeof(*to));

	for (size_t i = 0; i < rows * n && to != NULL; i++) {
		const float x = from[i] * LOG2_E;

		wm_fixed_round(to + i / n * pad + i % n, &x, 1, WM_LOGIT_BITS);
	}
	return to;
}

// The columns of a family's head, from where they are to where they are wanted; to the base of 2.
static void place(float *to, const float *from, const struct necst_head *h, const struct necst_sequence *s)
{
	for (uint32_t j = 0; j < h->n_tokens; j++)
		*to++ = from[h->token[j]] * LOG2_E;
	for (uint32_t j = 0; j < s->dims.sizes; j++)
		*to++ = from[s->token_pad + j] * LOG2_E;
	for (uint32_t j = 0; j < s->dims.gaps; j++)
		*to++ = from[s->token_pad + s->size_pad + j] * LOG2_E;
}

static int create_head(struct necst_head *h, const struct necst_sequence *s)
{
	const size_t units = s->dims.units, columns = necst_columns(s),
		     wide = wm_pad_wide(h->n_tokens + s->dims.sizes + s->dims.gaps);
	float *head = wm_zeros((units + 1) * wide, sizeof(*head));
	int rc;

	if (head == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < units; i++)
		place(head + i * wide, s->head + i * columns, h, s);
	place(head + units * wide, s->head_b, h, s);
	rc = wm_fixed_create(&h->columns, head, head + units * wide, units, wide, 0, WM_LOGIT_BITS);
	free(head);
	return rc;
}

static int create_heads(struct necst_weights *w, const struct necst_sequence *s, const struct necst_kind *kind)
{
	int rc = 0;

	w->head = calloc(w->n_families, sizeof(*w->head));
	if (w->head == NULL)
		return -ENOMEM;
	for (uint32_t t = 0; t < s->dims.tokens; t++) {
		struct necst_head *h = &w->head[kind[t].family];

		h->token[h->n_tokens++] = (uint16_t)t;
	}
	for (uint32_t f = 0; f < w->n_families && rc == 0; f++) {
		struct necst_head *h = &w->head[f];

		rc = create_head(h, s);
		w->most_tokens = h->n_tokens > w->most_tokens ? h->n_tokens : w->most_tokens;
		w->columns = h->columns.n + WM_WIDE > w->columns ? h->columns.n + WM_WIDE : w->columns;
	}
	return rc;
}

int necst_weights_create(
	struct necst_weights *w, const struct necst_sequence *s, const struct necst_kind *kind, uint32_t n_families)
{
	const size_t units = s->dims.units;
	uint32_t offsets[NECST_INPUTS + 1];

	*w = (struct necst_weights){.n_families = n_families,
		.size_pad = (uint32_t)wm_pad_wide(s->dims.sizes),
		.gap_pad = (uint32_t)wm_pad_wide(s->dims.gaps)};
	necst_offsets(&s->dims, offsets);
	w->size_tok = round_logits(s->size_tok, s->dims.tokens, s->size_pad, w->size_pad);
	w->gap_tok = round_logits(s->gap_tok, s->dims.tokens, s->gap_pad, w->gap_pad);
	w->gap_size = round_logits(s->gap_size, s->dims.sizes + 1, s->gap_pad, w->gap_pad);
	w->gap_b = round_logits(s->head_b + s->token_pad + s->size_pad, 1, s->gap_pad, w->gap_pad);
	if (w->size_tok == NULL || w->gap_tok == NULL || w->gap_size == NULL || w->gap_b == NULL
		|| create_heads(w, s, kind) < 0
		|| wm_fixed_create(&w->gates, s->u, s->bias, units, 4 * units, most_input(s, offsets), WM_GATE_BITS)
			   < 0)
		return -ENOMEM;
	return round_inputs(w, s, offsets);
}

void necst_weights_free(struct necst_weights *w)
{
	for (uint32_t f = 0; f < w->n_families && w->head != NULL; f++)
		wm_fixed_free(&w->head[f].columns);
	free(w->head);
	wm_fixed_free(&w->gates);
	free(w->emb);
	free(w->size_tok);
	free(w->gap_tok);
	free(w->gap_size);
	free(w->gap_b);
	*w = (struct necst_weights){0};
}
