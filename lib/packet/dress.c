// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/dress.h>

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { VLAN_AT = 2 * WM_MAC_LEN, TYPE_VLAN = 0x8100, TYPE_SERVICE_VLAN = 0x88a8, VLAN_ID = 0x0fff };

static int digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

int wm_mac_parse(uint8_t mac[WM_MAC_LEN], const char *text, struct wm_err *err)
{
	uint8_t out[WM_MAC_LEN];

	for (unsigned i = 0; i < WM_MAC_LEN; i++) {
		const char *p = text + (size_t)3 * i;
		int high = digit(p[0]), low = high < 0 ? -1 : digit(p[1]);

		if (low < 0 || p[2] != (i + 1 < WM_MAC_LEN ? ':' : '\0'))
			return wm_err_set(err, -EINVAL, "'%s' is no MAC address: write one as 02:00:00:00:00:01", text);
		out[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(mac, out, sizeof(out));
	return 0;
}

static void move(uint16_t *offset)
{
	if (*offset > 0)
		*offset = (uint16_t)(*offset + WM_VLAN_LEN);
}

static void put_tag(struct wm_form *form, uint16_t vlan)
{
	uint16_t type = wm_be16(form->head + VLAN_AT);

	if (type == TYPE_VLAN || type == TYPE_SERVICE_VLAN) {
		uint16_t tag = wm_be16(form->head + VLAN_AT + 2);

		wm_put_be16(form->head + VLAN_AT + 2, (uint16_t)((tag & ~VLAN_ID) | vlan));
		return;
	}
	if (form->head_len > VLAN_AT) // a raw form has no head
		memmove(form->head + VLAN_AT + WM_VLAN_LEN, form->head + VLAN_AT, (size_t)form->head_len - VLAN_AT);
	wm_put_be16(form->head + VLAN_AT, TYPE_VLAN);
	wm_put_be16(form->head + VLAN_AT + 2, vlan);
	form->grown = WM_VLAN_LEN;
	form->head_len = (uint16_t)(form->head_len + WM_VLAN_LEN);
	move(&form->l3);
	move(&form->l4);
	move(&form->fragment);
	move(&form->ts);
	move(&form->sack);
}

void wm_form_dress(struct wm_form *form, const struct wm_dress *dress)
{
	bool to_one = !form->broadcast && (form->head[0] & 1) == 0; // IP frames: the address decides, later

	if (dress->has_src) {
		memcpy(form->head + WM_MAC_LEN, dress->src, WM_MAC_LEN);
		form->own_src = true;
	}
	if (dress->has_dst && to_one) {
		memcpy(form->head, dress->dst, WM_MAC_LEN);
		form->own_dst = true;
	}
	if (dress->vlan > 0)
		put_tag(form, dress->vlan);
}
