// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/examples.h>

#include <base/philox.h>
#include <engine/necst/masks.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
	STRETCH_SHARE = 64, // a flow with more than 1/64 of the packets is cut into stretches of that length
	STRETCH_LEAST = 64,
	STRETCH_MOST = 2048,
	FLOWS_TO_HOLD_OUT = 40, // with fewer flows stretches are held out
	HELD_OUT = 10,          // one in ten
};

static void walk_flow(struct necst_examples *x, const uint32_t offsets[NECST_INPUTS + 1], const struct necst_dims *dims,
	const struct wm_flow_record *f, const struct wm_record *records, uint8_t family, uint16_t cls,
	const struct necst_clusters *tokens, const struct necst_sizes *sizes, const struct necst_kind *kind,
	const struct necst_clocks *clocks, const struct necst_gaps *gaps)
{
	struct necst_silence silence = {0};
	struct necst_progress p = {
		.token = dims->tokens,
		.size = dims->sizes,
		.gap = dims->gaps,
		.cls = cls,
		.pkts = f->n,
		.server = f->pkts[1],
		.bytes = {f->bytes[0], f->bytes[1]},
		.time_ns = f->end_ns - f->start_ns,
		.started = f->started,
		.ended = f->ended,
	};

	for (size_t j = f->first; j < (size_t)f->first + f->n; j++) {
		bool begin = j == f->first;
		uint64_t gap_ns = begin ? 0 : records[j].time_ns - records[j - 1].time_ns;
		uint64_t passed = necst_clock(clocks, &silence, tokens->token[j], records[j].reverse);
		uint32_t bin = begin ? dims->gaps : necst_gap_bin(gaps, passed + gap_ns);
		bool framed = necst_framed(&kind[tokens->token[j]]);
		uint32_t size = framed ? dims->sizes : sizes->of[records[j].payload];

		necst_rows(&p, offsets, x->rows[j]);
		x->token[j] = tokens->token[j];
		x->size[j] = (int16_t)(framed ? -1 : (int32_t)size);
		x->gap[j] = (int16_t)(begin ? -1 : (int32_t)bin);
		x->mask[j] = necst_mask_row(&x->masks, family, &p);
		x->reach[tokens->token[j]].head |= UINT64_C(1) << necst_head(&p);
		x->reach[tokens->token[j]].tail |= UINT64_C(1) << necst_tail(&p);
		necst_advance(&p, tokens->token[j], size, necst_gap_input(dims, bin), records[j].reverse,
			records[j].len, gap_ns);
		necst_hear(&silence, records[j].reverse, gap_ns);
		necst_note_close(&p, &kind[tokens->token[j]]);
	}
}

static void cut_into_stretches(struct necst_examples *x, const struct wm_dataset *ds, uint64_t seed)
{
	size_t most = ds->n_records / STRETCH_SHARE;
	bool hold_flows = ds->n_flows >= FLOWS_TO_HOLD_OUT;
	struct wm_rng rng;

	most = most < STRETCH_LEAST ? STRETCH_LEAST : most > STRETCH_MOST ? STRETCH_MOST : most;
	wm_rng_init(&rng, seed, WM_STREAM_TRAIN, UINT64_MAX);
	for (size_t i = 0; i < ds->n_flows; i++) {
		const struct wm_flow_record *f = &ds->flows[i];
		bool held = wm_rng_below(&rng, HELD_OUT) == 0;

		for (size_t at = 0; at < f->n; at += most) {
			size_t n = f->n - at < most ? f->n - at : most;
			struct necst_stretch s = {.first = (uint32_t)(f->first + at), .n = (uint32_t)n};

			// A flow that is a good part of the capture is not held out whole.
			if (!hold_flows || f->n > most)
				held = wm_rng_below(&rng, HELD_OUT) == 0;
			if (held && x->n_train + x->n_held > 0) {
				x->held[x->n_held++] = s;
				x->n_held_packets += n;
			} else {
				x->train[x->n_train++] = s;
			}
		}
	}
}

int necst_examples_make(struct necst_examples *out, const struct necst_dims *dims, uint32_t token_pad,
	const struct wm_dataset *ds, const struct necst_vocab *v, const struct necst_clusters *tokens,
	const struct necst_sizes *sizes, const struct necst_clocks *clocks, const struct necst_gaps *gaps,
	const struct necst_classes *classes, uint64_t seed)
{
	const size_t stretches = ds->n_flows + ds->n_records / STRETCH_LEAST + 1;
	struct necst_examples x = {.n = ds->n_records};
	struct necst_kind kind[NECST_TOKENS_MAX];
	uint32_t offsets[NECST_INPUTS + 1];

	x.rows = calloc(x.n + 1, sizeof(*x.rows));
	x.token = calloc(x.n + 1, sizeof(*x.token));
	x.size = calloc(x.n + 1, sizeof(*x.size));
	x.gap = calloc(x.n + 1, sizeof(*x.gap));
	x.mask = calloc(x.n + 1, sizeof(*x.mask));
	for (uint32_t t = 0; t < tokens->n; t++)
		kind[t] = v->kinds[tokens->kind[t]];
	x.reach = calloc(tokens->n + 1, sizeof(*x.reach));
	x.train = calloc(stretches, sizeof(*x.train));
	x.held = calloc(stretches, sizeof(*x.held));
	if (x.rows == NULL || x.token == NULL || x.size == NULL || x.gap == NULL || x.mask == NULL || x.reach == NULL
		|| x.train == NULL || x.held == NULL) {
		necst_examples_free(&x);
		return -ENOMEM;
	}
	necst_offsets(dims, offsets);
	necst_masks_init(&x.masks, v->n_families, kind, tokens->n);
	for (size_t i = 0; i < ds->n_flows; i++)
		walk_flow(&x, offsets, dims, &ds->flows[i], ds->records, v->family[i], classes->cls[i], tokens, sizes,
			kind, clocks, gaps);
	if (necst_masks_fill(&x.masks, v->n_families, token_pad, kind, x.reach, tokens->n) < 0) {
		necst_examples_free(&x);
		return -ENOMEM;
	}
	cut_into_stretches(&x, ds, seed);
	*out = x;
	return 0;
}

void necst_examples_free(struct necst_examples *x)
{
	free(x->rows);
	free(x->token);
	free(x->size);
	free(x->gap);
	free(x->mask);
	free(x->masks.rows);
	free(x->reach);
	free(x->train);
	free(x->held);
	*x = (struct necst_examples){0};
}
