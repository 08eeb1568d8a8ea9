// SPDX-License-Identifier: BSD-3-Clause
#include <synth/framing.h>

#include <string.h>

uint64_t *wm_framing_plan(struct wm_framing *out, const struct wm_capture_packet *p, const struct wm_packet *pkt,
	enum wm_snapped snapped, struct wm_replay_counts *counts)
{
	struct wm_framing f = {0};
	int skip;

	if (p->link != WM_LINK_ETHERNET) {
		skip = wm_link_known(p->link) ? wm_ether_head(pkt, p->data, f.head) : -1;
		if (skip < 0)
			return &counts->no_link;
		f.head_len = WM_ETHER_LEN;
		f.skip = (uint32_t)skip;
	}
	f.have = p->cap_len - f.skip;
	f.len = f.head_len + (snapped == WM_SNAPPED_PAD ? p->len : p->cap_len) - f.skip;
	*out = f;
	if (p->cap_len < p->len && snapped == WM_SNAPPED_DROP)
		return &counts->snapped_out;
	if (f.len == 0)
		return &counts->empty;
	return f.len > WM_REPLAY_LEN_MAX ? &counts->oversize : NULL;
}

void wm_framing_put(uint8_t *frame, const struct wm_framing *f, const uint8_t *data)
{
	memcpy(frame, f->head, f->head_len);
	memcpy(frame + f->head_len, data + f->skip, f->have);
	memset(frame + f->head_len + f->have, 0, f->len - f->head_len - f->have);
}
