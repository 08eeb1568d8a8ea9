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
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_BITS = 12,
	STREAM_BUFFER = 1 << 16,
	LINES_MAX = 1 << 12, // what a flow takes
};

struct stream {
	FILE *file; // NULL if nobody wants it
	const char *path;
	int error; // -errno of the first write that failed
};

struct flows {
	const struct models *models;
	struct stream csv, labels;
	int error; // no memory

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
	(void)setvbuf(out->file, NULL, _IOFBF, STREAM_BUFFER);
	(void)fputs(header, out->file);
	return 0;
}

// The buffer never fills up within a line: a file that is cut short by a crash ends with a whole one.
static void end_lines(struct stream *s)
{
	if (s->file != NULL && __fpending(s->file) > STREAM_BUFFER - LINES_MAX)
		(void)fflush(s->file);
	if (s->file != NULL && s->error == 0 && ferror(s->file))
		s->error = errno != 0 ? -errno : -EIO;
}

int flows_create(struct flows **out, const struct models *models, const struct settings *s, struct wm_err *err)
{
	struct flows *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL)
		return wm_err_set(err, -ENOMEM, "no memory for the table of flows");
	f->models = models;
	f->bits = FIRST_BITS;
	rc = grow_table(f);
	if (rc < 0)
		(void)wm_err_set(err, rc, "no memory for the table of flows");
	if (rc == 0)
		rc = open_stream(&f->csv, s->csv, models->lora ? lora_line_header : flow_csv_header, err);
	if (rc == 0)
		rc = open_stream(&f->labels, s->labels, flow_label_header, err);
	if (rc < 0) {
		flows_destroy(f);
		return rc;
	}
	*out = f;
	return 0;
}

// What a captured frame says for itself.
static struct wm_packet look(const struct wm_sample *s)
{
	struct wm_packet pkt;

	wm_dissect(&pkt, WM_LINK_ETHERNET, s->time_ns, s->bytes, s->len, s->len);
	return pkt;
}

static void describe_raw(struct flow_record *r, const struct wm_sample *s)
{
	unsigned from = s->bits & WM_BIT_REVERSE ? 1 : 0;
	const struct wm_packet pkt = look(s);

	r->ip = pkt.net == WM_NET_IPV4 ? 4 : pkt.net == WM_NET_IPV6 ? 6 : 0;
	r->proto = pkt.proto;
	r->port[from] = pkt.sport;
	r->port[!from] = pkt.dport;
	r->ethertype = pkt.ethertype;
	memcpy(r->address[from], pkt.src, sizeof(pkt.src));
	memcpy(r->address[!from], pkt.dst, sizeof(pkt.dst));
}

static void describe(struct flow_record *r, const struct wm_form *form, const struct wm_sample *s)
{
	unsigned from = s->bits & WM_BIT_REVERSE ? 1 : 0;

	if (wm_form_is_raw(form)) {
		describe_raw(r, s);
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

static void count_raw(struct flow_side *side, const struct wm_sample *s)
{
	const struct wm_packet pkt = look(s);
	bool icmp = pkt.proto == WM_PROTO_ICMP || pkt.proto == WM_PROTO_ICMP6;

	if (side->packets++ == 0) {
		side->first_ns = s->time_ns;
		side->tos = pkt.tos;
		side->code = pkt.icmp_code;
		side->flags = icmp ? pkt.icmp_type : 0;
	}
	side->flags |= pkt.flags;
	side->last_ns = s->time_ns;
	side->bytes += s->len;
	if (pkt.net != WM_NET_OTHER)
		side->ip_bytes += (uint64_t)pkt.head_len - pkt.l3 + pkt.payload;
}

static void count_side(struct flow_side *side, const struct wm_form *form, const struct wm_sample *s)
{
	const uint8_t *ip = form->head + form->l3;

	if (wm_form_is_raw(form)) {
		count_raw(side, s);
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

	if (f->csv.file != NULL && !f->models->lora)
		flow_write_csv(f->csv.file, r, m->label);
	end_lines(&f->csv);
	if (f->labels.file != NULL)
		flow_write_label(f->labels.file, r, m->label, m->stem);
	end_lines(&f->labels);
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
		describe(&f->records[f->table[at] - 1], form, s);
	}
	if (f->csv.file != NULL && f->models->lora && !(s->bits & WM_BIT_REVERSE))
		lora_line_write(f->csv.file, form, s);
	end_lines(&f->csv);
	r = &f->records[f->table[at] - 1];
	count_side(&r->side[s->bits & WM_BIT_REVERSE ? 1 : 0], form, s);
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

void flows_flush(struct flows *f)
{
	if (f->csv.file != NULL)
		(void)fflush(f->csv.file);
	if (f->labels.file != NULL)
		(void)fflush(f->labels.file);
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

static int close_stream(struct stream *s, struct wm_err *err)
{
	if (s->file == NULL)
		return 0;
	end_lines(s);
	if (fclose(s->file) != 0 && s->error == 0)
		s->error = -errno;
	s->file = NULL;
	return s->error != 0 ? wm_err_sys(err, s->error, "%s: cannot be written", s->path) : 0;
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
