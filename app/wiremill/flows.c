// SPDX-License-Identifier: BSD-3-Clause
#include "flows.h"

#include "flow_table.h"
#include "in_flight.h"
#include "lines.h"
#include "lora_line.h"

#include <base/bytes.h>
#include <packet/dissect.h>
#include <packet/raw.h>
#include <packet/semtech.h>
#include <plane/departures.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct flows {
	const struct models *models;
	struct lines csv, labels;
	struct in_flight in_flight;
	struct flow_table table;
	int error;  // no memory
	bool noted; // samples of captured frames have no bytes (packet/raw.h)
};

int flows_create(struct flows **out, const struct models *models, const struct settings *s, struct wm_err *err)
{
	struct flows *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL)
		return wm_err_set(err, -ENOMEM, "no memory for the table of flows");
	f->models = models;
	f->noted = s->eal;
	rc = flow_table_init(&f->table);
	if (rc < 0)
		(void)wm_err_set(err, rc, "no memory for the table of flows");
	if (rc == 0 && (rc = lines_open(&f->csv, s->csv, models->lora ? lora_line_header : flow_csv_header, err)) < 0)
		settings_locate(s, "csv", err);
	if (rc == 0
		&& ((rc = lines_open(&f->labels, s->labels, flow_label_header, err)) < 0
			|| (rc = in_flight_open(&f->in_flight, &f->labels, err)) < 0))
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

// A flow of a lap is another one than the flow that was fresh.
static uint64_t key_of(const struct flows *f, const struct wm_form *form, const struct wm_sample *s)
{
	uint32_t lap = f->noted && !wm_form_is_raw(form) ? wm_departure_lap(s) : 0;

	return flow_key(wm_sample_model(s), lap, s->flow);
}

static void write_flow(struct flows *f, const struct flow_record *r)
{
	const struct open_model *m = &f->models->at[flow_key_model(r->key)];
	FILE *out;

	if (!f->models->lora && (out = lines_next(&f->csv)) != NULL)
		flow_write_csv(out, r, m->label);
	if ((out = lines_next(&f->labels)) != NULL)
		flow_write_label(out, r, m->label, m->stem);
}

static void end_flow(struct flows *f, const struct flow_record *r)
{
	write_flow(f, r);
	flow_table_drop(&f->table, r->key);
}

bool flows_count(struct flows *f, const struct wm_sample *s)
{
	unsigned model = wm_sample_model(s);
	const struct wm_form *form = &f->models->at[model].forms[s->form];
	uint64_t key = key_of(f, form, s);
	struct flow_record *r;
	FILE *out;

	if (f->error != 0)
		return false;
	r = flow_table_find(&f->table, key);
	if (r == NULL) {
		r = flow_table_add(&f->table, key);
		if (r == NULL) {
			f->error = -ENOMEM;
			return false;
		}
		describe(f, r, form, s);
		r->queue = flow_key_lap(key) > 0 ? wm_departure_queue(s) : 0;
	}
	if (f->models->lora && !(s->bits & WM_BIT_REVERSE) && (out = lines_next(&f->csv)) != NULL)
		lora_line_write(out, form, s);
	count_side(f, &r->side[s->bits & WM_BIT_REVERSE ? 1 : 0], form, s);
	if (s->bits & WM_BIT_LAST)
		end_flow(f, r);
	return f->csv.error == 0 && f->labels.error == 0;
}

// Flows that were cut where what is sent again begins and ends: of this lap, and of those before that nobody told of.
static void end_laps(struct flows *f, uint32_t queue, uint32_t lap)
{
	for (size_t i = 0; i < f->table.n_records; i++) {
		const struct flow_record *r = &f->table.records[i];

		uint32_t of = flow_key_lap(r->key);

		if (r->used && of > 0 && r->queue == queue && ((lap - of) & FLOW_LAP_MASK) <= FLOW_LAP_MASK / 2)
			end_flow(f, r);
	}
}

void flows_end(struct flows *f, const struct wm_sample *tick)
{
	const struct flow_record *r;

	if (f->error != 0)
		return;
	if (tick->flags == WM_TICK_LAP) {
		end_laps(f, wm_departure_queue(tick), wm_departure_lap(tick));
		return;
	}
	r = flow_table_find(&f->table, flow_key(wm_sample_model(tick), 0, tick->flow));
	if (r != NULL)
		end_flow(f, r);
}

static uint64_t start_of(const struct flow_record *r)
{
	const struct flow_side *a = &r->side[0], *b = &r->side[1];

	return a->packets == 0 || (b->packets > 0 && b->first_ns < a->first_ns) ? b->first_ns : a->first_ns;
}

static int by_start(const void *a, const void *b)
{
	const struct flow_record *x = *(const struct flow_record *const *)a, *y = *(const struct flow_record *const *)b;
	uint64_t s = start_of(x), t = start_of(y);

	return s != t ? (s > t) - (s < t) : (x->key > y->key) - (x->key < y->key);
}

static int write_rest(struct flows *f)
{
	const struct flow_record **rest = calloc(flow_table_count(&f->table) + 1, sizeof(struct flow_record *));
	size_t n = 0;

	if (rest == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < f->table.n_records; i++)
		if (f->table.records[i].used)
			rest[n++] = &f->table.records[i];
	qsort(rest, n, sizeof(struct flow_record *), by_start);
	for (size_t i = 0; i < n; i++)
		write_flow(f, rest[i]);
	free(rest);
	return 0;
}

void flows_flush(struct flows *f)
{
	lines_flush(&f->csv);
	in_flight_write(&f->in_flight, &f->table, f->models, &f->labels);
}

int flows_check(const struct flows *f, struct wm_err *err)
{
	int rc = f->error != 0 ? wm_err_set(err, f->error, "no memory for the table of flows") : 0;

	rc = rc < 0 ? rc : lines_check(&f->csv, err);
	return rc < 0 ? rc : lines_check(&f->labels, err);
}

const char *flows_remark(struct flows *f)
{
	if (f->in_flight.told || f->in_flight.why.msg[0] == '\0')
		return NULL;
	f->in_flight.told = true;
	return f->in_flight.why.msg;
}

int flows_finish(struct flows *f, struct wm_err *err)
{
	struct wm_err other;
	int rc = f->error != 0 ? f->error : write_rest(f), rc2;

	if (rc < 0)
		(void)wm_err_set(err, rc, "no memory for the table of flows");
	rc2 = lines_close(&f->csv, rc < 0 ? &other : err);
	rc = rc < 0 ? rc : rc2;
	rc2 = lines_close(&f->labels, rc < 0 ? &other : err);
	in_flight_close(&f->in_flight);
	return rc < 0 ? rc : rc2;
}

void flows_destroy(struct flows *f)
{
	if (f == NULL)
		return;
	lines_abandon(&f->csv);
	lines_abandon(&f->labels);
	in_flight_close(&f->in_flight);
	flow_table_destroy(&f->table);
	free(f);
}
