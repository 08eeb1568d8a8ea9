// SPDX-License-Identifier: BSD-3-Clause
// Plan a flow that somebody asks for: from a capture, or a flow table.
//
// A flow's class, service and header profile are those of a flow that was learned. Where the model knows the two hosts
// it is one of theirs, else one of the server's, else one of any with that server's port, else of the protocol; of
// these the one that is nearest in packets, bytes, duration, and in how it begins and ends.
#include <engine/necst/plan.h>

#include <base/philox.h>
#include <engine/necst/codes.h>
#include <engine/necst/plan_pvt.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOK_AT = 128,    // flows of many, evenly
	OTHER_COURSE = 8, // half octaves that another begin or end of a flow counts for
};

// ---------------------------------------------------------------------------------------------- opening

struct keyed {
	uint64_t key[2];
	uint32_t flow;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	for (int i = 0; i < 2; i++)
		if (x->key[i] != y->key[i])
			return x->key[i] < y->key[i] ? -1 : 1;
	return (x->flow > y->flow) - (x->flow < y->flow);
}

static uint64_t service_key(const struct necst_plan_model *m, size_t i)
{
	return (uint64_t)m->kind[i].proto << 24 | (uint64_t)m->kind[i].ip << 16 | m->ports[i].server;
}

static uint64_t ends_key(const struct necst_plan_model *m, size_t i)
{
	return (uint64_t)m->ends[i].server << 32 | m->ends[i].client;
}

static uint64_t size_key(const struct necst_plan_model *m, size_t i)
{
	return (uint64_t)m->pkts[i].by[0] + m->pkts[i].by[1];
}

static void sort_flows(uint32_t *out, struct keyed *k, const struct necst_plan_model *m,
	uint64_t (*key)(const struct necst_plan_model *m, size_t i))
{
	for (size_t i = 0; i < m->n; i++)
		k[i] = (struct keyed){{service_key(m, i), key(m, i)}, (uint32_t)i};
	qsort(k, m->n, sizeof(*k), by_key);
	for (size_t i = 0; i < m->n; i++)
		out[i] = k[i].flow;
}

int necst_follow_open(struct necst_plan_model *m)
{
	struct keyed *k = calloc(m->n + 1, sizeof(*k));

	m->by_ends = calloc(m->n + 1, sizeof(*m->by_ends));
	m->by_size = calloc(m->n + 1, sizeof(*m->by_size));
	if (k == NULL || m->by_ends == NULL || m->by_size == NULL) {
		free(k);
		return -ENOMEM;
	}
	sort_flows(m->by_ends, k, m, ends_key);
	sort_flows(m->by_size, k, m, size_key);
	free(k);
	return 0;
}

// ---------------------------------------------------------------------------------------------- following

struct range {
	size_t first, end;
};

// First place in a list whose flow is not below the key.
static size_t lower_bound(const struct necst_plan_model *m, const uint32_t *list, uint64_t service, uint64_t key,
	uint64_t (*key_of)(const struct necst_plan_model *m, size_t i))
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2, i = list[mid];
		const uint64_t s = service_key(m, i);

		if (s < service || (s == service && key_of(m, i) < key))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

// @return the host's number, or -1.
static int64_t find_host(const struct necst_plan_model *m, const uint8_t address[16])
{
	size_t lo = 0, hi = m->n_hosts;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (memcmp(m->hosts[mid].address, address, 16) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n_hosts && memcmp(m->hosts[lo].address, address, 16) == 0 ? (int64_t)lo : -1;
}

static unsigned apart(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

static unsigned distance(const struct necst_plan_model *m, size_t i, const struct wm_listed_flow *asked)
{
	unsigned sum = apart(necst_code_time(m->duration[i]), necst_code_time(asked->duration_ns));

	if (asked->joint) {
		sum += 2 * apart(necst_code_count(size_key(m, i)), necst_code_count(asked->pkts[0]));
		sum += 2
		       * apart(necst_code_bytes(m->bytes[i].by[0] + m->bytes[i].by[1]),
			       necst_code_bytes(asked->bytes[0]));
	}
	for (int d = 0; d < 2 && !asked->joint; d++) {
		sum += apart(necst_code_count(m->pkts[i].by[d]), necst_code_count(asked->pkts[d]));
		sum += apart(necst_code_bytes(m->bytes[i].by[d]), necst_code_bytes(asked->bytes[d]));
	}
	if (((m->kind[i].begin_end & NECST_STARTED) != 0) != asked->started)
		sum += OTHER_COURSE;
	if (((m->kind[i].begin_end & NECST_ENDED) != 0) != asked->ended)
		sum += OTHER_COURSE;
	return sum;
}

// The nearest flow of a range; one of them by chance if there are several.
static size_t nearest(const struct necst_plan_model *m, const uint32_t *list, struct range r,
	const struct wm_listed_flow *asked, struct wm_rng *rng)
{
	const size_t n = r.end - r.first, looks = n < LOOK_AT ? n : LOOK_AT;
	unsigned least = UINT32_MAX;
	uint32_t equals = 0;
	size_t best = 0;

	for (size_t j = 0; j < looks; j++) {
		const size_t i = list[r.first + j * n / looks];
		const unsigned d = distance(m, i, asked);

		if (d < least)
			equals = 0;
		if (d <= least && wm_rng_below(rng, ++equals) == 0)
			best = i;
		least = d < least ? d : least;
	}
	return best;
}

// Those that are as large, with this server's port.
static struct range of_size(const struct necst_plan_model *m, uint64_t service, uint64_t pkts)
{
	const struct range all = {
		lower_bound(m, m->by_size, service, 0, size_key), lower_bound(m, m->by_size, service + 1, 0, size_key)};
	struct range r = all;
	size_t at;

	if (all.end - all.first <= LOOK_AT)
		return all;
	at = lower_bound(m, m->by_size, service, pkts, size_key);
	r.first = at - all.first > LOOK_AT / 2 ? at - LOOK_AT / 2 : all.first;
	r.end = all.end - r.first > LOOK_AT ? r.first + LOOK_AT : all.end;
	return r;
}

// Where to look for a flow that is like the one that is asked for. @return false: there is none of its protocol.
static bool find_range(
	const struct necst_plan_model *m, const struct wm_listed_flow *asked, const uint32_t **list, struct range *out)
{
	const int64_t server = find_host(m, asked->server), client = find_host(m, asked->client);
	const uint64_t family = (uint64_t)asked->proto << 24 | (uint64_t)asked->ip << 16,
		       service = family | asked->sport, at = (uint64_t)server << 32;
	struct range r = {0};

	*list = m->by_ends;
	if (server >= 0 && client >= 0) {
		r.first = lower_bound(m, m->by_ends, service, at | (uint64_t)client, ends_key);
		r.end = lower_bound(m, m->by_ends, service, (at | (uint64_t)client) + 1, ends_key);
	}
	if (server >= 0 && r.first == r.end) {
		r.first = lower_bound(m, m->by_ends, service, at, ends_key);
		r.end = lower_bound(m, m->by_ends, service, at + (UINT64_C(1) << 32), ends_key);
	}
	if (r.first == r.end) {
		*list = m->by_size;
		r = of_size(m, service, (uint64_t)asked->pkts[0] + asked->pkts[1]);
	}
	if (r.first == r.end && asked->ip != 0) { // without IP, the port is the protocol
		r.first = lower_bound(m, m->by_size, family, 0, size_key);
		r.end = lower_bound(m, m->by_size, family + (1 << 16), 0, size_key);
	}
	*out = r;
	return r.first < r.end;
}

// Both directions have their part of what is asked for together, as the flow that was learned has.
static void part(struct wm_flow *flow, const struct necst_plan_model *m, size_t i, const struct wm_listed_flow *asked)
{
	const uint64_t pkts = size_key(m, i), bytes = m->bytes[i].by[0] + m->bytes[i].by[1];
	const double share = (double)m->pkts[i].by[1] / (double)pkts,
		     share_bytes = bytes > 0 ? (double)m->bytes[i].by[1] / (double)bytes : share;

	flow->pkts[1] = (uint32_t)(share * asked->pkts[0] + 0.5);
	flow->pkts[0] = asked->pkts[0] - flow->pkts[1];
	flow->bytes[1] = (uint64_t)(share_bytes * (double)asked->bytes[0]);
	flow->bytes[0] = asked->bytes[0] - flow->bytes[1];
}

bool necst_plan_follow(const struct wm_plan *p, uint64_t id, const struct wm_listed_flow *asked, struct wm_flow *flow)
{
	const struct necst_plan_model *m = p->m;
	const uint32_t *list;
	struct wm_rng rng;
	struct range r;
	size_t i;

	if (!find_range(m, asked, &list, &r))
		return false;
	wm_rng_init(&rng, p->seed, WM_STREAM_PLAN, UINT64_C(1) << 62 | id);
	i = nearest(m, list, r, asked, &rng);
	*flow = (struct wm_flow){
		.id = id,
		.start_ns = asked->start_ns,
		.sport = asked->sport,
		.cport =
			asked->cport > 0 || asked->proto == 6 || asked->proto == 17 ? asked->cport : m->ports[i].client,
		.proto = asked->proto,
		.ip = asked->ip,
		.started = asked->started && (asked->joint || asked->pkts[0] > 0),
		.profile = m->profile[i],
		.duration_ns = asked->duration_ns,
		.laps = 1,
		.pkts = {asked->pkts[0], asked->pkts[1]},
		.bytes = {asked->bytes[0], asked->bytes[1]},
		.cls = necst_flow_cls(m, i, asked->ended),
	};
	memcpy(flow->client, asked->client, sizeof(flow->client));
	memcpy(flow->server, asked->server, sizeof(flow->server));
	if (asked->joint)
		part(flow, m, i, asked);
	return true;
}
