// SPDX-License-Identifier: BSD-3-Clause
#include <dataset/columns.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ALIASES = 8 };

const char *const wm_ugr16_columns[WM_UGR16_COLUMNS] = {
	"te", "td", "sa", "da", "sp", "dp", "pr", "flg", "fwd", "stos", "pkt", "byt", "label"};

// What a column may be called; where a table has several of these, the first one counts.
static const char *const names_of[WM_COLUMNS][ALIASES] = {
	[WM_COL_TIME] = {"ts", "te", "date first seen", "stime", "start_time", "timestamp", "start"},
	[WM_COL_DURATION] = {"td", "duration", "dur"},
	[WM_COL_SRC] = {"sa", "srcip", "src ip addr", "id.orig_h", "src_ip", "src"},
	[WM_COL_DST] = {"da", "dstip", "dst ip addr", "id.resp_h", "dst_ip", "dst"},
	[WM_COL_SPORT] = {"sp", "srcport", "src pt", "id.orig_p", "src_port", "sport"},
	[WM_COL_DPORT] = {"dp", "dstport", "dst pt", "id.resp_p", "dst_port", "dport"},
	[WM_COL_PROTO] = {"pr", "proto", "protocol"},
	[WM_COL_PACKETS] = {"pkt", "packets", "pkts"},
	[WM_COL_BYTES] = {"byt", "bytes"},
	[WM_COL_END] = {"end"},
	[WM_COL_ORIG_PACKETS] = {"orig_pkts"},
	[WM_COL_RESP_PACKETS] = {"resp_pkts"},
	[WM_COL_ORIG_BYTES] = {"orig_ip_bytes"},
	[WM_COL_RESP_BYTES] = {"resp_ip_bytes"},
	[WM_COL_CATEGORY + WM_TABLE_FLAGS] = {"flg", "flags"},
	[WM_COL_CATEGORY + WM_TABLE_TOS] = {"stos", "tos"},
	[WM_COL_CATEGORY + WM_TABLE_FORWARDED] = {"fwd"},
	[WM_COL_CATEGORY + WM_TABLE_LABEL] = {"label", "class"},
	[WM_COL_CATEGORY + WM_TABLE_TYPE] = {"type", "attacktype", "detailed-label"},
	[WM_COL_CATEGORY + WM_TABLE_SERVICE] = {"service"},
	[WM_COL_CATEGORY + WM_TABLE_STATE] = {"conn_state"},
};

// A schema is told by a name that no other one has.
static const struct {
	const char *mark;
	enum wm_table_schema schema;
	const char *name;
} schemas[] = {
	{"id.orig_h", WM_TABLE_ZEEK, "zeek"},
	{"date first seen", WM_TABLE_CIDDS, "cidds"},
	{"srcip", WM_TABLE_NETSHARE, "netshare"},
	{"start", WM_TABLE_LABELS, "labels"},
};

static int place_of(const char *const *names, size_t n_names, const char *name)
{
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return WM_COLUMN_NONE;
}

static int place_of_any(const char *const *names, size_t n_names, const char *const aliases[ALIASES])
{
	int at = WM_COLUMN_NONE;

	for (size_t i = 0; i < ALIASES && aliases[i] != NULL && at == WM_COLUMN_NONE; i++)
		at = place_of(names, n_names, aliases[i]);
	return at;
}

static bool is_there(const struct wm_columns *c, enum wm_column column)
{
	if (c->at[column] != WM_COLUMN_NONE)
		return true;
	if (column == WM_COL_DURATION)
		return c->at[WM_COL_END] != WM_COLUMN_NONE;
	return c->both_sides && (column == WM_COL_PACKETS || column == WM_COL_BYTES);
}

static int missing(enum wm_column column, const char *where, struct wm_err *err)
{
	char list[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < ALIASES && names_of[column][i] != NULL; i++)
		used += (size_t)snprintf(
			list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "", names_of[column][i]);
	return wm_err_set(err, -EINVAL, "%s: a flow table needs a column for %s, called any of: %s", where,
		wm_column_name(column), list);
}

int wm_columns_find(
	struct wm_columns *out, const char *const *names, size_t n_names, const char *where, struct wm_err *err)
{
	struct wm_columns c = {.info = {.schema = WM_TABLE_UGR16, .name = "ugr16"}};

	for (size_t i = sizeof(schemas) / sizeof(schemas[0]); i > 0; i--) {
		if (place_of(names, n_names, schemas[i - 1].mark) == WM_COLUMN_NONE)
			continue;
		c.info.schema = schemas[i - 1].schema;
		c.info.name = schemas[i - 1].name;
	}
	for (int i = 0; i < WM_COLUMNS; i++)
		c.at[i] = place_of_any(names, n_names, names_of[i]);
	c.both_sides = true;
	for (int i = WM_COL_ORIG_PACKETS; i <= WM_COL_RESP_BYTES; i++)
		c.both_sides = c.both_sides && c.at[i] != WM_COLUMN_NONE;
	for (int i = 0; i < WM_COL_NEEDED; i++)
		if (!is_there(&c, (enum wm_column)i))
			return missing((enum wm_column)i, where, err);
	for (int i = 0; i < WM_TABLE_CATEGORIES; i++)
		c.info.has[i] = c.at[WM_COL_CATEGORY + i] != WM_COLUMN_NONE;
	c.info.both_sides = c.both_sides;
	c.info.time_is_end = strcmp(names[c.at[WM_COL_TIME]], "te") == 0;
	*out = c;
	return 0;
}

const char *wm_column_name(enum wm_column column)
{
	static const char *const needed[WM_COL_NEEDED] = {"the time", "the duration", "the source address",
		"the destination address", "the source port", "the destination port", "the protocol", "the packets",
		"the bytes"};

	// cppcheck-suppress arrayIndexOutOfBoundsCond ; it takes the other branch's index for this one's
	return column < WM_COL_NEEDED ? needed[column] : names_of[column][0];
}
