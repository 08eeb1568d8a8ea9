// SPDX-License-Identifier: BSD-3-Clause
// columns: what is said of a conversation and of its rows, as numbers of values: what is drawn, and what it is drawn
// given. Both halves of the engine fill the same columns.
//
// A table's rows belong to conversations: rows of one 5-tuple, in both directions, without a long silence. The columns
// of a conversation say when it begins and between whom, in relation to those that began before it; those of a row what
// it says, in relation to the rows before it.
#pragma once

#include <dataset/table.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rows_column {
	// When a conversation begins.
	ROWS_SLOT,   // part of the day, or of the table
	ROWS_P1_GAP, // of the conversation before, and of the one before that
	ROWS_P2_GAP,
	ROWS_GAP,   // bin of the time since the conversation before began
	ROWS_GAP_X, // its exact value
	// Between whom.
	ROWS_P1_CLIENT, // of the conversations before: known hosts and applications, 0 = a new one
	ROWS_P1_SERVER,
	ROWS_P1_APP,
	ROWS_P2_CLIENT,
	ROWS_P2_SERVER,
	ROWS_P2_APP,
	ROWS_CLIENT_REF, // enum rows_client_ref
	ROWS_CLIENT,     // the known host that it is
	ROWS_L_SERVER,   // of the client's last conversation
	ROWS_L_APP,
	ROWS_SERVER_REF, // enum rows_server_ref
	ROWS_SERVER,
	ROWS_APP, // protocol and server's port; new ports first
	ROWS_PROTO,
	ROWS_PORT, // the client's: enum rows_port_ref
	// A row.
	ROWS_INDEX, // in the conversation, up to ROWS_INDEX_MAX
	ROWS_NEXT,  // enum rows_next
	ROWS_WAIT,  // bin of the time since the row before
	ROWS_WAIT_X,
	ROWS_PORTS, // pair of ports of a protocol without
	ROWS_CATEGORY,
	ROWS_CATEGORY_END = ROWS_CATEGORY + WM_TABLE_CATEGORIES,
	ROWS_PKT = ROWS_CATEGORY_END, // bin of the source's packets
	ROWS_PKT_X,
	ROWS_PKT_EXACT, // how many
	ROWS_PKT_OCT,   // their order of magnitude
	ROWS_BYT,       // bin of bytes a packet
	ROWS_BYT_X,
	ROWS_BYT_OCT, // of all bytes
	ROWS_RPKT,    // the same of the destination's
	ROWS_RPKT_X,
	ROWS_RPKT_EXACT,
	ROWS_RPKT_OCT,
	ROWS_RBYT,
	ROWS_RBYT_X,
	ROWS_TD, // bin of the duration
	ROWS_TD_X,
	// The row before.
	ROWS_P_NEXT,
	ROWS_P_WAIT,
	ROWS_P_PORTS,
	ROWS_P_CATEGORY,
	ROWS_P_CATEGORY_END = ROWS_P_CATEGORY + WM_TABLE_CATEGORIES,
	ROWS_P_PKT = ROWS_P_CATEGORY_END,
	ROWS_P_PKT_OCT,
	ROWS_P_BYT,
	ROWS_P_BYT_OCT,
	ROWS_P_TD,
	// The row before in the same direction.
	ROWS_S_CATEGORY,
	ROWS_S_CATEGORY_END = ROWS_S_CATEGORY + WM_TABLE_CATEGORIES,
	ROWS_S_PKT = ROWS_S_CATEGORY_END,
	ROWS_S_BYT,
	ROWS_S_TD,
	ROWS_COLUMNS,
};

enum { ROWS_SLOTS = 64, ROWS_INDEX_MAX = 7, ROWS_BACK = 4 };

// Which client.
enum rows_client_ref {
	ROWS_CLIENT_BACK = 0, // that of the conversation before, ... of the ROWS_BACK-th before
	ROWS_CLIENT_NEW = ROWS_BACK,
	ROWS_CLIENT_KNOWN, // the first known host
};

// Which server.
enum rows_server_ref {
	ROWS_SERVER_LAST, // the client's last one
	ROWS_SERVER_NEW,
	ROWS_SERVER_P1_SERVER, // of the conversation before
	ROWS_SERVER_P1_CLIENT,
	ROWS_SERVER_KNOWN,
};

// Which port of the client.
enum { ROWS_PORT_STEPS = 8, ROWS_PORT_BLOCK = 256 };
enum rows_port_ref {
	ROWS_PORT_LAST,                                          // the last one that it took, plus 0 .. ROWS_PORT_STEPS
	ROWS_PORT_BLOCKS = ROWS_PORT_LAST + ROWS_PORT_STEPS + 1, // one of a block
	ROWS_PORT_ATOMS = ROWS_PORT_BLOCKS + 65536 / ROWS_PORT_BLOCK,
};

// What comes next in a conversation.
enum rows_next { ROWS_END, ROWS_FORWARD, ROWS_REVERSE };

// Numbers that are cut into bins. Bytes are cut as bytes a packet, in 1 / ROWS_PER_PACKET.
enum rows_number_name {
	ROWS_N_GAP,
	ROWS_N_WAIT,
	ROWS_N_PKT,
	ROWS_N_BYT,
	ROWS_N_RPKT,
	ROWS_N_RBYT,
	ROWS_N_TD,
	ROWS_NUMBERS
};
enum { ROWS_PER_PACKET = 64 };

/** What one chain draws. */
struct rows_field {
	const char *name;
	uint8_t target;
	uint8_t n_root;
	uint8_t root[2];
	uint8_t given[46]; // candidates for its context, ended by ROWS_COLUMNS
	uint8_t n_first;   // of them that are in it in any case, and first
};

enum rows_field_name {
	ROWS_F_GAP,
	ROWS_F_GAP_X,
	ROWS_F_CLIENT,
	ROWS_F_SERVER,
	ROWS_F_APP,
	ROWS_F_PORT,
	ROWS_F_NEXT,
	ROWS_F_WAIT,
	ROWS_F_WAIT_X,
	ROWS_F_PORTS,
	ROWS_F_CATEGORY,
	ROWS_F_PKT = ROWS_F_CATEGORY + WM_TABLE_CATEGORIES,
	ROWS_F_PKT_X,
	ROWS_F_RPKT,
	ROWS_F_RPKT_X,
	ROWS_F_BYT,
	ROWS_F_BYT_X,
	ROWS_F_RBYT,
	ROWS_F_RBYT_X,
	ROWS_F_TD,
	ROWS_F_TD_X,
	ROWS_FIELDS,
};

extern const struct rows_field rows_fields[ROWS_FIELDS];

#define ROWS_SKIP UINT32_MAX          // of a target: this record says nothing of it
#define ROWS_NOTHING (UINT32_MAX - 1) // where there is no value: before the first row, say

/** Whether a protocol, as a table spells it, has ports. */
bool rows_is_ported(const char *proto, size_t len);

/** What is remembered of the last row of a direction. */
struct rows_side {
	uint32_t category[WM_TABLE_CATEGORIES];
	uint32_t packets, bytes, duration;
};

/** The columns of a conversation's past, from those of the conversation before; NULL = there is none. */
void rows_follow_talk(uint32_t *v, const uint32_t *before);
/** No row of the conversation has been yet. */
void rows_begin_talk(uint32_t *v, struct rows_side side[2]);
/** ROWS_NEXT has been decided and is no end. */
void rows_begin_row(uint32_t *v, const struct rows_side side[2]);
/** The counts of a row that other columns depend on. */
void rows_count(uint32_t *v, const uint64_t packets[2], const uint64_t bytes[2]);
/** The row becomes the one before. */
void rows_end_row(uint32_t *v, struct rows_side side[2]);

/** The part of the period in which a time is. */
static inline uint32_t rows_slot(uint64_t time_ns, uint64_t phase_ns, uint64_t period_ns)
{
	return (uint32_t)((time_ns + phase_ns) % period_ns / (period_ns / ROWS_SLOTS + 1));
}

/** Order of magnitude: 0 for 0, else 1 + the floor of its logarithm to base 2. */
static inline uint32_t rows_octave(uint64_t n)
{
	return n == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(n);
}

/** Bytes that n packets of a bin lo..hi can have. */
static inline uint64_t rows_bytes_least(uint64_t lo, uint64_t packets)
{
	return (lo * packets + ROWS_PER_PACKET - 1) / ROWS_PER_PACKET;
}

static inline uint64_t rows_bytes_most(uint64_t hi, uint64_t packets)
{
	return packets == 0 ? 0 : ((hi + 1) * packets - 1) / ROWS_PER_PACKET;
}
