// SPDX-License-Identifier: BSD-3-Clause
#include "model_option.h"

#include "settings.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const double hours_max = 1e6; // 114 years, in which even a pcap's times end

// A plain decimal number that text begins with. @return false if there is none.
static bool read_number(const char *text, double *out, const char **end)
{
	size_t n = strspn(text, "0123456789.");
	char *stop = NULL;

	*out = n > 0 ? strtod(text, &stop) : 0;
	*end = stop;
	return n > 0 && stop == text + n;
}

static int parse_weight(struct model_choice *out, const char *option, const char *text, struct wm_err *err)
{
	struct wm_err why = {0};
	int rc = settings_parse_weight(text, &out->weight, &why);

	return rc == 0 ? 0 : wm_err_set(err, rc, "option --%s: weight %s", option, why.msg);
}

static int parse_rate(struct model_choice *out, const char *option, const char *text, struct wm_err *err)
{
	static const struct {
		const char *text;
		enum model_unit unit;
		double scale;
	} units[] = {{"fps", UNIT_FLOWS, 1}, {"kfps", UNIT_FLOWS, 1e3}, {"Mfps", UNIT_FLOWS, 1e6},
		{"pps", UNIT_PACKETS, 1}, {"kpps", UNIT_PACKETS, 1e3}, {"Mpps", UNIT_PACKETS, 1e6},
		{"bps", UNIT_BITS, 1}, {"kbps", UNIT_BITS, 1e3}, {"Mbps", UNIT_BITS, 1e6}, {"Gbps", UNIT_BITS, 1e9}};
	const char *end;
	double v;

	if (read_number(text, &v, &end) && v > 0) {
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (strcmp(end, units[i].text) != 0)
				continue;
			out->unit = units[i].unit;
			out->rate = v * units[i].scale;
			return 0;
		}
	}
	return wm_err_set(err, -EINVAL,
		"option --%s: rate '%s' is none: write 50fps (flows a second), 2kpps or 10Mbps, above 0", option, text);
}

// Seconds, or a number with s, m, h or d behind it.
static int parse_time(uint64_t *out, const char *option, const char *key, const char *text, struct wm_err *err)
{
	static const struct {
		char letter;
		double seconds;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	const char *end;
	double v;

	if (read_number(text, &v, &end) && (*end == '\0' || end[1] == '\0')) {
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (*end != units[i].letter || v * units[i].seconds > hours_max * 3600)
				continue;
			*out = (uint64_t)llround(v * units[i].seconds * 1e9);
			return 0;
		}
	}
	return wm_err_set(
		err, -EINVAL, "option --%s: %s '%s' is no time: write 300, 90s, 5m, 2h or 1d", option, key, text);
}

static int parse_stop(struct wm_schedule *s, const char *option, const char *text, struct wm_err *err)
{
	int rc = parse_time(&s->stop_ns, option, "stop", text, err);

	if (rc == 0 && s->stop_ns == 0)
		return wm_err_set(err, -EINVAL,
			"option --%s: stop '%s' is before any flow; leave it out for one that never stops", option,
			text);
	return rc;
}

static int parse_label(struct model_choice *out, const char *option, const char *label, struct wm_err *err)
{
	if (*label == '\0' || strpbrk(label, "\",\r\n") != NULL)
		return wm_err_set(
			err, -EINVAL, "option --%s: label '%s' must have a character and no quote", option, label);
	if (strlen(label) >= LABEL_SIZE)
		return wm_err_set(err, -EINVAL, "option --%s: label '%.20s...' has more than %d bytes", option, label,
			LABEL_SIZE - 1);
	out->label = label;
	return 0;
}

// @return 0; -ENOENT for a key that there is not; -EINVAL with a sentence.
static int set(struct model_choice *out, const char *option, const char *key, const char *value, struct wm_err *err)
{
	bool model = strcmp(option, "model") == 0;
	struct wm_schedule *s = &out->schedule;

	if (strcmp(key, "weight") == 0)
		return parse_weight(out, option, value, err);
	if (strcmp(key, "label") == 0)
		return parse_label(out, option, value, err);
	if (model && strcmp(key, "rate") == 0)
		return parse_rate(out, option, value, err);
	if (model && strcmp(key, "start") == 0)
		return parse_time(&s->start_ns, option, key, value, err);
	if (model && strcmp(key, "stop") == 0)
		return parse_stop(s, option, value, err);
	if (model && strcmp(key, "rise") == 0)
		return parse_time(&s->rise_ns, option, key, value, err);
	if (model && strcmp(key, "fall") == 0)
		return parse_time(&s->fall_ns, option, key, value, err);
	return -ENOENT;
}

static int check(const struct model_choice *c, const char *option, struct wm_err *err)
{
	const struct wm_schedule *s = &c->schedule;

	if (c->unit != UNIT_NONE && c->weight != 1)
		return wm_err_set(err, -EINVAL, "option --%s: %s has a weight and a rate; one of them says it all",
			option, c->file);
	if (s->stop_ns == 0 && s->fall_ns > 0)
		return wm_err_set(
			err, -EINVAL, "option --%s: %s: fall needs a stop in front of which it is", option, c->file);
	if (s->stop_ns > 0 && s->stop_ns <= s->start_ns)
		return wm_err_set(err, -EINVAL, "option --%s: %s stops at %g s and starts at %g s: stop must be later",
			option, c->file, (double)s->stop_ns * 1e-9, (double)s->start_ns * 1e-9);
	if (s->stop_ns > 0 && s->rise_ns + s->fall_ns > s->stop_ns - s->start_ns)
		return wm_err_set(err, -EINVAL,
			"option --%s: %s: rise and fall take %g s, and between start and stop are %g s", option,
			c->file, (double)(s->rise_ns + s->fall_ns) * 1e-9, (double)(s->stop_ns - s->start_ns) * 1e-9);
	return 0;
}

// Whether what stands in the place of the file is a word about it.
static bool is_word(const char *option, const char *text)
{
	static const char *const words[] = {"weight=", "label=", "rate=", "start=", "stop=", "rise=", "fall="};
	size_t n = strcmp(option, "model") == 0 ? sizeof(words) / sizeof(words[0]) : 2;

	for (size_t i = 0; i < n; i++)
		if (strncmp(text, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

// Cut "key=value" parts off the end of the text, up to the first that is none.
static int parse(struct model_choice *out, const char *option, const char *text, struct wm_err *err)
{
	struct model_choice choice = {.file = strdup(text), .weight = 1};
	char *comma;
	int rc = 0;

	if (choice.file == NULL)
		return wm_err_set(err, -ENOMEM, "option --%s: no memory", option);
	while (rc == 0 && (comma = strrchr(choice.file, ',')) != NULL) {
		char *equals = strchr(comma, '=');

		if (equals == NULL)
			break;
		*equals = '\0';
		rc = set(&choice, option, comma + 1, equals + 1, err);
		if (rc == -ENOENT) {
			(void)wm_err_set(err, -EINVAL,
				strcmp(option, "model") == 0
					? "option --%s: '%s' is no word of a model: these are weight, rate, start, "
					  "stop, rise, fall, label"
					: "option --%s: '%s' is no word of a capture: these are weight and label",
				option, comma + 1);
			rc = -EINVAL;
		}
		*comma = '\0';
	}
	if (rc == 0 && (*choice.file == '\0' || is_word(option, choice.file)))
		rc = wm_err_set(err, -EINVAL, "option --%s: '%s' names no file", option, text);
	if (rc == 0)
		rc = check(&choice, option, err);
	if (rc == 0)
		*out = choice;
	else
		free(choice.file);
	return rc;
}

int model_option_parse(struct model_choice *out, const char *text, struct wm_err *err)
{
	return parse(out, "model", text, err);
}

int replay_option_parse(struct model_choice *out, const char *text, struct wm_err *err)
{
	return parse(out, "replay", text, err);
}
