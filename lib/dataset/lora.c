// SPDX-License-Identifier: BSD-3-Clause
#include <dataset/lora_pvt.h>

#include <base/grow.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { GATEWAYS_MAX = UINT16_MAX };

// FNV-1a (Fowler, Noll, Vo) of 64 bits.
static uint64_t digest_of(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

static int64_t place_gateway(struct wm_lora_reading *r, uint64_t eui)
{
	struct wm_receptions *s = &r->set;

	for (size_t i = s->n_gateways; i-- > 0;)
		if (s->gateways[i] == eui)
			return (int64_t)i;
	if (s->n_gateways == GATEWAYS_MAX)
		return -ENOSPC;
	if (wm_grow((void **)&s->gateways, &r->cap_gateways, s->n_gateways + 1, sizeof(*s->gateways)) < 0)
		return -ENOMEM;
	s->gateways[s->n_gateways] = eui;
	return (int64_t)s->n_gateways++;
}

int wm_lora_keep(struct wm_lora_reading *r, uint64_t time_ns, uint64_t eui, const struct wm_lora *l, const uint8_t *phy)
{
	struct wm_receptions *s = &r->set;
	int64_t gateway = place_gateway(r, eui);

	if (gateway == -ENOSPC) {
		r->counts.form_full++;
		return 0;
	}
	if (gateway < 0 || s->n >= UINT32_MAX || wm_grow((void **)&s->at, &r->cap, s->n + 1, sizeof(*s->at)) < 0)
		return -ENOMEM;
	s->at[s->n] = (struct wm_reception){.time_ns = time_ns, .digest = digest_of(phy, l->len), .lora = *l};
	s->at[s->n++].lora.gateway = (uint16_t)gateway;
	r->counts.used++;
	return 0;
}

void wm_lora_damaged(struct wm_lora_reading *r, const char *path, const char *sentence)
{
	if (sentence != NULL && r->counts.damaged++ == 0)
		(void)wm_err_set(&r->damage, 0, "%s: %s", path, sentence);
}

void wm_lora_tell(struct wm_lora_reading *r, uint64_t done, uint64_t all)
{
	if (r->options->progress != NULL)
		r->options->progress(r->options->arg, r->done + done, all);
}

int wm_lora_is(const char *path)
{
	int is;

	if (strcmp(path, "-") == 0)
		return 0;
	is = wm_lora_is_capture(path);
	return is == 0 ? wm_lora_is_table(path) : is;
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

// A stable sort by time, which then counts from the first.
static int sort_by_time(struct wm_receptions *s, uint64_t *first_ns)
{
	struct order *order = calloc(s->n, sizeof(*order));
	struct wm_reception *sorted = calloc(s->n, sizeof(*sorted));

	if (order == NULL || sorted == NULL) {
		free(order);
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->n; i++)
		order[i] = (struct order){s->at[i].time_ns, i};
	qsort(order, s->n, sizeof(*order), by_time);
	*first_ns = order[0].time_ns;
	for (size_t i = 0; i < s->n; i++) {
		sorted[i] = s->at[order[i].i];
		sorted[i].time_ns -= *first_ns;
	}
	free(order);
	free(s->at);
	s->at = sorted;
	return 0;
}

static int no_data(const struct wm_lora_reading *r, const char *path, struct wm_err *err)
{
	if (r->counts.damaged > 0)
		return wm_err_set(err, -ENODATA, "%s; no reception before that can be used", r->damage.msg);
	return wm_err_set(err, -ENODATA,
		"%s: no LoRa receptions that can be used: %llu not matched by the filter, %llu of another link type, "
		"%llu cut short or senseless",
		path, (unsigned long long)r->counts.filtered, (unsigned long long)r->counts.unknown_link,
		(unsigned long long)r->counts.truncated);
}

int wm_lora_read(struct wm_dataset *out, const char *const *paths, size_t n_paths,
	const struct wm_dataset_options *options, struct wm_err *err)
{
	struct wm_lora_reading r = {.options = options};
	struct wm_dataset ds = {0};
	int rc = 0;

	for (size_t i = 0; i < n_paths && rc == 0; i++) {
		int capture = wm_lora_is_capture(paths[i]), is = capture == 0 ? wm_lora_is_table(paths[i]) : capture;

		if (is < 0)
			rc = wm_err_sys(err, is, "%s", paths[i]);
		else if (is == 0)
			rc = wm_err_set(err, -EINVAL, "%s: holds no LoRa receptions, as %s does: learn from each alone",
				paths[i], paths[0]);
		else
			rc = capture > 0 ? wm_lora_read_capture(&r, paths[i], err)
					 : wm_lora_read_table(&r, paths[i], err);
	}
	if (rc == 0 && r.set.n == 0)
		rc = no_data(&r, n_paths > 0 ? paths[0] : "dataset", err);
	if (rc == 0 && sort_by_time(&r.set, &ds.first_ns) < 0)
		rc = wm_err_sys(err, -ENOMEM, "dataset of %zu receptions", r.set.n);
	if (rc != 0) {
		wm_receptions_free(&r.set);
		return rc;
	}
	ds.lora = r.set;
	ds.duration_ns = r.set.at[r.set.n - 1].time_ns;
	ds.counts = r.counts;
	ds.damage = r.damage;
	*out = ds;
	return 0;
}

void wm_receptions_free(struct wm_receptions *r)
{
	free(r->at);
	free(r->gateways);
	*r = (struct wm_receptions){0};
}
