// SPDX-License-Identifier: BSD-3-Clause
// lora: receptions of LoRa gateways, from captures of link type 270 (packet/lora.h) and from tables like those of the
// LoED data set (Bhatia, Breza, Marfievici, McCann, "LoED: The LoRaWAN at the Edge Dataset", DATA 2020).
//
// A table's columns are told by their names: time, physical_payload (base64), frequency (Hz or MHz), spreading_factor
// are needed; gateway (EUI in hexadecimal digits), crc_status (1 good, -1 bad, 0 none), bandwidth (kHz), code_rate
// ("4/5"), rssi (dBm), snr (dB) are read where they are there. What else a row says of the frame is in its payload.
#pragma once

#include <base/err.h>
#include <packet/lora.h>

#include <stddef.h>
#include <stdint.h>

struct wm_reception {
	uint64_t time_ns;    // since the first
	uint64_t digest;     // of the PHYPayload: equal frames have equal ones
	struct wm_lora lora; // gateway: index into the set's
};

struct wm_receptions {
	struct wm_reception *at; // by time
	size_t n;
	uint64_t *gateways; // EUI; 0 = not said
	size_t n_gateways;
	unsigned loratap; // version of the captures' headers; 0 for tables
};

struct wm_dataset; // dataset/dataset.h
struct wm_dataset_options;

/** Whether a file holds receptions: a capture that begins with link type 270, or a table with physical_payload.
 *  @return 1; 0; -ENOMEM. */
int wm_lora_is(const char *path);

/**
 * Read files of receptions into out->lora; the rest of the dataset stays empty but for counts, times and damage.
 * Files keep their own times: devices go on while no one captures.
 *
 * @return 0; -errno with a sentence.
 */
int wm_lora_read(struct wm_dataset *out, const char *const *paths, size_t n_paths,
	const struct wm_dataset_options *options, struct wm_err *err);

void wm_receptions_free(struct wm_receptions *r); // accepts one that is all zero
