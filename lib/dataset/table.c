// SPDX-License-Identifier: BSD-3-Clause
#include <dataset/columns.h>
#include <dataset/lines.h>
#include <dataset/table.h>
#include <dataset/values.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { COMMENTS_MAX = 64, PROBE = 4096 };

struct wm_table {
	struct wm_lines lines;
	char *path;
	struct wm_columns columns;
	struct wm_time_format time_format;
	struct wm_table_counts counts;
	char *names; // Zeek's line of names, which may come again where logs were put together

	size_t n_names; // more fields than these are a fault
	char src[16];   // addresses that were numbers
	char dst[16];

	struct wm_err fault; // the first row that was not used
	struct wm_err damage;
};

static int find_columns(struct wm_table *t, const char *const *names, size_t n_names, struct wm_err *err)
{
	char where[400];

	(void)snprintf(where, sizeof(where), "%s: line %llu", t->path, (unsigned long long)t->lines.line);
	return wm_columns_find(&t->columns, names, n_names, where, err);
}

// The line of names has been cut into fields; with Zeek's `#fields` in front of them.
static int take_names(struct wm_table *t, size_t in_front, struct wm_err *err)
{
	for (size_t i = 0; i < t->lines.text_len; i++)
		t->lines.text[i] = (char)tolower((unsigned char)t->lines.text[i]);
	t->n_names = t->lines.n_fields - in_front;
	return find_columns(t, t->lines.fields + in_front, t->n_names, err);
}

static bool begins_with(const struct wm_line *line, const char *text)
{
	return line->len >= strlen(text) && memcmp(line->at, text, strlen(text)) == 0;
}

// Names behind Zeek's other lines that begin with #.
static int start_zeek(struct wm_table *t, struct wm_line *line, struct wm_err *err)
{
	const char *wrong;
	int rc = 1;

	for (int n = 0; rc > 0 && n < COMMENTS_MAX && begins_with(line, "#") && !begins_with(line, "#fields\t"); n++)
		rc = wm_lines_read(&t->lines, line);
	if (rc < 0)
		return wm_err_sys(err, rc, "%s", t->path);
	if (rc == 0 || !begins_with(line, "#fields\t"))
		return wm_err_set(err, -EINVAL,
			"%s: line %llu: where the first line begins with #, Zeek's line \"#fields\" must follow",
			t->path, (unsigned long long)t->lines.line);
	wm_lines_separate(&t->lines, '\t', '\0');
	t->names = strndup((const char *)line->at, line->len);
	if (t->names == NULL)
		return wm_err_sys(err, -ENOMEM, "%s", t->path);
	wrong = wm_lines_cut(&t->lines, line);
	if (wrong != NULL)
		return wm_err_set(err, -EINVAL, "%s: line %llu %s", t->path, (unsigned long long)t->lines.line, wrong);
	return take_names(t, 1, err);
}

// Whether the next line begins with a date, where a line of names would not.
static bool at_ugr16_row(struct wm_table *t)
{
	static const char shape[] = "dddd-dd-dd dd:dd:dd,";
	const char *at;

	if (wm_input_need(&t->lines.in, sizeof(shape) - 1) < (int64_t)sizeof(shape) - 1)
		return false;
	at = (const char *)wm_input_at(&t->lines.in);
	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == 'd' ? at[i] < '0' || at[i] > '9' : at[i] != shape[i])
			return false;
	return true;
}

static int start(struct wm_table *t, struct wm_err *err)
{
	static const uint8_t utf8_mark[] = {0xef, 0xbb, 0xbf};
	const char *wrong;
	struct wm_line line;
	int rc;

	if (wm_input_need(&t->lines.in, sizeof(utf8_mark)) >= (int64_t)sizeof(utf8_mark)
		&& memcmp(wm_input_at(&t->lines.in), utf8_mark, sizeof(utf8_mark)) == 0)
		wm_input_skip(&t->lines.in, sizeof(utf8_mark));
	t->n_names = WM_COLUMNS_MAX;
	if (at_ugr16_row(t))
		return find_columns(t, wm_ugr16_columns, WM_UGR16_COLUMNS, err);
	rc = wm_lines_read(&t->lines, &line);
	if (rc < 0)
		return wm_err_sys(err, rc, "%s", t->path);
	if (rc == 0 && t->lines.in.problem[0] != '\0')
		return wm_err_set(err, t->lines.in.rc, "%s: %s", t->path, t->lines.in.problem);
	if (rc == 0)
		return wm_err_set(err, -ENODATA, "%s: the file is empty", t->path);
	if (begins_with(&line, "#"))
		return start_zeek(t, &line, err);
	if (memchr(line.at, '\t', line.len) != NULL && memchr(line.at, ',', line.len) == NULL)
		wm_lines_separate(&t->lines, '\t', '"');
	wrong = wm_lines_cut(&t->lines, &line);
	if (wrong != NULL)
		return wm_err_set(
			err, -EINVAL, "%s: line 1 %s: it must be a flow table's names of columns", t->path, wrong);
	return take_names(t, 0, err);
}

int wm_table_is_text(const char *path)
{
	struct wm_input in;
	struct stat st;
	int64_t there;
	int rc;

	if (strcmp(path, "-") == 0 || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	rc = wm_input_open(&in, path, NULL);
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	there = wm_input_need(&in, PROBE);
	if (there > 0) {
		const uint8_t *at = wm_input_at(&in);
		size_t n = in.end - in.pos < PROBE ? in.end - in.pos : PROBE, i = 0;

		while (i < n && (at[i] >= ' ' || (at[i] >= '\t' && at[i] <= '\r')))
			i++;
		rc = i == n;
	}
	wm_input_close(&in);
	return there < 0 ? -ENOMEM : rc;
}

int wm_table_open(struct wm_table **out, const char *path, struct wm_err *err)
{
	struct wm_table *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return wm_err_sys(err, -ENOMEM, "%s", path);
	rc = wm_lines_open(&t->lines, path, err);
	if (rc < 0)
		goto fail;
	rc = -ENOMEM;
	t->path = strdup(path);
	if (t->path == NULL) {
		(void)wm_err_sys(err, rc, "%s", path);
		goto fail;
	}
	rc = start(t, err);
	if (rc < 0)
		goto fail;
	*out = t;
	return 0;

fail:
	wm_table_close(t);
	return rc;
}

static const char *field(const struct wm_table *t, enum wm_column column)
{
	int at = t->columns.at[column];

	return at >= 0 && (size_t)at < t->lines.n_fields ? t->lines.fields[at] : "";
}

// What stands for nothing is 0: Zeek and CIDDS leave ports and durations out.
static double number_or_0(const struct wm_table *t, enum wm_column column)
{
	double v;

	return wm_value_number(&v, field(t, column)) ? v : 0;
}

static const char *text_of(const struct wm_table *t, enum wm_column column)
{
	const char *text = field(t, column);

	return t->columns.info.schema == WM_TABLE_ZEEK && strcmp(text, "-") == 0 ? "" : text;
}

static void to_capitals(struct wm_table *t, const char *text)
{
	for (char *p = *text != '\0' ? t->lines.text + (text - t->lines.text) : NULL; p != NULL && *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
}

static const char *address_of(const struct wm_table *t, enum wm_column column, char number[16])
{
	const char *text = text_of(t, column);

	return wm_value_address(number, text) ? number : text;
}

static bool take_sizes(const struct wm_table *t, struct wm_table_row *row)
{
	if (!t->columns.both_sides)
		return wm_value_number(&row->packets, field(t, WM_COL_PACKETS))
		       && wm_value_number(&row->bytes, field(t, WM_COL_BYTES));
	row->reply_packets = number_or_0(t, WM_COL_RESP_PACKETS);
	row->reply_bytes = number_or_0(t, WM_COL_RESP_BYTES);
	row->packets = number_or_0(t, WM_COL_ORIG_PACKETS) + row->reply_packets;
	row->bytes = number_or_0(t, WM_COL_ORIG_BYTES) + row->reply_bytes;
	return true;
}

static void take_duration(struct wm_table *t, struct wm_table_row *row)
{
	int64_t end_ns;

	if (t->columns.at[WM_COL_DURATION] != WM_COLUMN_NONE)
		row->duration_s = number_or_0(t, WM_COL_DURATION);
	else if (wm_value_time(&end_ns, &t->time_format, field(t, WM_COL_END)))
		row->duration_s = ((double)end_ns - (double)row->time_ns) / 1e9;
}

// @return what is wrong with a row that is cut into fields, and the column where it is; NULL.
static const char *take_row_values(struct wm_table *t, struct wm_table_row *row, enum wm_column *column)
{
	*row = (struct wm_table_row){.line = t->lines.line};
	*column = WM_COL_TIME;
	if (!wm_value_time(&row->time_ns, &t->time_format, field(t, WM_COL_TIME))) {
		t->counts.untimed++;
		return t->time_format.kind == WM_TIME_DATE     ? "is no date like 2016-04-11 00:03:17"
		       : t->time_format.kind == WM_TIME_NUMBER ? "is no number of seconds since 1970, or parts of them"
							       : "is no time";
	}
	if (!take_sizes(t, row)) {
		double v;

		*column = wm_value_number(&v, field(t, WM_COL_PACKETS)) ? WM_COL_BYTES : WM_COL_PACKETS;
		t->counts.uncounted++;
		return "is no number";
	}
	take_duration(t, row);
	row->sport = number_or_0(t, WM_COL_SPORT);
	row->dport = number_or_0(t, WM_COL_DPORT);
	row->src = address_of(t, WM_COL_SRC, t->src);
	row->dst = address_of(t, WM_COL_DST, t->dst);
	row->proto = text_of(t, WM_COL_PROTO);
	to_capitals(t, row->proto);
	for (int i = 0; i < WM_TABLE_CATEGORIES; i++)
		row->category[i] = field(t, (enum wm_column)(WM_COL_CATEGORY + i)); // "-" is one of its values
	t->counts.used++;
	return NULL;
}

static int ended(struct wm_table *t, struct wm_err *err)
{
	if (t->lines.in.problem[0] != '\0')
		(void)wm_err_set(
			&t->damage, 0, "behind line %llu: %s", (unsigned long long)t->lines.line, t->lines.in.problem);
	if (t->counts.used > 0)
		return 0;
	return wm_err_set(err, -ENODATA, "%s: no row can be used: %s", t->path,
		t->counts.rows > 0    ? t->fault.msg
		: *t->damage.msg != 0 ? t->damage.msg
				      : "there are none behind the names of the columns");
}

static void note_fault(struct wm_table *t, const char *wrong, enum wm_column column)
{
	if (t->fault.msg[0] != '\0')
		return;
	if (column == WM_COLUMNS)
		(void)wm_err_set(&t->fault, 0, "line %llu %s", (unsigned long long)t->lines.line, wrong);
	else
		(void)wm_err_set(&t->fault, 0, "line %llu: '%.40s' in the column for %s %s",
			(unsigned long long)t->lines.line, field(t, column), wm_column_name(column), wrong);
}

// Zeek's lines that begin with #: where logs were put together there may be names in the middle.
static void pass_comment(struct wm_table *t, const struct wm_line *line)
{
	if (!begins_with(line, "#fields\t") || (strlen(t->names) == line->len && begins_with(line, t->names)))
		return;
	(void)wm_err_set(&t->damage, 0, "line %llu: the columns are others than before; give such logs one by one",
		(unsigned long long)t->lines.line);
}

int wm_table_next(struct wm_table *t, struct wm_table_row *row, struct wm_err *err)
{
	struct wm_line line;
	int rc;

	while (t->damage.msg[0] == '\0' && (rc = wm_lines_read(&t->lines, &line)) != 0) {
		enum wm_column column = WM_COLUMNS;
		const char *wrong;

		if (rc < 0)
			return wm_err_sys(err, rc, "%s", t->path);
		if (t->names != NULL && begins_with(&line, "#")) {
			pass_comment(t, &line);
			continue;
		}
		wrong = wm_lines_cut(&t->lines, &line);
		if (wrong == NULL && t->lines.n_fields == 0) // an empty line
			continue;
		t->counts.rows++;
		if (wrong == NULL && t->lines.n_fields > t->n_names)
			wrong = "has more fields than there are columns";
		if (wrong != NULL)
			t->counts.misshapen++;
		else
			wrong = take_row_values(t, row, &column);
		if (wrong == NULL)
			return 1;
		note_fault(t, wrong, column);
	}
	return ended(t, err);
}

const struct wm_table_info *wm_table_info(const struct wm_table *t)
{
	return &t->columns.info;
}

const struct wm_table_counts *wm_table_counts(const struct wm_table *t)
{
	return &t->counts;
}

const char *wm_table_fault(const struct wm_table *t)
{
	return t->fault.msg[0] != '\0' ? t->fault.msg : NULL;
}

const char *wm_table_damage(const struct wm_table *t)
{
	return t->damage.msg[0] != '\0' ? t->damage.msg : NULL;
}

void wm_table_progress(const struct wm_table *t, uint64_t *done, uint64_t *all)
{
	*done = t->lines.in.n_read;
	*all = t->lines.in.n_all;
}

void wm_table_close(struct wm_table *t)
{
	if (t == NULL)
		return;
	wm_lines_close(&t->lines);
	free(t->path);
	free(t->names);
	free(t);
}
