// SPDX-License-Identifier: BSD-3-Clause
// raw: forms of captured frames, whose bytes are the samples' own (sample.h, `bytes`).
#pragma once

#include <packet/form.h>

enum { WM_FORMS_RAW = 4 };

/** By the number of VLAN tags; the last one: that many or more. */
extern const struct wm_form wm_forms_raw[WM_FORMS_RAW];

/** Copies the frame. A port's MAC addresses and VLAN (packet/dress.h) go into frames that have a link header. */
wm_make_fn wm_raw_make;

static inline bool wm_form_is_raw(const struct wm_form *form)
{
	return form->make == wm_raw_make;
}
