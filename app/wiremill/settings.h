// SPDX-License-Identifier: BSD-3-Clause
// settings: what the command line and the configuration file of wiremill ask for.
#pragma once

#include "model_option.h"

#include <common/config.h>
#include <common/options.h>
#include <engine/engine.h>
#include <packet/map.h>
#include <packet/sample.h>
#include <plane/choice.h>
#include <plane/pace.h>
#include <plane/roles.h>
#include <synth/replay.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SETTINGS_READ_AHEAD_MIB = 64 };

struct settings {
	struct model_choice models[WM_MODELS_MAX];
	size_t n_models;
	struct model_choice replay; // a capture; file = NULL: none
	uint64_t loops;             // of it; 0 = for ever
	enum wm_snapped snapped;
	uint64_t read_ahead;       // MiB
	bool forward;              // LoRa receptions as datagrams of their gateways
	struct wm_lora_forward to; // if so
	struct wm_map map;         // of models and capture
	enum wm_level level;       // of models: which of theirs take part
	const char *flows_from;    // capture or flow table whose flows the model makes; NULL = those that it plans
	const char *config;
	const char *pcap; // pcap mode
	uint64_t snaplen; // 0 = whole frames
	const char *csv;
	const char *labels;
	const char *stats_json;
	const char *control; // path of the control socket; NULL = none
	const char *http;    // [ADDR:]PORT of the status page; NULL = none
	const char *user;    // to become once the ports are open; NULL = stay
	bool own_network;    // ports may carry the machine's default route
	uint64_t packets;    // 0 = no end
	uint64_t flows;      // 0 = no end
	double duration_s;   // of the traffic's own time, see settings_duration_s(); 0 = no end
	double stats_s;      // 0 = only at the end
	uint64_t seed;
	uint64_t workers; // 0 = as many as suit
	struct wm_rate rate;
	bool help;
	bool version;
	bool recycle; // the rest is for ports alone
	uint64_t recycle_samples;
	uint64_t ring_mib; // 0 = as many as suit
	uint64_t queues;
	struct wm_port_choice ports[WM_PORTS_MAX];
	size_t n_ports;
	struct wm_role_choice roles;
	bool split;
	bool receive;
	uint64_t receive_window;
	uint64_t mtu;
	uint64_t catch_up;
	const char *eal_words; // EAL's options in one text
	bool eal;              // EAL's options were given: before "--", or so
	int eal_argc;          // program name and EAL's options
	char **eal_argv;
	char **eal_cut;               // own copy of eal_words, cut into eal_argv
	struct wm_config_text *texts; // of the configuration file

	// Where each option was set last, by its number: a line of the configuration file, WM_COMMAND_LINE, 0 =
	// nowhere.
	int lines[WM_OPTIONS_MAX];
	bool aside[WM_OPTIONS_MAX]; // set in the file, and of no meaning for what the command line asks
	bool pcap_wins, ports_win;  // the command line says which of both it is to be
};

extern const struct wm_command mill_command;

/**
 * Defaults, then the configuration file, then the command line, then what must hold between options.
 *
 * @param out To be handed to settings_free() in any case.
 * @return 0; -errno with a sentence.
 */
int settings_read(struct settings *out, int argc, char **argv, struct wm_err *err);
void settings_free(struct settings *s);

/** How long the run is to be as it leaves: at x4, all times are a fourth, its end's as well. @return 0 = no end. */
double settings_duration_s(const struct settings *s);

/** Whether the option of this name is for ports alone. */
bool settings_is_of_ports(const char *name);

/** What must hold between options. @return 0; -EINVAL with a sentence that names one as --NAME first. */
int settings_check(const struct settings *s, struct wm_err *err);

/**
 * Say in front of a sentence where in the configuration file the option stands that it names as --NAME; if it names
 * none that stands there, `option` and where that stands. Where the file has nothing to do with it, the sentence stays.
 *
 * @param option NULL = none.
 */
void settings_locate(const struct settings *s, const char *option, struct wm_err *err);

/** The same for what is wrong with one model or capture. */
void settings_locate_model(const struct settings *s, const struct model_choice *choice, struct wm_err *err);

/** Names of the options that were set aside, with commas between. @return text, empty if there are none. */
const char *settings_aside(const struct settings *s, char *text, size_t size);

/** A model's weight. @return 0; -EINVAL with a sentence. */
int settings_parse_weight(const char *text, double *out, struct wm_err *err);
