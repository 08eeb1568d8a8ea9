// SPDX-License-Identifier: BSD-3-Clause
// lora: a LoRaWAN frame as a gateway's radio received it: read from LoRaTap and from a PHYPayload, and written again.
//
// LoRaTap (link type 270), big-endian: version, padding, header length (16 bits); frequency (Hz, 32), bandwidth (of
// 125 kHz), spreading factor; RSSI of packet, maximum and now (each dBm + 139), SNR (a quarter of a dB, signed), sync
// word; version 1 goes on with gateway EUI (64), its clock (us, 32), flags, code rate (5 = 4/5), data rate (16),
// channel, radio, tag (16). Source: https://github.com/eriknl/LoRaTap.
//
// PHYPayload, little-endian: MHDR; of data frames DevAddr (32), FCtrl, FCnt (16), FOpts, FPort, FRMPayload; MIC (32).
// Source: LoRaWAN 1.0.4 Specification, sections 4 and 6.
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WM_LORATAP_LEN = 15,
	WM_LORATAP1_LEN = 35,
	WM_LORATAP_LEN_MAX = WM_LORATAP1_LEN,
	WM_PHY_MAX = 255,
	WM_LORA_CR_MIN = 5, // code rate 4/5
	WM_LORA_CR_MAX = 8,
	WM_LORA_SYNC = 0x34, // of public LoRaWAN networks
};

enum wm_lora_kind {
	WM_LORA_DATA,  // with a device address and a frame counter
	WM_LORA_JOIN,  // join request
	WM_LORA_OTHER, // anything else: nothing behind its MHDR can be told
};

enum wm_lora_crc { WM_LORA_CRC_NONE, WM_LORA_CRC_GOOD, WM_LORA_CRC_BAD };

// A reception. It takes the place of the addresses in a sample (packet/sample.h): half a cache line.
struct wm_lora {
	uint8_t mhdr;
	uint8_t fctrl;
	uint8_t fport;   // meaningful if wm_lora_has_port()
	uint8_t kind;    // enum wm_lora_kind
	uint16_t fcnt;   // join request: DevNonce
	uint8_t sf;      // 5..12
	uint8_t bw;      // of 125 kHz: 1, 2, 4
	int16_t rssi;    // dBm
	int8_t snr;      // of a quarter of a dB
	uint8_t cr;      // 5..8: 4/5..4/8
	uint8_t addr[4]; // DevAddr, big-endian, where recycling moves it as it does hosts; join: low half of DevEUI
	uint32_t freq_hz;
	uint32_t clock_us; // of the gateway, when the frame had ended
	uint16_t gateway;  // number
	uint8_t len;       // of the PHYPayload
	uint8_t crc;       // enum wm_lora_crc
	uint8_t channel;   // of the gateway
	uint8_t sync;
	uint8_t spare[2]; // 0
};

static_assert(sizeof(struct wm_lora) == 32, "a reception fits the place of two addresses");

static inline unsigned wm_lora_fopts_len(const struct wm_lora *l)
{
	return l->fctrl & 0x0f;
}

static inline bool wm_lora_has_port(const struct wm_lora *l)
{
	return l->kind == WM_LORA_DATA && l->len > 12 + wm_lora_fopts_len(l);
}

/** Message type (MType): 2, 4 = data up, 3, 5 = data down. */
static inline unsigned wm_lora_mtype(const struct wm_lora *l)
{
	return l->mhdr >> 5;
}

/** Read a PHYPayload of 1..255 bytes: mhdr to kind, fcnt, addr, len; what cannot be told is 0. */
void wm_phy_read(struct wm_lora *out, const uint8_t *phy, size_t len);

/**
 * Read a frame of link type 270. What version 0 does not say is taken as it is where LoRaWAN is received: CRC good,
 * code rate 4/5. An RSSI that was scaled by 4 because the SNR is negative is told by its neighbours.
 *
 * @param eui Gateway (0 = not said).
 * @param phy Offset of the PHYPayload, which ends with the frame.
 * @return The header's version; -EINVAL if it is cut short, of another version, senseless, or if nothing or more than
 *         255 bytes follow.
 */
int wm_loratap_read(struct wm_lora *out, uint64_t *eui, size_t *phy, const uint8_t *frame, size_t len);

/** Write the header. @param version 0, 1. @return its length. */
size_t wm_loratap_write(uint8_t *p, const struct wm_lora *l, unsigned version, uint64_t eui);

/**
 * Write the PHYPayload: l->len bytes. What is encrypted or signed in a real one (FRMPayload, MIC) is made of random
 * numbers, the same for the same key, address and counter, as no one has the keys; MAC commands in FOpts are such that
 * every dissector knows.
 */
void wm_phy_write(uint8_t *phy, const struct wm_lora *l, uint32_t key);
