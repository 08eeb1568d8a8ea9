// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/compiled.h>

#include <engine/necst/layout.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int get_tokens(struct wm_engine_model *e, const struct wm_model *m, struct necst_dims *dims, struct wm_err *err)
{
	size_t shape[2] = {0, sizeof(struct necst_kind)}, reach[2] = {0, 2};
	const void *data;
	long long families = 0, longest = 0;
	int rc = wm_model_tensor(m, "token.kind", WM_U8, 2, shape, &data, err);

	if (rc == 0)
		rc = wm_model_meta_int(m, "necst.families", 1, NECST_FAMILIES_MAX, &families, err);
	if (rc == 0)
		rc = wm_model_meta_int(m, "necst.longest", 1, UINT16_MAX, &longest, err);
	if (rc < 0)
		return rc;
	if (shape[0] == 0 || shape[0] > NECST_TOKENS_MAX)
		return wm_err_set(err, -EINVAL, "tensor token.kind: %zu clusters; 1 to %d were expected", shape[0],
			NECST_TOKENS_MAX);
	memcpy(e->kind, data, shape[0] * sizeof(e->kind[0]));
	dims->tokens = (uint32_t)shape[0];
	e->n_families = (uint32_t)families;
	e->longest = (uint32_t)longest;
	for (size_t t = 0; t < shape[0]; t++) {
		const struct necst_kind *k = &e->kind[t];

		if (k->family >= e->n_families || k->reverse > 1 || k->seq > WM_SEQ_HOLE || k->ack > WM_ACK_SOME
			|| k->frame > NECST_FRAME_RAW)
			return wm_err_set(err, -EINVAL, "tensor token.kind: row %zu is not a kind of packet", t);
	}
	reach[0] = shape[0];
	rc = wm_model_tensor(m, "token.reach", WM_U64, 2, reach, &data, err);
	if (rc < 0)
		return rc;
	e->reach = data;
	return 0;
}

static int get_gaps(struct wm_engine_model *e, const struct wm_model *m, struct necst_dims *dims, struct wm_err *err)
{
	size_t shape[2] = {0, NECST_GAP_PARTS + 1};
	const void *data;
	long long resolution = 0;
	int rc = wm_model_tensor(m, "gap.knots", WM_U64, 2, shape, &data, err);

	if (rc == 0)
		rc = wm_model_meta_int(m, "necst.resolution_ns", 1, 1000000, &resolution, err);
	if (rc < 0)
		return rc;
	if (shape[0] == 0 || shape[0] > NECST_GAPS_MAX)
		return wm_err_set(
			err, -EINVAL, "tensor gap.knots: %zu bins; 1 to %d were expected", shape[0], NECST_GAPS_MAX);
	memcpy(e->gaps.knots, data, shape[0] * sizeof(e->gaps.knots[0]));
	e->gaps.n = dims->gaps = (uint32_t)shape[0];
	e->gaps.resolution_ns = (uint64_t)resolution;
	for (size_t b = 0; b < shape[0]; b++)
		for (size_t i = 0; i <= NECST_GAP_PARTS; i++)
			if (e->gaps.knots[b][i] > UINT64_C(1) << 62
				|| (i > 0 && e->gaps.knots[b][i] < e->gaps.knots[b][i - 1]))
				return wm_err_set(err, -EINVAL, "tensor gap.knots: bin %zu does not ascend", b);
	necst_gaps_index(&e->gaps);
	return 0;
}

static bool has_tensor(const struct wm_model *m, const char *name)
{
	for (size_t i = 0; i < wm_model_n_tensors(m); i++)
		if (strcmp(wm_model_tensor_at(m, i)->name, name) == 0)
			return true;
	return false;
}

// Models from before there were clocks count all times from the packet before.
static int get_clocks(
	struct wm_engine_model *e, const struct wm_model *m, const struct necst_dims *dims, struct wm_err *err)
{
	size_t n = dims->tokens;
	const void *data;
	int rc;

	if (!has_tensor(m, "token.own_clock"))
		return 0;
	rc = wm_model_tensor(m, "token.own_clock", WM_U8, 1, &n, &data, err);
	if (rc == 0)
		memcpy(e->clocks.own, data, n);
	return rc;
}

static int get_floats(
	float *to, const struct wm_model *m, const char *name, size_t rows, size_t columns, struct wm_err *err)
{
	size_t shape[2] = {rows, columns};
	const void *data;
	int rc = wm_model_tensor(m, name, WM_F32, rows > 0 ? 2 : 1, rows > 0 ? shape : shape + 1, &data, err);

	if (rc == 0)
		memcpy(to, data, (rows > 0 ? rows : 1) * columns * sizeof(float));
	return rc;
}

static int get_sequence(
	struct wm_engine_model *e, const struct wm_model *m, struct necst_dims *dims, struct wm_err *err)
{
	size_t shape[2] = {0, 0}, gates, columns;
	struct necst_sequence *s = &e->seq;
	const void *data;
	long long classes = 0, sizes = 0, alike = 1;
	int rc = wm_model_meta_int(m, "necst.classes", 1, NECST_CLASSES_MAX, &classes, err);
	if (rc == 0)
		rc = wm_model_meta_int(m, "necst.sizes", 1, NECST_SIZES_MAX, &sizes, err);
	if (rc == 0 && wm_model_meta(m, "necst.gaps_alike") != NULL) // older models tell all bins apart
		rc = wm_model_meta_int(m, "necst.gaps_alike", 1, NECST_GAPS_MAX, &alike, err);

	if (rc == 0)
		rc = wm_model_tensor(m, "lstm.recurrent", WM_F32, 2, shape, &data, err);
	if (rc < 0)
		return rc;
	if (shape[0] == 0 || shape[0] > 1024 || shape[0] % WM_WIDE != 0)
		return wm_err_set(err, -EINVAL,
			"tensor lstm.recurrent: %zu units; a multiple of %d up to 1024 was expected", shape[0],
			WM_WIDE);
	dims->units = (uint32_t)shape[0];
	dims->classes = (uint32_t)classes;
	dims->sizes = (uint32_t)sizes;
	dims->gaps_alike = (uint32_t)alike;
	if (necst_layout_create(s, dims) < 0)
		return wm_err_sys(err, -ENOMEM, "opening the model");
	necst_offsets(dims, e->offsets);
	gates = 4 * (size_t)dims->units;
	columns = necst_columns(s);
	rc = get_floats(s->emb, m, "lstm.embedding", e->offsets[NECST_INPUTS], gates, err);
	rc = rc < 0 ? rc : get_floats(s->u, m, "lstm.recurrent", dims->units, gates, err);
	rc = rc < 0 ? rc : get_floats(s->bias, m, "lstm.bias", 0, gates, err);
	rc = rc < 0 ? rc : get_floats(s->head, m, "head.weight", dims->units, columns, err);
	rc = rc < 0 ? rc : get_floats(s->head_b, m, "head.bias", 0, columns, err);
	rc = rc < 0 ? rc : get_floats(s->size_tok, m, "head.size_given_token", dims->tokens, s->size_pad, err);
	rc = rc < 0 ? rc : get_floats(s->gap_tok, m, "head.gap_given_token", dims->tokens, s->gap_pad, err);
	rc = rc < 0 ? rc : get_floats(s->gap_size, m, "head.gap_given_size", dims->sizes + 1, s->gap_pad, err);
	if (rc == 0 && necst_weights_create(&e->weights, s, e->kind, e->n_families) < 0)
		rc = wm_err_sys(err, -ENOMEM, "opening the model");
	return rc;
}

struct form_row {                                        // of tensor form.index
	uint32_t image, image_len, payload, payload_len; // offsets into form.bytes
};

static int get_forms(struct wm_engine_model *e, const struct wm_model *m, struct wm_err *err)
{
	size_t shape[2] = {0, 4}, n_bytes = 0, sums = 0;
	const void *data, *bytes;
	const struct form_row *index;
	int rc = wm_model_tensor(m, "form.index", WM_U32, 2, shape, &data, err);

	if (rc == 0)
		rc = wm_model_tensor(m, "form.bytes", WM_U8, 1, &n_bytes, &bytes, err);
	if (rc < 0)
		return rc;
	index = data;
	if (shape[0] == 0 || shape[0] > WM_FORMS_MAX)
		return wm_err_set(
			err, -EINVAL, "tensor form.index: %zu forms; 1 to %d were expected", shape[0], WM_FORMS_MAX);
	for (size_t i = 0; i < shape[0]; i++) {
		if ((uint64_t)index[i].image + index[i].image_len > n_bytes
			|| (uint64_t)index[i].payload + index[i].payload_len > n_bytes
			|| index[i].payload_len > UINT16_MAX)
			return wm_err_set(err, -EINVAL, "tensor form.index: row %zu points outside form.bytes", i);
		sums += index[i].payload_len > 0 ? index[i].payload_len / 2 + 1 : 0;
	}
	e->forms = calloc(shape[0], sizeof(*e->forms));
	e->payload_sums = calloc(sums + 1, sizeof(*e->payload_sums));
	if (e->forms == NULL || e->payload_sums == NULL)
		return wm_err_sys(err, -ENOMEM, "opening the model");
	e->n_forms = shape[0];
	sums = 0;
	for (size_t i = 0; i < shape[0] && rc == 0; i++) {
		const uint8_t *b = bytes;
		bool payload = index[i].payload_len > 0;

		rc = wm_form_init(&e->forms[i], b + index[i].image, index[i].image_len,
			payload ? b + index[i].payload : NULL, payload ? e->payload_sums + sums : NULL,
			index[i].payload_len, err);
		sums += payload ? index[i].payload_len / 2 + 1 : 0;
	}
	return rc;
}

static int check_values(const struct necst_table *t, const char *name, uint64_t below, struct wm_err *err)
{
	for (uint32_t i = 0; i < t->first[t->n]; i++)
		if (t->value[i] >= below)
			return wm_err_set(err, -EINVAL, "tensor %s.value: %u; less than %" PRIu64 " was expected", name,
				t->value[i], below);
	return 0;
}

static int get_tables(struct wm_engine_model *e, const struct wm_model *m, struct wm_err *err)
{
	const uint64_t any = UINT32_MAX + UINT64_C(1), u16 = UINT16_MAX + 1;
	const struct {
		const char *name;
		struct necst_table *table;
		uint64_t below; // what the values must be
	} tables[] = {
		{"emit.size", &e->size, u16},
		{"emit.size_any", &e->size_any, u16},
		{"emit.group", &e->group, u16},
		{"emit.end", &e->end, u16},
		{"emit.shape", &e->shape, u16},
		{"emit.form", &e->form, e->n_forms},
		{"emit.any", &e->any, e->n_forms},
		{"emit.frame", &e->frame, any},
		{"window.next", &e->windows.next, u16},
		{"window.step", &e->windows.step, u16},
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && rc == 0; i++) {
		rc = necst_table_get(tables[i].table, m, tables[i].name, err);
		if (rc == 0)
			rc = check_values(tables[i].table, tables[i].name, tables[i].below, err);
		if (rc == 0 && necst_table_index(tables[i].table) < 0)
			rc = wm_err_sys(err, -ENOMEM, "opening the model");
	}
	return rc;
}

// Models from before rests were counted have none.
static int get_rests(struct wm_engine_model *e, const struct wm_model *m, struct wm_err *err)
{
	int rc = has_tensor(m, "gap.rest.key") ? necst_table_get(&e->rests, m, "gap.rest", err) : 0;

	if (rc == 0 && e->rests.n > 0)
		rc = check_values(&e->rests, "gap.rest", e->gaps.n, err);
	if (rc == 0 && necst_table_index(&e->rests) < 0)
		rc = wm_err_sys(err, -ENOMEM, "opening the model");
	return rc;
}

int necst_open(struct wm_engine_model **out, const struct wm_model *m, struct wm_err *err)
{
	struct wm_engine_model *e = calloc(1, sizeof(*e));
	struct necst_dims dims = {0};
	int rc;

	if (e == NULL)
		return wm_err_sys(err, -ENOMEM, "opening the model");
	e->kernels = wm_kernels_best();
	rc = get_tokens(e, m, &dims, err);
	rc = rc < 0 ? rc : get_clocks(e, m, &dims, err);
	rc = rc < 0 ? rc : get_gaps(e, m, &dims, err);
	rc = rc < 0 ? rc : get_sequence(e, m, &dims, err);
	rc = rc < 0 ? rc : get_forms(e, m, err);
	rc = rc < 0 ? rc : get_tables(e, m, err);
	rc = rc < 0 ? rc : get_rests(e, m, err);
	rc = rc < 0 ? rc : necst_plan_open(&e->plan, m, dims.classes, e->n_families, e->gaps.resolution_ns, err);
	if (rc == 0) {
		const size_t words = wm_pad_wide(e->weights.most_tokens) / WM_WIDE;

		necst_masks_init(&e->masks, e->n_families, e->kind, dims.tokens);
		if (necst_masks_fill(&e->masks, e->n_families, e->seq.token_pad, e->kind, e->reach, dims.tokens) < 0
			|| necst_masks_pack(&e->masks, e->n_families, e->seq.token_pad, e->kind, dims.tokens, words) < 0
			|| necst_owed_fill(&e->owed, e->n_families, e->kind, dims.tokens, words) < 0)
			rc = wm_err_sys(err, -ENOMEM, "opening the model");
	}
	if (rc == 0 && necst_lone_open(&e->lone, &e->size, &e->shape, e->kind, &dims, e->n_families) < 0)
		rc = wm_err_sys(err, -ENOMEM, "opening the model");
	if (rc < 0) {
		necst_close(e);
		return rc;
	}
	*out = e;
	return 0;
}

static void free_tables(struct wm_engine_model *e)
{
	struct necst_table *const tables[] = {&e->size, &e->size_any, &e->group, &e->end, &e->shape, &e->form, &e->any,
		&e->frame, &e->windows.next, &e->windows.step, &e->rests};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		necst_table_free(tables[i]);
}

void necst_close(struct wm_engine_model *e)
{
	if (e == NULL)
		return;
	free_tables(e);
	necst_lone_close(&e->lone);
	necst_plan_close(e->plan);
	necst_sequence_free(&e->seq);
	necst_weights_free(&e->weights);
	free(e->masks.rows);
	free(e->masks.may);
	free(e->owed.may);
	free(e->forms);
	free(e->payload_sums);
	free(e);
}
