// SPDX-License-Identifier: BSD-3-Clause
#include <dataset/lora_pvt.h>

#include <dataset/lines.h>
#include <dataset/values.h>

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column {
	COL_TIME,
	COL_PAYLOAD,
	COL_FREQUENCY,
	COL_SF,
	COL_NEEDED,
	COL_GATEWAY = COL_NEEDED,
	COL_CRC,
	COL_BANDWIDTH,
	COL_CODE_RATE,
	COL_RSSI,
	COL_SNR,
	COLUMNS,
};

static const char *const column_names[COLUMNS] = {"time", "physical_payload", "frequency", "spreading_factor",
	"gateway", "crc_status", "bandwidth", "code_rate", "rssi", "snr"};

struct table {
	struct wm_lines lines;
	const char *path;
	int at[COLUMNS]; // place in a row, or -1
	size_t n_names;
	struct wm_time_format time_format;
	uint64_t rows;
	struct wm_err fault; // about the first row that was not used
};

// Whether the line that was cut names the columns of a table of receptions.
static bool find_columns(struct table *t)
{
	for (int c = 0; c < COLUMNS; c++)
		t->at[c] = -1;
	t->n_names = t->lines.n_fields;
	for (size_t i = 0; i < t->lines.text_len; i++)
		t->lines.text[i] = (char)tolower((unsigned char)t->lines.text[i]);
	for (size_t i = t->n_names; i-- > 0;)
		for (int c = 0; c < COLUMNS; c++)
			if (strcmp(t->lines.fields[i], column_names[c]) == 0)
				t->at[c] = (int)i;
	return t->at[COL_PAYLOAD] >= 0;
}

static const char *field(const struct table *t, enum column column)
{
	int at = t->at[column];

	return at >= 0 && (size_t)at < t->lines.n_fields ? t->lines.fields[at] : "";
}

static int base64_digit(char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at != NULL ? (int)(at - alphabet) : -1;
}

// RFC 4648 section 4; padding may be left out. @return bytes; 0 if it is none, or longer than max.
static size_t read_base64(uint8_t *out, size_t max, const char *text)
{
	size_t n = 0;
	uint32_t v = 0;
	unsigned bits = 0;

	for (; *text != '\0' && *text != '='; text++) {
		int digit = base64_digit(*text);

		if (digit < 0)
			return 0;
		v = v << 6 | (uint32_t)digit;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			if (n == max)
				return 0;
			out[n++] = (uint8_t)(v >> bits);
		}
	}
	return text[strspn(text, "=")] == '\0' ? n : 0;
}

// A number in lo..hi. @return whether it is; without the column, what is taken for granted.
static bool number(double *out, const struct table *t, enum column column, double lo, double hi, double otherwise)
{
	*out = otherwise;
	if (t->at[column] < 0)
		return true;
	return wm_value_number(out, field(t, column)) && *out >= lo && *out <= hi;
}

static bool code_rate(uint8_t *out, const char *text)
{
	*out = WM_LORA_CR_MIN;
	if (*text == '\0')
		return true;
	if (strncmp(text, "4/", 2) != 0 || text[2] < '5' || text[2] > '8' || text[3] != '\0')
		return false;
	*out = (uint8_t)(text[2] - '0');
	return true;
}

static bool gateway(uint64_t *out, const char *text)
{
	char *end;

	*out = 0;
	if (strlen(text) > 16 || text[strspn(text, "0123456789abcdefABCDEF")] != '\0')
		return false;
	*out = *text != '\0' ? strtoull(text, &end, 16) : 0;
	return true;
}

// @return what column is at fault, or COLUMNS.
static enum column read_radio(struct wm_lora *l, uint64_t *eui, const struct table *t)
{
	double freq, sf, bandwidth, crc, rssi, snr;

	if (!number(&freq, t, COL_FREQUENCY, 1, 4e9, 0))
		return COL_FREQUENCY;
	if (!number(&sf, t, COL_SF, 5, 12, 0))
		return COL_SF;
	if (!number(&bandwidth, t, COL_BANDWIDTH, 125, 500, 125))
		return COL_BANDWIDTH;
	if (!number(&crc, t, COL_CRC, -1, 1, 1))
		return COL_CRC;
	if (!number(&rssi, t, COL_RSSI, -200, 60, -100))
		return COL_RSSI;
	if (!number(&snr, t, COL_SNR, -31, 31, 0))
		return COL_SNR;
	if (!code_rate(&l->cr, field(t, COL_CODE_RATE)))
		return COL_CODE_RATE;
	if (!gateway(eui, field(t, COL_GATEWAY)))
		return COL_GATEWAY;
	l->freq_hz = (uint32_t)llround(freq < 1e4 ? freq * 1e6 : freq); // MHz or Hz
	l->sf = (uint8_t)sf;
	l->bw = (uint8_t)(bandwidth / 125);
	l->crc = crc > 0 ? WM_LORA_CRC_GOOD : crc < 0 ? WM_LORA_CRC_BAD : WM_LORA_CRC_NONE;
	l->rssi = (int16_t)lround(rssi);
	l->snr = (int8_t)lround(4 * snr);
	l->sync = WM_LORA_SYNC;
	return COLUMNS;
}

// Rows that cannot be used are counted as packets that were cut short or make no sense.
static void refuse_row(struct wm_lora_reading *r, struct table *t, enum column column, const char *wrong)
{
	r->counts.truncated++;
	if (t->fault.msg[0] != '\0')
		return;
	if (column == COLUMNS)
		(void)wm_err_set(&t->fault, 0, "line %llu %s", (unsigned long long)t->lines.line, wrong);
	else
		(void)wm_err_set(&t->fault, 0, "line %llu: '%.40s' in column %s %s", (unsigned long long)t->lines.line,
			field(t, column), column_names[column], wrong);
}

static int take_row(struct wm_lora_reading *r, struct table *t, uint64_t *last_ns)
{
	uint8_t phy[WM_PHY_MAX];
	size_t n = read_base64(phy, sizeof(phy), field(t, COL_PAYLOAD));
	struct wm_lora l = {0};
	enum column wrong;
	int64_t time_ns;
	uint64_t eui;

	if (!wm_value_time(&time_ns, &t->time_format, field(t, COL_TIME)) || time_ns < 0) {
		refuse_row(r, t, COL_TIME, "is no time since 1970");
		return 0;
	}
	if (n == 0) {
		refuse_row(r, t, COL_PAYLOAD, "is no base64 of 1 to 255 bytes");
		return 0;
	}
	wrong = read_radio(&l, &eui, t);
	if (wrong != COLUMNS) {
		refuse_row(r, t, wrong, "cannot be");
		return 0;
	}
	wm_phy_read(&l, phy, n);
	r->counts.backwards += (uint64_t)time_ns < *last_ns;
	*last_ns = (uint64_t)time_ns;
	return wm_lora_keep(r, (uint64_t)time_ns, eui, &l, phy);
}

static int read_rows(struct wm_lora_reading *r, struct table *t, struct wm_err *err)
{
	uint64_t last_ns = 0, n = 0;
	struct wm_line line;
	int rc;

	while ((rc = wm_lines_read(&t->lines, &line)) > 0) {
		const char *wrong = wm_lines_cut(&t->lines, &line);

		if (wrong == NULL && t->lines.n_fields == 0)
			continue;
		r->counts.packets++;
		if (wrong == NULL && t->lines.n_fields > t->n_names)
			wrong = "has more fields than there are columns";
		if (wrong != NULL)
			refuse_row(r, t, COLUMNS, wrong);
		else
			rc = take_row(r, t, &last_ns);
		if (rc < 0)
			break;
		if (++n % WM_LORA_TELL_EVERY == 0)
			wm_lora_tell(r, t->lines.in.n_read, t->lines.in.n_all);
	}
	return rc < 0 ? wm_err_sys(err, rc, "%s", t->path) : 0;
}

// A table whose first line has been cut into names. @return 0; -EINVAL with a sentence.
static int check_columns(const struct table *t, struct wm_err *err)
{
	for (int c = 0; c < COL_NEEDED; c++)
		if (t->at[c] < 0)
			return wm_err_set(err, -EINVAL,
				"%s: a table of LoRa receptions needs a column '%s' beside physical_payload", t->path,
				column_names[c]);
	return 0;
}

static int open_table(struct table *t, const char *path, struct wm_err *err)
{
	struct wm_line line;
	int rc = wm_lines_open(&t->lines, path, err);

	t->path = path;
	if (rc < 0)
		return rc;
	rc = wm_lines_read(&t->lines, &line);
	if (rc < 0)
		return wm_err_sys(err, rc, "%s", path);
	if (rc == 0 || wm_lines_cut(&t->lines, &line) != NULL || !find_columns(t))
		return wm_err_set(err, -EINVAL, "%s: its first line names no column physical_payload", path);
	return 0;
}

int wm_lora_read_table(struct wm_lora_reading *r, const char *path, struct wm_err *err)
{
	struct table *t = calloc(1, sizeof(*t));
	uint64_t used = r->counts.used;
	int rc;

	if (t == NULL)
		return wm_err_sys(err, -ENOMEM, "%s", path);
	rc = open_table(t, path, err);
	if (rc == 0)
		rc = check_columns(t, err);
	if (rc == 0)
		rc = read_rows(r, t, err);
	if (rc == 0 && t->lines.in.problem[0] != '\0')
		wm_lora_damaged(r, path, t->lines.in.problem);
	if (rc == 0 && r->counts.used == used && t->fault.msg[0] != '\0')
		rc = wm_err_set(err, -ENODATA, "%s: no row can be used: %s", path, t->fault.msg);
	r->done += t->lines.in.n_read;
	wm_lines_close(&t->lines);
	free(t);
	return rc;
}

int wm_lora_is_table(const char *path)
{
	struct table *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return -ENOMEM;
	rc = open_table(t, path, NULL);
	wm_lines_close(&t->lines);
	free(t);
	return rc == -ENOMEM ? rc : rc == 0;
}
