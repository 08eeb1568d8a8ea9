// SPDX-License-Identifier: BSD-3-Clause
#include "in_flight.h"

#include <base/clock.h>
#include <base/file.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REST = 9 }; // times as long as writing took

int in_flight_open(struct in_flight *out, const struct lines *labels, struct wm_err *err)
{
	struct wm_file file;
	struct stat st;
	int rc;

	if (labels->file == NULL || fstat(fileno(labels->file), &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	if (asprintf(&out->path, "%s.open", labels->path) < 0) {
		out->path = NULL;
		return wm_err_sys(err, -ENOMEM, "%s", labels->path);
	}
	rc = wm_file_begin(&file, out->path, err);
	if (rc < 0)
		return rc;
	(void)fputs(flow_label_header, file.stream);
	return wm_file_swap(&file, err);
}

static int write_all(
	struct in_flight *f, const struct flow_table *flows, const struct models *models, struct wm_err *err)
{
	struct wm_file file;
	int rc = wm_file_begin(&file, f->path, err);

	if (rc < 0)
		return rc;
	(void)fputs(flow_label_header, file.stream);
	for (size_t i = 0; i < flows->n_records; i++) {
		const struct flow_record *r = &flows->records[i];
		const struct open_model *m = &models->at[flow_key_model(r->key)];

		if (r->used)
			flow_write_label(file.stream, r, m->label, m->stem);
	}
	return wm_file_swap(&file, err);
}

void in_flight_write(
	struct in_flight *f, const struct flow_table *flows, const struct models *models, struct lines *labels)
{
	uint64_t begin_ns = wm_now_ns(), end_ns;
	struct wm_err err = {0};

	lines_flush(labels); // first, so that no flow is in neither
	if (labels->error != 0)
		in_flight_close(f); // what room it takes is that of others now
	if (f->path == NULL || begin_ns < f->due_ns)
		return;
	if (write_all(f, flows, models, &err) < 0 && f->why.msg[0] == '\0')
		f->why = err;
	end_ns = wm_now_ns();
	f->due_ns = end_ns + REST * (end_ns - begin_ns);
}

void in_flight_close(struct in_flight *f)
{
	if (f->path != NULL)
		(void)unlink(f->path);
	free(f->path);
	f->path = NULL;
}
