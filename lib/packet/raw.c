// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/dress.h>
#include <packet/link.h>
#include <packet/raw.h>

#include <string.h>

enum { TAG_AT = 2 * WM_MAC_LEN, VLAN_ID = 0x0fff };

// The template is none, but says that a frame may hold anything from its first byte on. The type of a tag that is there
// already tells a dress to change that one.
static const uint8_t nothing[1];
const struct wm_form wm_forms_raw[WM_FORMS_RAW] = {
	{.l3 = WM_ETHER_LEN, .payload = nothing, .make = wm_raw_make},
	{.l3 = WM_ETHER_LEN + WM_VLAN_LEN, .head = {[TAG_AT] = 0x81}, .payload = nothing, .make = wm_raw_make},
	{.l3 = WM_ETHER_LEN + 2 * WM_VLAN_LEN, .head = {[TAG_AT] = 0x81}, .payload = nothing, .make = wm_raw_make},
	{.l3 = WM_ETHER_LEN + 3 * WM_VLAN_LEN, .head = {[TAG_AT] = 0x81}, .payload = nothing, .make = wm_raw_make},
};

// What the port says is in the form's head, where it is in the frame.
static void dress(uint8_t *frame, const struct wm_form *form)
{
	uint16_t vlan = wm_be16(form->head + TAG_AT + 2);

	if (form->own_src)
		memcpy(frame + WM_MAC_LEN, form->head + WM_MAC_LEN, WM_MAC_LEN);
	if (form->own_dst && (frame[0] & 1) == 0)
		memcpy(frame, form->head, WM_MAC_LEN);
	if (form->grown > 0)
		memcpy(frame + TAG_AT, form->head + TAG_AT, WM_VLAN_LEN);
	else if (vlan > 0)
		wm_put_be16(frame + TAG_AT + 2, (uint16_t)((wm_be16(frame + TAG_AT + 2) & ~VLAN_ID) | vlan));
}

void wm_raw_make(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s)
{
	uint32_t len = s->len - form->grown;

	if (form->grown == 0 || len < WM_ETHER_LEN) {
		memcpy(frame, s->bytes, len);
		memset(frame + len, 0, form->grown);
	} else {
		memcpy(frame, s->bytes, TAG_AT);
		memcpy(frame + TAG_AT + WM_VLAN_LEN, s->bytes + TAG_AT, len - TAG_AT);
	}
	if (len + form->grown >= form->l3)
		dress(frame, form);
}
