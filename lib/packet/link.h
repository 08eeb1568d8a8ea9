// SPDX-License-Identifier: BSD-3-Clause
// link: packets of other link types as Ethernet frames.
#pragma once

#include <stdint.h>

enum { WM_ETHER_LEN = 14 };

struct wm_packet; // packet/dissect.h

/**
 * Make the Ethernet header of a packet of another link type that wm_dissect() knows.
 *
 * MAC addresses are the captured ones where there are any (Linux cooked captures hold the sender's), and otherwise made
 * of the IP addresses as wm_frame_build() makes them; of what is not IP, zero.
 *
 * @param pkt  What wm_dissect() said of it. @param data Its captured bytes.
 * @param head Room for WM_ETHER_LEN bytes; the frame goes on with data + the answer.
 * @return The length of the header that it replaces; -1 if what follows that cannot be told, or is no network packet.
 */
int wm_ether_head(const struct wm_packet *pkt, const uint8_t *data, uint8_t *head);
