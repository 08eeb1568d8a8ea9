// SPDX-License-Identifier: BSD-3-Clause
#include "replay.h"

#include "stats.h"

#include <json/json.h>

#include <errno.h>
#include <inttypes.h>

// As JSON has them; they are told when the run is over, so nobody asks for a metric.
static const struct wm_field all[] = {
	{.name = "packets", .offset = offsetof(struct wm_replay_counts, packets)},
	{.name = "used", .offset = offsetof(struct wm_replay_counts, used)},
	{.name = "snapped", .offset = offsetof(struct wm_replay_counts, snapped)},
	{.name = "mapped", .offset = offsetof(struct wm_replay_counts, mapped)},
	{.name = "folded", .offset = offsetof(struct wm_replay_counts, folded)},
	{.name = "backwards", .offset = offsetof(struct wm_replay_counts, backwards)},
	{.name = "clock_set", .offset = offsetof(struct wm_replay_counts, clock_set)},
	{.name = "snapped_out", .offset = offsetof(struct wm_replay_counts, snapped_out)},
	{.name = "oversize", .offset = offsetof(struct wm_replay_counts, oversize)},
	{.name = "empty", .offset = offsetof(struct wm_replay_counts, empty)},
	{.name = "no_link", .offset = offsetof(struct wm_replay_counts, no_link)},
	{.name = "bad_blocks", .offset = offsetof(struct wm_replay_counts, bad_blocks)},
	{.name = "flows", .offset = offsetof(struct wm_replay_counts, flows)},
	{.name = "flows_cut", .offset = offsetof(struct wm_replay_counts, flows_cut)},
	{.name = "loops", .offset = offsetof(struct wm_replay_counts, loops)},
};
static const struct wm_fields fields = {all, sizeof(all) / sizeof(all[0])};

static void print_if_any(FILE *out, const char *what, uint64_t n)
{
	if (n > 0)
		(void)fprintf(out, ", %" PRIu64 " %s", n, what);
}

void replay_print(FILE *out, const struct models *models)
{
	const struct wm_replay_counts *c;

	if (models->replay == NULL)
		return;
	c = wm_replay_counts(models->replay);
	(void)fprintf(out, "capture: %" PRIu64 " packets, %" PRIu64 " loop%s done, %" PRIu64 " flows", c->packets,
		c->loops, c->loops == 1 ? "" : "s", c->flows);
	print_if_any(out, "captured short", c->snapped);
	print_if_any(out, "mapped", c->mapped);
	print_if_any(out, "addresses one with another", c->folded);
	print_if_any(out, "earlier than the one before", c->backwards);
	print_if_any(out, "times the clock set back", c->clock_set);
	print_if_any(out, "dropped as captured short", c->snapped_out);
	print_if_any(out, "dropped as too long", c->oversize);
	print_if_any(out, "dropped as empty", c->empty);
	print_if_any(out, "dropped for their link type", c->no_link);
	print_if_any(out, "blocks without a packet that could be read", c->bad_blocks);
	print_if_any(out, "flows not followed to their end", c->flows_cut);
	(void)fputc('\n', out);
}

json_t *replay_json(const struct models *models, const struct settings *s)
{
	const char *damage;
	json_t *o;

	if (models->replay == NULL)
		return NULL;
	damage = wm_replay_damage(models->replay);
	o = json_pack("{s:o, s:o, s:f}", "file", wm_json_string(s->replay.file), "label",
		wm_json_string(models->at[models->n].label), "weight", s->replay.weight);
	if (damage != NULL)
		wm_json_set(&o, "damage", wm_json_string(damage));
	stats_add_fields(&o, &fields, wm_replay_counts(models->replay));
	return o;
}

int replay_check(const struct models *models, struct wm_err *err)
{
	const char *damage = models->replay != NULL ? wm_replay_damage(models->replay) : NULL;

	return damage != NULL ? wm_err_set(err, -EIO, "%s; what was in front of it was sent", damage) : 0;
}
