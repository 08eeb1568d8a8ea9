// SPDX-License-Identifier: BSD-3-Clause
#include <dataset/lora.h>

#include <base/grow.h>
#include <capture/capture.h>
#include <dataset/dataset.h>
#include <dataset/lines.h>
#include <dataset/values.h>
#include <packet/dissect.h>

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TELL_EVERY = 1 << 14, GATEWAYS_MAX = UINT16_MAX };

struct reading {
	const struct wm_dataset_options *options;
	struct wm_receptions set;
	size_t cap, cap_gateways;
	struct wm_dataset_counts counts;
	struct wm_err damage;
	uint64_t done; // bytes of the files before this one
};

// FNV-1a (Fowler, Noll, Vo) of 64 bits.
static uint64_t digest_of(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

static int64_t place_gateway(struct reading *r, uint64_t eui)
{
	struct wm_receptions *s = &r->set;

	for (size_t i = s->n_gateways; i-- > 0;)
		if (s->gateways[i] == eui)
			return (int64_t)i;
	if (s->n_gateways == GATEWAYS_MAX)
		return -ENOSPC;
	if (wm_grow((void **)&s->gateways, &r->cap_gateways, s->n_gateways + 1, sizeof(*s->gateways)) < 0)
		return -ENOMEM;
	s->gateways[s->n_gateways] = eui;
	return (int64_t)s->n_gateways++;
}

static int keep(struct reading *r, uint64_t time_ns, uint64_t eui, const struct wm_lora *l, const uint8_t *phy)
{
	struct wm_receptions *s = &r->set;
	int64_t gateway = place_gateway(r, eui);

	if (gateway == -ENOSPC) {
		r->counts.form_full++;
		return 0;
	}
	if (gateway < 0 || s->n >= UINT32_MAX || wm_grow((void **)&s->at, &r->cap, s->n + 1, sizeof(*s->at)) < 0)
		return -ENOMEM;
	s->at[s->n] = (struct wm_reception){.time_ns = time_ns, .digest = digest_of(phy, l->len), .lora = *l};
	s->at[s->n++].lora.gateway = (uint16_t)gateway;
	r->counts.used++;
	return 0;
}

static void note_damage(struct reading *r, const char *path, const char *sentence)
{
	if (sentence != NULL && r->counts.damaged++ == 0)
		(void)wm_err_set(&r->damage, 0, "%s: %s", path, sentence);
}

static void tell(struct reading *r, uint64_t done, uint64_t all)
{
	if (r->options->progress != NULL)
		r->options->progress(r->options->arg, r->done + done, all);
}

// ---------------------------------------------------------------------------------------------- captures

static int take_packet(struct reading *r, const struct wm_capture_packet *rec)
{
	struct wm_lora l;
	uint64_t eui;
	size_t phy;
	int version;

	if (rec->link != WM_LINK_LORATAP) {
		r->counts.unknown_link++;
		return 0;
	}
	version = rec->cap_len == rec->len ? wm_loratap_read(&l, &eui, &phy, rec->data, rec->cap_len) : -EINVAL;
	if (version < 0) {
		r->counts.truncated++;
		return 0;
	}
	if ((unsigned)version > r->set.loratap)
		r->set.loratap = (unsigned)version;
	return keep(r, rec->time_ns, eui, &l, rec->data + phy);
}

static void count_capture(struct reading *r, const struct wm_capture *c, const char *path)
{
	const struct wm_capture_counts *n = wm_capture_counts(c);
	uint64_t done, all;

	r->counts.packets += n->packets + n->untimed;
	r->counts.filtered += n->filtered;
	r->counts.untimed += n->untimed;
	r->counts.odd += n->odd_times + n->odd_lens;
	r->counts.bad_blocks += n->bad_blocks;
	note_damage(r, path, wm_capture_damage(c));
	wm_capture_progress(c, &done, &all);
	r->done += done;
}

static int read_capture(struct reading *r, const char *path, struct wm_err *err)
{
	struct wm_capture *c = NULL;
	struct wm_capture_packet rec;
	uint64_t last_ns = 0;
	int rc = wm_capture_open(&c, path, err);

	if (rc == 0 && r->options->filter != NULL)
		rc = wm_capture_filter(c, r->options->filter, err);
	for (uint64_t n = 1; rc >= 0 && (rc = wm_capture_next(c, &rec, err)) > 0; n++) {
		rc = take_packet(r, &rec);
		if (rc < 0)
			(void)wm_err_sys(err, rc, "%s", path);
		r->counts.backwards += rec.time_ns < last_ns;
		last_ns = rec.time_ns;
		if (n % TELL_EVERY == 0) {
			uint64_t done, all;

			wm_capture_progress(c, &done, &all);
			tell(r, done, all);
		}
	}
	if (rc == 0)
		count_capture(r, c, path);
	wm_capture_close(c);
	return rc;
}

// ---------------------------------------------------------------------------------------------- tables

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
static void refuse_row(struct reading *r, struct table *t, enum column column, const char *wrong)
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

static int take_row(struct reading *r, struct table *t, uint64_t *last_ns)
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
	return keep(r, (uint64_t)time_ns, eui, &l, phy);
}

static int read_rows(struct reading *r, struct table *t, struct wm_err *err)
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
		if (++n % TELL_EVERY == 0)
			tell(r, t->lines.in.n_read, t->lines.in.n_all);
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

static int read_table(struct reading *r, const char *path, struct wm_err *err)
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
		note_damage(r, path, t->lines.in.problem);
	if (rc == 0 && r->counts.used == used && t->fault.msg[0] != '\0')
		rc = wm_err_set(err, -ENODATA, "%s: no row can be used: %s", path, t->fault.msg);
	r->done += t->lines.in.n_read;
	wm_lines_close(&t->lines);
	free(t);
	return rc;
}

// ---------------------------------------------------------------------------------------------- files

static bool is_table(const char *path)
{
	struct table *t = calloc(1, sizeof(*t));
	bool is = t != NULL && open_table(t, path, NULL) == 0;

	if (t != NULL)
		wm_lines_close(&t->lines);
	free(t);
	return is;
}

static bool is_capture(const char *path)
{
	struct wm_capture *c = NULL;
	struct wm_capture_packet rec;
	bool is = wm_capture_open(&c, path, NULL) == 0 && wm_capture_next(c, &rec, NULL) > 0
		  && rec.link == WM_LINK_LORATAP;

	wm_capture_close(c);
	return is;
}

bool wm_lora_is(const char *path)
{
	return strcmp(path, "-") != 0 && (is_capture(path) || is_table(path));
}

struct order {
	uint64_t time_ns;
	size_t i;
};

static int by_time(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

// A stable sort by time, which then counts from the first.
static int sort_by_time(struct wm_receptions *s, uint64_t *first_ns)
{
	struct order *order = calloc(s->n, sizeof(*order));
	struct wm_reception *sorted = calloc(s->n, sizeof(*sorted));

	if (order == NULL || sorted == NULL) {
		free(order);
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->n; i++)
		order[i] = (struct order){s->at[i].time_ns, i};
	qsort(order, s->n, sizeof(*order), by_time);
	*first_ns = order[0].time_ns;
	for (size_t i = 0; i < s->n; i++) {
		sorted[i] = s->at[order[i].i];
		sorted[i].time_ns -= *first_ns;
	}
	free(order);
	free(s->at);
	s->at = sorted;
	return 0;
}

static int no_data(const struct reading *r, const char *path, struct wm_err *err)
{
	if (r->counts.damaged > 0)
		return wm_err_set(err, -ENODATA, "%s; no reception before that can be used", r->damage.msg);
	return wm_err_set(err, -ENODATA,
		"%s: no LoRa receptions that can be used: %llu not matched by the filter, %llu of another link type, "
		"%llu cut short or senseless",
		path, (unsigned long long)r->counts.filtered, (unsigned long long)r->counts.unknown_link,
		(unsigned long long)r->counts.truncated);
}

int wm_lora_read(struct wm_dataset *out, const char *const *paths, size_t n_paths,
	const struct wm_dataset_options *options, struct wm_err *err)
{
	struct reading r = {.options = options};
	struct wm_dataset ds = {0};
	int rc = 0;

	for (size_t i = 0; i < n_paths && rc == 0; i++) {
		bool capture = is_capture(paths[i]);

		if (!capture && !is_table(paths[i]))
			rc = wm_err_set(err, -EINVAL, "%s: holds no LoRa receptions, as %s does: learn from each alone",
				paths[i], paths[0]);
		else
			rc = capture ? read_capture(&r, paths[i], err) : read_table(&r, paths[i], err);
	}
	if (rc == 0 && r.set.n == 0)
		rc = no_data(&r, n_paths > 0 ? paths[0] : "dataset", err);
	if (rc == 0 && sort_by_time(&r.set, &ds.first_ns) < 0)
		rc = wm_err_sys(err, -ENOMEM, "dataset of %zu receptions", r.set.n);
	if (rc != 0) {
		wm_receptions_free(&r.set);
		return rc;
	}
	ds.lora = r.set;
	ds.duration_ns = r.set.at[r.set.n - 1].time_ns;
	ds.counts = r.counts;
	ds.damage = r.damage;
	*out = ds;
	return 0;
}

void wm_receptions_free(struct wm_receptions *r)
{
	free(r->at);
	free(r->gateways);
	*r = (struct wm_receptions){0};
}
