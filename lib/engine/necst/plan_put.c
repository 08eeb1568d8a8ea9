// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/plan.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEAST_TO_GO_ON = 4, // packets of a flow that may
	STARTS_LEAST = 20,  // flows, for their starts to say how long an epoch is
};

// Everything a planned flow is, as columns.
struct columns {
	uint64_t *start, *duration;
	uint32_t *profile, *cls, *service;
	struct necst_plan_bytes *bytes;
	struct necst_plan_ends *ends;
	struct necst_plan_packets *pkts;
	struct necst_plan_ports *ports;
	struct necst_plan_kind *kind;
	struct necst_plan_host *hosts;
	size_t n, n_hosts;
	uint64_t epoch_ns;
};

static void columns_free(struct columns *c)
{
	free(c->start);
	free(c->duration);
	free(c->bytes);
	free(c->ends);
	free(c->pkts);
	free(c->profile);
	free(c->cls);
	free(c->service);
	free(c->ports);
	free(c->kind);
	free(c->hosts);
}

static int columns_alloc(struct columns *c, size_t n)
{
	*c = (struct columns){.n = n};
	c->start = calloc(n + 1, sizeof(*c->start));
	c->duration = calloc(n + 1, sizeof(*c->duration));
	c->bytes = calloc(n + 1, sizeof(*c->bytes));
	c->ends = calloc(n + 1, sizeof(*c->ends));
	c->pkts = calloc(n + 1, sizeof(*c->pkts));
	c->profile = calloc(n + 1, sizeof(*c->profile));
	c->cls = calloc(n + 1, sizeof(*c->cls));
	c->service = calloc(n + 1, sizeof(*c->service));
	c->ports = calloc(n + 1, sizeof(*c->ports));
	c->kind = calloc(n + 1, sizeof(*c->kind));
	c->hosts = calloc(2 * n + 1, sizeof(*c->hosts));
	if (c->start == NULL || c->duration == NULL || c->bytes == NULL || c->ends == NULL || c->pkts == NULL
		|| c->profile == NULL || c->cls == NULL || c->service == NULL || c->ports == NULL || c->kind == NULL
		|| c->hosts == NULL) {
		columns_free(c);
		return -ENOMEM;
	}
	return 0;
}

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void number_hosts(struct columns *c, const struct wm_dataset *ds)
{
	size_t k = 0;

	for (size_t i = 0; i < ds->n_flows; i++) {
		memcpy(c->hosts[2 * i].address, ds->flows[i].client, 16);
		memcpy(c->hosts[2 * i + 1].address, ds->flows[i].server, 16);
	}
	qsort(c->hosts, 2 * ds->n_flows, 16, by_address);
	for (size_t i = 0; i < 2 * ds->n_flows; i++)
		if (i == 0 || memcmp(&c->hosts[i], &c->hosts[k - 1], 16) != 0)
			c->hosts[k++] = c->hosts[i];
	c->n_hosts = k;
}

static uint32_t host_of(const struct columns *c, const uint8_t address[16])
{
	const struct necst_plan_host *at = bsearch(address, c->hosts, c->n_hosts, sizeof(*at), by_address);

	return (uint32_t)(at - c->hosts);
}

// How long an epoch is: the whole capture, unless flows stopped starting a good while before its end (it was cut
// between flows), so that the next one begins there.
static uint64_t epoch_of(const struct wm_dataset *ds)
{
	const uint64_t all = ds->duration_ns;
	uint64_t longest = 0, end;
	size_t beyond = 0;

	if (ds->n_flows < STARTS_LEAST)
		return all;
	for (size_t i = 0; i < ds->n_flows; i++) {
		uint64_t gap = ds->flows[i].start_ns - (i > 0 ? ds->flows[i - 1].start_ns : 0);

		longest = gap > longest ? gap : longest;
	}
	end = ds->flows[ds->n_flows - 1].start_ns + longest;
	if (end >= all)
		return all;
	for (size_t j = 0; j < ds->n_records; j++)
		beyond += ds->records[j].time_ns > end;
	// What is left has less than half of the rate.
	return 2.0 * (double)beyond / (double)(all - end) < (double)(ds->n_records - beyond) / (double)end ? end : all;
}

// Whether a flow reaches across the epoch: it is silent at its ends no longer than it is in between, and nowhere long.
static bool goes_on(const struct wm_flow_record *f, const struct wm_record *records, uint64_t epoch_ns)
{
	const struct wm_record *r = &records[f->first];
	uint64_t longest = 0;

	if (f->started || f->ended || f->n < LEAST_TO_GO_ON)
		return false;
	for (size_t j = 1; j < f->n; j++)
		if (r[j].time_ns - r[j - 1].time_ns > longest)
			longest = r[j].time_ns - r[j - 1].time_ns;
	return longest <= epoch_ns / 4 && f->start_ns <= longest && f->end_ns + longest >= epoch_ns;
}

static void fill(struct columns *c, const struct wm_dataset *ds, const struct necst_vocab *v,
	const struct necst_classes *classes)
{
	number_hosts(c, ds);
	c->epoch_ns = epoch_of(ds);
	for (size_t i = 0; i < c->n; i++) {
		const struct wm_flow_record *f = &ds->flows[i];

		c->start[i] = f->start_ns;
		c->duration[i] = f->end_ns - f->start_ns;
		c->ends[i].client = host_of(c, f->client);
		c->ends[i].server = host_of(c, f->server);
		c->ports[i].client = f->cport;
		c->ports[i].server = f->sport;
		c->kind[i].proto = f->proto;
		c->kind[i].ip = f->ip;
		c->kind[i].begin_end = (uint8_t)((f->started ? NECST_STARTED : 0) | (f->ended ? NECST_ENDED : 0)
						 | (goes_on(f, ds->records, c->epoch_ns) ? NECST_GOES_ON : 0));
		c->kind[i].family = v->family[i];
		c->profile[i] = v->profile[i];
		c->cls[i] = classes->cls[i];
		c->service[i] = v->service[i];
		memcpy(c->pkts[i].by, f->pkts, sizeof(f->pkts));
		memcpy(c->bytes[i].by, f->bytes, sizeof(f->bytes));
	}
}

static int put_columns(struct wm_model_writer *w, const struct columns *c)
{
	const struct {
		const char *name;
		enum wm_dtype dtype;
		size_t width;
		const void *data;
	} column[] = {
		{"plan.start_ns", WM_U64, 1, c->start},
		{"plan.duration_ns", WM_U64, 1, c->duration},
		{"plan.bytes", WM_U64, 2, c->bytes},
		{"plan.ends", WM_U32, 2, c->ends},
		{"plan.packets", WM_U32, 2, c->pkts},
		{"plan.profile", WM_U32, 1, c->profile},
		{"plan.class", WM_U32, 1, c->cls},
		{"plan.service", WM_U32, 1, c->service},
		{"plan.ports", WM_U16, 2, c->ports},
		{"plan.kind", WM_U8, 4, c->kind},
	};
	size_t hosts[2] = {c->n_hosts, 16};
	int rc = wm_model_put(w, "plan.hosts", WM_U8, 2, hosts, c->hosts);

	for (size_t i = 0; i < sizeof(column) / sizeof(column[0]) && rc == 0; i++) {
		size_t shape[2] = {c->n, column[i].width};

		rc = wm_model_put(w, column[i].name, column[i].dtype, 2, shape, column[i].data);
	}
	return rc;
}

int necst_plan_put(struct wm_model_writer *w, const struct wm_dataset *ds, const struct necst_vocab *v,
	const struct necst_classes *classes)
{
	struct columns c;
	int rc = columns_alloc(&c, ds->n_flows);

	if (rc < 0)
		return rc;
	fill(&c, ds, v, classes);
	rc = put_columns(w, &c);
	if (rc == 0)
		rc = wm_model_put_metaf(w, "necst.duration_ns", "%llu", (unsigned long long)c.epoch_ns);
	columns_free(&c);
	return rc;
}
