// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/necst.h>

#include <engine/necst/compiled.h>
#include <engine/necst/generate.h>
#include <engine/necst/plan.h>

static const struct wm_form *forms(const struct wm_engine_model *m, size_t *n)
{
	*n = m->n_forms;
	return m->forms;
}

static int plan_create(struct wm_plan **out, const struct wm_engine_model *m, uint64_t seed)
{
	return necst_plan_create(out, m->plan, m->level, seed);
}

static void set_level(struct wm_engine_model *m, enum wm_level level)
{
	m->level = level;
}

static void learned(const struct wm_engine_model *m, struct wm_learned *out)
{
	necst_plan_learned(m->plan, out);
}

static const uint8_t *hosts(const struct wm_engine_model *m, size_t *n)
{
	return necst_plan_hosts(m->plan, n);
}

const struct wm_engine wm_engine_necst = {
	.name = "necst",
	.open = necst_open,
	.close = necst_close,
	.set_level = set_level,
	.forms = forms,
	.plan_create = plan_create,
	.plan_next = necst_plan_next,
	.plan_weight = necst_plan_weight,
	.plan_length = necst_plan_length,
	.plan_follow = necst_plan_follow,
	.plan_destroy = necst_plan_destroy,
	.gen_create = necst_gen_create,
	.gen_grow = necst_gen_grow,
	.gen_begin = necst_gen_begin,
	.gen_step = necst_gen_step,
	.gen_destroy = necst_gen_destroy,
	.hosts = hosts,
	.learned = learned,
};
