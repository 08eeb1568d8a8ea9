// SPDX-License-Identifier: BSD-3-Clause
// A model file: refused with a sentence, or all that it lists is there.
#include "fuzz.h"

#include <engine/engine.h>
#include <model/model.h>

#include <assert.h>
#include <stdalign.h>
#include <string.h>

enum { ROOM = 1 << 20 };

static void touch_all(const struct wm_model *m)
{
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < wm_model_n_tensors(m); i++) {
		const struct wm_tensor *t = wm_model_tensor_at(m, i);

		assert((uintptr_t)t->data % wm_dtype_size(t->dtype) == 0);
		for (size_t k = 0; k < t->n_bytes; k++)
			sum = (uint8_t)(sum + ((const uint8_t *)t->data)[k]);
	}
	for (size_t i = 0; i < wm_model_n_meta(m); i++) {
		const char *key, *value;

		wm_model_meta_at(m, i, &key, &value);
		assert(wm_model_meta(m, key) == value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	alignas(8) static uint8_t room[ROOM];
	const char *name;
	struct wm_model *m = NULL;
	struct wm_err err = {0};

	if (size > ROOM)
		return 0;
	memcpy(room, data, size);
	if (wm_model_parse(&m, room, size, "x", &err) < 0) {
		assert(m == NULL && err.msg[0] != '\0');
		return 0;
	}
	touch_all(m);
	name = wm_model_meta(m, "engine");
	if (name != NULL && wm_engine_find(name) != NULL) {
		const struct wm_engine *engine = wm_engine_find(name);
		struct wm_engine_model *model = NULL;

		if (engine->open(&model, m, &err) == 0)
			engine->close(model);
		else
			assert(err.msg[0] != '\0');
	}
	wm_model_close(m);
	return 0;
}
