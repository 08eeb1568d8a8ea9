// SPDX-License-Identifier: BSD-3-Clause
// A capture, pcap or pcapng: read as far as it goes; whatever is learned from it can be built.
#include "fuzz.h"

#include <dataset/dataset.h>
#include <packet/form.h>

#include <assert.h>

static void build_all(const struct wm_dataset *ds)
{
	struct wm_sample s = {.src = {10, 1}, .dst = {10, 2}, .seq = 5, .ack = 9};
	static uint8_t frame[WM_FORM_HEAD_MAX + 2 * UINT16_MAX];
	static uint32_t sums[UINT16_MAX / 2 + 1];
	struct wm_form form;
	struct wm_err err;

	for (size_t i = 0; i < ds->n_forms; i++) {
		const struct wm_form_record *r = &ds->forms[i];
		const uint8_t *payload = r->payload_len > 0 ? ds->bytes + r->payload : NULL;
		int rc = wm_form_init(&form, ds->bytes + r->image, r->image_len, payload, sums, r->payload_len, &err);

		assert(rc == 0);
		s.len = (uint16_t)(form.head_len + form.pad);
		wm_frame_build(frame, &form, &s, false);
	}
}

static void check_counts(const struct wm_dataset *ds)
{
	const struct wm_dataset_counts *c = &ds->counts;

	assert(c->packets == c->used + c->filtered + c->truncated + c->form_full + c->unknown_link + c->untimed);
	assert(c->used == ds->n_records);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	const struct wm_dataset_options options = {.payloads = true};
	struct wm_dataset ds = {0};
	struct wm_err err = {0};
	int rc = wm_dataset_read(&ds, &path, 1, &options, &err);

	assert((rc < 0) == (err.msg[0] != '\0'));
	if (rc == 0)
		check_counts(&ds);
	build_all(&ds);
	wm_dataset_free(&ds);
	return 0;
}
