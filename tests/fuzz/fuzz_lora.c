// SPDX-License-Identifier: BSD-3-Clause
// Receptions of LoRa gateways, a table like LoED's or a LoRaTap capture: each row is used or counted, and what was
// read can be written again: as LoRaTap, which reads the same, and as Semtech's JSON, which is JSON.
#include "fuzz.h"

#include <dataset/dataset.h>
#include <packet/lora.h>
#include <packet/semtech.h>

#include <assert.h>
#include <jansson.h>
#include <string.h>

enum { LOOK_AT = 64 };

static void write_loratap(const struct wm_lora *l, uint64_t eui)
{
	uint8_t frame[WM_LORATAP_LEN_MAX + WM_PHY_MAX];
	size_t head = wm_loratap_write(frame, l, 1, eui), phy;
	struct wm_lora again;
	uint64_t eui_again;

	wm_phy_write(frame + head, l, 7);
	assert(wm_loratap_read(&again, &eui_again, &phy, frame, head + l->len) == 1);
	assert(phy == head && eui_again == eui && again.len == l->len && again.freq_hz == l->freq_hz
		&& again.sf == l->sf);
}

static void write_json(const struct wm_lora *l)
{
	char text[WM_SEMTECH_JSON_MAX];
	size_t n = wm_semtech_json(text, l, 7);
	json_t *json = json_loadb(text, n, 0, NULL);

	assert(json_array_size(json_object_get(json, "rxpk")) == 1);
	json_decref(json);
}

static void check_counts(const struct wm_dataset *ds)
{
	const struct wm_dataset_counts *c = &ds->counts;

	assert(c->packets == c->used + c->filtered + c->truncated + c->form_full + c->unknown_link + c->untimed);
	assert(c->used == ds->lora.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	const struct wm_dataset_options options = {0};
	struct wm_dataset ds = {0};
	struct wm_err err = {0};
	int rc = wm_lora_read(&ds, &path, 1, &options, &err);

	(void)wm_lora_is(path);
	assert((rc < 0) == (err.msg[0] != '\0'));
	if (rc == 0)
		check_counts(&ds);
	for (size_t i = 0; i < ds.lora.n && i < LOOK_AT; i++) {
		const struct wm_reception *r = &ds.lora.at[i];

		assert(r->time_ns <= ds.duration_ns && r->lora.gateway < ds.lora.n_gateways);
		write_loratap(&r->lora, ds.lora.gateways[r->lora.gateway]);
		write_json(&r->lora);
	}
	wm_dataset_free(&ds);
	return 0;
}
