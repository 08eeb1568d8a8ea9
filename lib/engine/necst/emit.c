// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/emit.h>

#include <engine/necst/window.h>

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

// Pairs of a packet's window: what follows from the one before, or what opens the side.
static void count_window(struct necst_pair **next, struct necst_pair **step, const struct necst_window_side *me,
	const struct necst_kind *k, uint32_t profile, uint16_t window)
{
	if (me->window < 0 || me->syn) {
		*(*next)++ = (struct necst_pair){necst_window_key(NECST_WINDOW_OPENS, me, k, profile), window};
		*(*next)++ = (struct necst_pair){necst_window_key(NECST_WINDOW_SIDE, me, k, profile), window};
	}
	if (me->window < 0 && necst_window_counts(k))
		return;
	*(*next)++ = (struct necst_pair){necst_window_key(NECST_WINDOW_FOLLOWS, me, k, profile), window};
	*(*next)++ = (struct necst_pair){necst_window_key(NECST_WINDOW_ANYWHERE, me, k, profile), window};
	if (!me->syn && necst_window_counts(k))
		*(*step)++ = (struct necst_pair){
			necst_window_key(NECST_WINDOW_CHANGES, me, k, profile), (uint16_t)(window - me->window)};
}

static int put_windows(const struct counter *c)
{
	struct necst_pair *next = malloc((4 * c->ds->n_records + 1) * sizeof(*next)), *next_end = next,
			  *step_end = c->pairs;
	int rc;

	if (next == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->ds->n_flows; i++) {
		const struct wm_flow_record *f = &c->ds->flows[i];
		struct necst_window_side side[2] = {{.window = -1}, {.window = -1}};

		for (size_t j = f->first; f->proto == 6 && j < (size_t)f->first + f->n; j++) {
			const struct wm_record *r = &c->ds->records[j];
			const struct necst_kind *k = kind_of(c, token_of(c, j));

			count_window(&next_end, &step_end, &side[k->reverse], k, c->v->profile[i], r->window);
			necst_window_note(side, k, r->window, r->payload);
		}
	}
	rc = necst_table_put(c->w, "window.next", next, (size_t)(next_end - next));
	if (rc == 0)
		rc = necst_table_put(c->w, "window.step", c->pairs, (size_t)(step_end - c->pairs));
	free(next);
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
