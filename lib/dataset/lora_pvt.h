// SPDX-License-Identifier: BSD-3-Clause
// What the readers of captures and of tables share: where they put what they read.
#pragma once

#include <dataset/dataset.h>
#include <dataset/lora.h>

enum { WM_LORA_TELL_EVERY = 1 << 14 }; // receptions

struct wm_lora_reading {
	const struct wm_dataset_options *options;
	struct wm_receptions set;
	size_t cap, cap_gateways;
	struct wm_dataset_counts counts;
	struct wm_err damage;
	uint64_t done; // bytes of the files before this one
};

/** Keep a reception by the gateway of that EUI; phy: its PHYPayload of l->len bytes. @return 0; -ENOMEM. */
int wm_lora_keep(
	struct wm_lora_reading *r, uint64_t time_ns, uint64_t eui, const struct wm_lora *l, const uint8_t *phy);

/** Count a file's damage and keep the sentence of the first; NULL: there was none. */
void wm_lora_damaged(struct wm_lora_reading *r, const char *path, const char *sentence);

/** Report progress: `done` bytes of this file. */
void wm_lora_tell(struct wm_lora_reading *r, uint64_t done, uint64_t all);

/** Whether it is a capture that begins with a packet of link type 270. @return 1; 0; -ENOMEM. */
int wm_lora_is_capture(const char *path);

/** Whether it is a table whose first line names a column physical_payload. @return 1; 0; -ENOMEM. */
int wm_lora_is_table(const char *path);

/** Read such a file. @return 0; -errno with a sentence. */
int wm_lora_read_capture(struct wm_lora_reading *r, const char *path, struct wm_err *err);
int wm_lora_read_table(struct wm_lora_reading *r, const char *path, struct wm_err *err);
