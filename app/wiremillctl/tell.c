// SPDX-License-Identifier: BSD-3-Clause
#include "tell.h"

#include <inttypes.h>
#include <string.h>

static double real(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static int64_t whole(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value != NULL ? value : "?";
}

static void rates(FILE *out, const json_t *o)
{
	(void)fprintf(out, "%12.0f packets/s %10.6f Gbit/s %10.6f on the line", real(o, "packets_per_s"),
		real(o, "bits_per_s_l2") * 1e-9, real(o, "bits_per_s_l1") * 1e-9);
}

static void tell_ports(FILE *out, const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		(void)fprintf(out, "port %-2" PRId64 " %-24s", whole(one, "port"), text(one, "name"));
		rates(out, one);
		(void)fprintf(out, ", link %s, %" PRId64 " errors\n", text(one, "link"), whole(one, "errors"));
	}
}

static void tell_models(FILE *out, const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		(void)fprintf(out, "model %-2zu %-23s", i, text(one, "label"));
		rates(out, one);
		(void)fprintf(out, ", weight %g, %" PRId64 " packets\n", real(one, "weight"), whole(one, "packets"));
	}
}

static void tell_capture(FILE *out, const json_t *one)
{
	if (one == NULL)
		return;
	(void)fprintf(out, "capture  %-23s", text(one, "label"));
	rates(out, one);
	(void)fprintf(out, ", weight %g, %" PRId64 " packets\n", real(one, "weight"), whole(one, "packets"));
}

static void tell_directions(FILE *out, const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const json_t *latency = json_object_get(one, "latency_ns");

		(void)fprintf(out,
			"port %" PRId64 " to %" PRId64 ": %" PRId64 " received, %" PRId64 " lost, %" PRId64
			" reordered; latency median %.1f, p99 %.1f us\n",
			whole(one, "from"), whole(one, "to"), whole(one, "received"), whole(one, "lost"),
			whole(one, "reordered"), real(latency, "median") * 1e-3, real(latency, "p99") * 1e-3);
	}
}

static void tell_drops(FILE *out, const json_t *s)
{
	const json_t *pacing = json_object_get(s, "pacing");

	(void)fprintf(out,
		"dropped: %" PRId64 " oversize, %" PRId64 " while a link was down, %" PRId64 " at the end, %" PRId64
		" errors of ports\n",
		whole(s, "oversize"), whole(s, "link_down"), whole(s, "lost") - whole(s, "link_down"),
		whole(s, "port_errors"));
	(void)fprintf(out,
		"waits: %" PRId64 " for samples, %" PRId64 " for buffers, %" PRId64 " for the port; %" PRId64
		" late, %" PRId64 " shifts by %.3f s\n",
		whole(s, "starved"), whole(s, "no_mbuf"), whole(s, "port_full"), whole(s, "late"), whole(s, "shifts"),
		real(s, "shift_s"));
	if (whole(pacing, "gaps") > 0)
		(void)fprintf(out, "pacing error: p50 %.0f ns, p99 %.0f ns, max %.0f ns\n", real(pacing, "p50_ns"),
			real(pacing, "p99_ns"), real(pacing, "max_ns"));
}

void tell_status(FILE *out, const json_t *s)
{
	int64_t room = whole(s, "ring_room");

	(void)fprintf(out, "%s at rate %s for %.1f s, %" PRId64 " packets",
		json_is_true(json_object_get(s, "paused")) ? "paused" : "running", text(s, "rate"), real(s, "wall_s"),
		whole(s, "packets"));
	if (strcmp(text(s, "mode"), "pcap") == 0)
		(void)fprintf(out, ", %.3f s of traffic, %" PRId64 " flows", real(s, "virtual_s"), whole(s, "flows"));
	(void)fputs("\nall                              ", out);
	rates(out, s);
	(void)fprintf(out, ", %.1f %% fresh, rings %.0f %% full\n", 100 * real(s, "fresh_share"),
		room > 0 ? 100 * (double)whole(s, "ring_used") / (double)room : 0);
	tell_ports(out, json_object_get(s, "ports"));
	tell_models(out, json_object_get(s, "models"));
	tell_capture(out, json_object_get(s, "capture"));
	tell_directions(out, json_object_get(s, "directions"));
	if (strcmp(text(s, "mode"), "ports") == 0)
		tell_drops(out, s);
}
