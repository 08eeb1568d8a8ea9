// SPDX-License-Identifier: BSD-3-Clause
// replay_open: a capture is opened for replay, and closed, and its reader joined.
#include <packet/dissect.h>
#include <synth/framing.h>
#include <synth/replay_pvt.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_S = 1 }; // with a reader that sits in a read

int wm_replay_read(struct wm_replay *r)
{
	int rc = 0;

	if (r->capture == NULL)
		rc = wm_capture_open(&r->capture, r->path, &r->err);
	if (rc == 0)
		rc = wm_capture_next(r->capture, &r->packet, &r->err);
	r->has_packet = rc > 0;
	return rc;
}

// Whether the packet that was read can be put on Ethernet.
static bool has_link(struct wm_replay *r)
{
	struct wm_packet pkt;
	struct wm_framing framing;

	wm_dissect(&pkt, r->packet.link, 0, r->packet.data, r->packet.cap_len, r->packet.len);
	return wm_framing_plan(&framing, &r->packet, &pkt, r->options.snapped, &r->counts) != &r->counts.no_link;
}

// Read on to the first packet that can be sent.
static int find_first(struct wm_replay *r, struct wm_err *err)
{
	int link = 0, rc = wm_replay_read(r);

	for (; rc > 0 && !has_link(r); rc = wm_replay_read(r)) {
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
	if (r->arena.bytes == NULL || r->path == NULL || wm_track_create(&r->track, WM_TRACK_BITS) < 0
		|| (options->map != NULL && wm_map_folds(options->map) && wm_fold_create(&r->fold, options->map) < 0)) {
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
	wm_fold_destroy(r->fold);
	free(r->arena.bytes);
	free(r->loop);
	free(r->path);
	free(r);
}

void wm_replay_attach(struct wm_replay *r, struct wm_ring *rings, unsigned n_rings)
{
	r->arena.rings = rings;
	r->arena.n_rings = n_rings;
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
