// SPDX-License-Identifier: BSD-3-Clause
#include <engine/fit.h>

#include <engine/lora/lora.h>
#include <engine/necst/necst.h>
#include <engine/rows/rows.h>

#include <stddef.h>
#include <string.h>

wm_fit_fn *wm_fit_find(const char *engine)
{
	const struct {
		const char *name;
		wm_fit_fn *fit;
	} engines[] = {{wm_engine_necst.name, necst_fit}, {wm_engine_lora.name, lora_fit}, {WM_ROWS_ENGINE, rows_fit}};

	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		if (strcmp(engines[i].name, engine) == 0)
			return engines[i].fit;
	return NULL;
}
