// SPDX-License-Identifier: BSD-3-Clause
#include "settings.h"

#include "forward_option.h"
#include "port_option.h"

#include <capture/writer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS_MAX = 64 };

#define FIELD(name) offsetof(struct settings, name)

static const struct wm_option options[] = {
	{"model", 'm', WM_OPTION_LIST, 0, "MODEL",
		"mill from it: FILE[,weight=W][,start=T]..., see the manual; repeat to mix", 0, 0},
	{"level", 0, WM_OPTION_TAKEN, 0, "LEVEL", "what models draw: aggregate (all, the default), flow or packet", 0,
		0},
	{"flows-from", 0, WM_OPTION_TEXT, FIELD(flows_from), "FILE",
		"make the flows of a capture or flow table, of the model's packets", 0, 0},
	{"replay", 0, WM_OPTION_TAKEN, 0, "CAPTURE", "send a capture: FILE[,weight=W][,label=L]; mixed with any models",
		0, 0},
	{"loop", 0, WM_OPTION_NUMBER, FIELD(loops), "N", "send the capture N times, 0 = for ever (default: 1)", 0,
		UINT64_MAX},
	{"snapped", 0, WM_OPTION_TAKEN, 0, "HOW", "its packets that were captured short: pad, cut or drop", 0, 0},
	{"read-ahead", 0, WM_OPTION_NUMBER, FIELD(read_ahead), "MIB", "room for reading it ahead (default: 64)", 1,
		65536},
	{"map-net", 0, WM_OPTION_LIST, 0, "OLD=NEW", "put a network's addresses into another: 10.0.0.0/8=192.0.2.0/24",
		0, 0},
	{"map-mac", 0, WM_OPTION_LIST, 0, "OLD=NEW", "put a MAC address in the place of another", 0, 0},
	{"map-vlan", 0, WM_OPTION_LIST, 0, "OLD=NEW", "put a VLAN in the place of another: 10=20", 0, 0},
	{"map-port", 0, WM_OPTION_LIST, 0, "OLD=NEW", "put a TCP or UDP port in the place of another: 80=8080", 0, 0},
	{"config", 'c', WM_OPTION_TEXT, FIELD(config), "FILE", "read options from a file; those given here win", 0, 0},
	{"eal", 0, WM_OPTION_TEXT, FIELD(eal_words), "WORDS", "EAL's options, instead of before --", 0, 0},
	{"pcap", 'o', WM_OPTION_TEXT, FIELD(pcap), "FILE", "write a pcap instead of sending ('-': standard output)", 0,
		0},
	{"snaplen", 0, WM_OPTION_NUMBER, FIELD(snaplen), "BYTES", "of a frame in that pcap at most (default: all)", 14,
		WM_FRAME_MAX},
	{"csv", 0, WM_OPTION_TEXT, FIELD(csv), "FILE", "write a NetFlow-like table of the flows", 0, 0},
	{"labels", 0, WM_OPTION_TEXT, FIELD(labels), "FILE", "write the ground truth: one line a flow", 0, 0},
	{"packets", 'n', WM_OPTION_NUMBER, FIELD(packets), "N", "stop after N packets", 1, UINT64_MAX},
	{"duration", 'd', WM_OPTION_SECONDS, FIELD(duration_s), "SEC",
		"stop after SEC seconds of the traffic's time (at x4: a fourth)", 0, 0},
	{"flows", 0, WM_OPTION_NUMBER, FIELD(flows), "N", "stop when N flows have ended", 1, UINT64_MAX},
	{"seed", 's', WM_OPTION_NUMBER, FIELD(seed), "N", "same seed, same bytes (default: 1)", 0, UINT64_MAX},
	{"workers", 'w', WM_OPTION_NUMBER, FIELD(workers), "N", "threads that generate (default: one a core)", 1,
		WORKERS_MAX},
	{"lora-forward", 0, WM_OPTION_TAKEN, 0, "HOST",
		"send LoRa receptions as gateways forward them: HOST[:PORT][,gateways=NET/BITS]", 0, 0},
	{"rate", 'r', WM_OPTION_TAKEN, 0, "RATE", "model, x4 (4 times as fast), 5Mpps, 10Gbps, 50% or max", 0, 0},
	{"underflow", 0, WM_OPTION_TAKEN, 0, "MODE", "where models are too slow: wait, or recycle what was sent", 0, 0},
	{"recycle-samples", 0, WM_OPTION_NUMBER, FIELD(recycle_samples), "N",
		"packets that each queue keeps for it (default: 131072)", 1, 1 << 28},
	{"ring-mem", 0, WM_OPTION_NUMBER, FIELD(ring_mib), "MIB",
		"memory for packets made ahead, filled before the start (default: 8 a worker)", 1, 1 << 20},
	{"queues", 0, WM_OPTION_NUMBER, FIELD(queues), "N", "queues of each port (default: 1)", 1, WM_QUEUES_MAX},
	{"port", 0, WM_OPTION_LIST, 0, "PORT",
		"one port's own: PORT[,src-mac=MAC][,dst-mac=MAC][,vlan=N][,pacing=nic|tsc]"
		"[,peer=PORT]",
		0, 0},
	{"directions", 0, WM_OPTION_TAKEN, 0, "MODE",
		"together on a port, or split: clients, servers on pairs of ports", 0, 0},
	{"roles", 0, WM_OPTION_TAKEN, 0, "LCORES", "who does what: tx=1+2,receive=3,workers=4-7 (default: chosen)", 0,
		0},
	{"receive", 0, WM_OPTION_FLAG, FIELD(receive), NULL, "measure what comes back: loss, order, latency", 0, 0},
	{"receive-window", 0, WM_OPTION_NUMBER, FIELD(receive_window), "N",
		"packets under way in each direction (default: 262144)", 1, 1 << 28},
	{"mtu", 0, WM_OPTION_NUMBER, FIELD(mtu), "BYTES", "set the ports' MTU (default: leave it)", 68, UINT16_MAX},
	{"catch-up", 0, WM_OPTION_NUMBER, FIELD(catch_up), "N",
		"packets that go out late in a row before time shifts (default: 32768)", 1, UINT32_MAX},
	{"stats", 0, WM_OPTION_SECONDS, FIELD(stats_s), "SEC", "print statistics every SEC seconds", 0, 0},
	{"stats-json", 0, WM_OPTION_TEXT, FIELD(stats_json), "FILE", "write the final statistics as JSON", 0, 0},
	{"control", 0, WM_OPTION_TEXT, FIELD(control), "PATH", "a socket where wiremillctl watches and steers the run",
		0, 0},
	{"http", 0, WM_OPTION_TEXT, FIELD(http), "[ADDR:]PORT", "status page and /metrics; on 127.0.0.1 unless told", 0,
		0},
	{"user", 0, WM_OPTION_TEXT, FIELD(user), "NAME", "become this user once the ports, or files, are open", 0, 0},
	{"i-own-this-network", 0, WM_OPTION_FLAG, FIELD(own_network), NULL,
		"send also where the machine's default route goes", 0, 0},
	{"help", 'h', WM_OPTION_FLAG, FIELD(help), NULL, "print this and do nothing else", 0, 0},
	{"version", 'V', WM_OPTION_FLAG, FIELD(version), NULL, "print the version and do nothing else", 0, 0},
};

static const char *const usage[] = {
	"{-m MODEL | --replay CAPTURE} -o FILE [options]",
	"[EAL options --] {-m MODEL | --replay CAPTURE} [options]",
	NULL,
};

int settings_parse_weight(const char *text, double *out, struct wm_err *err)
{
	bool decimal = *text != '\0' && text[strspn(text, "0123456789.")] == '\0';
	char *end;
	double v = strtod(text, &end);

	if (!decimal || *end != '\0' || !(v >= 1e-6 && v <= 1e6))
		return wm_err_set(err, -EINVAL, "'%s' is not a number in 0.000001..1000000", text);
	*out = v;
	return 0;
}

static size_t number_of(const struct wm_option *o)
{
	return (size_t)(o - options);
}

static int take_model(struct settings *s, const char *text, struct wm_err *err)
{
	struct model_choice choice;
	int rc;

	if (s->n_models == WM_MODELS_MAX)
		return wm_err_set(err, -EINVAL, "option --model: at most %d models can be mixed", WM_MODELS_MAX);
	rc = model_option_parse(&choice, text, err);
	if (rc < 0)
		return rc;
	choice.line = s->lines[number_of(wm_command_find(&mill_command, "model"))];
	s->models[s->n_models++] = choice;
	return 0;
}

static int take_replay(struct settings *s, const char *text, struct wm_err *err)
{
	struct model_choice choice;
	int rc = replay_option_parse(&choice, text, err);

	if (rc < 0)
		return rc;
	free(s->replay.file);
	choice.line = s->lines[number_of(wm_command_find(&mill_command, "replay"))];
	s->replay = choice;
	return 0;
}

static int take_level(struct settings *s, const char *text, struct wm_err *err)
{
	static const char *const names[] = {
		[WM_LEVEL_AGGREGATE] = "aggregate", [WM_LEVEL_FLOW] = "flow", [WM_LEVEL_PACKET] = "packet"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			s->level = (enum wm_level)i;
			return 0;
		}
	}
	return wm_err_set(err, -EINVAL, "option --level: '%s' is none: write aggregate, flow or packet", text);
}

static int take_snapped(struct settings *s, const char *text, struct wm_err *err)
{
	static const char *const names[] = {
		[WM_SNAPPED_PAD] = "pad", [WM_SNAPPED_CUT] = "cut", [WM_SNAPPED_DROP] = "drop"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			s->snapped = (enum wm_snapped)i;
			return 0;
		}
	}
	return wm_err_set(err, -EINVAL, "option --snapped: '%s' is none: write pad, cut or drop", text);
}

static int take_forward(struct settings *s, const char *text, struct wm_err *err)
{
	s->forward = true;
	return forward_option_parse(&s->to, text, err);
}

static int take_underflow(struct settings *s, const char *text, struct wm_err *err)
{
	s->recycle = strcmp(text, "recycle") == 0;
	if (!s->recycle && strcmp(text, "wait") != 0)
		return wm_err_set(err, -EINVAL, "option --underflow: '%s' is none: write wait or recycle", text);
	return 0;
}

static int take_port(struct settings *s, const char *text, struct wm_err *err)
{
	if (s->n_ports == WM_PORTS_MAX)
		return wm_err_set(err, -EINVAL, "option --port: at most %d ports can be named", WM_PORTS_MAX);
	return port_option_parse(&s->ports[s->n_ports++], text, err);
}

static int take_directions(struct settings *s, const char *text, struct wm_err *err)
{
	s->split = strcmp(text, "split") == 0;
	if (!s->split && strcmp(text, "together") != 0)
		return wm_err_set(err, -EINVAL, "option --directions: '%s' is none: write together or split", text);
	return 0;
}

static int take_roles(struct settings *s, const char *text, struct wm_err *err)
{
	struct wm_err why = {0};
	int rc = wm_role_choice_parse(&s->roles, text, &why);

	return rc == 0 ? 0 : wm_err_set(err, rc, "option --roles: %s", why.msg);
}

static int take_map(struct settings *s, const struct wm_option *option, const char *text, struct wm_err *err)
{
	static const struct {
		const char *name;
		int (*add)(struct wm_map *map, const char *text, struct wm_err *err);
	} kinds[] = {{"map-net", wm_map_add_net}, {"map-mac", wm_map_add_mac}, {"map-vlan", wm_map_add_vlan},
		{"map-port", wm_map_add_port}};
	struct wm_err why = {0};
	int rc = -EINVAL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(option->name, kinds[i].name) == 0)
			rc = kinds[i].add(&s->map, text, &why);
	return rc == 0 ? 0 : wm_err_set(err, rc, "option --%s: %s", option->name, why.msg);
}

static int take(void *config, const struct wm_option *option, const char *text, struct wm_err *err)
{
	struct settings *s = config;
	struct wm_err why = {0};
	int rc;

	if (strcmp(option->name, "model") == 0)
		return take_model(s, text, err);
	if (strcmp(option->name, "replay") == 0)
		return take_replay(s, text, err);
	if (strncmp(option->name, "map-", 4) == 0)
		return take_map(s, option, text, err);
	if (strcmp(option->name, "level") == 0)
		return take_level(s, text, err);
	if (strcmp(option->name, "snapped") == 0)
		return take_snapped(s, text, err);
	if (strcmp(option->name, "lora-forward") == 0)
		return take_forward(s, text, err);
	if (strcmp(option->name, "underflow") == 0)
		return take_underflow(s, text, err);
	if (strcmp(option->name, "port") == 0)
		return take_port(s, text, err);
	if (strcmp(option->name, "directions") == 0)
		return take_directions(s, text, err);
	if (strcmp(option->name, "roles") == 0)
		return take_roles(s, text, err);
	rc = wm_rate_parse(&s->rate, text, &why);
	return rc == 0 ? 0 : wm_err_set(err, rc, "option --rate: %s", why.msg);
}

bool settings_is_of_ports(const char *name)
{
	static const char *const names[] = {"eal", "underflow", "recycle-samples", "ring-mem", "queues", "port",
		"directions", "roles", "receive", "receive-window", "mtu", "catch-up", "i-own-this-network"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_of_pcaps(const char *name)
{
	return strcmp(name, "pcap") == 0 || strcmp(name, "snaplen") == 0;
}

// Whoever asks for a pcap on the command line does not want what a file says of ports, and the other way round.
static bool wants(void *config, const struct wm_option *option, int line)
{
	struct settings *s = config;
	size_t i = number_of(option);

	s->lines[i] = line;
	s->aside[i] = line != WM_COMMAND_LINE
		      && ((s->pcap_wins && settings_is_of_ports(option->name))
			      || (s->ports_win && is_of_pcaps(option->name)));
	return !s->aside[i];
}

const struct wm_command mill_command = {
	.name = "wiremill",
	.usage = usage,
	.about = "Mill traffic like what a model has learned, or replay a capture: into a pcap, or onto network ports.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.take = take,
	.wants = wants,
};

static void drop_models(struct settings *s)
{
	for (size_t i = 0; i < s->n_models; i++)
		free(s->models[i].file);
	s->n_models = 0;
}

static void drop_replay(struct settings *s)
{
	free(s->replay.file);
	s->replay = (struct model_choice){0};
}

// EAL's options stand before the first "--" if there is one; the rest is ours, with the program's name before it.
static void split(struct settings *s, int *argc, char ***argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp((*argv)[i], "--") != 0)
			continue;
		s->eal = true;
		s->eal_argc = i;
		s->eal_argv = *argv;
		*argc -= i;
		*argv += i;
		return;
	}
	s->eal_argc = 1;
	s->eal_argv = *argv;
}

// EAL's options in one text, as a configuration file has them, become words between blanks.
static int cut_eal(struct settings *s, struct wm_err *err)
{
	size_t n = strlen(s->eal_words);
	char *text, *rest = NULL;

	// The words' addresses, at most one for every other character, then the words themselves.
	s->eal_cut = calloc(1, (n / 2 + 3) * sizeof(*s->eal_cut) + n + 1);
	if (s->eal_cut == NULL)
		return wm_err_set(err, -ENOMEM, "option --eal: no memory");
	text = memcpy(s->eal_cut + n / 2 + 3, s->eal_words, n + 1);
	s->eal_cut[0] = s->eal_argv[0];
	s->eal_argc = 1;
	for (char *word = strtok_r(text, " \t\n", &rest); word != NULL; word = strtok_r(NULL, " \t\n", &rest))
		s->eal_cut[s->eal_argc++] = word;
	s->eal_argv = s->eal_cut;
	s->eal = true;
	return 0;
}

int settings_read(struct settings *out, int argc, char **argv, struct wm_err *err)
{
	struct settings s = {.seed = 1,
		.rate = {.kind = WM_RATE_MODEL, .value = 1},
		.loops = 1,
		.read_ahead = SETTINGS_READ_AHEAD_MIB};
	struct settings given = s;
	int rc;

	split(&s, &argc, &argv);
	rc = wm_command_parse(&mill_command, argc, argv, &given, err); // only to know what is given
	s.ports_win = s.eal || given.eal_words != NULL;
	s.pcap_wins = given.pcap != NULL && !s.ports_win;
	if (rc >= 0 && given.config != NULL && !given.help && !given.version)
		rc = wm_config_read(&mill_command, given.config, &s, &s.texts, err);
	if (rc >= 0 && given.n_models > 0)
		drop_models(&s);
	if (rc >= 0 && given.n_ports > 0)
		s.n_ports = 0;
	if (!wm_map_is_empty(&given.map))
		s.map = (struct wm_map){0};
	drop_models(&given);
	drop_replay(&given);
	if (rc >= 0)
		rc = wm_command_parse(&mill_command, argc, argv, &s, err);
	if (rc >= 0 && rc < argc)
		rc = wm_err_set(err, -EINVAL, "'%s' is no option; models are given with -m", argv[rc]);
	if (rc >= 0 && s.eal_words != NULL && !s.eal)
		rc = cut_eal(&s, err);
	if (rc >= 0)
		rc = settings_check(&s, err);
	if (rc < 0)
		settings_locate(&s, NULL, err);
	*out = s;
	return rc < 0 ? rc : 0;
}

double settings_duration_s(const struct settings *s)
{
	return s->rate.kind == WM_RATE_MODEL ? s->duration_s / s->rate.value : s->duration_s;
}

void settings_free(struct settings *s)
{
	drop_models(s);
	free(s->eal_cut);
	drop_replay(s);
	wm_config_free(s->texts);
}
