// SPDX-License-Identifier: BSD-3-Clause
#include "config.h"

#include <errno.h>
#include <string.h>

#define FIELD(name) offsetof(struct config, name)

static const struct wm_option options[] = {
	{"holdout", 0, WM_OPTION_TEXT, FIELD(holdout), "CAPTURE",
		"more real traffic of the same network: what a perfect model would score", 0, 0},
	{"json", 0, WM_OPTION_TEXT, FIELD(json), "FILE", "write every number there ('-' = standard output)", 0, 0},
	{"html", 0, WM_OPTION_TEXT, FIELD(html), "FILE",
		"write a page with plots there, which opens in any browser ('-' = standard output; needs gnuplot)", 0,
		0},
	{"fail-above", 0, WM_OPTION_LIST, 0, "METRIC=VALUE", "exit with status 1 if it is above; may be repeated", 0,
		0},
	{"all", 'a', WM_OPTION_FLAG, FIELD(all), NULL, "print every metric, not just the worst", 0, 0},
	{"packets", 'n', WM_OPTION_NUMBER, FIELD(max_packets), "N", "read at most the first N packets of each", 1,
		UINT32_MAX},
	{"quiet", 'q', WM_OPTION_FLAG, FIELD(quiet), NULL, "no progress bar", 0, 0},
	{"metrics", 0, WM_OPTION_FLAG, FIELD(metrics), NULL, "list all metrics and do nothing else", 0, 0},
	{"help", 'h', WM_OPTION_FLAG, FIELD(help), NULL, "print this and do nothing else", 0, 0},
	{"version", 'V', WM_OPTION_FLAG, FIELD(version), NULL, "print the version and do nothing else", 0, 0},
};

static const char *const usage[] = {
	"[options] REAL SYNTHETIC",
	"--metrics",
	NULL,
};

static int take(void *config, const struct wm_option *option, const char *text, struct wm_err *err)
{
	struct config *c = config;

	(void)option; // --fail-above is the only one
	return gate_add(&c->gate, text, err);
}

const struct wm_command compare_command = {
	.name = "wiremill-compare",
	.usage = usage,
	.about = "Say how faithfully synthetic traffic imitates real traffic: captures or flow tables.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.take = take,
};

int config_read(struct config *c, int argc, char **argv, struct wm_err *err)
{
	int first;

	*c = (struct config){.real = NULL};
	first = wm_command_parse(&compare_command, argc, argv, c, err);
	if (first < 0)
		return first;
	if (c->help || c->version || c->metrics)
		return 0;
	if (argc - first < 2)
		return wm_err_set(err, -EINVAL, "%s is missing; --help shows the usage",
			argc == first ? "REAL, the real traffic," : "SYNTHETIC, the traffic to judge,");
	if (argc - first > 2)
		return wm_err_set(err, -EINVAL, "'%s' is one too many: expected REAL and SYNTHETIC", argv[first + 2]);
	c->real = argv[first];
	c->synth = argv[first + 1];
	if ((strcmp(c->real, "-") == 0) + (strcmp(c->synth, "-") == 0)
			+ (c->holdout != NULL && strcmp(c->holdout, "-") == 0)
		> 1)
		return wm_err_set(err, -EINVAL, "only one input can be standard input ('-')");
	if (c->json != NULL && c->html != NULL && strcmp(c->json, "-") == 0 && strcmp(c->html, "-") == 0)
		return wm_err_set(err, -EINVAL, "--json and --html cannot both go to standard output ('-')");
	return 0;
}
