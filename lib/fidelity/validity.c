// SPDX-License-Identifier: BSD-3-Clause
// Group D: whether packets and TCP connections are what a strict receiver expects: shares that are compared.
#include <fidelity/measure.h>

#include <errno.h>
#include <math.h>

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10, USED = FIN | SYN | RST | ACK };

enum share {
	TIME_ORDER,
	SYN_FIRST,
	HANDSHAKE,
	TEARDOWN,
	LATE_SYN,
	SEQ_NEXT,
	SEQ_OLD,
	SEQ_HOLE,
	ACK_BEYOND,
	ACK_BACK,
	IP_CHECKSUM,
	L4_CHECKSUM,
	SHARES,
};

static const char *const keys[SHARES] = {
	[TIME_ORDER] = "D.time_order.share",
	[SYN_FIRST] = "D.syn_first.share",
	[HANDSHAKE] = "D.handshake.share",
	[TEARDOWN] = "D.fin_rst_in_last_6.share",
	[LATE_SYN] = "D.syn_in_the_middle.share",
	[SEQ_NEXT] = "D.seq_next.share",
	[SEQ_OLD] = "D.seq_retransmitted.share",
	[SEQ_HOLE] = "D.seq_hole.share",
	[ACK_BEYOND] = "D.ack_beyond.share",
	[ACK_BACK] = "D.ack_back.share",
	[IP_CHECKSUM] = "D.ip_checksum.share",
	[L4_CHECKSUM] = "D.l4_checksum.share",
};

struct count {
	size_t hits;
	size_t of;
};

static void count(struct count *c, bool hit)
{
	c->hits += hit;
	c->of++;
}

static int32_t flags_of(const struct wm_trace *t, size_t i)
{
	return t->field[WM_F_FLAGS][i] & USED;
}

static bool shakes_hands(const struct wm_trace *t, size_t i)
{
	const int32_t *dir = t->field[WM_F_DIR] + i;

	return flags_of(t, i) == SYN && flags_of(t, i + 1) == (SYN | ACK) && flags_of(t, i + 2) == ACK
	       && dir[0] == dir[2] && dir[0] != dir[1];
}

// A whole TCP flow of n packets from i on; what halving cut does not count.
static void count_flow(struct count counts[SHARES], const struct wm_trace *t, size_t i, size_t n)
{
	bool torn_down = false, late_syn = false;

	count(&counts[SYN_FIRST], flags_of(t, i) == SYN);
	if (n < 4)
		return;
	for (size_t k = n < 6 ? 0 : n - 6; k < n; k++)
		torn_down |= (flags_of(t, i + k) & (FIN | RST)) != 0;
	for (size_t k = 2; k < n; k++)
		late_syn |= flags_of(t, i + k) == SYN;
	count(&counts[HANDSHAKE], shakes_hands(t, i));
	count(&counts[TEARDOWN], torn_down);
	count(&counts[LATE_SYN], late_syn);
}

static void count_packet(struct count counts[SHARES], const struct wm_trace *t, size_t i)
{
	count(&counts[TIME_ORDER], !t->back[i]);
	if (t->sq[i] != WM_SQ_NONE) {
		count(&counts[SEQ_NEXT], t->sq[i] == WM_SQ_NEXT);
		count(&counts[SEQ_OLD], t->sq[i] == WM_SQ_OLD);
		count(&counts[SEQ_HOLE], t->sq[i] == WM_SQ_HOLE);
	}
	if (t->ak[i] != WM_AK_NONE) {
		count(&counts[ACK_BEYOND], t->ak[i] == WM_AK_BEYOND);
		count(&counts[ACK_BACK], t->ak[i] == WM_AK_BACK);
	}
	if (t->ip_ck[i] >= 0)
		count(&counts[IP_CHECKSUM], t->ip_ck[i]);
	if (t->l4_ck[i] >= 0)
		count(&counts[L4_CHECKSUM], t->l4_ck[i]);
}

static int count_all(struct count counts[SHARES], const struct wm_trace *t, struct wm_scratch *s)
{
	size_t n_runs;
	const uint32_t *runs = wm_trace_runs(t, &n_runs, s);

	if (runs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		count_packet(counts, t, i);
	for (size_t f = 0; f < n_runs; f++) {
		size_t first = runs[f], n = runs[f + 1] - first;

		if (t->pos[first] == 0 && t->rpos[first + n - 1] == 0 && t->field[WM_F_FLAGS][first] >= 0)
			count_flow(counts, t, first, n);
	}
	return 0;
}

static double share(const struct count *c)
{
	return (double)c->hits / (double)c->of;
}

// More good checksums than real are no fault. Where real is cut before they can be checked, all have to be good.
static double checksum_gap(const struct count *a, const struct count *b)
{
	double gap = (a->of >= WM_FEW ? share(a) : 1) - share(b);

	return gap > 0 ? gap : 0;
}

static double share_gap(enum share which, const struct count *a, const struct count *b)
{
	double gap;

	if (b->of == 0)
		return (double)INFINITY;
	gap = share(a) - share(b);
	return which != TIME_ORDER ? fabs(gap) : gap > 0 ? gap : 0;
}

int wm_measure_validity(const struct wm_comparison *c)
{
	struct count a[SHARES] = {{0}}, b[SHARES] = {{0}};

	if (count_all(a, c->a, c->s) < 0 || count_all(b, c->b, c->s) < 0)
		return -ENOMEM;
	for (enum share i = 0; i < SHARES; i++) {
		if (i == IP_CHECKSUM || i == L4_CHECKSUM) {
			if (b[i].of >= WM_FEW)
				wm_put(c->out, checksum_gap(&a[i], &b[i]), "%s", keys[i]);
		} else if (a[i].of >= WM_FEW) {
			wm_put(c->out, share_gap(i, &a[i], &b[i]), "%s", keys[i]);
		}
	}
	return 0;
}
