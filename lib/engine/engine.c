// SPDX-License-Identifier: BSD-3-Clause
#include <engine/engine.h>

#include <engine/lora/lora.h>
#include <engine/necst/necst.h>

#include <string.h>

const struct wm_engine *wm_engine_find(const char *name)
{
	static const struct wm_engine *const engines[] = {&wm_engine_necst, &wm_engine_lora};

	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
	return NULL;
}
