// SPDX-License-Identifier: BSD-3-Clause
// fit: from rows to a model: the book of the table, then a chain for every field, in as many threads as there are.
#include <engine/rows/book.h>
#include <engine/rows/chain_fit.h>
#include <engine/rows/networks.h>
#include <engine/rows/rows.h>

#include <dataset/dataset.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64 };

// What the threads share: fields are taken one by one.
struct fitting {
	const struct rows_book *book;
	struct rows_chain_fitted fields[ROWS_FIELDS];
	atomic_uint next; // relaxed: which one is next is all that it says
	atomic_int failed;
};

static struct rows_chain_task task_of(const struct rows_book *b, unsigned field)
{
	const struct rows_field *f = &rows_fields[field];
	const bool talk = field <= ROWS_F_PORT;
	struct rows_chain_task t = {
		.name = f->name,
		.v = talk ? b->talk_v : b->row_v,
		.n_records = talk ? b->talks.n : b->n_row_v,
		.n_columns = ROWS_COLUMNS,
		.target = f->target,
		.n_root = f->n_root,
		.root = {f->root[0], f->root[1]},
		.n_first = f->n_first,
	};

	while (f->given[t.n_candidates] != ROWS_COLUMNS) {
		t.candidate[t.n_candidates] = f->given[t.n_candidates];
		t.n_candidates++;
	}
	return t;
}

static void *work(void *arg)
{
	struct fitting *f = arg;
	unsigned i;

	while ((i = atomic_fetch_add_explicit(&f->next, 1, memory_order_relaxed)) < ROWS_FIELDS) {
		const struct rows_chain_task task = task_of(f->book, i);

		if (rows_chain_fit(&f->fields[i], &task) < 0)
			atomic_store_explicit(&f->failed, -ENOMEM, memory_order_relaxed);
	}
	return NULL;
}

static int fit_fields(struct fitting *f, unsigned threads)
{
	pthread_t thread[THREADS_MAX];
	unsigned n = 0;

	while (n + 1 < threads && n < THREADS_MAX && pthread_create(&thread[n], NULL, work, f) == 0)
		n++;
	(void)work(f);
	while (n > 0)
		(void)pthread_join(thread[--n], NULL);
	return atomic_load_explicit(&f->failed, memory_order_relaxed);
}

static int put_strings(
	struct wm_model_writer *w, const char *name, const struct wm_intern *in, const uint32_t *which, size_t n)
{
	uint32_t *ends = calloc(n + 1, sizeof(*ends));
	uint8_t *bytes = malloc(in->n_bytes + 1);
	char text[64];
	size_t len = 0;
	int rc = -ENOMEM;

	if (ends == NULL || bytes == NULL)
		goto done;
	for (size_t i = 0; i < n; i++) {
		const struct wm_interned *item = &in->items[which != NULL ? which[i] : i];

		memcpy(bytes + len, in->bytes + item->at, item->len);
		len += item->len;
		ends[i] = (uint32_t)len;
	}
	(void)snprintf(text, sizeof(text), "rows.%s.ends", name);
	rc = wm_model_put(w, text, WM_U32, 1, &n, ends);
	(void)snprintf(text, sizeof(text), "rows.%s.text", name);
	rc = rc < 0 ? rc : wm_model_put(w, text, WM_U8, 1, &len, bytes);
done:
	free(ends);
	free(bytes);
	return rc;
}

static int put_numbers(struct wm_model_writer *w, const struct rows_book *b)
{
	static const char *const names[ROWS_NUMBERS] = {
		"gap", "wait", "packets", "bytes", "reply_packets", "reply_bytes", "duration"};
	int rc = 0;

	for (int i = 0; i < ROWS_NUMBERS && rc == 0; i++) {
		const struct rows_numbers *n = &b->cut[i].numbers;
		size_t bins[2] = {n->n, 2};
		char text[64];

		(void)snprintf(text, sizeof(text), "rows.%s.bins", names[i]);
		rc = wm_model_put(w, text, WM_U64, 2, bins, n->bins);
		(void)snprintf(text, sizeof(text), "rows.%s.exact", names[i]);
		rc = rc < 0 ? rc : wm_model_put(w, text, WM_U64, 1, &n->n_exact, n->exact);
	}
	return rc;
}

static int put_apps(struct wm_model_writer *w, const struct rows_book *b)
{
	size_t shape[2] = {b->n_apps, 2}, pairs[2] = {b->n_pairs, 2};
	uint32_t(*apps)[2] = calloc(b->n_apps + 1, sizeof(*apps));
	int rc;

	if (apps == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_apps; i++) {
		apps[i][0] = b->apps[i].proto;
		apps[i][1] = b->apps[i].port | (uint32_t)b->apps[i].fresh << 16;
	}
	rc = wm_model_put(w, "rows.apps", WM_U32, 2, shape, apps);
	free(apps);
	rc = rc < 0 ? rc : wm_model_put(w, "rows.pairs", WM_U16, 2, pairs, b->pairs);
	rc = rc < 0 ? rc : wm_model_put(w, "rows.fresh_ports", WM_U16, 1, &b->n_fresh_ports, b->fresh_ports);
	return rc < 0 ? rc : wm_model_put(w, "rows.atoms", WM_U16, 1, &b->n_atoms, b->atoms);
}

static int put_all(struct wm_model_writer *w, const struct fitting *f, uint64_t first_ns)
{
	const struct rows_book *b = f->book;
	int rc = put_strings(w, "hosts", &b->rows->hosts, b->host, b->n_known);

	rc = rc < 0 ? rc : put_strings(w, "protocols", &b->rows->protos, NULL, b->rows->protos.n);
	for (int i = 0; i < WM_TABLE_CATEGORIES && rc == 0; i++)
		rc = put_strings(w, rows_fields[ROWS_F_CATEGORY + i].name, &b->rows->categories[i], NULL,
			b->rows->categories[i].n);
	rc = rc < 0 ? rc : rows_networks_put(w, b);
	rc = rc < 0 ? rc : put_numbers(w, b);
	rc = rc < 0 ? rc : put_apps(w, b);
	for (int i = 0; i < ROWS_FIELDS && rc == 0; i++)
		rc = rows_chain_put(w, rows_fields[i].name, &f->fields[i]);
	rc = rc < 0 ? rc : wm_model_put_meta(w, "rows.schema", b->rows->info.name);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "rows.both_sides", "%d", b->rows->info.both_sides);
	for (int i = 0; i < WM_TABLE_CATEGORIES && rc == 0; i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "rows.has_%s", rows_fields[ROWS_F_CATEGORY + i].name);
		rc = wm_model_put_metaf(w, text, "%d", b->rows->info.has[i]);
	}
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "rows.time_is_end", "%d", b->rows->info.time_is_end);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "rows.first_ns", "%" PRIu64, first_ns);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "rows.period_ns", "%" PRIu64, b->period_ns);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "rows.phase_ns", "%" PRIu64, b->phase_ns);
	rc = rc < 0 ? rc : wm_model_put_metaf(w, "rows.time_unit_ns", "%" PRIu64, b->rows->time_unit_ns);
	return rc < 0 ? rc : wm_model_put_metaf(w, "rows.duration_unit_ns", "%" PRIu64, b->rows->duration_unit_ns);
}

static void tell(const struct wm_fit_options *o, double done, const char *line)
{
	if (o->report != NULL)
		o->report(o->arg, done, line);
}

static void tell_fields(const struct wm_fit_options *o, const struct fitting *f)
{
	for (int i = 0; i < ROWS_FIELDS; i++) {
		const struct rows_chain *c = &f->fields[i].chain;
		char line[160];

		(void)snprintf(line, sizeof(line), "%s: %.3f nats of %zu, %u levels, %zu contexts", rows_fields[i].name,
			f->fields[i].nats, f->fields[i].n, c->n_levels, c->n_cells);
		tell(o, 0.9, line);
	}
}

int rows_fit(struct wm_model_writer *out, const struct wm_dataset *ds, const struct wm_fit_options *options,
	struct wm_err *err)
{
	struct rows_book book = {0};
	struct fitting f = {.book = &book};
	int rc;

	if (ds->rows.n == 0)
		return wm_err_set(err, -EINVAL, "engine rows learns from flow tables, and there are none in the input");
	tell(options, 0.1, "conversations");
	rc = rows_book_make(&book, &ds->rows, ds->first_ns, ds->duration_ns);
	tell(options, 0.3, "what depends on what");
	rc = rc < 0 ? rc : fit_fields(&f, options->threads);
	if (rc == 0)
		tell_fields(options, &f);
	rc = rc < 0 ? rc : put_all(out, &f, ds->first_ns);
	for (int i = 0; i < ROWS_FIELDS; i++)
		rows_chain_fitted_free(&f.fields[i]);
	rows_book_free(&book);
	return rc < 0 ? wm_err_sys(err, rc, "learning from %zu rows", ds->rows.n) : 0;
}
