// SPDX-License-Identifier: BSD-3-Clause
// vocab: the discrete side of a capture: which kinds of packets there are, which header images, which header profiles
// and services flows have. Everything is numbered by frequency, so that a numbering is a property of the data alone.
#pragma once

#include <base/err.h>
#include <dataset/dataset.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What says how long a packet is. */
enum necst_frame {
	NECST_FRAME_FREE,   // its payload class
	NECST_FRAME_PADDED, // its header image: the frame is longer than the datagram
	NECST_FRAME_RAW,    // its header image: it is not IP
};

/** What the cluster of a packet says for certain; clusters are found inside a kind. */
struct necst_kind {
	uint8_t family; // index of (IP version, protocol), or ethertype
	uint8_t flags;
	uint8_t reverse;
	uint8_t seq;
	uint8_t ack;
	uint8_t has_payload;
	uint8_t frame; // enum necst_frame
	uint8_t proto; // IP protocol
};

struct necst_vocab {
	struct necst_kind *kinds;
	size_t n_kinds;
	uint8_t *kind; // (records) index into kinds
	uint32_t n_families;
	uint8_t *family; // (flows)

	uint32_t n_groups; // distinct header images by service, payload examples left aside
	uint32_t *group;   // (records)

	uint32_t n_profiles;
	uint32_t *profile; // (flows)

	uint32_t n_services;
	uint32_t *service; // (flows): family and, where it is frequent, the server's port
};

static inline bool necst_is_syn(const struct necst_kind *k)
{
	return k->proto == 6 && (k->flags & 2) != 0;
}

static inline bool necst_is_rst(const struct necst_kind *k)
{
	return k->proto == 6 && (k->flags & 4) != 0;
}

enum { NECST_KINDS_MAX = 160, NECST_SERVICES_MAX = 40 };

/** Bytes of a packet's frame behind its datagram. */
static inline uint32_t necst_padding(const struct wm_dataset *ds, const struct wm_record *r)
{
	uint32_t used = (uint32_t)ds->forms[r->form].image_len + r->payload;

	return ds->forms[r->form].ip != 0 && r->len > used ? r->len - used : 0;
}

/** Number everything. @return 0 or -ENOMEM. */
int necst_vocab_build(struct necst_vocab *v, const struct wm_dataset *ds, struct wm_err *err);
void necst_vocab_free(struct necst_vocab *v);
