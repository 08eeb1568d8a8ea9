// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/trees.h>

#include <assert.h>
#include <math.h>
#include <string.h>

enum { SIDE_BY_SIDE = 4 };                // columns
static const double curvature_min = 1e-3; // of what goes to one side

// The samples of a bin.
struct cell {
	double g; // sums of the derivatives
	double h;
	uint32_t n;
};

struct split {
	double gain; // -1 = none
	struct cell left;
	size_t col;
	unsigned bin; // the last that goes to the left; of n_bins - 1: all but the missing
	bool missing_left;
};

struct leaf {
	uint32_t begin; // its samples in the order
	uint32_t end;
	struct cell sum;
	double value;
	struct cell *cells; // NULL = it is not to be split
	struct split split;
	uint8_t node; // of the tree
};

struct wm_grower {
	const struct wm_bins *b;
	uint32_t *order;     // samples by leaf
	uint32_t *right;     // those of a leaf that go to the right
	struct cell *sample; // of a leaf's samples, each by itself
	size_t *used;        // columns that can be split
	size_t n_used;
	size_t *at; // (cols): where a column's cells begin
	size_t n_cells;
	struct cell *cells[WM_TREE_LEAVES]; // histograms ...
	size_t n_free;                      // ... that no leaf has: the first of them
	struct leaf leaf[WM_TREE_LEAVES];
	size_t n_leaves;
};

struct wm_grower *wm_grower_of(const struct wm_bins *b, struct wm_scratch *s)
{
	struct wm_grower *w = wm_scratch_get(s, 1, sizeof(*w));

	if (w == NULL)
		return NULL;
	*w = (struct wm_grower){.b = b,
		.order = wm_scratch_get(s, b->n, sizeof(uint32_t)),
		.right = wm_scratch_get(s, b->n, sizeof(uint32_t)),
		.sample = wm_scratch_get(s, b->n, sizeof(struct cell)),
		.used = wm_scratch_get(s, b->cols, sizeof(size_t)),
		.at = wm_scratch_get(s, b->cols, sizeof(size_t))};
	if (w->order == NULL || w->right == NULL || w->sample == NULL || w->used == NULL || w->at == NULL)
		return NULL;
	for (size_t c = 0; c < b->cols; c++) { // the missing have the cell behind those of the values
		if (b->n_bins[c] + b->lacks[c] < 2)
			continue;
		w->used[w->n_used++] = c;
		w->at[c] = w->n_cells;
		w->n_cells += b->n_bins[c] + 1u;
	}
	for (; w->n_free < WM_TREE_LEAVES; w->n_free++) {
		w->cells[w->n_free] = wm_scratch_get(s, w->n_cells, sizeof(struct cell));
		if (w->cells[w->n_free] == NULL)
			return NULL;
	}
	return w;
}

static double value_of(const struct cell *c)
{
	return -c->g / (c->h + 1e-15);
}

static struct cell rest_of(const struct cell *all, const struct cell *part)
{
	return (struct cell){all->g - part->g, all->h - part->h, all->n - part->n};
}

static void add(struct cell *to, const struct cell *c)
{
	to->g += c->g;
	to->h += c->h;
	to->n += c->n;
}

// Sums up some columns side by side: samples of one bin wait for each other, those of other columns need not.
static inline void count_columns(struct wm_grower *w, const struct leaf *l, const size_t *used, size_t n_used)
{
	const uint32_t *order = w->order + l->begin, n = l->end - l->begin;
	const uint8_t *bin[SIDE_BY_SIDE];
	struct cell *cells[SIDE_BY_SIDE];

	for (size_t k = 0; k < n_used; k++) {
		bin[k] = w->b->bin + used[k] * w->b->n;
		cells[k] = l->cells + w->at[used[k]];
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n_used; k++)
			add(&cells[k][bin[k][order[i]]], &w->sample[i]);
}

static void fill_cells(struct wm_grower *w, struct leaf *l, const float *g, const float *h)
{
	const uint32_t *order = w->order + l->begin, n = l->end - l->begin;
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		w->sample[i] = (struct cell){(double)g[order[i]], (double)h[order[i]], 1};
	memset(l->cells, 0, w->n_cells * sizeof(*l->cells));
	for (; k + SIDE_BY_SIDE <= w->n_used; k += SIDE_BY_SIDE)
		count_columns(w, l, w->used + k, SIDE_BY_SIDE);
	for (; k < w->n_used; k++)
		count_columns(w, l, w->used + k, 1);
}

// The better of a split and the best so far.
static void try(struct split *best, const struct split *s, const struct leaf *l)
{
	const struct cell right = rest_of(&l->sum, &s->left);
	double gain;

	if (s->left.h < curvature_min || right.h < curvature_min)
		return;
	gain = l->sum.g * l->value - s->left.g * value_of(&s->left) - right.g * value_of(&right);
	if (gain <= best->gain || gain <= 0)
		return;
	*best = *s;
	best->gain = gain;
}

// The best split of a column: with the missing on the right, and on the left.
static void try_column(struct split *best, const struct wm_grower *w, const struct leaf *l, size_t col)
{
	const struct cell *cells = l->cells + w->at[col];
	const unsigned n_bins = w->b->n_bins[col];
	const uint32_t most = l->sum.n - WM_TREE_LEAF_SAMPLES; // samples on one side
	struct split s = {.col = col};
	struct cell right = {0};

	for (s.bin = 0; s.bin + 1 < n_bins + w->b->lacks[col]; s.bin++) {
		add(&s.left, &cells[s.bin]);
		if (s.left.n > most)
			break;
		if (s.left.n >= WM_TREE_LEAF_SAMPLES)
			try(best, &s, l);
	}
	s.missing_left = true;
	for (unsigned bin = n_bins - 1; w->b->lacks[col] && bin > 0; bin--) {
		add(&right, &cells[bin]);
		if (right.n > most)
			break;
		if (right.n < WM_TREE_LEAF_SAMPLES)
			continue;
		s.left = rest_of(&l->sum, &right);
		s.bin = bin - 1;
		try(best, &s, l);
	}
}

static void find_split(const struct wm_grower *w, struct leaf *l)
{
	l->split.gain = -1;
	for (size_t k = 0; k < w->n_used; k++) {
		struct split of_column = {.gain = -1};

		try_column(&of_column, w, l, w->used[k]);
		if (of_column.gain > l->split.gain)
			l->split = of_column;
	}
}

static void give_up(struct wm_grower *w, struct leaf *l)
{
	if (l->cells != NULL)
		w->cells[w->n_free++] = l->cells;
	l->cells = NULL;
	l->split.gain = -1;
}

static bool goes_left(const struct split *s, unsigned missing, uint8_t bin)
{
	return ((bin <= s->bin) & (bin != missing)) | ((bin == missing) & s->missing_left);
}

// Orders a leaf's samples by where they go. @return the first that goes to the right.
static uint32_t part(struct wm_grower *w, const struct leaf *l)
{
	const uint8_t *bin = w->b->bin + l->split.col * w->b->n;
	const unsigned missing = w->b->n_bins[l->split.col];
	uint32_t left = l->begin, n = 0;

	for (uint32_t i = l->begin; i < l->end; i++) {
		const uint32_t sample = w->order[i];

		const bool goes = goes_left(&l->split, missing, bin[sample]);

		w->order[left] = w->right[n] = sample; // no branch that nobody can foresee
		left += goes;
		n += !goes;
	}
	memcpy(w->order + left, w->right, n * sizeof(*w->right));
	return left;
}

// Histograms of what a leaf is split into: the smaller is counted, the other is the difference.
static void share_cells(
	struct wm_grower *w, struct cell *cells, struct leaf *a, struct leaf *b, const float *g, const float *h)
{
	struct leaf *small = a->sum.n < b->sum.n ? a : b, *large = small == a ? b : a;

	small->cells = w->cells[--w->n_free];
	large->cells = cells;
	fill_cells(w, small, g, h);
	for (size_t i = 0; i < w->n_cells; i++)
		cells[i] = rest_of(&cells[i], &small->cells[i]);
}

static bool is_to_split(const struct leaf *l)
{
	return l->sum.n >= 2 * WM_TREE_LEAF_SAMPLES;
}

static void look_further(struct wm_grower *w, struct leaf *l)
{
	if (l->cells != NULL && is_to_split(l))
		find_split(w, l);
	else
		give_up(w, l);
}

// A node for the halves of a leaf; the right one is a leaf more.
static void split(struct wm_tree *t, struct wm_grower *w, struct leaf *l, const float *g, const float *h)
{
	struct wm_tree_node *node = &t->node[l->node];
	const struct split s = l->split;
	struct cell *cells = l->cells, sum = rest_of(&l->sum, &s.left);
	struct leaf *right = &w->leaf[w->n_leaves];
	const uint8_t next = (uint8_t)(2 * w->n_leaves - 1);

	assert(cells != NULL); // who has given them up gains nothing by a split
	*right = (struct leaf){
		.begin = part(w, l), .end = l->end, .sum = sum, .value = value_of(&sum), .node = next + 1};
	*l = (struct leaf){
		.begin = l->begin, .end = right->begin, .sum = s.left, .value = value_of(&s.left), .node = next};
	*node = (struct wm_tree_node){.col = (uint32_t)s.col,
		.edge = s.bin + 1 == w->b->n_bins[s.col] ? (double)INFINITY : w->b->edge[s.col * (WM_BINS - 1) + s.bin],
		.left = next,
		.right = (uint8_t)(next + 1),
		.missing_left = w->b->lacks[s.col] ? s.missing_left : s.left.n > sum.n};
	w->n_leaves++;
	if (w->n_leaves < WM_TREE_LEAVES && (is_to_split(l) || is_to_split(right)))
		share_cells(w, cells, l, right, g, h);
	else
		w->cells[w->n_free++] = cells;
	look_further(w, l);
	look_further(w, right);
}

static void plant(struct wm_grower *w, const float *g, const float *h)
{
	struct leaf root = {.end = (uint32_t)w->b->n};

	for (uint32_t i = 0; i < root.end; i++) {
		w->order[i] = i;
		add(&root.sum, &(struct cell){(double)g[i], (double)h[i], 1});
	}
	w->n_leaves = 1;
	root.cells = w->cells[--w->n_free];
	fill_cells(w, &root, g, h);
	look_further(w, &root);
	w->leaf[0] = root;
}

static struct leaf *best_leaf(struct wm_grower *w)
{
	struct leaf *best = &w->leaf[0];

	for (size_t i = 1; i < w->n_leaves; i++)
		if (w->leaf[i].split.gain > best->split.gain)
			best = &w->leaf[i];
	return best;
}

void wm_tree_grow(struct wm_tree *out, struct wm_grower *w, const float *g, const float *h, double rate, double *said,
	size_t stride)
{
	*out = (struct wm_tree){.node[0].left = 0};
	plant(w, g, h);
	for (struct leaf *l = best_leaf(w); l->split.gain > 0 && w->n_leaves < WM_TREE_LEAVES; l = best_leaf(w))
		split(out, w, l, g, h);
	for (size_t k = 0; k < w->n_leaves; k++) {
		struct leaf *l = &w->leaf[k];
		const double value = l->value * rate;

		out->node[l->node].value = value;
		for (uint32_t i = l->begin; i < l->end; i++)
			said[w->order[i] * stride] += value;
		give_up(w, l);
	}
}

double wm_tree_says(const struct wm_tree *t, const double *x)
{
	const struct wm_tree_node *n = t->node;

	while (n->left != 0)
		n = &t->node[(isnan(x[n->col]) ? n->missing_left : x[n->col] <= n->edge) ? n->left : n->right];
	return n->value;
}
