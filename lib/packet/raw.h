// SPDX-License-Identifier: BSD-3-Clause
// raw: forms of captured frames, whose bytes are the samples' own (sample.h, `bytes`).
#pragma once

#include <packet/form.h>

enum { WM_FORMS_RAW = 4 };

/** By the number of VLAN tags; the last one: that many or more. */
extern const struct wm_form wm_forms_raw[WM_FORMS_RAW];

/** Copies the frame. A port's MAC addresses and VLAN (packet/dress.h) go into frames that have a link header. */
wm_make_fn wm_raw_make;

// What a table of flows needs to know of a captured frame when its bytes are gone.
struct wm_raw_facts {
	uint16_t ethertype;
	uint16_t ip_len; // of the IP datagram; 0
	uint8_t ip;      // 4, 6, 0
	uint8_t proto, tos, type, code;
	uint8_t flags;
};

/** Look at a sample's bytes. */
void wm_raw_look(const struct wm_sample *s, struct wm_raw_facts *out);

/** Put what there is to know into the sample, in place of what only its bytes need; ends and ports as the frame has
 *  them. */
void wm_raw_note(struct wm_sample *s);
/** What wm_raw_note() put there. */
void wm_raw_noted(const struct wm_sample *s, struct wm_raw_facts *out);

static inline bool wm_form_is_raw(const struct wm_form *form)
{
	return form->make == wm_raw_make;
}
