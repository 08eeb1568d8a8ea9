// SPDX-License-Identifier: BSD-3-Clause
#include <synth/replay.h>

#include <base/grow.h>
#include <capture/capture.h>
#include <packet/dissect.h>
#include <packet/link.h>
#include <packet/raw.h>
#include <synth/arena.h>
#include <synth/scale.h>
#include <synth/track.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PENDING = WM_TRACK_WAYS + 2, PATIENCE_S = 1 };

enum stage { READING, ENDING, OVER };

struct wm_replay {
	struct wm_replay_options options;
	char *path;
	struct wm_scale scale;
	struct wm_capture *capture;
	struct wm_capture_packet packet; // read, and not handed out
	bool has_packet;
	struct wm_arena arena;
	struct wm_track *track;
	enum stage stage;
	int failed;
	struct wm_err err;
	struct wm_err damage;
	struct wm_replay_counts counts;

	uint64_t zero_ns;   // the capture's time that is 0 in this loop
	uint64_t last_ns;   // of the packet before, in this loop
	uint64_t loop_ns;   // start of this loop
	uint64_t n_packets; // of this loop

	struct wm_sample pending[PENDING]; // made, not handed out
	size_t n_pending, next_pending;
	uint64_t begin; // of the arena, before the first sample that may be in no ring yet

	// All samples and ticks of a loop, as long as all frames of it are in the arena.
	bool keeping; // another loop follows, and there has been room so far
	bool kept;    // a whole loop is there
	struct wm_sample *loop;
	size_t n_loop, cap_loop, next_loop;
	struct wm_replay_counts loop_counts;
};

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
	r->stage = OVER;
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

// How a packet becomes a frame.
struct plan {
	uint8_t head[WM_ETHER_LEN];
	uint32_t head_len; // of that, in front of
	uint32_t skip;     // what is behind so many bytes of the captured ones,
	uint32_t have;     // so many,
	uint32_t len;      // and zeros up to this length
};

// @return NULL, or the counter of what the packet is dropped for.
static uint64_t *plan_frame(struct wm_replay *r, struct plan *plan, const struct wm_packet *pkt)
{
	const struct wm_capture_packet *p = &r->packet;
	int skip;

	*plan = (struct plan){0};
	if (p->link != WM_LINK_ETHERNET) {
		skip = wm_link_known(p->link) ? wm_ether_head(pkt, p->data, plan->head) : -1;
		if (skip < 0)
			return &r->counts.no_link;
		plan->head_len = WM_ETHER_LEN;
		plan->skip = (uint32_t)skip;
	}
	plan->have = p->cap_len - plan->skip;
	plan->len = plan->head_len + (r->options.snapped == WM_SNAPPED_PAD ? p->len : p->cap_len) - plan->skip;
	if (p->cap_len < p->len && r->options.snapped == WM_SNAPPED_DROP)
		return &r->counts.snapped_out;
	if (plan->len == 0)
		return &r->counts.empty;
	return plan->len > WM_REPLAY_LEN_MAX ? &r->counts.oversize : NULL;
}

static void put_frame(uint8_t *frame, const struct plan *plan, const uint8_t *data)
{
	memcpy(frame, plan->head, plan->head_len);
	memcpy(frame + plan->head_len, data + plan->skip, plan->have);
	memset(frame + plan->head_len + plan->have, 0, plan->len - plan->head_len - plan->have);
}

static void map_ends(struct wm_sample *s, const struct wm_map *map)
{
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
		map_ends(&s, r->options.map);
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
	struct plan plan;
	uint64_t *dropped;
	uint8_t *frame;

	wm_dissect(&pkt, p->link, p->time_ns, p->data, p->cap_len, p->len);
	dropped = plan_frame(r, &plan, &pkt);
	if (dropped != NULL) {
		r->counts.packets++;
		++*dropped;
		r->has_packet = false;
		return true;
	}
	frame = wm_arena_take(&r->arena, plan.len, r->begin, !r->keeping);
	if (frame == NULL && r->keeping) {
		stop_keeping(r);
		frame = wm_arena_take(&r->arena, plan.len, r->begin, true);
	}
	if (frame == NULL)
		return false;
	put_frame(frame, &plan, p->data);
	if (r->options.map != NULL)
		r->counts.mapped += wm_map_frame(r->options.map, frame, plan.head_len + plan.have);
	pkt.time_ns = time_in_loop(r, p->time_ns);
	push_packet(r, &pkt, frame, plan.len);
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

// @return 1 and a packet in r->packet, 0 at the capture's end; -errno.
static int read_packet(struct wm_replay *r)
{
	int rc = 0;

	if (r->capture == NULL)
		rc = wm_capture_open(&r->capture, r->path, &r->err);
	if (rc == 0)
		rc = wm_capture_next(r->capture, &r->packet, &r->err);
	r->has_packet = rc > 0;
	return rc;
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
		r->stage = OVER;
		return;
	}
	r->loop_ns += r->last_ns + (gap_ns > 0 ? gap_ns : WM_REPLAY_GAP_NS);
	r->stage = READING;
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
	case READING:
		if (r->has_packet)
			return take_packet(r);
		rc = read_packet(r);
		if (rc < 0)
			return fail(r, rc) == 0;
		if (rc == 0) {
			close_capture(r);
			r->stage = ENDING;
		}
		return true;
	case ENDING:
		if (wm_track_end(r->track, &flow))
			push_tick(r, WM_TICK_FLOW, flow, wm_arena_at(&r->arena, r->arena.head));
		else
			end_loop(r);
		return true;
	case OVER:
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
	return r->stage == READING && !r->has_packet && r->capture != NULL && wm_capture_waits(r->capture);
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
		if (r->kept && r->stage == READING)
			done += next_kept(r, out + done, n - done);
		else if ((done > 0 && would_wait(r)) || !advance(r))
			break;
	}
	return done;
}

bool wm_replay_over(const struct wm_replay *r)
{
	return r->failed != 0 || (r->stage == OVER && r->next_pending == r->n_pending);
}

int wm_replay_failed(const struct wm_replay *r, struct wm_err *err)
{
	return r->failed != 0 ? wm_err_set(err, r->failed, "%s", r->err.msg) : 0;
}

void wm_replay_join(pthread_t reader)
{
	struct timespec patience;

	(void)clock_gettime(CLOCK_REALTIME, &patience);
	patience.tv_sec += PATIENCE_S;
	if (pthread_timedjoin_np(reader, NULL, &patience) == 0)
		return;
	(void)pthread_cancel(reader);
	(void)pthread_join(reader, NULL);
}

const char *wm_replay_damage(const struct wm_replay *r)
{
	return r->damage.msg[0] != '\0' ? r->damage.msg : NULL;
}

const struct wm_replay_counts *wm_replay_counts(const struct wm_replay *r)
{
	return &r->counts;
}

void wm_replay_attach(struct wm_replay *r, struct wm_ring *rings, unsigned n_rings)
{
	r->arena.rings = rings;
	r->arena.n_rings = n_rings;
}

// Whether the packet that was read can be put on Ethernet.
static bool has_link(struct wm_replay *r)
{
	struct wm_packet pkt;
	struct plan plan;

	wm_dissect(&pkt, r->packet.link, 0, r->packet.data, r->packet.cap_len, r->packet.len);
	return plan_frame(r, &plan, &pkt) != &r->counts.no_link;
}

// Read on to the first packet that can be sent.
static int find_first(struct wm_replay *r, struct wm_err *err)
{
	int link = 0, rc = read_packet(r);

	for (; rc > 0 && !has_link(r); rc = read_packet(r)) {
		link = r->packet.link;
		r->counts.packets++;
		r->counts.no_link++;
	}
	if (rc > 0)
		return 0;
	if (rc < 0)
		return wm_err_set(err, rc, "%s", r->err.msg);
	if (r->counts.no_link > 0)
		return wm_err_set(err, -EINVAL,
			"%s: packets of its link type (%d) cannot be sent: Ethernet, raw IP, NULL, LOOP and Linux "
			"cooked "
			"(SLL) ones can",
			r->path, link);
	if (wm_capture_damage(r->capture) != NULL)
		return wm_err_set(err, -EINVAL, "%s: no packet in front of where it is %s", r->path,
			wm_capture_damage(r->capture));
	return wm_err_set(err, -EINVAL, "%s: there is no packet in it", r->path);
}

static size_t power_of_two(size_t n)
{
	size_t size = WM_REPLAY_ARENA_MIN;

	while (size < n)
		size *= 2;
	return size;
}

int wm_replay_open(struct wm_replay **out, const struct wm_replay_options *options, struct wm_err *err)
{
	struct wm_replay *r = calloc(1, sizeof(*r));
	int rc = -ENOMEM;

	if (r == NULL)
		return wm_err_sys(err, rc, "%s", options->path);
	r->options = *options;
	r->keeping = options->loops != 1;
	r->arena.size = power_of_two(options->arena);
	r->arena.bytes = malloc(r->arena.size);
	r->path = strdup(options->path);
	if (r->arena.bytes == NULL || r->path == NULL || wm_track_create(&r->track, WM_TRACK_BITS) < 0) {
		(void)wm_err_set(
			err, rc, "%s: no memory to read %zu MiB of it ahead", options->path, r->arena.size >> 20);
		goto fail;
	}
	rc = wm_scale_init(&r->scale, options->speed);
	if (rc < 0) {
		(void)wm_err_set(err, rc, "%s: speed %g is not in 1e-6 .. 1e6", r->path, options->speed);
		goto fail;
	}
	rc = find_first(r, err);
	if (rc < 0)
		goto fail;
	*out = r;
	return 0;

fail:
	wm_replay_close(r);
	return rc;
}

void wm_replay_close(struct wm_replay *r)
{
	if (r == NULL)
		return;
	wm_capture_close(r->capture);
	wm_track_destroy(r->track);
	free(r->arena.bytes);
	free(r->loop);
	free(r->path);
	free(r);
}
