// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/series_pvt.h>

#include <errno.h>
#include <stdio.h>

enum { LETTERS = 10 };

// A letter is direction and kind.
static uint64_t letter_of(const struct wm_trace *t, size_t i)
{
	return (uint64_t)t->field[WM_F_DIR][i] << 20 | (uint64_t)t->field[WM_F_KIND][i];
}

// "> SYN ACK", "< udp": from the client, from the server.
static void name_letter(char text[24], uint64_t letter)
{
	static const char *const flags[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
	const uint64_t kind = letter & ((1 << 20) - 1);
	char *at = text, *end = text + 24;

	at += snprintf(at, 24, "%c", letter >> 20 ? '<' : '>');
	if (kind >= WM_KIND_OPAQUE)
		(void)snprintf(at, (size_t)(end - at), " link %u", (unsigned)(kind - WM_KIND_OPAQUE));
	else if (kind >= WM_KIND_OTHER)
		(void)snprintf(at, (size_t)(end - at), " type 0x%04x", (unsigned)(kind - WM_KIND_OTHER));
	else if (kind >= WM_KIND_ICMP)
		(void)snprintf(at, (size_t)(end - at), " icmp type %u", (unsigned)(kind & 255));
	else if (kind == WM_KIND_PROTO + 17)
		(void)snprintf(at, (size_t)(end - at), " udp");
	else if (kind >= WM_KIND_PROTO)
		(void)snprintf(at, (size_t)(end - at), " proto %u", (unsigned)(kind - WM_KIND_PROTO));
	else if (kind == 0)
		(void)snprintf(at, (size_t)(end - at), " none");
	for (unsigned b = 0; kind > 0 && kind < WM_KIND_PROTO && b < 8; b++)
		if (kind & 1u << b && end - at > 5)
			at += snprintf(at, (size_t)(end - at), " %s", flags[b]);
}

// The most frequent letters of all inputs together. @return how many.
static size_t find_letters(uint64_t letters[LETTERS], const struct wm_trace *traces, struct wm_scratch *s)
{
	size_t n = 0, all = 0, found = 0;
	struct wm_tally t;
	uint64_t *keys;

	for (size_t i = 0; i < WM_INPUTS; i++)
		all += traces[i].n;
	keys = wm_scratch_get(s, all, sizeof(*keys));
	if (keys == NULL)
		return 0;
	for (size_t i = 0; i < WM_INPUTS; i++)
		for (size_t k = 0; k < traces[i].n; k++)
			keys[n++] = letter_of(&traces[i], k);
	if (wm_tally_of(&t, keys, n, s) < 0)
		return 0;
	for (; found < LETTERS; found++) {
		size_t best = SIZE_MAX;

		for (size_t k = 0; k < t.n; k++)
			if (t.count[k] > 0 && (best == SIZE_MAX || t.count[k] > t.count[best]))
				best = k;
		if (best == SIZE_MAX)
			break;
		letters[found] = t.key[best];
		t.count[best] = 0;
	}
	return found;
}

static size_t index_of(const uint64_t *letters, size_t n, uint64_t letter)
{
	size_t k = 0;

	while (k < n && letters[k] != letter)
		k++;
	return k; // n: another
}

int wm_series_add_bigrams(struct wm_fidelity *f, const struct wm_trace *traces, struct wm_scratch *s)
{
	uint64_t letters[LETTERS];
	size_t n = find_letters(letters, traces, s);
	struct wm_series *out;
	bool has[WM_INPUTS];

	for (size_t i = 0; i < WM_INPUTS; i++)
		has[i] = traces[i].n > 0;
	if (n == 0)
		return -ENOMEM;
	out = wm_series_add(f, WM_SERIES_BIGRAM, "bigram.dir_flags",
		"Two packets in a row of a flow, by direction and kind", n + 1, has);
	if (out == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < n; k++)
		name_letter(out->labels[k], letters[k]);
	(void)snprintf(out->labels[n], sizeof(*out->labels), "others");
	for (size_t i = 0; i < WM_INPUTS; i++) {
		const struct wm_trace *t = &traces[i];
		double pairs = 0;

		for (size_t k = 0; k + 1 < t->n; k++) {
			if (!wm_trace_follows(t, k, 1))
				continue;
			out->y[i][index_of(letters, n, letter_of(t, k)) * (n + 1)
				  + index_of(letters, n, letter_of(t, k + 1))]++;
			pairs++;
		}
		for (size_t k = 0; pairs > 0 && k < (n + 1) * (n + 1); k++)
			out->y[i][k] /= pairs;
	}
	return 0;
}
