// SPDX-License-Identifier: BSD-3-Clause
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

enum { THREADS_MAX = 256 };

#define FIELD(name) offsetof(struct config, name)

static const struct wm_option options[] = {
	{"output", 'o', WM_OPTION_TEXT, FIELD(output), "MODEL", "write the model here (required)", 0, 0},
	{"engine", 'e', WM_OPTION_TEXT, FIELD(engine), "NAME",
		"kind of model to train: necst, lora, rows (default: what suits the input)", 0, 0},
	{"filter", 'f', WM_OPTION_TEXT, FIELD(filter), "BPF", "keep only packets that match, as in pcap-filter(7)", 0,
		0},
	{"seed", 's', WM_OPTION_NUMBER, FIELD(seed), "N", "same seed, same model (default: 1)", 0, UINT64_MAX},
	{"threads", 't', WM_OPTION_NUMBER, FIELD(threads), "N", "threads to train with (default: all cores)", 1,
		THREADS_MAX},
	{"time-limit", 0, WM_OPTION_SECONDS, FIELD(time_limit_s), "SEC",
		"stop training by then, keep the best model so far", 0, 0},
	{"resume", 0, WM_OPTION_FLAG, FIELD(resume), NULL, "continue from the checkpoint beside MODEL if there is one",
		0, 0},
	{"label", 0, WM_OPTION_TEXT, FIELD(label), "NAME", "label of this model's flows (default: MODEL's file stem)",
		0, 0},
	{"quiet", 'q', WM_OPTION_FLAG, FIELD(quiet), NULL, "no progress bar", 0, 0},
	{"inspect", 0, WM_OPTION_TEXT, FIELD(inspect), "MODEL", "print what a model file holds, and do nothing else", 0,
		0},
	{"help", 'h', WM_OPTION_FLAG, FIELD(help), NULL, "print this and do nothing else", 0, 0},
	{"version", 'V', WM_OPTION_FLAG, FIELD(version), NULL, "print the version and do nothing else", 0, 0},
};

static const char *const usage[] = {
	"[options] INPUT... -o MODEL",
	"--inspect MODEL",
	NULL,
};

const struct wm_command train_command = {
	.name = "wiremill-train",
	.usage = usage,
	.about = "Learn the traffic of captures (.pcap or .pcapng) or of flow tables (.csv), plain or gzip, several of "
		 "which are one training set, into a model.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
};

static uint64_t n_cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (uint64_t)n;
}

bool is_label_char(char c)
{
	return c > ' ' && c < 0x7f && c != ',' && c != '"';
}

static int check_label(const char *label, struct wm_err *err)
{
	size_t n = 0;

	while (is_label_char(label[n]))
		n++;
	if (label[n] != '\0' || n > LABEL_MAX)
		return wm_err_set(err, -EINVAL,
			"option --label: '%.80s' must be at most %d ASCII characters, none of them space, comma or "
			"quote",
			label, LABEL_MAX);
	return 0;
}

int config_read(struct config *c, int argc, char **argv, struct wm_err *err)
{
	int first;

	*c = (struct config){.seed = 1, .threads = n_cores()};
	first = wm_command_parse(&train_command, argc, argv, c, err);
	if (first < 0)
		return first;
	c->inputs = (const char *const *)argv + first;
	c->n_inputs = (size_t)(argc - first);
	if (c->help || c->version)
		return 0;
	if (c->inspect != NULL) {
		if (c->n_inputs > 0 || c->output != NULL)
			return wm_err_set(err, -EINVAL, "option --inspect stands alone: it trains nothing");
		return 0;
	}
	if (c->n_inputs == 0)
		return wm_err_set(err, -EINVAL, "no INPUT to learn from is given; --help shows the usage");
	if (c->output == NULL)
		return wm_err_set(err, -EINVAL, "option -o MODEL is missing: it names the file to write");
	return c->label == NULL ? 0 : check_label(c->label, err);
}
