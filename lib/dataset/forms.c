// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <dataset/forms.h>
#include <packet/form.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t no_payload = UINT32_MAX;

// What is looked up as bytes: no padding between the fields.
struct pair_key {
	uint32_t image;
	uint32_t payload; // or no_payload
};

struct group_key {
	uint8_t macs[12]; // of frames that are not IP
	uint32_t image;   // of IP packets
	uint32_t len;     // of the payload; of the frame if not IP
	uint16_t service; // port, or ethertype
	uint16_t way;     // 0 to the service, 1 from it, 2 any
};

static_assert(sizeof(struct pair_key) == 8 && sizeof(struct group_key) == 24, "keys have no padding");

// A packet on its way to its form.
struct placing {
	const struct wm_packet *pkt;
	uint8_t image[WM_FORM_HEAD_MAX];
	size_t image_len;
	const uint8_t *payload; // to be kept as an example; NULL = none
	uint32_t payload_len;
};

static int64_t find_form(const struct wm_forms *f, uint32_t image, uint32_t payload)
{
	const struct pair_key key = {image, payload};

	return wm_intern_find(&f->pairs, &key, sizeof(key));
}

static int64_t add_form(struct wm_forms *f, const struct placing *p, uint32_t image, uint32_t payload)
{
	const struct pair_key key = {image, payload};
	struct wm_form_record r = {
		.image = f->images.items[image].at,
		.image_len = (uint16_t)p->image_len,
		.ip = p->pkt->net == WM_NET_IPV4   ? 4
		      : p->pkt->net == WM_NET_IPV6 ? 6
						   : 0,
		.proto = p->pkt->proto,
		.ttl = p->pkt->ttl,
		.tos = p->pkt->tos,
	};

	if (f->n >= WM_FORMS_MAX)
		return -ENOSPC;
	if (wm_grow((void **)&f->records, &f->cap, f->n + 1, sizeof(r)) < 0
		|| wm_intern_add(&f->pairs, &key, sizeof(key)) < 0)
		return -ENOMEM;
	if (payload != no_payload) {
		r.payload = f->payload.items[payload].at;
		r.payload_len = (uint16_t)f->payload.items[payload].len;
		f->n_examples++;
	}
	f->n_other += r.ip == 0;
	f->records[f->n] = r;
	return (int64_t)f->n++;
}

// @return the image's number; -EINVAL if no frame can be built of it, -ENOSPC if it is new and there are too many
// forms.
static int64_t place_image(struct wm_forms *f, const struct placing *p)
{
	int64_t image = wm_intern_find(&f->images, p->image, p->image_len);
	struct wm_form form;

	if (image >= 0)
		return image;
	if (f->n >= WM_FORMS_MAX)
		return -ENOSPC;
	if (wm_form_init(&form, p->image, p->image_len, NULL, NULL, 0, NULL) < 0)
		return -EINVAL;
	return wm_intern_add(&f->images, p->image, p->image_len);
}

static struct wm_form_group *find_group(struct wm_forms *f, const struct group_key *key)
{
	int64_t i = wm_intern_add(&f->keys, key, sizeof(*key));
	size_t before = f->cap_groups;

	if (i < 0 || wm_grow((void **)&f->groups, &f->cap_groups, f->keys.n, sizeof(*f->groups)) < 0)
		return NULL;
	memset(f->groups + before, 0, (f->cap_groups - before) * sizeof(*f->groups));
	return &f->groups[i];
}

static void join_group(struct wm_form_group *g, int64_t form)
{
	if (g->n < WM_EXAMPLES)
		g->forms[g->n++] = (uint16_t)form;
}

static int64_t next_of_group(struct wm_form_group *g)
{
	uint8_t turn = g->turn;

	if (g->n == 0)
		return -ENOENT;
	g->turn = (uint8_t)((turn + 1) % WM_EXAMPLES);
	return g->forms[turn % g->n];
}

// The port that looks like the service's, and whether it is the sender's.
static void set_service(struct group_key *key, const struct wm_packet *pkt)
{
	bool s = wm_port_known(pkt->sport), d = wm_port_known(pkt->dport);
	bool from = s != d ? s : pkt->sport < pkt->dport;

	key->service = from ? pkt->sport : pkt->dport;
	key->way = from;
}

static bool has_room(const struct wm_forms *f, const struct placing *p)
{
	return f->n_examples < WM_EXAMPLES_ALL && f->payload.n_bytes + p->payload_len <= WM_EXAMPLES_BYTES;
}

// An IP packet whose payload may become an example.
static int64_t place_example(struct wm_forms *f, const struct placing *p, uint32_t image)
{
	struct group_key key = {.image = image, .len = p->payload_len};
	struct wm_form_group *g, *any;
	int64_t payload = wm_intern_find(&f->payload, p->payload, p->payload_len);
	int64_t form = payload >= 0 ? find_form(f, image, (uint32_t)payload) : -ENOENT;
	uint32_t n;

	if (form >= 0)
		return form;
	set_service(&key, p->pkt);
	g = find_group(f, &key);
	if (g == NULL)
		return -ENOMEM;
	n = g->n;
	if (n < WM_EXAMPLES && has_room(f, p) && f->n < WM_FORMS_MAX) {
		payload = wm_intern_add(&f->payload, p->payload, p->payload_len);
		form = payload < 0 ? payload : add_form(f, p, image, (uint32_t)payload);
		if (form < 0)
			return form;
		join_group(g, form);
	} else {
		form = next_of_group(g);
	}
	key.service = 0;
	key.way = 2;
	any = find_group(f, &key);
	if (any == NULL)
		return -ENOMEM;
	if (form < 0)
		return next_of_group(any);
	if (n < WM_EXAMPLES)
		join_group(any, form);
	return form;
}

static int64_t place_ip(struct wm_forms *f, const struct placing *p)
{
	int64_t image = place_image(f, p), form;

	if (image < 0)
		return image;
	if (p->payload != NULL) {
		form = place_example(f, p, (uint32_t)image);
		if (form != -ENOENT)
			return form;
	}
	form = find_form(f, (uint32_t)image, no_payload);
	return form >= 0 ? form : add_form(f, p, (uint32_t)image, no_payload);
}

static int64_t place_other(struct wm_forms *f, const struct placing *p)
{
	struct group_key key = {.len = p->pkt->len, .service = p->pkt->ethertype, .way = 2};
	struct wm_form_group *g;
	int64_t image, payload = no_payload, form;
	bool room = f->n_other < WM_OTHER_MAX && f->n < WM_FORMS_MAX && (p->payload == NULL || has_room(f, p));

	memcpy(key.macs, p->pkt->src, 6);
	memcpy(key.macs + 6, p->pkt->dst, 6);
	g = find_group(f, &key);
	if (g == NULL)
		return -ENOMEM;
	image = room ? place_image(f, p) : wm_intern_find(&f->images, p->image, p->image_len);
	if (image >= 0 && p->payload != NULL)
		payload = room ? wm_intern_add(&f->payload, p->payload, p->payload_len)
			       : wm_intern_find(&f->payload, p->payload, p->payload_len);
	form = image >= 0 && payload >= 0 ? find_form(f, (uint32_t)image, (uint32_t)payload) : -ENOENT;
	if (form >= 0)
		return form;
	if (!room) {
		form = next_of_group(g);
		return form >= 0 ? form : -ENOSPC;
	}
	if (image < 0 || payload < 0)
		return image < 0 ? image : payload;
	form = add_form(f, p, (uint32_t)image, (uint32_t)payload);
	if (form >= 0)
		join_group(g, form);
	return form;
}

int64_t wm_forms_place(struct wm_forms *f, const struct wm_packet *pkt, const uint8_t *frame)
{
	struct placing p = {.pkt = pkt};
	uint32_t head = pkt->head_len, rest = pkt->payload;
	int64_t form;

	p.image_len = wm_form_image(pkt, frame, p.image);
	if (p.image_len == 0)
		return -EINVAL;
	if (pkt->net == WM_NET_OTHER) { // the image holds more than the link header, whose length it may have changed
		head = pkt->l3 + (uint32_t)p.image_len - (wm_form_frame_len(pkt) - (pkt->len - pkt->l3));
		rest = pkt->len - head;
	}
	if (f->payloads && rest > 0 && rest <= WM_EXAMPLE_MAX && head + rest <= pkt->cap_len
		&& !(pkt->net != WM_NET_OTHER && pkt->proto == WM_PROTO_TCP)) {
		p.payload = frame + head;
		p.payload_len = rest;
	}
	form = pkt->net == WM_NET_OTHER ? place_other(f, &p) : place_ip(f, &p);
	if (form >= 0)
		f->records[form].count++;
	return form;
}

void wm_forms_free(struct wm_forms *f)
{
	wm_intern_free(&f->images);
	wm_intern_free(&f->payload);
	wm_intern_free(&f->pairs);
	wm_intern_free(&f->keys);
	free(f->groups);
	free(f->records);
	memset(f, 0, sizeof(*f));
}
