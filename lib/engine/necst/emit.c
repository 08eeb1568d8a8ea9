// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/emit.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(NECST_TOKENS_MAX <= 256, "necst_key_token() gives a token eight bits");

struct counter {
	struct wm_model_writer *w;
	const struct wm_dataset *ds;
	const struct necst_vocab *v;
	const struct necst_clusters *tokens;
	const struct necst_sizes *sizes;
	struct necst_pair *pairs;
};

/** A pair for the packet, or false if the table has none of it. */
typedef bool (*pair_of)(struct necst_pair *p, const struct counter *c, size_t flow, size_t record);

static const struct necst_kind *kind_of(const struct counter *c, uint32_t token)
{
	return &c->v->kinds[c->tokens->kind[token]];
}

static bool framed(const struct counter *c, uint32_t token)
{
	return necst_framed(kind_of(c, token));
}

static uint32_t token_of(const struct counter *c, size_t record)
{
	return c->tokens->token[record];
}

static uint32_t class_of(const struct counter *c, size_t record)
{
	return c->sizes->of[c->ds->records[record].payload];
}

static bool size_pair(struct necst_pair *p, const struct counter *c, size_t flow, size_t record)
{
	const uint32_t t = token_of(c, record);

	*p = (struct necst_pair){
		necst_key_size(c->v->service[flow], t, class_of(c, record)), c->ds->records[record].payload};
	return !framed(c, t);
}

static bool size_any_pair(struct necst_pair *p, const struct counter *c, size_t flow, size_t record)
{
	const uint32_t t = token_of(c, record);

	(void)flow;
	*p = (struct necst_pair){necst_key_size(0, t, class_of(c, record)), c->ds->records[record].payload};
	return !framed(c, t);
}

static bool group_pair(struct necst_pair *p, const struct counter *c, size_t flow, size_t record)
{
	*p = (struct necst_pair){necst_key_token(c->v->profile[flow], token_of(c, record)), c->v->group[record]};
	return true;
}

static bool end_pair(struct necst_pair *p, const struct counter *c, size_t flow, size_t record)
{
	*p = (struct necst_pair){
		necst_key_end(c->v->profile[flow], kind_of(c, token_of(c, record))), c->v->group[record]};
	return true;
}

static bool shape_pair(struct necst_pair *p, const struct counter *c, size_t flow, size_t record)
{
	(void)flow;
	*p = (struct necst_pair){token_of(c, record), c->v->group[record]};
	return true;
}

static bool form_pair(struct necst_pair *p, const struct counter *c, size_t flow, size_t record)
{
	const struct wm_record *r = &c->ds->records[record];

	(void)flow;
	*p = (struct necst_pair){necst_key_form(c->v->group[record], r->payload), r->form};
	return !framed(c, token_of(c, record)) && c->ds->forms[r->form].payload_len > 0;
}

static bool any_pair(struct necst_pair *p, const struct counter *c, size_t flow, size_t record)
{
	(void)flow;
	*p = (struct necst_pair){c->v->group[record], c->ds->records[record].form};
	return true;
}

static bool frame_pair(struct necst_pair *p, const struct counter *c, size_t flow, size_t record)
{
	const struct wm_record *r = &c->ds->records[record];

	(void)flow;
	*p = (struct necst_pair){r->form, (uint32_t)r->len << 16 | r->payload};
	return framed(c, token_of(c, record));
}

static int put(const struct counter *c, const char *name, pair_of fn)
{
	size_t n = 0;

	for (size_t i = 0; i < c->ds->n_flows; i++) {
		const struct wm_flow_record *f = &c->ds->flows[i];

		for (size_t j = f->first; j < (size_t)f->first + f->n; j++)
			n += fn(&c->pairs[n], c, i, j);
	}
	return necst_table_put(c->w, name, c->pairs, n);
}

// Windows that are not the direction's last one again, by (profile, token), how often they are, and first windows.
static int put_windows(const struct counter *c)
{
	uint32_t same[NECST_TOKENS_MAX][2] = {{0}}, seen[NECST_TOKENS_MAX][2] = {{0}};
	struct necst_repeat repeat[NECST_TOKENS_MAX];
	struct necst_pair *first = malloc((2 * c->ds->n_flows + 1) * sizeof(*first));
	size_t n = 0, n_first = 0, shape[2] = {c->tokens->n, 2};
	int rc;

	if (first == NULL)
		return -ENOMEM;

	for (size_t i = 0; i < c->ds->n_flows; i++) {
		const struct wm_flow_record *f = &c->ds->flows[i];
		int32_t last[2] = {-1, -1};
		bool syn[2] = {false, false};

		for (size_t j = f->first; j < (size_t)f->first + f->n; j++) {
			const struct wm_record *r = &c->ds->records[j];
			uint32_t t = c->tokens->token[j];

			seen[t][syn[r->reverse]] += last[r->reverse] >= 0;
			same[t][syn[r->reverse]] += last[r->reverse] == r->window;
			if (last[r->reverse] < 0)
				first[n_first++] =
					(struct necst_pair){necst_key_side(c->v->profile[i], r->reverse), r->window};
			if (last[r->reverse] != r->window)
				c->pairs[n++] = (struct necst_pair){necst_key_token(c->v->profile[i], t), r->window};
			last[r->reverse] = r->window;
			syn[r->reverse] = necst_is_syn(kind_of(c, t));
		}
	}
	for (size_t t = 0; t < shape[0]; t++)
		for (int k = 0; k < 2; k++)
			repeat[t].after[k] =
				seen[t][k] == 0 ? UINT32_MAX : (uint32_t)((double)same[t][k] / seen[t][k] * UINT32_MAX);
	rc = wm_model_put(c->w, "emit.repeat", WM_U32, 2, shape, repeat);
	if (rc == 0)
		rc = necst_table_put(c->w, "emit.window", c->pairs, n);
	if (rc == 0)
		rc = necst_table_put(c->w, "emit.window_first", first, n_first);
	free(first);
	return rc;
}

int necst_emit_put(struct wm_model_writer *w, const struct wm_dataset *ds, const struct necst_vocab *v,
	const struct necst_clusters *tokens, const struct necst_sizes *sizes)
{
	const struct {
		const char *name;
		pair_of fn;
	} tables[] = {
		{"emit.size", size_pair},
		{"emit.size_any", size_any_pair},
		{"emit.group", group_pair},
		{"emit.end", end_pair},
		{"emit.shape", shape_pair},
		{"emit.form", form_pair},
		{"emit.any", any_pair},
		{"emit.frame", frame_pair},
	};
	struct counter c = {w, ds, v, tokens, sizes, malloc((ds->n_records + 1) * sizeof(struct necst_pair))};
	int rc = c.pairs == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && rc == 0; i++)
		rc = put(&c, tables[i].name, tables[i].fn);
	if (rc == 0)
		rc = put_windows(&c);
	free(c.pairs);
	return rc;
}
