// SPDX-License-Identifier: BSD-3-Clause
#include <engine/rows/talks.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 64 }; // of one conversation: one that goes on is several

static const uint64_t silence_ns = UINT64_C(300) * 1000000000; // that ends a conversation

// Both ends of a row's 5-tuple, the smaller one first.
struct tuple {
	uint32_t host[2];
	uint32_t proto;
	uint16_t port[2];
};

struct end {
	uint32_t host, proto;
	uint32_t port;
};

// A 5-tuple of the table.
struct group {
	struct tuple tuple;
	uint32_t ends[2];
	uint8_t server; // which of the two
	uint32_t open;  // its conversation under way + 1, 0 = none
	uint64_t last_ns;
};

struct making {
	const struct wm_flow_rows *rows;
	struct wm_intern tuples, ends;
	struct group *groups; // (tuples)
	uint32_t *group;      // (rows)
	uint32_t *degree;     // (ends)
	struct rows_talk *talks;
	uint32_t *talk; // (rows)
	size_t n_talks;
};

static bool is_ported(const struct making *m, uint32_t proto)
{
	const struct wm_interned *name = &m->rows->protos.items[proto];

	return rows_is_ported((const char *)m->rows->protos.bytes + name->at, name->len);
}

static struct tuple tuple_of(const struct making *m, const struct wm_flow_row *r)
{
	const bool ported = is_ported(m, r->proto), swap = r->src > r->dst || (r->src == r->dst && r->sport > r->dport);
	struct tuple t;

	memset(&t, 0, sizeof(t)); // it is a key, padding and all
	t.host[swap] = r->src;
	t.host[!swap] = r->dst;
	t.proto = r->proto;
	t.port[swap] = ported ? r->sport : 0;
	t.port[!swap] = ported ? r->dport : 0;
	return t;
}

static int number_tuples(struct making *m)
{
	for (size_t i = 0; i < m->rows->n; i++) {
		const struct tuple t = tuple_of(m, &m->rows->at[i]);
		const int64_t n = wm_intern_add(&m->tuples, &t, sizeof(t));

		if (n < 0)
			return (int)n;
		m->group[i] = (uint32_t)n;
		if (m->groups[n].tuple.proto != UINT32_MAX)
			continue;
		m->groups[n] = (struct group){.tuple = t, .server = t.host[0] == m->rows->at[i].dst};
		for (int k = 0; k < 2; k++) {
			const struct end end = {t.host[k], t.proto, t.port[k]};
			const int64_t e = wm_intern_add(&m->ends, &end, sizeof(end));

			if (e < 0)
				return (int)e;
			m->groups[n].ends[k] = (uint32_t)e;
			m->degree[e]++;
		}
	}
	return 0;
}

static void find_servers(struct making *m)
{
	for (size_t i = 0; i < m->tuples.n; i++) {
		struct group *g = &m->groups[i];
		const uint32_t a = m->degree[g->ends[0]], b = m->degree[g->ends[1]];

		if (!is_ported(m, g->tuple.proto))
			g->server = !g->server; // so far: whether the first end was the destination
		else if (a != b)
			g->server = b > a;
		else
			g->server = g->tuple.port[1] < g->tuple.port[0];
	}
}

static void begin_talk(struct making *m, struct group *g)
{
	m->talks[m->n_talks++] = (struct rows_talk){
		.client = g->tuple.host[!g->server],
		.server = g->tuple.host[g->server],
		.proto = g->tuple.proto,
		.cport = g->tuple.port[!g->server],
		.sport = g->tuple.port[g->server],
		.ported = is_ported(m, g->tuple.proto),
	};
	g->open = (uint32_t)m->n_talks;
}

static void deal_rows(struct making *m)
{
	for (size_t i = 0; i < m->rows->n; i++) {
		struct group *g = &m->groups[m->group[i]];
		const uint64_t now = m->rows->at[i].time_ns;

		if (g->open == 0 || now - g->last_ns > silence_ns || m->talks[g->open - 1].n == ROWS_MAX)
			begin_talk(m, g);
		g->last_ns = now;
		m->talk[i] = g->open - 1;
		m->talks[g->open - 1].n++;
	}
}

static int list_rows(struct making *m, struct rows_talks *out)
{
	uint32_t *row = calloc(m->rows->n + 1, sizeof(*row)), at = 0;

	if (row == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_talks; i++) {
		m->talks[i].first = at;
		at += m->talks[i].n;
		m->talks[i].n = 0;
	}
	for (size_t i = 0; i < m->rows->n; i++) {
		struct rows_talk *t = &m->talks[m->talk[i]];

		row[t->first + t->n++] = (uint32_t)i;
	}
	*out = (struct rows_talks){.at = m->talks, .n = m->n_talks, .row = row};
	m->talks = NULL;
	return 0;
}

int rows_talks_make(struct rows_talks *out, const struct wm_flow_rows *rows)
{
	struct making m = {.rows = rows};
	int rc = -ENOMEM;

	m.groups = calloc(rows->n + 1, sizeof(*m.groups));
	m.group = calloc(rows->n + 1, sizeof(*m.group));
	m.degree = calloc(2 * rows->n + 1, sizeof(*m.degree));
	m.talks = calloc(rows->n + 1, sizeof(*m.talks));
	m.talk = calloc(rows->n + 1, sizeof(*m.talk));
	if (m.groups == NULL || m.group == NULL || m.degree == NULL || m.talks == NULL || m.talk == NULL)
		goto done;
	for (size_t i = 0; i < rows->n; i++)
		m.groups[i].tuple.proto = UINT32_MAX;
	rc = number_tuples(&m);
	if (rc < 0)
		goto done;
	find_servers(&m);
	deal_rows(&m);
	rc = list_rows(&m, out);
done:
	wm_intern_free(&m.tuples);
	wm_intern_free(&m.ends);
	free(m.groups);
	free(m.group);
	free(m.degree);
	free(m.talks);
	free(m.talk);
	return rc;
}

void rows_talks_free(struct rows_talks *t)
{
	free(t->at);
	free(t->row);
	*t = (struct rows_talks){0};
}
