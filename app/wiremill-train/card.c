// SPDX-License-Identifier: BSD-3-Clause
#include "card.h"

#include "inputs.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char licence[] = "Learned from the captures named here, and holding addresses, headers and examples of "
			      "payload of theirs: whatever terms apply to them apply to this model.";

static int put_date(struct wm_model_writer *w, struct wm_err *err)
{
	static const long long last = 253402300799; // of year 9999
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t now = time(NULL);
	char text[32];
	struct tm tm;

	if (epoch != NULL) {
		char *end;

		now = (time_t)strtoll(epoch, &end, 10);
		if (!isdigit((unsigned char)*epoch) || *end != '\0' || now > last)
			return wm_err_set(err, -EINVAL,
				"environment variable SOURCE_DATE_EPOCH: '%.32s' is not a number of seconds in 0..%lld",
				epoch, last);
	}
	if (gmtime_r(&now, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return -EOVERFLOW;
	return wm_model_put_meta(w, "date", text);
}

// A file's stem as a label: what a label cannot hold becomes '_'.
static int put_label(struct wm_model_writer *w, const struct config *c)
{
	const char *stem = base_name(c->output);
	char text[LABEL_MAX + 1];
	size_t n = strcspn(stem + (*stem == '.'), ".") + (*stem == '.');

	if (c->label != NULL)
		return wm_model_put_meta(w, "label", c->label);
	if (n > LABEL_MAX)
		n = LABEL_MAX;
	memcpy(text, stem, n);
	for (size_t i = 0; i < n; i++)
		if (!is_label_char(text[i]))
			text[i] = '_';
	text[n] = '\0';
	return wm_model_put_meta(w, "label", text);
}

static int put_input(struct wm_model_writer *w, size_t i, const char *path, struct wm_err *err)
{
	char key[48], digest[DIGEST_TEXT_LEN], *name;
	int rc;

	rc = input_digest(digest, path, err);
	if (rc < 0)
		return rc;
	(void)snprintf(key, sizeof(key), "input.%zu.sha256", i);
	rc = wm_model_put_meta(w, key, digest);
	if (rc < 0)
		return rc;
	name = strdup(base_name(path));
	if (name == NULL)
		return -ENOMEM;
	(void)snprintf(key, sizeof(key), "input.%zu.name", i);
	rc = wm_model_put_meta(w, key, name);
	if (rc == -EILSEQ) { // any bytes make a file name, but metadata are UTF-8
		for (char *p = name; *p != '\0'; p++)
			if (!isascii((unsigned char)*p))
				*p = '?';
		rc = wm_model_put_meta(w, key, name);
	}
	free(name);
	return rc;
}

static int put_packets(struct wm_model_writer *w, const struct wm_dataset *ds)
{
	int rc = wm_model_put_metaf(w, "packets", "%" PRIu64, ds->counts.used);

	if (rc == 0)
		rc = wm_model_put_metaf(w, "packets_dropped", "%" PRIu64, ds->counts.packets - ds->counts.used);
	return rc == 0 ? wm_model_put_metaf(w, "flows", "%zu", ds->n_flows) : rc;
}

static int put_capture(struct wm_model_writer *w, const struct config *c, const struct wm_dataset *ds)
{
	int rc = wm_model_put_metaf(w, "inputs", "%zu", c->n_inputs);

	if (rc == 0 && ds->rows.n > 0) {
		rc = wm_model_put_metaf(w, "rows", "%zu", ds->rows.n);
		if (rc == 0)
			rc = wm_model_put_metaf(w, "rows_dropped", "%" PRIu64, ds->rows.counts.rows - ds->rows.n);
	} else if (rc == 0) {
		rc = put_packets(w, ds);
	}
	if (rc == 0)
		rc = wm_model_put_metaf(w, "duration_ns", "%" PRIu64, ds->duration_ns);
	if (rc == 0 && c->filter != NULL)
		rc = wm_model_put_meta(w, "filter", c->filter);
	return rc;
}

int card_put(struct wm_model_writer *w, const struct config *c, const char *engine, const struct wm_dataset *ds,
	struct wm_err *err)
{
	int rc = put_date(w, err);

	if (rc == 0)
		rc = wm_model_put_meta(w, "engine", engine);
	if (rc == 0)
		rc = wm_model_put_meta(w, "tool", "wiremill " WM_VERSION);
	if (rc == 0)
		rc = wm_model_put_metaf(w, "seed", "%" PRIu64, c->seed);
	if (rc == 0)
		rc = wm_model_put_meta(w, "licence", licence);
	if (rc == 0)
		rc = put_label(w, c);
	if (rc == 0)
		rc = put_capture(w, c, ds);
	for (size_t i = 0; i < c->n_inputs && rc == 0; i++)
		rc = put_input(w, i, c->inputs[i], err);
	if (rc < 0 && err->msg[0] == '\0')
		(void)wm_err_sys(err, rc, "%s: its metadata cannot be put together", c->output);
	return rc;
}
