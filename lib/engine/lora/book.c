// SPDX-License-Identifier: BSD-3-Clause
#include <engine/lora/book.h>

#include <base/grow.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int lora_book_table(struct lora_book *b, uint32_t *out, int64_t *values, size_t n)
{
	const int64_t longest = INT64_C(1) << LORA_TIME_BITS;
	size_t k = n < LORA_KNOTS ? n : LORA_KNOTS;

	if (wm_grow((void **)&b->tables, &b->cap_tables, b->n_tables + 1, sizeof(*b->tables)) < 0
		|| wm_grow((void **)&b->knots, &b->cap_knots, b->n_knots + k, sizeof(*b->knots)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		values[i] = values[i] > longest ? longest : values[i] < -longest ? -longest : values[i];
	qsort(values, n, sizeof(*values), by_value);
	for (size_t i = 0; i < k; i++)
		b->knots[b->n_knots + i] = values[k > 1 ? (i * (n - 1) + (k - 1) / 2) / (k - 1) : 0];
	*out = (uint32_t)b->n_tables;
	b->tables[b->n_tables++] = (struct lora_table){(uint32_t)b->n_knots, (uint32_t)k};
	b->n_knots += k;
	return 0;
}

static int by_to(const void *a, const void *b)
{
	const struct lora_pair *x = a, *y = b;

	return (x->to > y->to) - (x->to < y->to);
}

static int by_from(const void *a, const void *b)
{
	const struct lora_pair *x = a, *y = b;

	return x->from != y->from ? (x->from > y->from) - (x->from < y->from) : by_to(a, b);
}

// The states of a chain: pairs are sorted by where they lead.
static int add_states(struct lora_book *b, struct lora_chain *c, const struct lora_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || pairs[i].to != pairs[i - 1].to) {
			if (wm_grow((void **)&b->states, &b->cap_states, b->n_states + 1, sizeof(*b->states)) < 0)
				return -ENOMEM;
			b->states[b->n_states++] = (struct lora_state){.value = pairs[i].to};
			c->n++;
		}
		b->states[b->n_states - 1].until = (uint32_t)(i + 1);
	}
	return 0;
}

static struct lora_state *find_state(struct lora_state *states, uint32_t n, uint32_t value)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (states[mid].value < value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && states[lo].value == value ? &states[lo] : NULL;
}

// The rows of moves: pairs are sorted by where they come from, then by where they lead.
static int add_moves(struct lora_book *b, const struct lora_chain *c, const struct lora_pair *pairs, size_t n)
{
	struct lora_state *states = b->states + c->first;

	for (size_t i = 0; i < n; i++) {
		struct lora_state *from = find_state(states, c->n, pairs[i].from),
				  *to = find_state(states, c->n, pairs[i].to);
		uint32_t before;

		if (from == NULL) // nothing came before, or what no pair leads to
			continue;
		if (from->n == 0)
			from->first = (uint32_t)b->n_moves;
		before = from->n > 0 ? b->moves[b->n_moves - 1].until : 0;
		if (from->n == 0 || b->moves[b->n_moves - 1].state != (uint32_t)(to - states)) {
			if (wm_grow((void **)&b->moves, &b->cap_moves, b->n_moves + 1, sizeof(*b->moves)) < 0)
				return -ENOMEM;
			b->moves[b->n_moves++].state = (uint32_t)(to - states);
			from->n++;
		}
		b->moves[b->n_moves - 1].until = before + 1;
	}
	return 0;
}

int lora_book_chain(struct lora_book *b, uint32_t *out, struct lora_pair *pairs, size_t n)
{
	struct lora_chain c = {.first = (uint32_t)b->n_states};
	int rc;

	if (wm_grow((void **)&b->chains, &b->cap_chains, b->n_chains + 1, sizeof(*b->chains)) < 0)
		return -ENOMEM;
	qsort(pairs, n, sizeof(*pairs), by_to);
	rc = add_states(b, &c, pairs, n);
	if (rc < 0)
		return rc;
	qsort(pairs, n, sizeof(*pairs), by_from);
	rc = add_moves(b, &c, pairs, n);
	if (rc < 0)
		return rc;
	*out = (uint32_t)b->n_chains;
	b->chains[b->n_chains++] = c;
	return 0;
}

int lora_book_link(struct lora_book *b, const struct lora_link *link, const struct lora_fade *fade)
{
	if (wm_grow((void **)&b->links, &b->cap_links, b->n_links + 1, sizeof(*b->links)) < 0
		|| wm_grow((void **)&b->fades, &b->cap_fades, b->n_links + 1, sizeof(*b->fades)) < 0)
		return -ENOMEM;
	b->links[b->n_links] = *link;
	b->fades[b->n_links++] = *fade;
	return 0;
}

static int put(
	struct wm_model_writer *out, const char *name, enum wm_dtype dtype, size_t n, size_t width, const void *data)
{
	const size_t shape[2] = {n, width};

	return wm_model_put(out, name, dtype, width > 1 ? 2 : 1, shape, data);
}

int lora_book_put(const struct lora_book *b, struct wm_model_writer *out)
{
	const struct {
		const char *name;
		enum wm_dtype dtype;
		size_t n, width;
		const void *data;
	} tensors[] = {
		{"lora.device", WM_U32, b->n_devices, 12, b->devices},
		{"lora.time", WM_U64, b->n_devices, 3, b->times},
		{"lora.link", WM_U32, b->n_links, 4, b->links},
		{"lora.fade", WM_F32, b->n_links, 8, b->fades},
		{"lora.message", WM_U8, b->messages.n, sizeof(struct lora_message), b->messages.bytes},
		{"lora.frequency", WM_U32, b->frequencies.n, 1, b->frequencies.bytes},
		{"lora.table", WM_U32, b->n_tables, 2, b->tables},
		{"lora.knot", WM_I64, b->n_knots, 1, b->knots},
		{"lora.chain", WM_U32, b->n_chains, 2, b->chains},
		{"lora.state", WM_U32, b->n_states, 4, b->states},
		{"lora.move", WM_U32, b->n_moves, 2, b->moves},
		{"lora.newcomer", WM_U32, b->n_newcomers, 2, b->newcomers},
	};

	for (size_t i = 0; i < sizeof(tensors) / sizeof(tensors[0]); i++) {
		int rc = put(out, tensors[i].name, tensors[i].dtype, tensors[i].n, tensors[i].width, tensors[i].data);

		if (rc < 0)
			return rc;
	}
	return 0;
}

void lora_book_free(struct lora_book *b)
{
	free(b->devices);
	free(b->times);
	free(b->links);
	free(b->fades);
	free(b->tables);
	free(b->knots);
	free(b->chains);
	free(b->states);
	free(b->moves);
	free(b->newcomers);
	wm_intern_free(&b->messages);
	wm_intern_free(&b->frequencies);
	*b = (struct lora_book){0};
}
