// SPDX-License-Identifier: BSD-3-Clause
#include <dataset/lines.h>

#include <errno.h>
#include <string.h>

enum { STRICT = CSV_STRICT | CSV_STRICT_FINI };

int wm_lines_open(struct wm_lines *l, const char *path, struct wm_err *err)
{
	if (csv_init(&l->csv, STRICT) != 0)
		return wm_err_sys(err, -ENOMEM, "%s", path);
	l->ready = true;
	return wm_input_open(&l->in, path, err);
}

void wm_lines_close(struct wm_lines *l)
{
	wm_input_close(&l->in);
	if (l->ready)
		csv_free(&l->csv);
	l->ready = false;
}

void wm_lines_separate(struct wm_lines *l, char delimiter, char quote)
{
	csv_set_delim(&l->csv, (unsigned char)delimiter);
	csv_set_quote(&l->csv, (unsigned char)quote);
}

static void skip_rest_of_line(struct wm_lines *l)
{
	int64_t have;

	while ((have = wm_input_need(&l->in, 1)) > 0) {
		const uint8_t *at = wm_input_at(&l->in), *end = memchr(at, '\n', (size_t)have);

		wm_input_skip(&l->in, end != NULL ? (size_t)(end - at) + 1 : (size_t)have);
		if (end != NULL)
			return;
	}
}

int wm_lines_read(struct wm_lines *l, struct wm_line *line)
{
	const uint8_t *end = NULL;
	size_t have = 0, seen;

	*line = (struct wm_line){0};
	do {
		int64_t got = wm_input_need(&l->in, have + 1);

		if (got < 0)
			return (int)got;
		seen = have;
		have = (size_t)got;
		line->at = wm_input_at(&l->in);
		if (have > seen)
			end = memchr(line->at + seen, '\n', have - seen);
	} while (end == NULL && have > seen && have < WM_LINE_MAX);
	if (have == 0 || (end == NULL && have < WM_LINE_MAX && l->in.problem[0] != '\0'))
		return 0;
	l->line++;
	line->len = end != NULL ? (size_t)(end - line->at) : have;
	if (line->len >= WM_LINE_MAX) {
		line->too_long = true;
		line->len = 0;
		skip_rest_of_line(l);
		return 1;
	}
	wm_input_skip(&l->in, line->len + (end != NULL));
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	return 1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static void take_field(void *s, size_t len, void *arg)
{
	struct wm_lines *l = arg;
	const char *text = s;

	if (l->n_fields < WM_COLUMNS_MAX)
		l->fields[l->n_fields] = l->text + l->text_len;
	l->n_fields++;
	for (; len > 0 && is_space(text[len - 1]); len--)
		; // the parser leaves spaces inside quotes
	for (; len > 0 && is_space(*text); len--)
		text++;
	if (len > 0)
		memcpy(l->text + l->text_len, text, len);
	l->text_len += len;
	l->text[l->text_len++] = '\0';
}

static void take_row(int end, void *arg)
{
	struct wm_lines *l = arg;

	(void)end;
	l->n_rows++;
}

const char *wm_lines_cut(struct wm_lines *l, const struct wm_line *line)
{
	l->text_len = l->n_fields = l->n_rows = 0;
	if (line->too_long)
		return "is longer than 64 KiB";
	if (memchr(line->at, '\0', line->len) != NULL)
		return "holds a NUL byte";
	if (csv_parse(&l->csv, line->at, line->len, take_field, take_row, l) < line->len
		|| csv_fini(&l->csv, take_field, take_row, l) != 0) {
		(void)csv_set_opts(&l->csv, 0); // as it was before the line
		(void)csv_fini(&l->csv, NULL, NULL, NULL);
		(void)csv_set_opts(&l->csv, STRICT);
		return "has a quote that does not close, or one in the middle of a field";
	}
	if (l->n_rows > 1)
		return "has a carriage return in its middle";
	return l->n_fields > WM_COLUMNS_MAX ? "has more than 256 fields" : NULL;
}
