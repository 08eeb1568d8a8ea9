// SPDX-License-Identifier: BSD-3-Clause
// What must hold between options.
#include "settings.h"

#include <errno.h>
#include <string.h>

// Whether an option that was given is about ports; that both have one way to do things is not.
static bool asks_for_ports(const struct settings *s, const char *name)
{
	if (strcmp(name, "underflow") == 0)
		return s->recycle;
	if (strcmp(name, "directions") == 0)
		return s->split;
	return settings_is_of_ports(name);
}

static int check_pcap(const struct settings *s, struct wm_err *err)
{
	if (s->eal)
		return wm_err_set(err, -EINVAL,
			"option --pcap: a pcap is written without EAL, leave out --eal and what is before --");
	if (s->rate.kind == WM_RATE_PERCENT || s->rate.kind == WM_RATE_MAX)
		return wm_err_set(err, -EINVAL,
			"option --rate: a pcap has no port whose speed that could be; give model, x4, 5Mpps or 10Gbps");
	for (size_t i = 0; i < mill_command.n_options; i++)
		if (s->lines[i] != 0 && !s->aside[i] && asks_for_ports(s, mill_command.options[i].name))
			return wm_err_set(err, -EINVAL,
				"option --%s: it is for ports, and a pcap is asked for; leave one of both out",
				mill_command.options[i].name);
	return 0;
}

static int check_ports(const struct settings *s, struct wm_err *err)
{
	if (!s->eal)
		return wm_err_set(err, -EINVAL,
			"option -o FILE is missing: it names the pcap to write, --csv FILE a table of flows; to send "
			"on "
			"ports, name them in EAL's options before -- or with --eal");
	if (s->snaplen > 0)
		return wm_err_set(err, -EINVAL, "option --snaplen: it is for a pcap, and frames on ports are whole");
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].peer[0] != '\0' && !s->receive)
			return wm_err_set(err, -EINVAL, "option --port: peer=%s needs --receive", s->ports[i].peer);
	if (s->recycle_samples > 0 && !s->recycle)
		return wm_err_set(err, -EINVAL, "option --recycle-samples: it needs --underflow recycle");
	if (s->receive_window > 0 && !s->receive)
		return wm_err_set(err, -EINVAL, "option --receive-window: it needs --receive");
	for (size_t i = 0; i < s->n_models && s->recycle; i++)
		if (s->models[i].schedule.start_ns > 0 || s->models[i].schedule.stop_ns > 0)
			return wm_err_set(err, -EINVAL,
				"option --underflow: recycle would send packets of %s when it has not started or has "
				"stopped",
				s->models[i].file);
	if (s->roles.receive.n > 0 && !s->receive)
		return wm_err_set(err, -EINVAL, "option --roles: receive=%u needs --receive", s->roles.receive.id[0]);
	return 0;
}

static int check_replay(const struct settings *s, struct wm_err *err)
{
	if (s->replay.file == NULL) {
		if (s->loops != 1 || s->snapped != WM_SNAPPED_PAD || s->read_ahead != SETTINGS_READ_AHEAD_MIB)
			return wm_err_set(err, -EINVAL,
				"options --loop, --snapped and --read-ahead: they are about a capture, name it with "
				"--replay");
		return 0;
	}
	if (s->n_models == 0 && s->level != WM_LEVEL_AGGREGATE)
		return wm_err_set(
			err, -EINVAL, "option --level: it is about what models have learned, and none is given");
	if (s->n_models == WM_MODELS_MAX)
		return wm_err_set(err, -EINVAL, "option --replay: at most %d models can be mixed with a capture",
			WM_MODELS_MAX - 1);
	if (s->recycle)
		return wm_err_set(err, -EINVAL,
			"option --underflow: a capture's packets are sent once a loop; recycle is for models alone");
	return 0;
}

static int check_follow(const struct settings *s, struct wm_err *err)
{
	if (s->flows_from == NULL)
		return 0;
	if (s->n_models != 1)
		return wm_err_set(err, -EINVAL,
			"option --flows-from: one model makes its flows, %zu are given; mill them one by one",
			s->n_models);
	if (s->models[0].unit != UNIT_NONE)
		return wm_err_set(err, -EINVAL,
			"option --flows-from: it says how many flows there are, and rate= does too; give a weight "
			"instead");
	if (s->recycle)
		return wm_err_set(err, -EINVAL,
			"option --underflow: recycle would send packets of flows that --flows-from does not have");
	return 0;
}

int settings_check(const struct settings *s, struct wm_err *err)
{
	int rc;

	if (s->help || s->version)
		return 0;
	if (s->n_models == 0 && s->replay.file == NULL)
		return wm_err_set(err, -EINVAL,
			"option -m MODEL is missing: it names what to mill from; a capture is sent with --replay");
	rc = check_replay(s, err);
	rc = rc < 0 ? rc : check_follow(s, err);
	if (rc < 0)
		return rc;
	return s->pcap != NULL || (!s->eal && (s->csv != NULL || s->labels != NULL)) ? check_pcap(s, err)
										     : check_ports(s, err);
}
