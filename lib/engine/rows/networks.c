// SPDX-License-Identifier: BSD-3-Clause
// networks: where new hosts come up: the beginnings of the addresses that were seen once, and how often the network of
// such an address was that of another host.
#include <engine/rows/book.h>
#include <engine/rows/networks.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct address {
	uint8_t b[16];
	bool six;
};

static bool parse(struct address *out, const struct wm_intern *hosts, uint32_t host)
{
	const struct wm_interned *item = &hosts->items[host];
	char text[INET6_ADDRSTRLEN] = "";

	*out = (struct address){0};
	if (item->len >= sizeof(text))
		return false;
	memcpy(text, hosts->bytes + item->at, item->len);
	if (inet_pton(AF_INET, text, out->b) == 1)
		return true;
	out->six = true;
	return inet_pton(AF_INET6, text, out->b) == 1;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

static bool same_net(const struct address *a, const struct address *b, unsigned bytes)
{
	return a->six == b->six && memcmp(a->b, b->b, bytes) == 0;
}

// Whether a neighbour in order shares the first bytes.
static bool is_shared(const struct address *all, size_t n, size_t at, unsigned bytes)
{
	return (at > 0 && same_net(&all[at], &all[at - 1], bytes))
	       || (at + 1 < n && same_net(&all[at], &all[at + 1], bytes));
}

// How many bytes of a new address are those of one that was seen: shares in 2^-16 of two, of three, of four bytes.
static void learn_shares(uint32_t keep[2], const struct address *all, size_t n, const struct rows_book *b, int role)
{
	size_t shared[2] = {0}, seen = 0;

	for (size_t i = 0; i < b->n_newcomers[role]; i++) {
		struct address a;
		const struct address *at;

		if (!parse(&a, &b->rows->hosts, b->newcomer[role][i]) || a.six)
			continue;
		at = bsearch(&a, all, n, sizeof(a), by_bytes);
		seen++;
		for (unsigned k = 0; k < 2; k++)
			shared[k] += is_shared(all, n, (size_t)(at - all), 2 + k);
	}
	for (unsigned k = 0; k < 2; k++)
		keep[k] = seen > 0 ? (uint32_t)(shared[k] * 65536 / seen) : 0;
}

int rows_networks_put(struct wm_model_writer *w, const struct rows_book *b)
{
	static const char *const names[2] = {"rows.new_clients", "rows.new_servers"};
	struct address *all = calloc(b->rows->hosts.n + 1, sizeof(*all));
	struct rows_network *nets = calloc(b->rows->hosts.n + 1, sizeof(*nets));
	uint32_t keep[2][2];
	size_t n = 0, shape[2] = {2, 2};
	int rc = -ENOMEM;

	if (all == NULL || nets == NULL)
		goto done;
	for (uint32_t h = 0; h < b->rows->hosts.n; h++)
		n += parse(&all[n], &b->rows->hosts, h);
	qsort(all, n, sizeof(*all), by_bytes);
	rc = 0;
	for (int role = 0; role < 2 && rc == 0; role++) {
		size_t rows[2] = {b->n_newcomers[role], sizeof(*nets)};

		learn_shares(keep[role], all, n, b, role);
		for (size_t i = 0; i < b->n_newcomers[role]; i++) {
			struct address a;

			(void)parse(&a, &b->rows->hosts, b->newcomer[role][i]); // newcomers have addresses
			nets[i] = (struct rows_network){.six = a.six};
			memcpy(nets[i].head, a.b, a.six ? 8 : 3);
		}
		rc = wm_model_put(w, names[role], WM_U8, 2, rows, nets);
	}
	rc = rc < 0 ? rc : wm_model_put(w, "rows.keep", WM_U32, 2, shape, keep);
done:
	free(all);
	free(nets);
	return rc;
}
