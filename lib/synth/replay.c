// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <packet/dissect.h>
#include <packet/raw.h>
#include <synth/framing.h>
#include <synth/replay_pvt.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void stop_keeping(struct wm_replay *r)
{
	r->keeping = false;
	free(r->loop);
	r->loop = NULL;
	r->n_loop = r->cap_loop = 0;
}

static int fail(struct wm_replay *r, int rc)
{
	r->failed = rc;
	r->stage = WM_REPLAY_OVER;
	return rc;
}

// Add to what is handed out next, and to what is kept for the next loops. The time is that in the loop.
static void push(struct wm_replay *r, const struct wm_sample *s)
{
	r->pending[r->n_pending++] = *s;
	if (!r->keeping)
		return;
	if (r->n_loop >= r->arena.size / sizeof(*r->loop)
		|| wm_grow((void **)&r->loop, &r->cap_loop, r->n_loop + 1, sizeof(*r->loop)) < 0)
		stop_keeping(r);
	else
		r->loop[r->n_loop++] = *s;
}

// `bytes` is where the frame of the sample that follows is, or will be: what waits behind a tick is not free either.
static void push_tick(struct wm_replay *r, enum wm_tick tick, uint32_t flow, const uint8_t *bytes)
{
	const struct wm_sample s = {
		.time_ns = r->last_ns,
		.bytes = bytes,
		.flow = flow,
		.form = WM_FORM_TICK,
		.flags = (uint8_t)tick,
		.bits = (uint8_t)(r->options.number << WM_MODEL_SHIFT),
	};

	push(r, &s);
}

// The time of a packet in this loop.
static uint64_t time_in_loop(struct wm_replay *r, uint64_t time_ns)
{
	int64_t ago;

	if (r->n_packets == 0)
		r->zero_ns = time_ns;
	ago = (int64_t)(r->last_ns - (time_ns - r->zero_ns));
	if (ago > (int64_t)WM_REPLAY_SET_NS) {
		r->counts.clock_set++;
		r->zero_ns = time_ns - r->last_ns;
	} else if (ago > 0) {
		r->counts.backwards++;
	}
	if (ago < 0)
		r->last_ns -= (uint64_t)ago;
	return r->last_ns;
}

static void map_ends(struct wm_replay *r, struct wm_sample *s)
{
	const struct wm_map *map = r->options.map;

	if (r->fold != NULL) {
		wm_fold_add(r->fold, s->src);
		wm_fold_add(r->fold, s->dst);
		r->counts.folded = wm_fold_count(r->fold, NULL);
	}
	wm_map_address(map, s->src);
	wm_map_address(map, s->dst);
	s->sport = wm_map_port(map, s->sport);
	s->dport = wm_map_port(map, s->dport);
}

static void push_packet(struct wm_replay *r, const struct wm_packet *pkt, const uint8_t *frame, uint32_t len)
{
	uint32_t tags = pkt->link == WM_LINK_ETHERNET && pkt->l3 > WM_ETHER_LEN ? (pkt->l3 - WM_ETHER_LEN) / 4u : 0;
	struct wm_sample s = {.time_ns = pkt->time_ns, .bytes = frame, .len = (uint16_t)len, .flags = pkt->flags};
	struct wm_tracked flow;

	wm_track_packet(r->track, pkt, &flow);
	for (unsigned i = 0; i < flow.n_ended; i++)
		push_tick(r, WM_TICK_FLOW, flow.ended[i], frame);
	memcpy(s.src, pkt->src, sizeof(s.src));
	memcpy(s.dst, pkt->dst, sizeof(s.dst));
	s.sport = pkt->sport;
	s.dport = pkt->dport;
	if (r->options.map != NULL && pkt->net != WM_NET_OTHER)
		map_ends(r, &s);
	s.flow = flow.flow;
	s.form = (uint16_t)(tags < WM_FORMS_RAW ? tags : WM_FORMS_RAW - 1);
	s.bits = (uint8_t)(r->options.number << WM_MODEL_SHIFT);
	s.bits |= (flow.reverse ? WM_BIT_REVERSE : 0) | (flow.first ? WM_BIT_FIRST : 0);
	r->counts.flows += flow.first;
	r->counts.snapped += r->packet.cap_len < r->packet.len;
	r->n_packets++;
	push(r, &s);
}

// @return false if there is no room for it now.
static bool take_packet(struct wm_replay *r)
{
	const struct wm_capture_packet *p = &r->packet;
	struct wm_packet pkt;
	struct wm_framing framing;
	uint64_t *dropped;
	uint8_t *frame;

	wm_dissect(&pkt, p->link, p->time_ns, p->data, p->cap_len, p->len);
	dropped = wm_framing_plan(&framing, p, &pkt, r->options.snapped, &r->counts);
	if (dropped != NULL) {
		r->counts.packets++;
		++*dropped;
		r->has_packet = false;
		return true;
	}
	frame = wm_arena_take(&r->arena, framing.len, r->begin, !r->keeping);
	if (frame == NULL && r->keeping) {
		stop_keeping(r);
		frame = wm_arena_take(&r->arena, framing.len, r->begin, true);
	}
	if (frame == NULL)
		return false;
	wm_framing_put(frame, &framing, p->data);
	if (r->options.map != NULL)
		r->counts.mapped += wm_map_frame(r->options.map, frame, framing.head_len + framing.have);
	pkt.time_ns = time_in_loop(r, p->time_ns);
	push_packet(r, &pkt, frame, framing.len);
	r->has_packet = false;
	return true;
}

static void close_capture(struct wm_replay *r)
{
	const struct wm_capture_counts *c = wm_capture_counts(r->capture);
	const char *damage = wm_capture_damage(r->capture);

	r->counts.bad_blocks += c->untimed + c->bad_blocks;
	if (damage != NULL && r->damage.msg[0] == '\0')
		(void)wm_err_set(&r->damage, 0, "%s: %s", r->path, damage);
	wm_capture_close(r->capture);
	r->capture = NULL;
}

// What a loop from memory does not count packet by packet.
static void count_kept_loop(struct wm_replay *r)
{
	const struct wm_replay_counts *l = &r->loop_counts;
	struct wm_replay_counts *c = &r->counts;

	c->snapped += l->snapped;
	c->mapped += l->mapped;
	c->backwards += l->backwards;
	c->clock_set += l->clock_set;
	c->snapped_out += l->snapped_out;
	c->oversize += l->oversize;
	c->empty += l->empty;
	c->no_link += l->no_link;
	c->bad_blocks += l->bad_blocks;
	c->flows += l->flows;
	c->flows_cut += l->flows_cut;
	c->packets += l->packets - l->used;
}

static void end_loop(struct wm_replay *r)
{
	uint64_t gap_ns = r->n_packets > 1 ? r->last_ns / (r->n_packets - 1) : 0;

	if (r->n_packets == 0) {
		(void)fail(r, wm_err_set(&r->err, -ENODATA, "%s: no packet of it can be sent", r->path));
		return;
	}
	r->counts.loops++;
	r->counts.flows_cut = r->kept ? r->counts.flows_cut : wm_track_cut(r->track);
	if (r->counts.loops == r->options.loops) {
		r->keeping = false;
		push_tick(r, WM_TICK_END, 0, wm_arena_at(&r->arena, r->arena.head));
		r->stage = WM_REPLAY_OVER;
		return;
	}
	r->loop_ns += r->last_ns + (gap_ns > 0 ? gap_ns : WM_REPLAY_GAP_NS);
	r->stage = WM_REPLAY_READING;
	if (r->keeping) {
		r->kept = true;
		r->keeping = false;
		r->loop_counts = r->counts;
	}
	r->next_loop = 0;
	if (!r->kept)
		r->n_packets = r->last_ns = 0;
}

// Make what comes next pending. @return false if there is nothing now.
static bool advance(struct wm_replay *r)
{
	uint32_t flow;
	int rc;

	switch (r->stage) {
	case WM_REPLAY_READING:
		if (r->has_packet)
			return take_packet(r);
		rc = wm_replay_read(r);
		if (rc < 0)
			return fail(r, rc) == 0;
		if (rc == 0) {
			close_capture(r);
			r->stage = WM_REPLAY_ENDING;
		}
		return true;
	case WM_REPLAY_ENDING:
		if (wm_track_end(r->track, &flow))
			push_tick(r, WM_TICK_FLOW, flow, wm_arena_at(&r->arena, r->arena.head));
		else
			end_loop(r);
		return true;
	case WM_REPLAY_OVER:
		break;
	}
	return false;
}

// Put a sample of this loop where the loop is in time. @return false if that is beyond the end of time.
static bool place(struct wm_replay *r, struct wm_sample *s)
{
	s->time_ns = wm_scale_time(&r->scale, r->loop_ns + s->time_ns);
	if (s->time_ns >= WM_TIME_END) {
		(void)fail(r, wm_err_set(&r->err, -ERANGE, "%s: looped for more than 292 years", r->path));
		return false;
	}
	if (s->form != WM_FORM_TICK) {
		r->counts.packets++;
		r->counts.used++;
	}
	return true;
}

static size_t next_pending(struct wm_replay *r, struct wm_sample *out, size_t n)
{
	size_t done = 0;

	for (; done < n && r->next_pending < r->n_pending; done++) {
		out[done] = r->pending[r->next_pending++];
		if (!place(r, &out[done]))
			break;
	}
	return done;
}

static size_t next_kept(struct wm_replay *r, struct wm_sample *out, size_t n)
{
	size_t done = 0;

	for (; done < n && r->next_loop < r->n_loop; done++) {
		out[done] = r->loop[r->next_loop++];
		if (!place(r, &out[done]))
			return done;
	}
	if (r->next_loop == r->n_loop) {
		count_kept_loop(r);
		end_loop(r);
	}
	return done;
}

// What is there is not kept back for what may come out of a pipe.
static bool would_wait(const struct wm_replay *r)
{
	return r->stage == WM_REPLAY_READING && !r->has_packet && r->capture != NULL && wm_capture_waits(r->capture);
}

size_t wm_replay_next(struct wm_replay *r, struct wm_sample *out, size_t n)
{
	size_t done = 0;

	if (r->next_pending == r->n_pending)
		r->begin = r->arena.head;
	while (done < n && r->failed == 0) {
		if (r->next_pending < r->n_pending) {
			done += next_pending(r, out + done, n - done);
			continue;
		}
		r->next_pending = r->n_pending = 0;
		if (r->kept && r->stage == WM_REPLAY_READING)
			done += next_kept(r, out + done, n - done);
		else if ((done > 0 && would_wait(r)) || !advance(r))
			break;
	}
	return done;
}

bool wm_replay_over(const struct wm_replay *r)
{
	return r->failed != 0 || (r->stage == WM_REPLAY_OVER && r->next_pending == r->n_pending);
}

int wm_replay_failed(const struct wm_replay *r, struct wm_err *err)
{
	return r->failed != 0 ? wm_err_set(err, r->failed, "%s", r->err.msg) : 0;
}

const char *wm_replay_damage(const struct wm_replay *r)
{
	return r->damage.msg[0] != '\0' ? r->damage.msg : NULL;
}

const struct wm_replay_counts *wm_replay_counts(const struct wm_replay *r)
{
	return &r->counts;
}
