// SPDX-License-Identifier: BSD-3-Clause
#include <engine/rows/book.h>

#include <engine/rows/chain_fit.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t day_ns = UINT64_C(86400) * 1000000000;

// ---------------------------------------------------------------------------------------------- numbers

static uint64_t per_packet(uint64_t bytes, uint64_t packets)
{
	return packets == 0 ? 0 : bytes * ROWS_PER_PACKET / packets;
}

// Values of a number over all conversations and rows: `cut` are those that bins are made for. @return how many.
static size_t gather(const struct rows_book *b, int number, uint64_t *cut, uint64_t *exact)
{
	size_t n = 0;

	for (size_t i = 0; i < b->talks.n; i++) {
		const struct rows_talk *t = &b->talks.at[i];

		for (uint32_t k = 0; k < t->n; k++) {
			const struct wm_flow_row *r = &b->rows->at[b->talks.row[t->first + k]];
			const int side = number == ROWS_N_RPKT || number == ROWS_N_RBYT;

			if (number == ROWS_N_WAIT && k > 0)
				cut[n++] = (r->time_ns - b->rows->at[b->talks.row[t->first + k - 1]].time_ns)
					   / b->rows->time_unit_ns;
			else if (number == ROWS_N_PKT || number == ROWS_N_RPKT)
				cut[n++] = r->packets[side];
			else if (number == ROWS_N_TD)
				cut[n++] = r->duration_ns / b->rows->duration_unit_ns;
			else if (number == ROWS_N_BYT || number == ROWS_N_RBYT) {
				exact[n] = r->bytes[side];
				cut[n++] = per_packet(r->bytes[side], r->packets[side]);
			}
		}
		if (number == ROWS_N_GAP && i > 0)
			cut[n++] = (b->rows->at[b->talks.row[t->first]].time_ns
					   - b->rows->at[b->talks.row[t[-1].first]].time_ns)
				   / b->rows->time_unit_ns;
	}
	return n;
}

int rows_book_cut(struct rows_book *b)
{
	uint64_t *cut = calloc(b->rows->n + 1, sizeof(*cut)), *exact = calloc(b->rows->n + 1, sizeof(*exact));
	int rc = cut == NULL || exact == NULL ? -ENOMEM : 0;

	for (int i = 0; i < ROWS_NUMBERS && rc == 0; i++) {
		const size_t n = gather(b, i, cut, exact);
		const bool bytes = i == ROWS_N_BYT || i == ROWS_N_RBYT;

		rc = rows_cut_fit(&b->cut[i], cut, n, bytes ? exact : cut, n);
	}
	free(cut);
	free(exact);
	return rc;
}

// Bin and exact value of a number that is what its bin is of.
static void put_number(const struct rows_book *b, int number, uint64_t value, uint32_t *bin, uint32_t *exact)
{
	const struct rows_cut *c = &b->cut[number];

	*bin = rows_cut_bin(c, value);
	*exact = c->bins[*bin].lo == c->bins[*bin].hi ? ROWS_SKIP : rows_cut_exact(c, value);
}

static void put_bytes(
	const struct rows_book *b, int number, uint64_t bytes, uint64_t packets, uint32_t *bin, uint32_t *exact)
{
	const struct rows_cut *c = &b->cut[number];
	const struct rows_bin *in;

	*bin = rows_cut_bin(c, per_packet(bytes, packets));
	in = &c->bins[*bin];
	*exact = rows_bytes_least(in->lo, packets) >= rows_bytes_most(in->hi, packets) ? ROWS_SKIP
										       : rows_cut_exact(c, bytes);
}

// ---------------------------------------------------------------------------------------------- conversations

// What is remembered of a client.
struct habit {
	uint32_t server; // host + 1, 0 = none
	uint32_t app;    // + 1
	uint32_t port;   // + 1: the last that was no atom
};

static uint64_t start_of(const struct rows_book *b, size_t talk)
{
	return b->rows->at[b->talks.row[b->talks.at[talk].first]].time_ns;
}

static uint32_t client_ref(const struct rows_book *b, size_t i, bool popular)
{
	const struct rows_talk *t = &b->talks.at[i];

	for (size_t k = 1; k <= ROWS_BACK && k <= i && !popular; k++)
		if (t[-(ptrdiff_t)k].client == t->client)
			return ROWS_CLIENT_BACK + (uint32_t)k - 1;
	return b->known[t->client] == 0 ? ROWS_CLIENT_NEW : ROWS_CLIENT_KNOWN + b->known[t->client] - 1;
}

static uint32_t server_ref(const struct rows_book *b, size_t i, const struct habit *h, bool popular)
{
	const struct rows_talk *t = &b->talks.at[i];

	if (!popular && h->server == t->server + 1)
		return ROWS_SERVER_LAST;
	if (b->known[t->server] != 0)
		return ROWS_SERVER_KNOWN + b->known[t->server] - 1;
	if (i > 0 && t[-1].server == t->server)
		return ROWS_SERVER_P1_SERVER;
	if (i > 0 && t[-1].client == t->server)
		return ROWS_SERVER_P1_CLIENT;
	return ROWS_SERVER_NEW;
}

static int by_port(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static uint32_t port_ref(const struct rows_book *b, const struct rows_talk *t, struct habit *h)
{
	const uint16_t *atom = bsearch(&t->cport, b->atoms, b->n_atoms, sizeof(*atom), by_port);
	const uint32_t before = h->port;

	if (!t->ported)
		return ROWS_SKIP;
	if (atom != NULL)
		return ROWS_PORT_ATOMS + (uint32_t)(atom - b->atoms);
	h->port = t->cport + 1u;
	if (before != 0 && h->port >= before && h->port - before <= ROWS_PORT_STEPS)
		return ROWS_PORT_LAST + h->port - before;
	return ROWS_PORT_BLOCKS + t->cport / ROWS_PORT_BLOCK;
}

static uint32_t slot_of(const struct rows_book *b, uint64_t time_ns)
{
	return rows_slot(time_ns, b->phase_ns, b->period_ns);
}

int rows_book_talks(struct rows_book *b)
{
	const size_t n_hosts = b->rows->hosts.n;
	struct habit *habits = calloc(n_hosts + 1, sizeof(*habits));
	uint32_t *times = calloc(n_hosts + 1, sizeof(*times));

	b->talk_v = calloc(b->talks.n + 1, ROWS_COLUMNS * sizeof(*b->talk_v));
	if (habits == NULL || times == NULL || b->talk_v == NULL) {
		free(habits);
		free(times);
		return -ENOMEM;
	}
	for (size_t i = 0; i < b->talks.n; i++) {
		times[b->talks.at[i].client]++;
		times[b->talks.at[i].server]++;
	}
	for (size_t i = 0; i < b->talks.n; i++) {
		const struct rows_talk *t = &b->talks.at[i];
		uint32_t *v = b->talk_v + i * ROWS_COLUMNS, *p = i > 0 ? v - ROWS_COLUMNS : NULL;
		struct habit *h = &habits[t->client];

		v[ROWS_GAP] = v[ROWS_GAP_X] = ROWS_SKIP;
		rows_follow_talk(v, p);
		if (p != NULL)
			put_number(b, ROWS_N_GAP, (start_of(b, i) - start_of(b, i - 1)) / b->rows->time_unit_ns,
				&v[ROWS_GAP], &v[ROWS_GAP_X]);
		// What is drawn is drawn when the one before begins.
		v[ROWS_SLOT] = slot_of(b, start_of(b, i > 0 ? i - 1 : 0));
		v[ROWS_L_SERVER] = h->server == 0 ? 0 : 1 + b->known[h->server - 1];
		v[ROWS_L_APP] = h->app;
		v[ROWS_CLIENT_REF] = client_ref(b, i, (uint64_t)times[t->client] * ROWS_POPULAR >= b->talks.n);
		v[ROWS_SERVER_REF] = server_ref(b, i, h, (uint64_t)times[t->server] * ROWS_POPULAR >= b->talks.n);
		v[ROWS_CLIENT] = b->known[t->client];
		v[ROWS_SERVER] = b->known[t->server];
		v[ROWS_APP] = b->app[i];
		v[ROWS_PROTO] = t->proto;
		v[ROWS_PORT] = port_ref(b, t, h);
		h->server = t->server + 1;
		h->app = b->app[i] + 1;
	}
	free(habits);
	free(times);
	return 0;
}

// ---------------------------------------------------------------------------------------------- rows

static uint32_t pair_of(const struct rows_book *b, const struct wm_flow_row *r)
{
	const uint32_t want = (uint32_t)r->sport << 16 | r->dport;
	size_t lo = 0, hi = b->n_pairs - 1;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (((uint32_t)b->pairs[mid].sport << 16 | b->pairs[mid].dport) < want)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo;
}

static void put_row(
	const struct rows_book *b, const struct rows_talk *t, uint32_t k, uint32_t *v, const struct rows_side side[2])
{
	const struct wm_flow_row *r = &b->rows->at[b->talks.row[t->first + k]];

	v[ROWS_NEXT] = r->src == t->client && (r->src != r->dst || r->sport == t->cport) ? ROWS_FORWARD : ROWS_REVERSE;
	rows_begin_row(v, side);
	v[ROWS_WAIT] = v[ROWS_WAIT_X] = ROWS_SKIP;
	if (k > 0)
		put_number(b, ROWS_N_WAIT,
			(r->time_ns - b->rows->at[b->talks.row[t->first + k - 1]].time_ns) / b->rows->time_unit_ns,
			&v[ROWS_WAIT], &v[ROWS_WAIT_X]);
	v[ROWS_PORTS] = t->ported ? ROWS_SKIP : pair_of(b, r);
	for (int i = 0; i < WM_TABLE_CATEGORIES; i++)
		v[ROWS_CATEGORY + i] = r->category[i];
	put_number(b, ROWS_N_PKT, r->packets[0], &v[ROWS_PKT], &v[ROWS_PKT_X]);
	put_number(b, ROWS_N_RPKT, r->packets[1], &v[ROWS_RPKT], &v[ROWS_RPKT_X]);
	put_bytes(b, ROWS_N_BYT, r->bytes[0], r->packets[0], &v[ROWS_BYT], &v[ROWS_BYT_X]);
	put_bytes(b, ROWS_N_RBYT, r->bytes[1], r->packets[1], &v[ROWS_RBYT], &v[ROWS_RBYT_X]);
	put_number(b, ROWS_N_TD, r->duration_ns / b->rows->duration_unit_ns, &v[ROWS_TD], &v[ROWS_TD_X]);
	rows_count(v, r->packets, r->bytes);
}

int rows_book_rows(struct rows_book *b)
{
	uint32_t *v;

	b->row_v = calloc(b->rows->n + b->talks.n + 1, ROWS_COLUMNS * sizeof(*b->row_v));
	if (b->row_v == NULL)
		return -ENOMEM;
	v = b->row_v;
	for (size_t i = 0; i < b->talks.n; i++) {
		const struct rows_talk *t = &b->talks.at[i];
		uint32_t now[ROWS_COLUMNS];
		struct rows_side side[2];

		memcpy(now, b->talk_v + i * ROWS_COLUMNS, sizeof(now));
		rows_begin_talk(now, side);
		for (uint32_t k = 0; k < t->n; k++, v += ROWS_COLUMNS) {
			put_row(b, t, k, now, side);
			memcpy(v, now, sizeof(now));
			rows_end_row(now, side);
		}
		memcpy(v, now, sizeof(now));
		for (int c = ROWS_WAIT; c <= ROWS_TD_X; c++)
			v[c] = ROWS_SKIP;
		v[ROWS_NEXT] = ROWS_END;
		v += ROWS_COLUMNS;
	}
	b->n_row_v = b->rows->n + b->talks.n;
	return 0;
}

// ---------------------------------------------------------------------------------------------- all

int rows_book_make(struct rows_book *b, const struct wm_flow_rows *rows, uint64_t first_ns, uint64_t duration_ns)
{
	int rc;

	*b = (struct rows_book){.rows = rows, .period_ns = duration_ns + rows->time_unit_ns};
	if (duration_ns >= day_ns - day_ns / 10) {
		b->period_ns = day_ns;
		b->phase_ns = first_ns % day_ns;
	}
	rc = rows_talks_make(&b->talks, rows);
	rc = rc < 0 ? rc : rows_book_vocabulary(b);
	rc = rc < 0 ? rc : rows_book_cut(b);
	rc = rc < 0 ? rc : rows_book_talks(b);
	return rc < 0 ? rc : rows_book_rows(b);
}

void rows_book_free(struct rows_book *b)
{
	rows_talks_free(&b->talks);
	free(b->known);
	free(b->host);
	free(b->newcomer[0]);
	free(b->newcomer[1]);
	free(b->apps);
	free(b->app);
	free(b->fresh_ports);
	free(b->atoms);
	free(b->pairs);
	for (int i = 0; i < ROWS_NUMBERS; i++)
		rows_cut_free(&b->cut[i]);
	free(b->talk_v);
	free(b->row_v);
	*b = (struct rows_book){0};
}
