// SPDX-License-Identifier: BSD-3-Clause
#include <engine/rows/chain_fit.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEAST = 2,             // of the records of a context that is kept
	CHOOSE_FROM = 1 << 15, // records that choose the columns
};

static const double worth_nats = 0.001; // of a record, that a level has to bring

// What the contexts of one level have seen: pairs of context and value, in order of first appearance.
struct pair {
	uint64_t key;
	uint32_t value;
	uint32_t count;
	uint32_t fresh;  // contexts one level below in which it came
	uint32_t record; // one of those that it comes from
	uint32_t cell;
};

struct cell {
	uint64_t key;
	uint32_t n;                  // sum of counts
	uint32_t types;              // distinct values
	uint32_t fresh, fresh_types; // the same of what came in contexts one level below
};

struct level {
	struct pair *pairs;
	size_t n_pairs;
	struct cell *cells;
	size_t n_cells;
	uint32_t *pair_slots, *cell_slots;
	size_t mask;
};

struct learner {
	const struct rows_chain_task *task;
	const uint32_t *records; // those that have a say
	size_t n;
	uint8_t column[ROWS_LEVELS + 2];
	unsigned n_root, n_levels;
	struct level level[ROWS_LEVELS];
	double discount[ROWS_LEVELS]; // how much of each count is another's
	double vocabulary;
};

static uint64_t key_of(const struct learner *l, uint32_t record, unsigned level)
{
	const uint32_t *v = l->task->v + (size_t)record * l->task->n_columns;
	uint64_t key = rows_key_begin();

	for (unsigned i = 0; i < l->n_root + level; i++)
		key = rows_key_add(key, v[l->column[i]]);
	return key;
}

static void level_free(struct level *v)
{
	free(v->pairs);
	free(v->cells);
	free(v->pair_slots);
	free(v->cell_slots);
	*v = (struct level){0};
}

static int level_alloc(struct level *v, size_t n)
{
	size_t slots = 16;

	while (slots < 2 * n)
		slots *= 2;
	// NOLINTBEGIN(clang-analyzer-unix.Malloc): each level has its own
	*v = (struct level){.mask = slots - 1};
	v->pairs = calloc(n + 1, sizeof(*v->pairs));
	v->cells = calloc(n + 1, sizeof(*v->cells));
	v->pair_slots = calloc(slots, sizeof(*v->pair_slots));
	v->cell_slots = calloc(slots, sizeof(*v->cell_slots));
	// NOLINTEND(clang-analyzer-unix.Malloc)
	if (v->pairs == NULL || v->cells == NULL || v->pair_slots == NULL || v->cell_slots == NULL) {
		level_free(v);
		return -ENOMEM;
	}
	return 0;
}

static uint32_t *pair_slot(const struct level *v, uint64_t key, uint32_t value)
{
	size_t at = rows_key_add(key, value) & v->mask;

	while (v->pair_slots[at] != 0) {
		const struct pair *p = &v->pairs[v->pair_slots[at] - 1];

		if (p->key == key && p->value == value)
			break;
		at = (at + 1) & v->mask;
	}
	return &v->pair_slots[at];
}

static uint32_t *cell_slot(const struct level *v, uint64_t key)
{
	size_t at = key & v->mask;

	while (v->cell_slots[at] != 0 && v->cells[v->cell_slots[at] - 1].key != key)
		at = (at + 1) & v->mask;
	return &v->cell_slots[at];
}

static void add(struct level *v, uint64_t key, uint32_t value, uint32_t count, uint32_t fresh, uint32_t record)
{
	uint32_t *slot = pair_slot(v, key, value), *cell;

	if (*slot == 0) {
		cell = cell_slot(v, key);
		if (*cell == 0) {
			v->cells[v->n_cells] = (struct cell){.key = key};
			*cell = (uint32_t)++v->n_cells;
		}
		v->pairs[v->n_pairs] = (struct pair){.key = key, .value = value, .record = record, .cell = *cell - 1};
		*slot = (uint32_t)++v->n_pairs;
	}
	v->pairs[*slot - 1].count += count;
	v->pairs[*slot - 1].fresh += fresh;
	v->cells[v->pairs[*slot - 1].cell].n += count;
	v->cells[v->pairs[*slot - 1].cell].fresh += fresh;
}

static void count_types(struct level *v)
{
	for (size_t i = 0; i < v->n_pairs; i++) {
		v->cells[v->pairs[i].cell].types++;
		v->cells[v->pairs[i].cell].fresh_types += v->pairs[i].fresh > 0;
	}
}

static void levels_free(struct learner *l)
{
	for (unsigned i = 0; i < ROWS_LEVELS; i++)
		level_free(&l->level[i]);
}

// Count all levels, the most special first.
static int count_levels(struct learner *l)
{
	levels_free(l);
	for (unsigned k = l->n_levels; k-- > 0;) {
		struct level *v = &l->level[k], *below = k + 1 < l->n_levels ? &l->level[k + 1] : NULL;

		if (level_alloc(v, below != NULL ? below->n_pairs : l->n) < 0)
			return -ENOMEM;
		for (size_t i = 0; below == NULL && i < l->n; i++) {
			const uint32_t r = l->records[i];

			add(v, key_of(l, r, k), l->task->v[(size_t)r * l->task->n_columns + l->task->target], 1, 0, r);
		}
		for (size_t i = 0; below != NULL && i < below->n_pairs; i++) {
			const struct pair *p = &below->pairs[i];

			add(v, key_of(l, p->record, k), p->value, p->count, below->cells[p->cell].n >= LEAST,
				p->record);
		}
		count_types(v);
	}
	return 0;
}

// The probability of a pair of the most special level, one of whose records is left out.
static double left_out(const struct learner *l, const struct pair *deepest)
{
	double p = 0, mass = 1;
	bool first = true, out = true;

	for (unsigned k = l->n_levels; k-- > 0 && mass > 0;) {
		const struct level *v = &l->level[k];
		const struct pair *at =
			k + 1 == l->n_levels
				? deepest
				: &v->pairs[*pair_slot(v, key_of(l, deepest->record, k), deepest->value) - 1];
		const struct cell *cell = &v->cells[at->cell];
		double n = first ? cell->n : cell->fresh, c = first ? at->count : at->fresh,
		       types = first ? cell->types : cell->fresh_types, d = l->discount[k];

		if (cell->n < LEAST && k > 0)
			continue;
		if (out) {
			n--;
			c--;
			out = c < 1;
			types -= out;
		}
		if (n < 1)
			continue;
		first = false;
		p += c > d ? mass * (c - d) / n : 0;
		mass *= d * types / n;
	}
	return p + mass / l->vocabulary;
}

static double nats_of(const struct learner *l)
{
	const struct level *v = &l->level[l->n_levels - 1];
	double sum = 0;

	for (size_t i = 0; i < v->n_pairs; i++)
		sum -= v->pairs[i].count * log(left_out(l, &v->pairs[i]));
	return sum / (double)l->n;
}

// The discount of a level that makes its records likeliest, the others as they are. @return the nats with it.
static double choose_discount(struct learner *l, unsigned level)
{
	static const double some[] = {0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9};
	double best = HUGE_VAL, found = some[0];

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		double nats;

		l->discount[level] = some[i];
		nats = nats_of(l);
		if (nats < best) {
			best = nats;
			found = some[i];
		}
	}
	l->discount[level] = found;
	return best;
}

static bool is_used(const struct learner *l, uint8_t column)
{
	for (unsigned i = 0; i < l->n_root + l->n_levels - 1; i++)
		if (l->column[i] == column)
			return true;
	return false;
}

// Add the level that brings most. @return 1; 0 if none is worth it; -ENOMEM.
static int add_best(struct learner *l, double *nats)
{
	double best = *nats - worth_nats, discount = 0;
	int found = -1;

	if (l->n_levels == ROWS_LEVELS)
		return 0;
	for (unsigned i = 0; i < l->task->n_candidates; i++) {
		double now;

		if (is_used(l, l->task->candidate[i]))
			continue;
		l->column[l->n_root + l->n_levels - 1] = l->task->candidate[i];
		l->n_levels++;
		if (count_levels(l) < 0)
			return -ENOMEM;
		now = choose_discount(l, l->n_levels - 1);
		l->n_levels--;
		if (now < best) {
			best = now;
			discount = l->discount[l->n_levels];
			found = l->task->candidate[i];
		}
	}
	if (found < 0)
		return 0;
	l->column[l->n_root + l->n_levels - 1] = (uint8_t)found;
	l->n_levels++;
	l->discount[l->n_levels - 1] = discount;
	*nats = best;
	return 1;
}

static int choose(struct learner *l)
{
	double nats;
	int rc;

	for (unsigned i = 0; i < l->task->n_first; i++)
		l->column[l->n_root + l->n_levels++ - 1] = l->task->candidate[i];
	if (count_levels(l) < 0)
		return -ENOMEM;
	l->vocabulary = (double)l->level[0].n_pairs + 1;
	nats = choose_discount(l, 0);
	for (unsigned k = 1; k < l->n_levels; k++)
		nats = choose_discount(l, k);
	do
		rc = add_best(l, &nats);
	while (rc > 0);
	return rc;
}

static int by_value(const void *a, const void *b)
{
	const struct rows_item *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

// The cells of all levels and their items, those of each in order of value.
static int pack(struct rows_chain_fitted *out, const struct learner *l)
{
	size_t n_cells = 0, n_items = 0;

	for (unsigned k = 0; k < l->n_levels; k++) {
		n_cells += l->level[k].n_cells;
		n_items += l->level[k].n_pairs;
	}
	out->cells = calloc(n_cells + 1, sizeof(*out->cells));
	out->items = calloc(n_items + 1, sizeof(*out->items));
	if (out->cells == NULL || out->items == NULL)
		return -ENOMEM;
	n_cells = n_items = 0;
	for (unsigned k = 0; k < l->n_levels; k++) {
		const struct level *v = &l->level[k];
		uint32_t *place = calloc(v->n_cells + 1, sizeof(*place)); // + 1, 0 = not kept

		if (place == NULL)
			return -ENOMEM;
		for (size_t i = 0; i < v->n_cells; i++) {
			if (v->cells[i].n < LEAST && k > 0)
				continue;
			out->cells[n_cells] = (struct rows_cell){.key = v->cells[i].key, .first = (uint32_t)n_items};
			n_items += v->cells[i].types;
			place[i] = (uint32_t)++n_cells;
		}
		for (size_t i = 0; i < v->n_pairs; i++) {
			const uint32_t at = place[v->pairs[i].cell];

			if (at != 0)
				out->items[out->cells[at - 1].first + out->cells[at - 1].n++] =
					(struct rows_item){v->pairs[i].value, v->pairs[i].count, v->pairs[i].fresh};
		}
		free(place);
	}
	for (size_t i = 0; i < n_cells; i++) {
		struct rows_item *item = out->items + out->cells[i].first;

		qsort(item, out->cells[i].n, sizeof(*item), by_value);
		for (uint32_t j = 1; j < out->cells[i].n; j++) {
			item[j].until += item[j - 1].until;
			item[j].fresh += item[j - 1].fresh;
		}
	}
	out->chain.n_cells = n_cells;
	out->chain.n_items = n_items;
	return 0;
}

static void describe(struct rows_chain_fitted *out, const struct learner *l)
{
	struct rows_chain *c = &out->chain;

	c->n_root = (uint8_t)l->n_root;
	c->n_levels = (uint8_t)l->n_levels;
	memcpy(c->column, l->column, l->n_root + l->n_levels - 1);
	for (unsigned k = 0; k < l->n_levels; k++)
		c->discount[k] = (uint32_t)(l->discount[k] * 4294967295.0);
	c->cells = out->cells;
	c->items = out->items;
}

static size_t choose_records(uint32_t *out, const struct rows_chain_task *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_records; i++)
		if (t->v[i * t->n_columns + t->target] != ROWS_SKIP)
			out[n++] = (uint32_t)i;
	return n;
}

int rows_chain_fit(struct rows_chain_fitted *out, const struct rows_chain_task *task)
{
	struct learner l = {.task = task, .n_root = task->n_root, .n_levels = 1};
	uint32_t *records = calloc(task->n_records + 1, sizeof(*records));
	size_t n;
	int rc = -ENOMEM;

	*out = (struct rows_chain_fitted){.chain.n_levels = 1, .chain.n_root = task->n_root};
	memcpy(l.column, task->root, task->n_root);
	memcpy(out->chain.column, task->root, task->n_root);
	if (records == NULL)
		return rc;
	n = choose_records(records, task);
	out->n = n;
	rc = 0;
	if (n == 0)
		goto done;
	// Those that choose stand next to each other: contexts of what came before have to be among them.
	l.records = records + (n > CHOOSE_FROM ? (n - CHOOSE_FROM) / 2 : 0);
	l.n = n > CHOOSE_FROM ? CHOOSE_FROM : n;
	rc = choose(&l);
	l.records = records;
	l.n = n;
	if (rc == 0)
		rc = count_levels(&l);
	if (rc == 0) {
		for (unsigned k = l.n_levels; k-- > 0;)
			out->nats = choose_discount(&l, k);
		rc = pack(out, &l);
	}
	if (rc == 0)
		describe(out, &l);
done:
	levels_free(&l);
	free(records);
	return rc;
}

void rows_chain_fitted_free(struct rows_chain_fitted *f)
{
	free(f->cells);
	free(f->items);
	*f = (struct rows_chain_fitted){0};
}

int rows_chain_put(struct wm_model_writer *w, const char *name, const struct rows_chain_fitted *f)
{
	const struct rows_chain *c = &f->chain;
	uint32_t head[2 + 2 * ROWS_LEVELS + 2] = {c->n_root, c->n_levels};
	size_t n_head = sizeof(head) / sizeof(head[0]), cells[2] = {c->n_cells, 4}, items[2] = {c->n_items, 3};
	char text[64];
	int rc;

	for (unsigned i = 0; i < c->n_root + c->n_levels - 1u; i++)
		head[2 + i] = c->column[i];
	memcpy(head + 2 + ROWS_LEVELS + 2, c->discount, sizeof(c->discount));
	(void)snprintf(text, sizeof(text), "rows.%s.chain", name);
	rc = wm_model_put(w, text, WM_U32, 1, &n_head, head);
	(void)snprintf(text, sizeof(text), "rows.%s.cells", name);
	rc = rc < 0 ? rc : wm_model_put(w, text, WM_U32, 2, cells, f->cells);
	(void)snprintf(text, sizeof(text), "rows.%s.items", name);
	return rc < 0 ? rc : wm_model_put(w, text, WM_U32, 2, items, f->items);
}
