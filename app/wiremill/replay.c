// SPDX-License-Identifier: BSD-3-Clause
#include "replay.h"

#include <errno.h>
#include <inttypes.h>

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
	const struct wm_replay_counts *c;

	if (models->replay == NULL)
		return NULL;
	c = wm_replay_counts(models->replay);
	return json_pack("{s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s*}",
		"file", s->replay.file, "label", models->at[models->n].label, "weight", s->replay.weight, "packets",
		(json_int_t)c->packets, "used", (json_int_t)c->used, "snapped", (json_int_t)c->snapped, "mapped",
		(json_int_t)c->mapped, "backwards", (json_int_t)c->backwards, "clock_set", (json_int_t)c->clock_set,
		"snapped_out", (json_int_t)c->snapped_out, "oversize", (json_int_t)c->oversize, "empty",
		(json_int_t)c->empty, "no_link", (json_int_t)c->no_link, "bad_blocks", (json_int_t)c->bad_blocks,
		"flows", (json_int_t)c->flows, "flows_cut", (json_int_t)c->flows_cut, "loops", (json_int_t)c->loops,
		"damage", wm_replay_damage(models->replay));
}

int replay_check(const struct models *models, struct wm_err *err)
{
	const char *damage = models->replay != NULL ? wm_replay_damage(models->replay) : NULL;

	return damage != NULL ? wm_err_set(err, -EIO, "%s; what was in front of it was sent", damage) : 0;
}
