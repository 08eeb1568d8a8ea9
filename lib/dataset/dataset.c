// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <capture/capture.h>
#include <dataset/dataset.h>
#include <dataset/flows.h>
#include <dataset/forms.h>
#include <dataset/intern.h>
#include <packet/dissect.h>
#include <packet/form.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TELL_EVERY = 1 << 16 }; // packets between two calls of progress
static const uint64_t second_ns = 1000000000, hour_ns = 3600 * second_ns;

// The packets of one capture among all.
struct part {
	size_t begin;
	size_t end;
	uint64_t min_ns; // epoch
	uint64_t max_ns;
	int64_t shift_ns; // to its place in the dataset's time
};

struct reading {
	const struct wm_dataset_options *options;
	struct wm_parsed *packets;
	size_t n;
	size_t cap;
	struct wm_intern addresses;
	struct wm_forms forms;
	struct wm_dataset_counts counts;
	struct wm_err damage;
	uint64_t done; // bytes of the captures before this one
	uint64_t all;
};

static uint16_t most16(uint32_t v)
{
	return v < UINT16_MAX ? (uint16_t)v : UINT16_MAX;
}

static int keep_packet(struct reading *r, const struct wm_packet *pkt, uint16_t form)
{
	int64_t src = wm_intern_add(&r->addresses, pkt->src, 16);
	int64_t dst = wm_intern_add(&r->addresses, pkt->dst, 16);
	bool ip = pkt->net != WM_NET_OTHER;
	struct wm_parsed p = {
		.time_ns = pkt->time_ns,
		.src = (uint32_t)src,
		.dst = (uint32_t)dst,
		.seq = pkt->seq,
		.ack = pkt->ack,
		.sport = ip ? pkt->sport : pkt->ethertype,
		.dport = ip ? pkt->dport : pkt->ethertype,
		.len = most16(wm_form_frame_len(pkt)),
		.payload = most16(pkt->payload),
		.window = pkt->window,
		.form = form,
		.flags = pkt->proto == WM_PROTO_TCP ? pkt->flags : pkt->icmp_type,
		.proto = pkt->proto,
		.ip = pkt->net == WM_NET_IPV4   ? 4
		      : pkt->net == WM_NET_IPV6 ? 6
						: 0,
	};

	if (src < 0 || dst < 0 || r->n >= UINT32_MAX || wm_grow((void **)&r->packets, &r->cap, r->n + 1, sizeof(p)) < 0)
		return -ENOMEM;
	p.echo = pkt->l4 > 0 && wm_icmp_echo(pkt->proto, pkt->icmp_type);
	r->packets[r->n++] = p;
	r->counts.used++;
	if (ip)
		r->counts.by_proto[pkt->proto]++;
	else
		r->counts.not_ip++;
	return 0;
}

static int take_packet(struct reading *r, const struct wm_capture_packet *rec)
{
	struct wm_packet pkt;
	int64_t form;

	if (!wm_link_known(rec->link)) {
		r->counts.unknown_link++;
		return 0;
	}
	wm_dissect(&pkt, rec->link, rec->time_ns, rec->data, rec->cap_len, rec->len);
	form = wm_forms_place(&r->forms, &pkt, rec->data);
	if (form == -EINVAL) {
		r->counts.truncated++;
		return 0;
	}
	if (form == -ENOSPC) {
		r->counts.form_full++;
		return 0;
	}
	return form < 0 ? (int)form : keep_packet(r, &pkt, (uint16_t)form);
}

static void tell(struct reading *r, const struct wm_capture *c)
{
	uint64_t done, all;

	wm_capture_progress(c, &done, &all);
	if (r->options->progress != NULL)
		r->options->progress(r->options->arg, r->done + done, r->all);
}

void wm_dataset_count(struct wm_dataset_counts *counts, const struct wm_capture_counts *n)
{
	counts->packets += n->packets + n->untimed;
	counts->filtered += n->filtered;
	counts->untimed += n->untimed;
	counts->odd += n->odd_times + n->odd_lens;
	counts->bad_blocks += n->bad_blocks;
}

static void count_capture(struct reading *r, const struct wm_capture *c, const char *path)
{
	uint64_t done, all;

	wm_dataset_count(&r->counts, wm_capture_counts(c));
	if (wm_capture_damage(c) != NULL && r->counts.damaged++ == 0)
		(void)wm_err_set(&r->damage, 0, "%s: %s", path, wm_capture_damage(c));
	tell(r, c);
	wm_capture_progress(c, &done, &all);
	r->done += done;
}

static int read_capture(struct reading *r, struct part *part, const char *path, struct wm_err *err)
{
	struct wm_capture *c = NULL;
	struct wm_capture_packet rec;
	uint64_t last_ns = 0;
	int rc = wm_capture_open(&c, path, err);

	if (rc == 0 && r->options->filter != NULL)
		rc = wm_capture_filter(c, r->options->filter, err);
	if (rc < 0)
		goto out;
	*part = (struct part){.begin = r->n, .min_ns = UINT64_MAX};
	for (uint64_t n = 1; (rc = wm_capture_next(c, &rec, err)) > 0; n++) {
		size_t before = r->n;

		rc = take_packet(r, &rec);
		if (rc < 0) {
			rc = wm_err_sys(err, rc, "%s", path);
			goto out;
		}
		r->counts.backwards += rec.time_ns < last_ns;
		last_ns = rec.time_ns;
		if (r->n > before) {
			part->min_ns = rec.time_ns < part->min_ns ? rec.time_ns : part->min_ns;
			part->max_ns = rec.time_ns > part->max_ns ? rec.time_ns : part->max_ns;
		}
		if (n % TELL_EVERY == 0)
			tell(r, c);
	}
	part->end = r->n;
	if (rc == 0)
		count_capture(r, c, path);

out:
	wm_capture_close(c);
	return rc;
}

static int by_start(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->min_ns != y->min_ns)
		return x->min_ns < y->min_ns ? -1 : 1;
	return (x->begin > y->begin) - (x->begin < y->begin);
}

// Captures that overlap keep their distance; the next one starts a second after them. Leaves times since the first.
static void line_up(struct reading *r, struct part *parts, size_t n_parts)
{
	uint64_t until = 0; // in the dataset's time
	int64_t shift = 0;
	bool first = true;

	qsort(parts, n_parts, sizeof(*parts), by_start);
	for (size_t i = 0; i < n_parts; i++) {
		struct part *p = &parts[i];
		uint64_t end;

		if (p->begin == p->end)
			continue;
		if (first)
			shift = -(int64_t)p->min_ns;
		else if (p->min_ns + (uint64_t)shift > until)
			shift = (int64_t)(until + second_ns - p->min_ns);
		first = false;
		for (size_t k = p->begin; k < p->end; k++)
			r->packets[k].time_ns += (uint64_t)shift;
		end = p->max_ns + (uint64_t)shift;
		until = end > until ? end : until;
	}
}

struct order {
	uint64_t time_ns;
	size_t i;
};

static int by_time(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

// A stable sort, needed only where time went backwards or captures follow in another order than given.
static int sort_by_time(struct reading *r)
{
	struct wm_parsed *sorted;
	struct order *order;
	size_t i = 1;

	while (i < r->n && r->packets[i - 1].time_ns <= r->packets[i].time_ns)
		i++;
	if (i >= r->n)
		return 0;
	order = calloc(r->n, sizeof(*order));
	sorted = calloc(r->n, sizeof(*sorted));
	if (order == NULL || sorted == NULL) {
		free(order);
		free(sorted);
		return -ENOMEM;
	}
	for (i = 0; i < r->n; i++)
		order[i] = (struct order){r->packets[i].time_ns, i};
	qsort(order, r->n, sizeof(*order), by_time);
	for (i = 0; i < r->n; i++)
		sorted[i] = r->packets[order[i].i];
	free(order);
	free(r->packets);
	r->packets = sorted;
	return 0;
}

// A counting sort by flow.
static int write_records(struct wm_dataset *ds, const struct reading *r)
{
	uint32_t at = 0;
	uint32_t *next = calloc(ds->n_flows, sizeof(*next));

	ds->records = calloc(r->n, sizeof(*ds->records));
	if (ds->records == NULL || next == NULL) {
		free(next);
		return -ENOMEM;
	}
	for (size_t i = 0; i < ds->n_flows; i++) {
		ds->flows[i].first = next[i] = at;
		at += ds->flows[i].n;
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct wm_parsed *p = &r->packets[i];

		ds->records[next[p->flow]++] = (struct wm_record){
			.time_ns = p->time_ns,
			.len = p->len,
			.payload = p->payload,
			.window = p->window,
			.form = p->form,
			.flags = p->flags,
			.reverse = p->reverse,
			.seq = p->seq_class,
			.ack = p->ack_class,
		};
	}
	free(next);
	ds->n_records = r->n;
	ds->duration_ns = r->packets[r->n - 1].time_ns;
	return 0;
}

// Hands the forms over: images, then payload examples.
static int write_forms(struct wm_dataset *ds, struct reading *r)
{
	struct wm_forms *f = &r->forms;

	ds->n_bytes = f->images.n_bytes + f->payload.n_bytes;
	ds->bytes = malloc(ds->n_bytes);
	if (ds->bytes == NULL)
		return -ENOMEM;
	memcpy(ds->bytes, f->images.bytes, f->images.n_bytes);
	if (f->payload.n_bytes > 0)
		memcpy(ds->bytes + f->images.n_bytes, f->payload.bytes, f->payload.n_bytes);
	for (size_t i = 0; i < f->n; i++)
		f->records[i].payload += f->records[i].payload_len > 0 ? (uint32_t)f->images.n_bytes : 0;
	ds->forms = f->records;
	ds->n_forms = f->n;
	f->records = NULL;
	return 0;
}

static int no_data(const struct reading *r, const char *path, struct wm_err *err)
{
	const struct {
		uint64_t n;
		const char *why;
	} reasons[] = {
		{r->counts.filtered, "not matched by the filter"},
		{r->counts.unknown_link, "of a link type that is not decoded"},
		{r->counts.truncated, "with headers cut short or senseless"},
		{r->counts.untimed, "without a time"},
		{r->counts.bad_blocks, "in blocks that contradict themselves"},
	};
	char list[256] = "";
	size_t used = 0;

	if (r->counts.damaged > 0)
		return wm_err_set(err, -ENODATA, "%s; no packet before that can be used", r->damage.msg);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].n > 0)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%" PRIu64 " %s",
				used > 0 ? ", " : ": ", reasons[i].n, reasons[i].why);
	return wm_err_set(err, -ENODATA, "%s: no packets that can be used%s", path, list);
}

static uint64_t size_of_all(const char *const *paths, size_t n_paths)
{
	uint64_t all = 0;
	struct stat st;

	for (size_t i = 0; i < n_paths; i++) {
		if (stat(paths[i], &st) < 0 || !S_ISREG(st.st_mode))
			return 0;
		all += (uint64_t)st.st_size;
	}
	return all;
}

static int build(struct wm_dataset *ds, struct reading *r, struct part *parts, size_t n_parts)
{
	uint64_t idle_ns = r->options->idle_ns > 0 ? r->options->idle_ns : hour_ns;
	int rc;

	line_up(r, parts, n_parts);
	for (size_t i = n_parts; i > 0; i--)
		ds->first_ns = parts[i - 1].begin < parts[i - 1].end ? parts[i - 1].min_ns : ds->first_ns;
	rc = sort_by_time(r);
	if (rc == 0)
		rc = wm_flows_assign(r->packets, r->n, r->addresses.bytes, idle_ns, &ds->flows, &ds->n_flows);
	if (rc == 0)
		rc = write_records(ds, r);
	if (rc == 0)
		rc = write_forms(ds, r);
	ds->counts = r->counts;
	ds->damage = r->damage;
	return rc;
}

int wm_dataset_read(struct wm_dataset *out, const char *const *paths, size_t n_paths,
	const struct wm_dataset_options *options, struct wm_err *err)
{
	struct reading r = {.options = options, .forms.payloads = options->payloads};
	struct wm_dataset ds = {0};
	struct part *parts;
	int rc = n_paths > 0 ? wm_lora_is(paths[0]) : 0;

	if (rc > 0)
		return wm_lora_read(out, paths, n_paths, options, err);
	if (rc == 0 && n_paths > 0)
		rc = wm_table_is_text(paths[0]);
	if (rc > 0)
		return wm_flow_rows_read(out, paths, n_paths, options, err);
	if (rc < 0)
		return wm_err_sys(err, rc, "%s", paths[0]);
	parts = calloc(n_paths > 0 ? n_paths : 1, sizeof(*parts));
	if (parts == NULL)
		return wm_err_sys(err, -ENOMEM, "dataset");
	r.all = size_of_all(paths, n_paths);
	for (size_t i = 0; i < n_paths && rc == 0; i++)
		rc = read_capture(&r, &parts[i], paths[i], err);
	if (rc == 0 && r.n == 0)
		rc = no_data(&r, n_paths > 0 ? paths[0] : "dataset", err);
	else if (rc == 0 && build(&ds, &r, parts, n_paths) < 0)
		rc = wm_err_sys(err, -ENOMEM, "dataset of %zu packets", r.n);
	if (rc == 0)
		*out = ds;
	else
		wm_dataset_free(&ds);
	wm_intern_free(&r.addresses);
	wm_forms_free(&r.forms);
	free(r.packets);
	free(parts);
	return rc;
}

void wm_dataset_free(struct wm_dataset *ds)
{
	free(ds->records);
	free(ds->flows);
	free(ds->forms);
	free(ds->bytes);
	wm_receptions_free(&ds->lora);
	wm_flow_rows_free(&ds->rows);
	memset(ds, 0, sizeof(*ds));
}
