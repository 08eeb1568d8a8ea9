// SPDX-License-Identifier: BSD-3-Clause
#include "flows.h"

#include "flow_line.h"
#include "lora_line.h"

#include <base/bytes.h>
#include <base/grow.h>
#include <packet/dissect.h>
#include <packet/raw.h>
#include <packet/semtech.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_BITS = 12, STREAM_BUFFER = 1 << 16, LINE_MAX_LEN = 2048 };

struct stream {
	FILE *file; // NULL if nobody wants it
	const char *path;
	char buffer[STREAM_BUFFER];
	int error;        // -errno of the first write that failed
	off_t good;       // bytes that are in the file for good
	uint64_t n_lines; // written since
	uint64_t n_lost;  // that will never be in it
};

struct flows {
	const struct models *models;
	struct stream csv, labels;
	int error;  // no memory
	bool noted; // samples of captured frames have no bytes (packet/raw.h)

	// Flows in flight: records, and a table of their places + 1 with linear probing, at most half full.
	struct flow_record *records;
	size_t n_records, cap;
	uint32_t *free;
	size_t n_free, free_cap;
	uint32_t *table;
	unsigned bits;
};

static size_t home(const struct flows *f, uint64_t key)
{
	return (size_t)(key * 0x9E3779B97F4A7C15u >> (64 - f->bits));
}

// Where a key is in the table, or the free place where it would be.
static size_t find(const struct flows *f, uint64_t key)
{
	size_t mask = ((size_t)1 << f->bits) - 1, i = home(f, key);

	while (f->table[i] != 0 && f->records[f->table[i] - 1].key != key)
		i = (i + 1) & mask;
	return i;
}

static int grow_table(struct flows *f)
{
	uint32_t *old = f->table;
	size_t n_old = old == NULL ? 0 : (size_t)1 << f->bits;

	f->table = calloc((size_t)2 << f->bits, sizeof(*f->table));
	if (f->table == NULL) {
		f->table = old;
		return -ENOMEM;
	}
	f->bits++;
	for (size_t i = 0; i < n_old; i++)
		if (old[i] != 0)
			f->table[find(f, f->records[old[i] - 1].key)] = old[i];
	free(old);
	return 0;
}

static int add(struct flows *f, size_t *at, uint64_t key)
{
	size_t used = f->n_records - f->n_free;
	uint32_t place;

	if (2 * (used + 1) > (size_t)1 << f->bits) {
		if (grow_table(f) < 0)
			return -ENOMEM;
		*at = find(f, key);
	}
	if (f->n_free > 0) {
		place = f->free[--f->n_free];
	} else {
		if (f->n_records == UINT32_MAX - 1
			|| wm_grow((void **)&f->records, &f->cap, f->n_records + 1, sizeof(*f->records)) < 0
			|| wm_grow((void **)&f->free, &f->free_cap, f->n_records + 1, sizeof(*f->free)) < 0)
			return -ENOMEM;
		place = (uint32_t)f->n_records++;
	}
	f->records[place] = (struct flow_record){.key = key};
	f->table[*at] = place + 1;
	return 0;
}

// Take an entry out and close the gap (Knuth, The Art of Computer Programming 3, section 6.4, algorithm R).
static void drop(struct flows *f, size_t at)
{
	size_t mask = ((size_t)1 << f->bits) - 1, gap = at;

	f->free[f->n_free++] = f->table[at] - 1;
	for (size_t i = (at + 1) & mask; f->table[i] != 0; i = (i + 1) & mask) {
		size_t want = home(f, f->records[f->table[i] - 1].key);

		if (((i - want) & mask) >= ((i - gap) & mask)) {
			f->table[gap] = f->table[i];
			gap = i;
		}
	}
	f->table[gap] = 0;
}

static int open_stream(struct stream *out, const char *path, const char *header, struct wm_err *err)
{
	if (path == NULL)
		return 0;
	out->path = path;
	out->file = fopen(path, "we");
	if (out->file == NULL)
		return wm_err_sys(err, -errno, "%s", path);
	(void)setvbuf(out->file, out->buffer, _IOFBF, STREAM_BUFFER);
	(void)fputs(header, out->file);
	return 0;
}

// Write what is in the buffer, which is whole lines. What cannot be written is given up, as is all that follows: a file
// ends with a whole line.
static void flush_stream(struct stream *s)
{
	const off_t pending = s->file != NULL ? (off_t)__fpending(s->file) : 0;

	if (s->file == NULL || s->error != 0)
		return;
	if (fflush(s->file) == 0) {
		s->good += pending;
		s->n_lines = 0;
		return;
	}
	s->error = errno != 0 ? -errno : -EIO;
	s->n_lost += s->n_lines;
	__fpurge(s->file);
	(void)!ftruncate(fileno(s->file), s->good); // of no effect on a pipe
}

// Whether a line may be written now. Lines are not cut in two by a buffer that is full.
static bool wants_line(struct stream *s)
{
	if (s->file == NULL)
		return false;
	if (s->error == 0 && __fpending(s->file) > STREAM_BUFFER - LINE_MAX_LEN)
		flush_stream(s);
	if (s->error != 0)
		s->n_lost++;
	else
		s->n_lines++;
	return s->error == 0;
}

int flows_create(struct flows **out, const struct models *models, const struct settings *s, struct wm_err *err)
{
	struct flows *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL)
		return wm_err_set(err, -ENOMEM, "no memory for the table of flows");
	f->models = models;
	f->noted = s->eal;
	f->bits = FIRST_BITS;
	rc = grow_table(f);
	if (rc < 0)
		(void)wm_err_set(err, rc, "no memory for the table of flows");
	if (rc == 0 && (rc = open_stream(&f->csv, s->csv, models->lora ? lora_line_header : flow_csv_header, err)) < 0)
		settings_locate(s, "csv", err);
	if (rc == 0 && (rc = open_stream(&f->labels, s->labels, flow_label_header, err)) < 0)
		settings_locate(s, "labels", err);
	if (rc < 0) {
		flows_destroy(f);
		return rc;
	}
	*out = f;
	return 0;
}

// What a captured frame says for itself, or was noted to have said.
static struct wm_raw_facts look(const struct flows *f, const struct wm_sample *s)
{
	struct wm_raw_facts facts;

	if (f->noted)
		wm_raw_noted(s, &facts);
	else
		wm_raw_look(s, &facts);
	return facts;
}

static void describe_raw(const struct flows *f, struct flow_record *r, const struct wm_sample *s)
{
	unsigned from = s->bits & WM_BIT_REVERSE ? 1 : 0;
	const struct wm_raw_facts facts = look(f, s);
	struct wm_sample seen = *s;

	if (!f->noted)
		wm_raw_note(&seen);
	r->ip = facts.ip;
	r->proto = facts.proto;
	r->port[from] = seen.sport;
	r->port[!from] = seen.dport;
	r->ethertype = facts.ethertype;
	memcpy(r->address[from], seen.src, sizeof(seen.src));
	memcpy(r->address[!from], seen.dst, sizeof(seen.dst));
}

static void describe(
	const struct flows *f, struct flow_record *r, const struct wm_form *form, const struct wm_sample *s)
{
	unsigned from = s->bits & WM_BIT_REVERSE ? 1 : 0;

	if (wm_form_is_raw(form)) {
		describe_raw(f, r, s);
		return;
	}
	if (wm_form_is_lora(form)) {
		r->lora = true;
		memcpy(r->address[0], s->lora.addr, sizeof(s->lora.addr));
		return;
	}
	r->ip = form->ip;
	r->proto = form->proto;
	r->port[from] = s->sport;
	r->port[!from] = s->dport;
	if (form->ip == 0) {
		memcpy(r->address[from], form->head + 6, 6);
		memcpy(r->address[!from], form->head, 6);
		r->ethertype = wm_be16(form->head + 12);
		return;
	}
	memcpy(r->address[from], s->src, sizeof(s->src));
	memcpy(r->address[!from], s->dst, sizeof(s->dst));
}

static void count_raw(const struct flows *f, struct flow_side *side, const struct wm_sample *s)
{
	const struct wm_raw_facts facts = look(f, s);

	if (side->packets++ == 0) {
		side->first_ns = s->time_ns;
		side->tos = facts.tos;
		side->code = facts.code;
		side->flags = facts.type;
	}
	side->flags |= facts.flags;
	side->last_ns = s->time_ns;
	side->bytes += s->len;
	side->ip_bytes += facts.ip_len;
}

static void count_side(
	const struct flows *f, struct flow_side *side, const struct wm_form *form, const struct wm_sample *s)
{
	const uint8_t *ip = form->head + form->l3;

	if (wm_form_is_raw(form)) {
		count_raw(f, side, s);
		return;
	}
	if (side->packets++ == 0) {
		side->first_ns = s->time_ns;
		side->flags = s->flags;
		if (form->ip == 4)
			side->tos = ip[1];
		else if (form->ip == 6)
			side->tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
		if (form->l4 > 0 && form->proto != WM_PROTO_TCP && form->proto != WM_PROTO_UDP)
			side->code = form->head[form->l4 + 1];
	}
	if (form->proto == WM_PROTO_TCP)
		side->flags |= s->flags;
	side->last_ns = s->time_ns;
	side->bytes += s->len;
	if (form->ip != 0)
		side->ip_bytes += (uint64_t)s->len - form->l3 - form->pad;
}

static void write_flow(struct flows *f, const struct flow_record *r)
{
	const struct open_model *m = &f->models->at[r->key >> 32];

	if (!f->models->lora && wants_line(&f->csv))
		flow_write_csv(f->csv.file, r, m->label);
	if (wants_line(&f->labels))
		flow_write_label(f->labels.file, r, m->label, m->stem);
}

bool flows_count(struct flows *f, const struct wm_sample *s)
{
	unsigned model = wm_sample_model(s);
	const struct wm_form *form = &f->models->at[model].forms[s->form];
	uint64_t key = (uint64_t)model << 32 | s->flow;
	size_t at = find(f, key);
	struct flow_record *r;

	if (f->error != 0)
		return false;
	if (f->table[at] == 0) {
		f->error = add(f, &at, key);
		if (f->error != 0)
			return false;
		describe(f, &f->records[f->table[at] - 1], form, s);
	}
	if (f->models->lora && !(s->bits & WM_BIT_REVERSE) && wants_line(&f->csv))
		lora_line_write(f->csv.file, form, s);
	r = &f->records[f->table[at] - 1];
	count_side(f, &r->side[s->bits & WM_BIT_REVERSE ? 1 : 0], form, s);
	if (s->bits & WM_BIT_LAST) {
		write_flow(f, r);
		drop(f, at);
	}
	return f->csv.error == 0 && f->labels.error == 0;
}

void flows_end(struct flows *f, const struct wm_sample *tick)
{
	size_t at = find(f, (uint64_t)wm_sample_model(tick) << 32 | tick->flow);

	if (f->error != 0 || f->table[at] == 0)
		return;
	write_flow(f, &f->records[f->table[at] - 1]);
	drop(f, at);
}

static uint64_t start_of(const struct flow_record *r)
{
	const struct flow_side *a = &r->side[0], *b = &r->side[1];

	return a->packets == 0 || (b->packets > 0 && b->first_ns < a->first_ns) ? b->first_ns : a->first_ns;
}

static int by_start(const void *a, const void *b, void *arg)
{
	const struct flow_record *records = arg;
	const struct flow_record *x = &records[*(const uint32_t *)a], *y = &records[*(const uint32_t *)b];
	uint64_t s = start_of(x), t = start_of(y);

	return s != t ? (s > t) - (s < t) : (x->key > y->key) - (x->key < y->key);
}

static int write_rest(struct flows *f)
{
	size_t n = 0, n_slots = (size_t)1 << f->bits;
	uint32_t *rest = calloc(f->n_records - f->n_free + 1, sizeof(*rest));

	if (rest == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n_slots; i++)
		if (f->table[i] != 0)
			rest[n++] = f->table[i] - 1;
	qsort_r(rest, n, sizeof(*rest), by_start, f->records);
	for (size_t i = 0; i < n; i++)
		write_flow(f, &f->records[rest[i]]);
	free(rest);
	return 0;
}

static int stream_check(const struct stream *s, struct wm_err *err)
{
	if (s->error == 0)
		return 0;
	return wm_err_set(err, s->error, "%s: cannot be written: %s; %" PRIu64 " lines are missing in it", s->path,
		strerrordesc_np(-s->error), s->n_lost);
}

static int close_stream(struct stream *s, struct wm_err *err)
{
	if (s->file == NULL)
		return 0;
	flush_stream(s);
	if (fclose(s->file) != 0 && s->error == 0)
		s->error = -errno;
	s->file = NULL;
	return stream_check(s, err);
}

void flows_flush(struct flows *f)
{
	flush_stream(&f->csv);
	flush_stream(&f->labels);
}

int flows_check(const struct flows *f, struct wm_err *err)
{
	int rc = f->error != 0 ? wm_err_set(err, f->error, "no memory for the table of flows") : 0;

	rc = rc < 0 ? rc : stream_check(&f->csv, err);
	return rc < 0 ? rc : stream_check(&f->labels, err);
}

int flows_finish(struct flows *f, struct wm_err *err)
{
	struct wm_err other;
	int rc = f->error != 0 ? f->error : write_rest(f), rc2;

	if (rc < 0)
		(void)wm_err_set(err, rc, "no memory for the table of flows");
	rc2 = close_stream(&f->csv, rc < 0 ? &other : err);
	rc = rc < 0 ? rc : rc2;
	rc2 = close_stream(&f->labels, rc < 0 ? &other : err);
	return rc < 0 ? rc : rc2;
}

void flows_destroy(struct flows *f)
{
	if (f == NULL)
		return;
	if (f->csv.file != NULL)
		(void)fclose(f->csv.file);
	if (f->labels.file != NULL)
		(void)fclose(f->labels.file);
	free(f->records);
	free(f->free);
	free(f->table);
	free(f);
}
