// SPDX-License-Identifier: BSD-3-Clause
#include <engine/rows/columns.h>

#include <stddef.h>
#include <string.h>

// What a row's values may depend on besides those of the row itself.
#define BEFORE                                                                                                         \
	ROWS_APP, ROWS_CLIENT, ROWS_SERVER, ROWS_INDEX, ROWS_NEXT, ROWS_SLOT, ROWS_P_NEXT, ROWS_P_CATEGORY,            \
		ROWS_P_CATEGORY + WM_TABLE_STATE, ROWS_P_CATEGORY + WM_TABLE_LABEL, ROWS_P_PKT, ROWS_P_PKT_OCT,        \
		ROWS_P_BYT, ROWS_P_BYT_OCT, ROWS_P_TD, ROWS_WAIT, ROWS_S_CATEGORY, ROWS_S_PKT, ROWS_S_BYT, ROWS_S_TD
#define CATEGORIES                                                                                                     \
	ROWS_CATEGORY, ROWS_CATEGORY + 1, ROWS_CATEGORY + 2, ROWS_CATEGORY + 3, ROWS_CATEGORY + 4, ROWS_CATEGORY + 5,  \
		ROWS_CATEGORY + 6
#define SIZES ROWS_PKT, ROWS_PKT_OCT, ROWS_RPKT, ROWS_RPKT_OCT, ROWS_BYT, ROWS_BYT_OCT, ROWS_RBYT
#define END ROWS_COLUMNS

// A category given those before it.
#define ROWS_CATEGORY_FIELD(text, i, ...)                                                                              \
	{                                                                                                              \
		text, ROWS_CATEGORY + (i), 1, {ROWS_PROTO}, .given = {                                                 \
			BEFORE,                                                                                        \
			ROWS_PORTS,                                                                                    \
			ROWS_P_CATEGORY + (i),                                                                         \
			ROWS_S_CATEGORY + (i),                                                                         \
			__VA_ARGS__ END                                                                                \
		}                                                                                                      \
	}
#define C(i) (ROWS_CATEGORY + (i))

const struct rows_field rows_fields[ROWS_FIELDS] = {
	[ROWS_F_GAP] = {"gap", ROWS_GAP, 0, {0},
		.n_first = 1, // the load follows the clock
		.given = {ROWS_SLOT, ROWS_P1_GAP, ROWS_P2_GAP, ROWS_P1_CLIENT, ROWS_P1_SERVER, ROWS_P1_APP,
			ROWS_P2_CLIENT, ROWS_P2_APP, END}},
	[ROWS_F_GAP_X] = {"gap_exact", ROWS_GAP_X, 1, {ROWS_GAP},
		.given = {ROWS_P1_APP, ROWS_P1_CLIENT, ROWS_P1_GAP, END}},
	[ROWS_F_CLIENT] = {"client", ROWS_CLIENT_REF, 0, {0},
		.given = {ROWS_SLOT, ROWS_GAP, ROWS_P1_GAP, ROWS_P1_CLIENT, ROWS_P1_SERVER, ROWS_P1_APP, ROWS_P2_CLIENT,
			ROWS_P2_SERVER, ROWS_P2_APP, END}},
	[ROWS_F_SERVER] = {"server", ROWS_SERVER_REF, 1, {ROWS_CLIENT},
		.given = {ROWS_SLOT, ROWS_GAP, ROWS_CLIENT_REF, ROWS_L_SERVER, ROWS_L_APP, ROWS_P1_CLIENT,
			ROWS_P1_SERVER, ROWS_P1_APP, ROWS_P2_SERVER, END}},
	[ROWS_F_APP] = {"app", ROWS_APP, 0, {0},
		.given = {ROWS_SLOT, ROWS_GAP, ROWS_CLIENT, ROWS_CLIENT_REF, ROWS_SERVER, ROWS_SERVER_REF,
			ROWS_L_SERVER, ROWS_L_APP, ROWS_P1_CLIENT, ROWS_P1_SERVER, ROWS_P1_APP, ROWS_P2_APP, END}},
	[ROWS_F_PORT] = {"port", ROWS_PORT, 0, {0},
		.given = {ROWS_APP, ROWS_PROTO, ROWS_CLIENT, ROWS_CLIENT_REF, ROWS_SERVER, ROWS_SERVER_REF, ROWS_L_APP,
			ROWS_L_SERVER, ROWS_GAP, ROWS_P1_APP, ROWS_P1_SERVER, END}},
	[ROWS_F_NEXT] = {"next", ROWS_NEXT, 0, {0},
		.given = {ROWS_APP, ROWS_PROTO, ROWS_CLIENT, ROWS_SERVER, ROWS_INDEX, ROWS_SLOT, ROWS_GAP, ROWS_P_NEXT,
			ROWS_P_PORTS, ROWS_P_WAIT, ROWS_P_CATEGORY, ROWS_P_CATEGORY + WM_TABLE_STATE, ROWS_P_PKT,
			ROWS_P_PKT_OCT, ROWS_P_BYT, ROWS_P_BYT_OCT, ROWS_P_TD, END}},
	[ROWS_F_WAIT] = {"wait", ROWS_WAIT, 0, {0},
		.given = {ROWS_APP, ROWS_PROTO, ROWS_CLIENT, ROWS_SERVER, ROWS_INDEX, ROWS_SLOT, ROWS_NEXT, ROWS_P_NEXT,
			ROWS_P_PORTS, ROWS_P_WAIT, ROWS_P_CATEGORY, ROWS_P_CATEGORY + WM_TABLE_STATE, ROWS_P_PKT,
			ROWS_P_PKT_OCT, ROWS_P_BYT, ROWS_P_BYT_OCT, ROWS_P_TD, END}},
	[ROWS_F_WAIT_X] = {"wait_exact", ROWS_WAIT_X, 1, {ROWS_WAIT},
		.given = {ROWS_APP, ROWS_CLIENT, ROWS_SERVER, ROWS_P_TD, ROWS_NEXT, END}},
	[ROWS_F_PORTS] = {"ports", ROWS_PORTS, 1, {ROWS_PROTO},
		.given = {ROWS_CLIENT, ROWS_SERVER, ROWS_INDEX, ROWS_NEXT, ROWS_SLOT, ROWS_P_NEXT, ROWS_P_PORTS,
			ROWS_WAIT, END}},
	[ROWS_F_CATEGORY + 0] = ROWS_CATEGORY_FIELD("flags", 0, ),
	[ROWS_F_CATEGORY + 1] = ROWS_CATEGORY_FIELD("tos", 1, C(0), ),
	[ROWS_F_CATEGORY + 2] = ROWS_CATEGORY_FIELD("forwarded", 2, C(0), C(1), ),
	[ROWS_F_CATEGORY + 3] = ROWS_CATEGORY_FIELD("label", 3, C(0), C(1), C(2), ),
	[ROWS_F_CATEGORY + 4] = ROWS_CATEGORY_FIELD("type", 4, C(0), C(1), C(2), C(3), ),
	[ROWS_F_CATEGORY + 5] = ROWS_CATEGORY_FIELD("service", 5, C(0), C(1), C(2), C(3), C(4), ),
	[ROWS_F_CATEGORY + 6] = ROWS_CATEGORY_FIELD("state", 6, C(0), C(1), C(2), C(3), C(4), C(5), ),
	[ROWS_F_PKT] = {"packets", ROWS_PKT, 1, {ROWS_PROTO}, .given = {BEFORE, CATEGORIES, ROWS_PORTS, END}},
	[ROWS_F_PKT_X] = {"packets_exact", ROWS_PKT_X, 1, {ROWS_PKT},
		.given = {ROWS_APP, ROWS_CATEGORY, ROWS_NEXT, ROWS_P_PKT, END}},
	[ROWS_F_RPKT] = {"reply_packets", ROWS_RPKT, 1, {ROWS_PROTO},
		.given = {BEFORE, CATEGORIES, ROWS_PORTS, ROWS_PKT, ROWS_PKT_OCT, END}},
	[ROWS_F_RPKT_X] = {"reply_packets_exact", ROWS_RPKT_X, 1, {ROWS_RPKT},
		.given = {ROWS_APP, ROWS_CATEGORY + WM_TABLE_STATE, ROWS_PKT_EXACT, END}},
	[ROWS_F_BYT] = {"bytes", ROWS_BYT, 1, {ROWS_PKT_OCT},
		.given = {BEFORE, CATEGORIES, ROWS_PROTO, ROWS_PORTS, ROWS_PKT, ROWS_RPKT, ROWS_RPKT_OCT, END}},
	[ROWS_F_BYT_X] = {"bytes_exact", ROWS_BYT_X, 2, {ROWS_BYT, ROWS_PKT_EXACT},
		.given = {ROWS_APP, ROWS_CLIENT, ROWS_SERVER, ROWS_NEXT, ROWS_CATEGORY, ROWS_P_BYT, ROWS_S_BYT, END}},
	[ROWS_F_RBYT] = {"reply_bytes", ROWS_RBYT, 1, {ROWS_RPKT_OCT},
		.given = {BEFORE, CATEGORIES, ROWS_PROTO, ROWS_PORTS, ROWS_PKT, ROWS_PKT_OCT, ROWS_RPKT, ROWS_BYT,
			ROWS_BYT_OCT, END}},
	[ROWS_F_RBYT_X] = {"reply_bytes_exact", ROWS_RBYT_X, 2, {ROWS_RBYT, ROWS_RPKT_EXACT},
		.given = {ROWS_APP, ROWS_CLIENT, ROWS_SERVER, ROWS_CATEGORY + WM_TABLE_STATE, ROWS_BYT, END}},
	[ROWS_F_TD] = {"duration", ROWS_TD, 2, {ROWS_PKT_OCT, ROWS_RPKT_OCT},
		.given = {BEFORE, CATEGORIES, ROWS_PROTO, SIZES, END}},
	[ROWS_F_TD_X] = {"duration_exact", ROWS_TD_X, 1, {ROWS_TD},
		.given = {ROWS_APP, ROWS_CLIENT, ROWS_SERVER, ROWS_NEXT, ROWS_PKT, ROWS_P_TD, ROWS_CATEGORY, END}},
};

void rows_follow_talk(uint32_t *v, const uint32_t *before)
{
	static const uint8_t from[][2] = {{ROWS_P1_GAP, ROWS_GAP}, {ROWS_P2_GAP, ROWS_P1_GAP},
		{ROWS_P1_CLIENT, ROWS_CLIENT}, {ROWS_P1_SERVER, ROWS_SERVER}, {ROWS_P1_APP, ROWS_APP},
		{ROWS_P2_CLIENT, ROWS_P1_CLIENT}, {ROWS_P2_SERVER, ROWS_P1_SERVER}, {ROWS_P2_APP, ROWS_P1_APP}};

	for (unsigned i = 0; i < sizeof(from) / sizeof(from[0]); i++)
		v[from[i][0]] = before != NULL ? before[from[i][1]] : ROWS_NOTHING;
}

void rows_begin_talk(uint32_t *v, struct rows_side side[2])
{
	v[ROWS_INDEX] = 0;
	for (int c = ROWS_P_NEXT; c < ROWS_COLUMNS; c++)
		v[c] = ROWS_NOTHING;
	for (int d = 0; d < 2; d++) {
		for (int i = 0; i < WM_TABLE_CATEGORIES; i++)
			side[d].category[i] = ROWS_NOTHING;
		side[d].packets = side[d].bytes = side[d].duration = ROWS_NOTHING;
	}
}

void rows_begin_row(uint32_t *v, const struct rows_side side[2])
{
	const struct rows_side *s = &side[v[ROWS_NEXT] == ROWS_REVERSE];

	for (int i = 0; i < WM_TABLE_CATEGORIES; i++)
		v[ROWS_S_CATEGORY + i] = s->category[i];
	v[ROWS_S_PKT] = s->packets;
	v[ROWS_S_BYT] = s->bytes;
	v[ROWS_S_TD] = s->duration;
}

void rows_count(uint32_t *v, const uint64_t packets[2], const uint64_t bytes[2])
{
	v[ROWS_PKT_EXACT] = packets[0] < UINT32_MAX ? (uint32_t)packets[0] : UINT32_MAX;
	v[ROWS_PKT_OCT] = rows_octave(packets[0]);
	v[ROWS_BYT_OCT] = rows_octave(bytes[0]);
	v[ROWS_RPKT_EXACT] = packets[1] < UINT32_MAX ? (uint32_t)packets[1] : UINT32_MAX;
	v[ROWS_RPKT_OCT] = rows_octave(packets[1]);
}

void rows_end_row(uint32_t *v, struct rows_side side[2])
{
	static const uint8_t from[][2] = {{ROWS_P_NEXT, ROWS_NEXT}, {ROWS_P_WAIT, ROWS_WAIT},
		{ROWS_P_PORTS, ROWS_PORTS}, {ROWS_P_PKT, ROWS_PKT}, {ROWS_P_PKT_OCT, ROWS_PKT_OCT},
		{ROWS_P_BYT, ROWS_BYT}, {ROWS_P_BYT_OCT, ROWS_BYT_OCT}, {ROWS_P_TD, ROWS_TD}};
	struct rows_side *s = &side[v[ROWS_NEXT] == ROWS_REVERSE];

	for (unsigned i = 0; i < sizeof(from) / sizeof(from[0]); i++)
		v[from[i][0]] = v[from[i][1]];
	for (int i = 0; i < WM_TABLE_CATEGORIES; i++)
		s->category[i] = v[ROWS_P_CATEGORY + i] = v[ROWS_CATEGORY + i];
	s->packets = v[ROWS_PKT];
	s->bytes = v[ROWS_BYT];
	s->duration = v[ROWS_TD];
	v[ROWS_INDEX] += v[ROWS_INDEX] < ROWS_INDEX_MAX;
}

bool rows_is_ported(const char *proto, size_t len)
{
	static const char *const names[] = {"TCP", "UDP", "SCTP", "DCCP", "UDPLITE", "6", "17", "132", "33", "136"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && memcmp(names[i], proto, len) == 0)
			return true;
	return false;
}
