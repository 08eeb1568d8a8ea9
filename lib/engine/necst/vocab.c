// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/vocab.h>

#include <engine/necst/rank.h>
#include <engine/necst/schema.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = 16384, PROFILES_MAX = 8191, SERVICE_SHARE = 200 }; // a service has 1/200 of flows or packets

static uint64_t hash_bytes(const void *data, size_t n) // FNV-1a
{
	const uint8_t *p = data;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

static uint64_t kind_key(const struct necst_kind *k)
{
	uint64_t key = 0;

	memcpy(&key, k, sizeof(*k));
	return key;
}

static struct necst_kind kind_of(
	const struct wm_dataset *ds, const struct wm_record *r, const struct wm_flow_record *f, uint8_t family)
{
	return (struct necst_kind){
		.family = family,
		.flags = r->flags,
		.reverse = r->reverse,
		.seq = r->seq,
		.ack = r->ack,
		.has_payload = r->payload > 0,
		.frame = f->ip == 0                 ? NECST_FRAME_RAW
			 : necst_padding(ds, r) > 0 ? NECST_FRAME_PADDED
						    : NECST_FRAME_FREE,
		.proto = f->proto,
	};
}

// How well kind b can stand in for a; direction and family come first, for a budget or a mask depends on them.
static int likeness(const struct necst_kind *a, const struct necst_kind *b)
{
	return 64 * (a->family == b->family) + 32 * (a->reverse == b->reverse) + 16 * (a->frame == b->frame)
	       + 8 * (a->flags == b->flags) + 4 * (a->has_payload == b->has_payload) + 2 * (a->seq == b->seq)
	       + (a->ack == b->ack);
}

static uint32_t nearest_kind(const struct necst_vocab *v, const struct necst_kind *k)
{
	uint32_t best = 0;
	int most = -1;

	for (uint32_t i = 0; i < v->n_kinds; i++) {
		int l = likeness(k, &v->kinds[i]);

		if (l > most) {
			most = l;
			best = i;
		}
	}
	return best;
}

static int number_families(struct necst_vocab *v, const struct wm_dataset *ds, uint64_t *key, uint32_t *rank)
{
	long n;

	for (size_t i = 0; i < ds->n_flows; i++) {
		const struct wm_flow_record *f = &ds->flows[i];

		key[i] = f->ip != 0 ? (uint64_t)f->ip << 8 | f->proto : 0x10000u | f->sport;
	}
	n = necst_rank(rank, key, ds->n_flows, NECST_FAMILIES_MAX - 1, NULL, NULL);
	if (n < 0)
		return (int)n;
	v->n_families = (uint32_t)n + 1; // the last one gathers the rare ones
	for (size_t i = 0; i < ds->n_flows; i++)
		v->family[i] = (uint8_t)rank[i];
	return 0;
}

static int number_kinds(struct necst_vocab *v, const struct wm_dataset *ds, uint64_t *key, uint32_t *rank)
{
	uint64_t *values = NULL;
	long n;

	for (size_t i = 0; i < ds->n_flows; i++) {
		const struct wm_flow_record *f = &ds->flows[i];

		for (size_t j = f->first; j < (size_t)f->first + f->n; j++) {
			const struct necst_kind k = kind_of(ds, &ds->records[j], f, v->family[i]);

			key[j] = kind_key(&k);
		}
	}
	n = necst_rank(rank, key, ds->n_records, NECST_KINDS_MAX, &values, NULL);
	if (n < 0)
		return (int)n;
	v->n_kinds = (size_t)n;
	v->kinds = calloc((size_t)n + 1, sizeof(*v->kinds));
	if (v->kinds == NULL) {
		free(values);
		return -ENOMEM;
	}
	for (long i = 0; i < n; i++)
		memcpy(&v->kinds[i], &values[i], sizeof(v->kinds[i]));
	free(values);
	for (size_t j = 0; j < ds->n_records; j++) {
		struct necst_kind k;

		memcpy(&k, &key[j], sizeof(k));
		v->kind[j] = (uint8_t)(rank[j] < v->n_kinds ? rank[j] : nearest_kind(v, &k));
	}
	return 0;
}

// Header images; those of another service are others, for the payload examples that go with them are (TCP has none).
static int number_groups(struct necst_vocab *v, const struct wm_dataset *ds, uint64_t *key)
{
	uint64_t *image = malloc((ds->n_forms + 1) * sizeof(*image));
	long n;

	if (image == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ds->n_forms; i++)
		image[i] = hash_bytes(ds->bytes + ds->forms[i].image, ds->forms[i].image_len);
	for (size_t i = 0; i < ds->n_flows; i++) {
		const struct wm_flow_record *f = &ds->flows[i];
		const bool tcp = f->ip != 0 && f->proto == 6;

		for (size_t j = f->first; j < (size_t)f->first + f->n; j++) {
			const struct wm_record *r = &ds->records[j];
			const uint64_t k[2] = {image[r->form], tcp ? 0 : 1 + 2 * (uint64_t)v->service[i] + r->reverse};

			key[j] = hash_bytes(k, sizeof(k));
		}
	}
	n = necst_rank(v->group, key, ds->n_records, GROUPS_MAX, NULL, NULL);
	free(image);
	if (n < 0)
		return (int)n;
	v->n_groups = (uint32_t)n;
	return 0;
}

// The header images of a flow's two ends: the first of each, and the one that has the majority, if one has.
static uint64_t profile_key(const struct necst_vocab *v, const struct wm_dataset *ds, const struct wm_flow_record *f)
{
	uint32_t first[2] = {UINT32_MAX, UINT32_MAX}, major[2] = {UINT32_MAX, UINT32_MAX}, votes[2] = {0, 0};
	uint32_t key[4];

	if (f->ip == 0) {
		uint8_t ends[12];

		memcpy(ends, f->client, 6);
		memcpy(ends + 6, f->server, 6);
		return hash_bytes(ends, sizeof(ends));
	}
	for (size_t j = f->first; j < (size_t)f->first + f->n; j++) {
		const struct wm_record *r = &ds->records[j];
		uint32_t g = v->group[j];
		unsigned d = r->reverse;

		if (first[d] == UINT32_MAX)
			first[d] = g;
		if (votes[d] == 0)
			major[d] = g;
		votes[d] += major[d] == g ? 1 : UINT32_MAX; // majority vote of Boyer and Moore, 1981
	}
	key[0] = first[0];
	key[1] = major[0];
	key[2] = first[1];
	key[3] = major[1];
	return hash_bytes(key, sizeof(key));
}

static int number_profiles(struct necst_vocab *v, const struct wm_dataset *ds, uint64_t *key)
{
	long n;

	for (size_t i = 0; i < ds->n_flows; i++)
		key[i] = profile_key(v, ds, &ds->flows[i]);
	n = necst_rank(v->profile, key, ds->n_flows, PROFILES_MAX, NULL, NULL);
	if (n < 0)
		return (int)n;
	v->n_profiles = (uint32_t)n + 1; // the last one gathers the rare ones
	return 0;
}

static uint64_t service_key(const struct necst_vocab *v, const struct wm_dataset *ds, size_t i)
{
	return (uint64_t)v->family[i] << 17 | (uint64_t)ds->flows[i].started << 16 | ds->flows[i].sport;
}

// A service is a server port with a share of the flows or of the packets; the others of a family are one service.
static int number_services(struct necst_vocab *v, const struct wm_dataset *ds, uint64_t *key, uint32_t *rank)
{
	uint32_t *flows = NULL;
	uint64_t *pkts;
	long n;

	for (size_t i = 0; i < ds->n_flows; i++)
		key[i] = service_key(v, ds, i);
	n = necst_rank(rank, key, ds->n_flows, UINT32_MAX, NULL, &flows);
	if (n < 0)
		return (int)n;
	pkts = calloc((size_t)n + 1, sizeof(*pkts));
	if (pkts == NULL) {
		free(flows);
		return -ENOMEM;
	}
	for (size_t i = 0; i < ds->n_flows; i++)
		pkts[rank[i]] += ds->flows[i].n;
	for (size_t i = 0; i < ds->n_flows; i++) {
		bool frequent = (flows[rank[i]] > 2 && flows[rank[i]] > ds->n_flows / SERVICE_SHARE)
				|| pkts[rank[i]] > ds->n_records / SERVICE_SHARE;

		if (!frequent)
			key[i] |= 0xffff;
	}
	free(flows);
	free(pkts);
	n = necst_rank(v->service, key, ds->n_flows, NECST_SERVICES_MAX - 1, NULL, NULL);
	if (n < 0)
		return (int)n;
	v->n_services = (uint32_t)n + 1;
	return 0;
}

int necst_vocab_build(struct necst_vocab *out, const struct wm_dataset *ds, struct wm_err *err)
{
	const size_t most = ds->n_records > ds->n_flows ? ds->n_records : ds->n_flows;
	struct necst_vocab v = {0};
	uint64_t *key = malloc((most + 1) * sizeof(*key));
	uint32_t *rank = malloc((most + 1) * sizeof(*rank));
	int rc = -ENOMEM;

	v.kind = calloc(ds->n_records + 1, sizeof(*v.kind));
	v.family = calloc(ds->n_flows + 1, sizeof(*v.family));
	v.group = calloc(ds->n_records + 1, sizeof(*v.group));
	v.profile = calloc(ds->n_flows + 1, sizeof(*v.profile));
	v.service = calloc(ds->n_flows + 1, sizeof(*v.service));
	if (key == NULL || rank == NULL || v.kind == NULL || v.family == NULL || v.group == NULL || v.profile == NULL
		|| v.service == NULL)
		goto fail;
	rc = number_families(&v, ds, key, rank);
	if (rc == 0)
		rc = number_kinds(&v, ds, key, rank);
	if (rc == 0)
		rc = number_services(&v, ds, key, rank);
	if (rc == 0)
		rc = number_groups(&v, ds, key);
	if (rc == 0)
		rc = number_profiles(&v, ds, key);
	if (rc < 0)
		goto fail;
	free(key);
	free(rank);
	*out = v;
	return 0;

fail:
	free(key);
	free(rank);
	necst_vocab_free(&v);
	return wm_err_sys(err, rc, "numbering the capture's packet kinds");
}

void necst_vocab_free(struct necst_vocab *v)
{
	free(v->kinds);
	free(v->kind);
	free(v->family);
	free(v->group);
	free(v->profile);
	free(v->service);
	*v = (struct necst_vocab){0};
}
