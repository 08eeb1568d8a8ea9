// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/plan.h>

#include <base/philox.h>
#include <engine/necst/codes.h>
#include <engine/necst/plan_pvt.h>
#include <packet/dissect.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	COLUMNS = 10,                  // tensors with a row for each flow
	FLOWS_TO_SHUFFLE = 4 * WINDOW, // with fewer flows the order stays
	VARY_FROM = 100,               // packets of a flow whose budgets are varied
	PORT_STEP = 257,               // client ports of the next epoch are others
	PORTS_REGISTERED = 1024,       // first of the registered ports, RFC 6335 section 6
	PORTS_DYNAMIC = 49152,         // and of the dynamic ones
	FLOWS_OF_BOUND = 3,            // flows of one port that is no ephemeral one
	PORTS_TRIED = 64,
	LAPS_MOST = 1024,
	HALVINGS = 20,
};

#define FEW_MISSING 0.002 // of packets

// ---------------------------------------------------------------------------------------------- opening

struct keyed {
	uint64_t key[2];
	uint32_t flow;
	uint16_t order; // inside a deck
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	for (int i = 0; i < 2; i++)
		if (x->key[i] != y->key[i])
			return x->key[i] < y->key[i] ? -1 : 1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return (x->flow > y->flow) - (x->flow < y->flow);
}

// Decks of the flows that have the same key.
static void make_decks(struct deck *deck, uint32_t *list, struct keyed *k, size_t n)
{
	size_t first = 0;

	qsort(k, n, sizeof(*k), by_key);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && memcmp(k[i].key, k[i - 1].key, sizeof(k[i].key)) != 0)
			first = i;
		list[i] = k[i].flow;
		deck[k[i].flow].first = (uint32_t)first;
		deck[k[i].flow].rank = (uint32_t)(i - first);
	}
	for (size_t i = n, end = n; i-- > 0;) {
		struct deck *d = &deck[list[i]];

		d->n = (uint32_t)(end - d->first);
		if (d->rank == 0)
			end = i;
	}
}

static uint64_t pair_key(const struct necst_plan_model *m, size_t i)
{
	return (uint64_t)m->ends[i].client << 32 | m->ends[i].server;
}

static uint64_t port_key(const struct necst_plan_model *m, size_t i)
{
	return (uint64_t)m->ports[i].server << 8 | m->kind[i].proto;
}

static int deal_decks(struct necst_plan_model *m)
{
	struct keyed *k = malloc((m->n + 1) * sizeof(*k));

	m->size_deck = calloc(m->n + 1, sizeof(*m->size_deck));
	m->size_list = calloc(m->n + 1, sizeof(*m->size_list));
	m->port_deck = calloc(m->n + 1, sizeof(*m->port_deck));
	m->port_list = calloc(m->n + 1, sizeof(*m->port_list));
	m->bound = calloc(m->n + 1, sizeof(*m->bound));
	m->twin = calloc(m->n + 1, sizeof(*m->twin));
	if (k == NULL || m->size_deck == NULL || m->size_list == NULL || m->port_deck == NULL || m->port_list == NULL
		|| m->bound == NULL || m->twin == NULL) {
		free(k);
		return -ENOMEM;
	}
	for (size_t i = 0; i < m->n; i++)
		k[i] = (struct keyed){
			{(uint64_t)m->cls[i] << 32 | necst_code_time(m->duration[i]) << 20
					| necst_code_count(m->pkts[i].by[0]) << 10 | necst_code_count(m->pkts[i].by[1]),
				(uint64_t)m->profile[i] << 8 | m->kind[i].begin_end},
			(uint32_t)i, 0};
	make_decks(m->size_deck, m->size_list, k, m->n);
	// Two peers that agree on a port for once do not meet at one that is known, as name services do.
	for (size_t i = 0; i < m->n; i++)
		k[i] = (struct keyed){{m->kind[i].proto, m->ports[i].server}, (uint32_t)i, 0};
	make_decks(m->port_deck, m->port_list, k, m->n);
	for (size_t i = 0; i < m->n; i++)
		m->twin[i] = m->ports[i].client == m->ports[i].server && m->ports[i].client >= PORTS_REGISTERED
			     && m->port_deck[i].n < FLOWS_OF_BOUND && !wm_port_known(m->ports[i].server);
	// A TCP client takes a new port for each connection; another one does too, unless it was seen to use one again
	// and again.
	for (size_t i = 0; i < m->n; i++)
		k[i] = (struct keyed){
			{m->ends[i].client, (uint64_t)m->kind[i].proto << 16 | m->ports[i].client}, (uint32_t)i, 0};
	make_decks(m->port_deck, m->port_list, k, m->n);
	for (size_t i = 0; i < m->n; i++)
		m->bound[i] = m->ports[i].client < PORTS_REGISTERED
			      || (m->ports[i].client == m->ports[i].server && !m->twin[i])
			      || (m->port_deck[i].n >= FLOWS_OF_BOUND && m->kind[i].proto != 6);
	// A 5-tuple that comes again is one conversation with pauses: it keeps its port, the others deal theirs.
	for (size_t i = 0; i < m->n; i++)
		k[i] = (struct keyed){
			{pair_key(m, i), port_key(m, i) | (uint64_t)m->ports[i].client << 32}, (uint32_t)i, 0};
	make_decks(m->port_deck, m->port_list, k, m->n);
	for (size_t i = 0; i < m->n; i++) {
		const uint64_t again = m->port_deck[i].n > 1 ? (uint64_t)(1 + m->ports[i].client) << 32 : 0;

		k[i] = (struct keyed){{pair_key(m, i), port_key(m, i) | again}, (uint32_t)i, m->ports[i].client};
	}
	make_decks(m->port_deck, m->port_list, k, m->n);
	free(k);
	return 0;
}

static int get_columns(struct necst_plan_model *p, const struct wm_model *m, struct wm_err *err)
{
	const void *data[COLUMNS];
	const struct {
		const char *name;
		enum wm_dtype dtype;
		size_t width;
	} column[COLUMNS] = {
		{"plan.start_ns", WM_U64, 1},
		{"plan.duration_ns", WM_U64, 1},
		{"plan.bytes", WM_U64, 2},
		{"plan.ends", WM_U32, 2},
		{"plan.packets", WM_U32, 2},
		{"plan.profile", WM_U32, 1},
		{"plan.class", WM_U32, 1},
		{"plan.service", WM_U32, 1},
		{"plan.ports", WM_U16, 2},
		{"plan.kind", WM_U8, 4},
	};

	for (size_t i = 0; i < COLUMNS; i++) {
		size_t shape[2] = {p->n, column[i].width};
		int rc = wm_model_tensor(m, column[i].name, column[i].dtype, 2, shape, &data[i], err);

		if (rc < 0)
			return rc;
		p->n = shape[0];
	}
	p->start = data[0];
	p->duration = data[1];
	p->bytes = data[2];
	p->ends = data[3];
	p->pkts = data[4];
	p->profile = data[5];
	p->cls = data[6];
	p->service = data[7];
	p->ports = data[8];
	p->kind = data[9];
	return p->n > 0 ? 0 : wm_err_set(err, -EINVAL, "tensor plan.start_ns: a model has at least one flow");
}

static int check_flows(
	const struct necst_plan_model *p, size_t n_hosts, uint32_t n_classes, uint32_t n_families, struct wm_err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		bool ok = p->cls[i] < n_classes && p->service[i] < NECST_SERVICES_MAX && p->kind[i].family < n_families
			  && p->ends[i].client < n_hosts && p->ends[i].server < n_hosts
			  && (p->pkts[i].by[0] > 0 || p->pkts[i].by[1] > 0) && p->start[i] <= p->epoch_ns
			  && (i == 0 || p->start[i] >= p->start[i - 1]) && p->duration[i] < UINT64_C(1) << 62;

		if (!ok)
			return wm_err_set(err, -EINVAL, "tensors plan.*: row %zu is not a flow of this model", i);
	}
	return 0;
}

int necst_plan_open(struct necst_plan_model **out, const struct wm_model *m, uint32_t n_classes, uint32_t n_families,
	uint64_t resolution_ns, struct wm_err *err)
{
	struct necst_plan_model *p = calloc(1, sizeof(*p));
	size_t hosts[2] = {0, 16};
	const void *data;
	long long epoch = 0;
	int rc;

	if (p == NULL)
		return wm_err_sys(err, -ENOMEM, "opening the plan");
	rc = wm_model_tensor(m, "plan.hosts", WM_U8, 2, hosts, &data, err);
	if (rc < 0)
		goto fail;
	p->hosts = data;
	p->n_hosts = hosts[0];
	p->resolution_ns = resolution_ns;
	rc = wm_model_meta_int(m, "necst.duration_ns", 0, 1LL << 61, &epoch, err);
	if (rc < 0)
		goto fail;
	p->epoch_ns = (uint64_t)epoch;
	rc = get_columns(p, m, err);
	if (rc == 0)
		rc = check_flows(p, hosts[0], n_classes, n_families, err);
	if (rc < 0)
		goto fail;
	rc = deal_decks(p);
	rc = rc < 0 ? rc : necst_follow_open(p);
	if (rc < 0) {
		(void)wm_err_sys(err, rc, "opening the plan");
		goto fail;
	}
	*out = p;
	return 0;

fail:
	necst_plan_close(p);
	return rc;
}

void necst_plan_close(struct necst_plan_model *p)
{
	if (p == NULL)
		return;
	free(p->size_deck);
	free(p->size_list);
	free(p->port_deck);
	free(p->port_list);
	free(p->bound);
	free(p->twin);
	free(p->by_ends);
	free(p->by_size);
	free(p);
}

// ---------------------------------------------------------------------------------------------- planning

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

// The flow that this one's deck deals it in this epoch: every epoch deals each card once (an affine permutation).
static uint32_t dealt(const struct deck *d, const uint32_t *list, uint64_t seed, uint64_t epoch, uint64_t what)
{
	uint32_t step, shift;
	struct wm_rng rng;

	if (d->n == 1)
		return list[d->first];
	wm_rng_init(&rng, seed, WM_STREAM_PLAN, epoch << 34 | what << 32 | d->first);
	shift = wm_rng_below(&rng, d->n);
	step = 1 + wm_rng_below(&rng, d->n - 1);
	while (common_divisor(step, d->n) != 1)
		step = step % d->n + 1;
	return list[d->first + (uint32_t)(((uint64_t)d->rank * step + shift) % d->n)];
}

const uint8_t *necst_plan_hosts(const struct necst_plan_model *m, size_t *n)
{
	*n = m->n_hosts;
	return m->n_hosts > 0 ? m->hosts[0].address : NULL;
}

// The share of packets that is not there yet when flows have begun for so long: each makes its own evenly.
static double missing(const struct necst_plan_model *m, double since_ns)
{
	double all = 0, later = 0;

	for (size_t i = 0; i < m->n; i++) {
		const double packets = (double)m->pkts[i].by[0] + (double)m->pkts[i].by[1],
			     duration_ns = (double)m->duration[i];

		all += packets;
		if (duration_ns > since_ns)
			later += packets * (1 - since_ns / duration_ns);
	}
	return later / all;
}

// For how long flows have to begin until the packets that are missing are few enough.
static double settle_s(const struct necst_plan_model *m)
{
	double lo = 0, hi = (double)m->epoch_ns;

	if (missing(m, 0) <= FEW_MISSING)
		return 0;
	for (int i = 0; i < HALVINGS; i++) {
		const double mid = (lo + hi) / 2;

		if (missing(m, mid) > FEW_MISSING)
			lo = mid;
		else
			hi = mid;
	}
	return hi * 1e-9;
}

void necst_plan_learned(const struct necst_plan_model *m, struct wm_learned *out)
{
	const double epoch_s = (double)(m->epoch_ns + m->resolution_ns) * 1e-9;
	double packets = 0, bytes = 0;

	for (size_t i = 0; i < m->n; i++) {
		packets += (double)m->pkts[i].by[0] + (double)m->pkts[i].by[1];
		bytes += (double)m->bytes[i].by[0] + (double)m->bytes[i].by[1];
	}
	*out = (struct wm_learned){
		.flows_per_s = (double)m->n / epoch_s,
		.packets_per_s = packets / epoch_s,
		.bytes_per_s = bytes / epoch_s,
		.settle_s = settle_s(m),
	};
}

int necst_plan_create(struct wm_plan **out, const struct necst_plan_model *m, enum wm_level level, uint64_t seed)
{
	struct wm_plan *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	p->until = calloc(m->n, sizeof(*p->until));
	if (p->until == NULL) {
		free(p);
		return -ENOMEM;
	}
	p->m = m;
	p->seed = seed;
	p->alone = level != WM_LEVEL_AGGREGATE;
	*out = p;
	return 0;
}

void necst_plan_destroy(struct wm_plan *p)
{
	if (p != NULL)
		free(p->until);
	free(p);
}

// The flow at the epoch's position: blocks change places inside their window; a window that is not whole stays.
static size_t flow_at(struct wm_plan *p)
{
	const size_t window = p->at / WINDOW, in = p->at % WINDOW;
	struct wm_rng rng;

	if (p->m->n < FLOWS_TO_SHUFFLE || (window + 1) * WINDOW > p->m->n)
		return p->at;
	if (in == 0) {
		// Flows under way when the capture began come first and stay there.
		const uint32_t fixed = window == 0;

		wm_rng_init(&rng, p->seed, WM_STREAM_PLAN, p->epoch << 34 | UINT64_C(3) << 32 | window);
		for (uint32_t i = 0; i < WINDOW / BLOCK; i++)
			p->order[i] = i;
		for (uint32_t i = WINDOW / BLOCK; i > fixed + 1; i--) {
			uint32_t j = fixed + wm_rng_below(&rng, i - fixed), tmp = p->order[i - 1];

			p->order[i - 1] = p->order[j];
			p->order[j] = tmp;
		}
	}
	return window * WINDOW + p->order[in / BLOCK] * BLOCK + in % BLOCK;
}

static void set_budget(struct wm_plan *p, struct wm_flow *flow, size_t i)
{
	const struct necst_plan_model *m = p->m;
	uint64_t scale = 1024; // in 1/1024
	struct wm_rng rng;

	// The first epoch is as long as the capture, to the packet.
	if (p->epoch > 0 && m->pkts[i].by[0] + m->pkts[i].by[1] >= VARY_FROM) {
		wm_rng_init(&rng, p->seed, WM_STREAM_PLAN, UINT64_C(1) << 63 | p->id);
		scale = 1024 - 51 + wm_rng_below(&rng, 103); // +- 5 %
	}
	for (int d = 0; d < 2; d++) {
		flow->pkts[d] = (uint32_t)((m->pkts[i].by[d] * scale + 512) / 1024);
		flow->bytes[d] =
			m->bytes[i].by[d] < UINT64_C(1) << 50 ? m->bytes[i].by[d] * scale / 1024 : m->bytes[i].by[d];
		if (m->pkts[i].by[d] > 0 && flow->pkts[d] == 0)
			flow->pkts[d] = 1;
	}
}

// Whether a flow of the deck, whose list is in order of ports, has this port.
static bool taken(const struct necst_plan_model *m, const struct deck *d, uint32_t port)
{
	const uint32_t *list = m->port_list + d->first;
	uint32_t lo = 0, hi = d->n;

	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;

		if (m->ports[list[mid]].client < port)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < d->n && m->ports[list[lo]].client == port;
}

// The next epoch's flows are other flows: each has a port that none between the same two hosts had in the one before.
static uint16_t client_port(const struct wm_plan *p, size_t i)
{
	const struct deck *d = &p->m->port_deck[i];
	const uint32_t from = p->m->twin[i] ? (uint32_t)i : dealt(d, p->m->port_list, p->seed, p->epoch, 1);
	const uint32_t port = p->m->ports[from].client, first = port < PORTS_DYNAMIC ? PORTS_REGISTERED : PORTS_DYNAMIC,
		       n = port < PORTS_DYNAMIC ? PORTS_DYNAMIC - PORTS_REGISTERED : 65536 - PORTS_DYNAMIC;
	uint32_t at = (port - first + PORT_STEP) % n;

	if (p->epoch == 0 || p->m->bound[from])
		return (uint16_t)port;
	for (uint32_t tries = 0; tries < PORTS_TRIED && taken(p->m, d, first + at); tries++)
		at = (at + 1) % n;
	return (uint16_t)(first + (at + (p->epoch - 1) % n * PORT_STEP) % n);
}

static void step(struct wm_plan *p)
{
	p->at++;
	if (p->at < p->m->n)
		return;
	p->begin_ns += p->m->epoch_ns + p->m->resolution_ns - (p->epoch == p->short_epoch ? p->skipped_ns : 0);
	p->at = 0;
	p->epoch++;
}

// Whether a position is in the part of the epoch that is left out.
static bool is_skipped(const struct wm_plan *p, size_t at)
{
	return p->epoch == p->short_epoch && p->m->start[at] < p->skipped_ns;
}

// The row of the flow that starts next; moves the clock to its start.
static size_t next_row(struct wm_plan *p)
{
	const struct necst_plan_model *m = p->m;

	for (;; step(p)) {
		const size_t i = flow_at(p);

		if (p->at == 0)
			p->time_ns = p->begin_ns;
		if (is_skipped(p, p->at)) {
			if (p->until[i] > p->epoch || !necst_plan_stays(p, i))
				continue;
			p->until[i] = p->epoch + 2; // it lasts into the epoch behind this one
			return i;
		}
		if (p->at > 0 && is_skipped(p, p->at - 1))
			p->time_ns = p->begin_ns + m->start[p->at] - p->skipped_ns;
		else
			p->time_ns += m->start[i] - (i > 0 ? m->start[i - 1] : 0);
		if (p->until[i] <= p->epoch)
			return i;
	}
}

// An exponential number of mean 2^32, the same on every machine: where the first of a run of falling numbers is last at
// an odd place, it is the part behind the point.
static uint64_t exponential(struct wm_rng *rng)
{
	for (uint64_t whole = 0;; whole++) {
		const uint32_t first = wm_rng_u32(rng);
		uint32_t last = first, next, n = 1;

		for (; (next = wm_rng_u32(rng)) < last; n++)
			last = next;
		if (n % 2 == 1)
			return whole << 32 | first;
	}
}

// A row that has nothing to do with the one before; moves the clock to its start. Each time that it is drawn is its
// next epoch: budgets and ports are others.
static size_t any_row(struct wm_plan *p)
{
	const struct necst_plan_model *m = p->m;
	struct wm_rng rng;
	size_t i;

	wm_rng_init(&rng, p->seed, WM_STREAM_PLAN, UINT64_C(5) << 61 | p->id);
	i = wm_rng_below(&rng, (uint32_t)m->n);
	p->time_ns += (uint64_t)((double)(m->epoch_ns + m->resolution_ns) / (double)m->n * (double)exponential(&rng)
				 * 0x1p-32);
	p->epoch = p->until[i]++;
	return i;
}

// For how many epochs a flow lasts. Its life beyond the first is at least u of all of it, for a u that is uniform.
static uint32_t laps_of(struct wm_plan *p, size_t i)
{
	struct wm_rng rng;
	uint64_t laps;

	if (p->alone || p->dense || !(p->m->kind[i].begin_end & NECST_GOES_ON))
		return 1;
	wm_rng_init(&rng, p->seed, WM_STREAM_PLAN, UINT64_C(3) << 62 | p->id);
	laps = 1 + (UINT64_C(1) << 32) / ((uint64_t)wm_rng_u32(&rng) + 1);
	if (laps > LAPS_MOST)
		laps = LAPS_MOST;
	p->until[i] = p->epoch + laps;
	return (uint32_t)laps;
}

void necst_plan_weight(struct wm_plan *p, double weight)
{
	p->dense = weight > 1;
}

void necst_plan_next(struct wm_plan *p, struct wm_flow *flow)
{
	const struct necst_plan_model *m = p->m;
	const size_t i = p->alone ? any_row(p) : next_row(p);
	const uint16_t cport = client_port(p, i);

	*flow = (struct wm_flow){
		.id = p->id,
		.start_ns = p->time_ns,
		.sport = m->twin[i] ? cport : m->ports[i].server,
		.cport = cport,
		.proto = m->kind[i].proto,
		.ip = m->kind[i].ip,
		.started = (m->kind[i].begin_end & NECST_STARTED) != 0,
		.profile = m->profile[i],
		.duration_ns = m->duration[i],
		.laps = laps_of(p, i),
		.cls = necst_flow_cls(m, i, (m->kind[i].begin_end & NECST_ENDED) != 0),
	};
	memcpy(flow->client, m->hosts[m->ends[i].client].address, sizeof(flow->client));
	memcpy(flow->server, m->hosts[m->ends[i].server].address, sizeof(flow->server));
	set_budget(p, flow, dealt(&m->size_deck[i], m->size_list, p->seed, p->epoch, 0));
	p->id++;
	if (!p->alone)
		step(p);
}
