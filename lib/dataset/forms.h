// SPDX-License-Identifier: BSD-3-Clause
// forms: finds the form of a packet among the forms of those before it, and keeps a few examples of payload.
//
// Examples are kept by group: same image, payload length, service port and direction; of frames that are not IP: same
// MAC addresses, ethertype and length. A group that is full hands out its forms in turn.
#pragma once

#include <dataset/dataset.h>
#include <dataset/intern.h>
#include <packet/dissect.h>

enum {
	WM_EXAMPLES = 4,             // a group
	WM_EXAMPLE_MAX = 1500,       // bytes of one example
	WM_EXAMPLES_BYTES = 1 << 20, // of all
	WM_EXAMPLES_ALL = WM_FORMS_MAX / 2,
	WM_OTHER_MAX = 4096, // forms of frames that are not IP
};

struct wm_form_group {
	uint16_t forms[WM_EXAMPLES];
	uint8_t n;
	uint8_t turn;
};

struct wm_forms {
	bool payloads; // keep examples
	struct wm_intern images;
	struct wm_intern payload;
	struct wm_intern pairs; // image, payload -> form
	struct wm_intern keys;  // -> group
	struct wm_form_group *groups;
	size_t cap_groups;
	struct wm_form_record *records; // payload offsets are those in payload
	size_t n;
	size_t cap;
	size_t n_examples; // forms that have one
	size_t n_other;    // forms that are not IP
};

/**
 * The form of a packet, made if need be.
 *
 * @return its number; -EINVAL if there can be none (headers cut short or senseless), -ENOSPC if there are too many,
 *         -ENOMEM.
 */
int64_t wm_forms_place(struct wm_forms *f, const struct wm_packet *pkt, const uint8_t *frame);

void wm_forms_free(struct wm_forms *f); // accepts a zeroed one
