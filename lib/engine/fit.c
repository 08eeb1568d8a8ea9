// SPDX-License-Identifier: BSD-3-Clause
#include <engine/fit.h>

#include <engine/necst/necst.h>

#include <stddef.h>
#include <string.h>

wm_fit_fn *wm_fit_find(const char *engine)
{
	return strcmp(engine, wm_engine_necst.name) == 0 ? necst_fit : NULL;
}
