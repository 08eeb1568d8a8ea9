// SPDX-License-Identifier: BSD-3-Clause
// card: which interfaces of the kernel share a network card with a device: those of the card's own function and of its
// virtual ones (SR-IOV). What one of them sends leaves by the same wire, whoever drives it.
#pragma once

enum { WM_CARD_MAX = 256 }; // interfaces that are looked at, of a card

/**
 * @param sys Where sysfs is: "/sys".
 * @param device As its bus names it, such as "0000:03:10.2". One that is in no bus has no card.
 * @param index Written: interfaces, of this network namespace. That of the device itself is not among them.
 * @return how many; -ENOMEM, or -E2BIG if there are more.
 */
int wm_card_interfaces(const char *sys, const char *device, unsigned index[WM_CARD_MAX]);
