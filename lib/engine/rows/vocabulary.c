// SPDX-License-Identifier: BSD-3-Clause
// vocabulary: which hosts, applications and ports are known.
#include <base/grow.h>
#include <engine/rows/book.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	APP_LEAST = 4, // conversations of a known application
	ATOM_LEAST = 3,
	ATOM_TIMES = 4, // as often as its neighbours
};

bool rows_is_replaceable(const char *text, size_t len)
{
	char own[INET6_ADDRSTRLEN] = "";
	uint8_t a[16];

	if (len >= sizeof(own))
		return false;
	memcpy(own, text, len);
	if (inet_pton(AF_INET, own, a) == 1)
		return a[0] > 0 && a[0] < 224 && a[0] != 127 && !(a[0] == 169 && a[1] == 254) && a[3] != 255;
	return inet_pton(AF_INET6, own, a) == 1 && a[0] != 0xff && a[0] != 0
	       && !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

static bool is_popular(const uint32_t *times, uint32_t host, size_t n_talks)
{
	return (uint64_t)times[host] * ROWS_POPULAR >= n_talks;
}

// How often each host came up other than right after itself.
static void count_hosts(const struct rows_book *b, uint32_t *fresh, uint32_t *last_server)
{
	const struct rows_talks *t = &b->talks;

	for (size_t i = 0; i < t->n; i++) {
		const struct rows_talk *talk = &t->at[i];
		bool again = false, same = false;

		for (size_t k = 1; k <= ROWS_BACK && k <= i; k++)
			again = again || t->at[i - k].client == talk->client;
		same = last_server[talk->client] == talk->server + 1;
		if (i > 0)
			same = same || t->at[i - 1].server == talk->server || t->at[i - 1].client == talk->server;
		fresh[talk->client] += !again;
		fresh[talk->server] += !same;
		last_server[talk->client] = talk->server + 1;
	}
}

static int add_newcomer(struct rows_book *b, int role, uint32_t host, size_t *cap)
{
	if (wm_grow((void **)&b->newcomer[role], cap, b->n_newcomers[role] + 1, sizeof(host)) < 0)
		return -ENOMEM;
	b->newcomer[role][b->n_newcomers[role]++] = host;
	return 0;
}

// Where new hosts come up, for the networks that they are in.
static int list_newcomers(struct rows_book *b, uint32_t *seen)
{
	size_t cap[2] = {0};
	int rc = 0;

	memset(seen, 0, b->rows->hosts.n * sizeof(*seen));
	for (size_t i = 0; i < b->talks.n && rc == 0; i++) {
		const uint32_t host[2] = {b->talks.at[i].client, b->talks.at[i].server};

		for (int role = 0; role < 2 && rc == 0; role++) {
			if (b->known[host[role]] != 0 || (seen[host[role]] & 1u << role))
				continue;
			seen[host[role]] |= 1u << role;
			rc = add_newcomer(b, role, host[role], &cap[role]);
		}
	}
	return rc;
}

static int find_hosts(struct rows_book *b)
{
	const struct wm_intern *hosts = &b->rows->hosts;
	uint32_t *fresh = calloc(hosts->n + 1, sizeof(*fresh)), *times = calloc(hosts->n + 1, sizeof(*times)),
		 *last = calloc(hosts->n + 1, sizeof(*last));
	int rc = -ENOMEM;

	b->known = calloc(hosts->n + 1, sizeof(*b->known));
	b->host = calloc(hosts->n + 1, sizeof(*b->host));
	if (fresh == NULL || times == NULL || last == NULL || b->known == NULL || b->host == NULL)
		goto done;
	for (size_t i = 0; i < b->talks.n; i++) {
		times[b->talks.at[i].client]++;
		times[b->talks.at[i].server]++;
	}
	count_hosts(b, fresh, last);
	for (uint32_t h = 0; h < hosts->n; h++) {
		const struct wm_interned *name = &hosts->items[h];

		if (fresh[h] < 2 && !is_popular(times, h, b->talks.n)
			&& rows_is_replaceable((const char *)hosts->bytes + name->at, name->len))
			continue;
		b->host[b->n_known] = h;
		b->known[h] = (uint32_t)++b->n_known;
	}
	rc = list_newcomers(b, last);
done:
	free(fresh);
	free(times);
	free(last);
	return rc;
}

static int find_apps(struct rows_book *b)
{
	const size_t n_protos = b->rows->protos.n;
	struct wm_intern ports = {0};
	uint32_t *times = calloc(b->talks.n + 1, sizeof(*times)), *number = calloc(b->talks.n + 1, sizeof(*number));
	size_t cap = 0;
	int rc = -ENOMEM;

	b->apps = calloc(n_protos + b->talks.n + 1, sizeof(*b->apps));
	b->app = calloc(b->talks.n + 1, sizeof(*b->app));
	if (times == NULL || number == NULL || b->apps == NULL || b->app == NULL)
		goto done;
	for (size_t i = 0; i < b->talks.n; i++) {
		const uint32_t key[2] = {b->talks.at[i].proto, b->talks.at[i].sport};
		const int64_t n = wm_intern_add(&ports, key, sizeof(key));

		if (n < 0)
			goto done;
		b->app[i] = (uint32_t)n;
		times[n]++;
	}
	for (uint32_t p = 0; p < n_protos; p++)
		b->apps[b->n_apps++] = (struct rows_app){.proto = p, .fresh = true};
	for (size_t k = 0; k < ports.n; k++) {
		uint32_t key[2];

		memcpy(key, ports.bytes + ports.items[k].at, sizeof(key));
		number[k] = key[0];
		if (times[k] < APP_LEAST)
			continue;
		number[k] = (uint32_t)b->n_apps;
		b->apps[b->n_apps++] = (struct rows_app){.proto = key[0], .port = (uint16_t)key[1]};
	}
	for (size_t i = 0; i < b->talks.n; i++) {
		const struct rows_talk *t = &b->talks.at[i];

		b->app[i] = t->ported ? number[b->app[i]] : t->proto;
		b->apps[b->app[i]].fresh = b->apps[b->app[i]].fresh && t->ported;
		if (b->app[i] >= n_protos || !t->ported)
			continue;
		if (wm_grow((void **)&b->fresh_ports, &cap, b->n_fresh_ports + 1, sizeof(*b->fresh_ports)) < 0)
			goto done;
		b->fresh_ports[b->n_fresh_ports++] = t->sport;
	}
	rc = 0;
done:
	wm_intern_free(&ports);
	free(times);
	free(number);
	return rc;
}

// Ports of clients that stand out among their neighbours.
static int find_atoms(struct rows_book *b)
{
	uint32_t *times = calloc(UINT16_MAX + 1, sizeof(*times)), block[65536 / ROWS_PORT_BLOCK] = {0};

	b->atoms = calloc(UINT16_MAX + 1, sizeof(*b->atoms));
	if (times == NULL || b->atoms == NULL) {
		free(times);
		return -ENOMEM;
	}
	for (size_t i = 0; i < b->talks.n; i++) {
		if (!b->talks.at[i].ported)
			continue;
		times[b->talks.at[i].cport]++;
		block[b->talks.at[i].cport / ROWS_PORT_BLOCK]++;
	}
	for (uint32_t p = 0; p <= UINT16_MAX; p++) {
		const uint32_t others = block[p / ROWS_PORT_BLOCK] - times[p];

		if (times[p] >= ATOM_LEAST
			&& (uint64_t)times[p] * (ROWS_PORT_BLOCK - 1) >= (uint64_t)ATOM_TIMES * others)
			b->atoms[b->n_atoms++] = (uint16_t)p;
	}
	free(times);
	return 0;
}

static int by_pair(const void *a, const void *b)
{
	const struct rows_pair *x = a, *y = b;
	const uint32_t i = (uint32_t)x->sport << 16 | x->dport, k = (uint32_t)y->sport << 16 | y->dport;

	return (i > k) - (i < k);
}

static int find_pairs(struct rows_book *b)
{
	size_t n = 0;

	b->pairs = calloc(b->rows->n + 1, sizeof(*b->pairs));
	if (b->pairs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < b->talks.n; i++)
		for (uint32_t k = 0; k < b->talks.at[i].n && !b->talks.at[i].ported; k++) {
			const struct wm_flow_row *r = &b->rows->at[b->talks.row[b->talks.at[i].first + k]];

			b->pairs[n++] = (struct rows_pair){r->sport, r->dport};
		}
	qsort(b->pairs, n, sizeof(*b->pairs), by_pair);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || by_pair(&b->pairs[i], &b->pairs[b->n_pairs - 1]) != 0)
			b->pairs[b->n_pairs++] = b->pairs[i];
	return 0;
}

int rows_book_vocabulary(struct rows_book *b)
{
	int rc = find_hosts(b);

	rc = rc < 0 ? rc : find_apps(b);
	rc = rc < 0 ? rc : find_atoms(b);
	return rc < 0 ? rc : find_pairs(b);
}
