// SPDX-License-Identifier: BSD-3-Clause
#include <engine/lora/lora.h>

#include <engine/lora/compiled.h>
#include <packet/dissect.h>

static const struct wm_form *forms(const struct wm_engine_model *e, size_t *n)
{
	*n = e->n_forms;
	return e->forms;
}

static int link_type(const struct wm_engine_model *e)
{
	return e->forwards ? WM_LINK_ETHERNET : WM_LINK_LORATAP;
}

const struct wm_engine wm_engine_lora = {
	.name = "lora",
	.open = lora_open,
	.close = lora_close,
	.forms = forms,
	.plan_create = lora_plan_create,
	.plan_next = lora_plan_next,
	.plan_destroy = lora_plan_destroy,
	.gen_create = lora_gen_create,
	.gen_grow = lora_gen_grow,
	.gen_begin = lora_gen_begin,
	.gen_step = lora_gen_step,
	.gen_finish = lora_gen_finish,
	.gen_destroy = lora_gen_destroy,
	.link = link_type,
	.lora_forward = lora_forward,
};
