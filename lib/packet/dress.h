// SPDX-License-Identifier: BSD-3-Clause
// dress: forms as one port sends them: with its MAC addresses and its VLAN tag. Done once for each port; building a
// frame of a dressed form is no other work.
#pragma once

#include <base/err.h>
#include <packet/form.h>

enum { WM_MAC_LEN = 6, WM_VLAN_LEN = 4 };

struct wm_dress {
	bool has_src;
	bool has_dst;
	uint8_t src[WM_MAC_LEN]; // of every frame
	uint8_t dst[WM_MAC_LEN]; // of frames to one station: multicast and broadcast stay what they are
	uint16_t vlan; // 1..4094: frames have this tag, or their outermost one has this number; 0 = as they are
};

/** Parse aa:bb:cc:dd:ee:ff. @return 0; -EINVAL with a sentence. */
int wm_mac_parse(uint8_t mac[WM_MAC_LEN], const char *text, struct wm_err *err);

/** @param form As the model has it; its `grown` says then by how much samples of it have to be longer. */
void wm_form_dress(struct wm_form *form, const struct wm_dress *dress);
