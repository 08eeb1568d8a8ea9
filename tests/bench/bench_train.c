// SPDX-License-Identifier: BSD-3-Clause
// bench_train: how fast the sequence model is trained, and what there is to train it from: bench_train CAPTURE EXAMPLES
// [THREADS]. EXAMPLES is written first, for a peer to learn from the same (torch_train.py): for each packet the rows
// that it is predicted from and what is to be predicted, and which stretches are trained with or held out. The last
// line is a JSON object: the seconds of training, whatever it does (evaluations, the best weights kept), and held-out
// nats.
#include <base/clock.h>
#include <dataset/dataset.h>
#include <engine/necst/embed.h>
#include <engine/necst/examples.h>
#include <engine/necst/layout.h>
#include <engine/necst/sequence.h>
#include <model/model.h>
#include <nn/blas.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench {
	struct wm_dataset ds;
	struct necst_vocab vocab;
	struct necst_embedding embedding;
	struct necst_clusters tokens;
	struct necst_sizes sizes;
	struct necst_clocks clocks;
	struct necst_gaps gaps;
	struct necst_classes classes;
	struct wm_fit_options options;
	struct wm_err err;
};

static void check(int rc, const char *what, const struct wm_err *err)
{
	if (rc >= 0)
		return;
	(void)fprintf(stderr, "bench_train: %s: %s\n", what, err->msg[0] != '\0' ? err->msg : strerror(-rc));
	exit(1);
}

// All that comes before the sequence model.
static void prepare(struct bench *b, const char *capture)
{
	check(wm_dataset_read(&b->ds, &capture, 1, &(struct wm_dataset_options){0}, &b->err), capture, &b->err);
	check(necst_vocab_build(&b->vocab, &b->ds, &b->err), "vocabulary", &b->err);
	check(necst_embed(&b->embedding, &b->ds, &b->vocab, &b->options, &b->err), "embedding", &b->err);
	check(necst_clusters_fit(&b->tokens, &b->vocab, &b->embedding, b->ds.n_records, b->options.seed, &b->err),
		"clusters", &b->err);
	check(necst_clocks_fit(&b->clocks, &b->ds, b->tokens.token, b->tokens.n), "clocks", &b->err);
	check(necst_gaps_fit(&b->gaps, &b->ds, &b->clocks, b->tokens.token), "gaps", &b->err);
	check(necst_classes_fit(&b->classes, &b->ds, &b->vocab, b->options.seed, &b->err), "classes", &b->err);
	necst_sizes_fit(&b->sizes, &b->ds, &b->vocab);
}

// 1 = the token may come.
static int put_masks(struct wm_model_writer *w, const struct necst_masks *m, size_t rows, size_t columns)
{
	size_t shape[2] = {rows, columns};
	uint8_t *may = malloc(rows * columns);
	int rc;

	for (size_t i = 0; may != NULL && i < rows * columns; i++)
		may[i] = m->rows[i] == 0;
	rc = may == NULL ? -ENOMEM : wm_model_put(w, "masks", WM_U8, 2, shape, may);
	free(may);
	return rc;
}

// @return packets to train with.
static size_t write_examples(struct bench *b, const char *path)
{
	const struct necst_dims dims = {
		b->tokens.n, b->sizes.n, b->gaps.n, b->classes.n, NECST_UNITS, NECST_GAPS_ALIKE};
	struct wm_model_writer *w = NULL;
	struct necst_sequence seq;
	struct necst_examples x;
	uint32_t offsets[NECST_INPUTS + 1];
	size_t rows[2], train[2], held[2], n_offsets = NECST_INPUTS + 1, left;
	int rc;

	necst_layout_size(&seq, &dims);
	check(necst_examples_make(&x, &dims, seq.token_pad, &b->ds, &b->vocab, &b->tokens, &b->sizes, &b->clocks,
		      &b->gaps, &b->classes, b->options.seed),
		"examples", &b->err);
	necst_offsets(&dims, offsets);
	rows[0] = x.n, rows[1] = NECST_INPUTS;
	train[0] = x.n_train, held[0] = x.n_held, train[1] = held[1] = 2;
	rc = wm_model_writer_create(&w);
	rc = rc < 0 ? rc : wm_model_put(w, "rows", WM_I32, 2, rows, x.rows);
	rc = rc < 0 ? rc : wm_model_put(w, "token", WM_U16, 1, &x.n, x.token);
	rc = rc < 0 ? rc : wm_model_put(w, "size", WM_I16, 1, &x.n, x.size);
	rc = rc < 0 ? rc : wm_model_put(w, "gap", WM_I16, 1, &x.n, x.gap);
	rc = rc < 0 ? rc : wm_model_put(w, "mask", WM_U32, 1, &x.n, x.mask);
	rc = rc < 0 ? rc : put_masks(w, &x.masks, x.masks.first[b->vocab.n_families], seq.token_pad);
	rc = rc < 0 ? rc : wm_model_put(w, "train", WM_U32, 2, train, x.train);
	rc = rc < 0 ? rc : wm_model_put(w, "held", WM_U32, 2, held, x.held);
	rc = rc < 0 ? rc : wm_model_put(w, "offsets", WM_U32, 1, &n_offsets, offsets);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "sizes", "%u", dims.sizes);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "gaps", "%u", dims.gaps);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "units", "%u", dims.units);
	check(rc < 0 ? rc : wm_model_write(w, path, &b->err), path, &b->err);
	left = x.n - x.n_held_packets;
	wm_model_writer_destroy(w);
	necst_examples_free(&x);
	return left;
}

struct course {
	unsigned epochs;
};

static void note_epoch(void *arg, double done, const char *line)
{
	struct course *c = arg;

	(void)done;
	(void)sscanf(line, "epoch %u", &c->epochs);
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct course course = {0};
	struct necst_sequence s = {0};
	double began, seconds;
	size_t n_train;

	if (argc < 3) {
		(void)fprintf(stderr, "usage: bench_train CAPTURE EXAMPLES [THREADS]\n");
		return 2;
	}
	b.options = (struct wm_fit_options){.seed = 1, .threads = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1};
	wm_blas_single_thread();
	prepare(&b, argv[1]);
	n_train = write_examples(&b, argv[2]);
	b.options.report = note_epoch;
	b.options.arg = &course;
	began = wm_now_s();
	check(necst_sequence_fit(
		      &s, &b.ds, &b.vocab, &b.tokens, &b.sizes, &b.clocks, &b.gaps, &b.classes, &b.options, &b.err),
		"training", &b.err);
	seconds = wm_now_s() - began;
	(void)printf(
		"{\"seconds\": %.3f, \"epochs\": %u, \"train_packets\": %zu, \"packets_per_s\": %.0f, "
		"\"nats\": %.4f, \"nats_token\": %.4f, \"nats_size\": %.4f, \"nats_gap\": %.4f, \"blas\": \"%s\"}\n",
		seconds, course.epochs, n_train, course.epochs * (double)n_train / seconds,
		s.held.token + s.held.size + s.held.gap, s.held.token, s.held.size, s.held.gap, wm_blas_core());
	necst_sequence_free(&s);
	return 0;
}
