// SPDX-License-Identifier: BSD-3-Clause
#include <dataset/lora_pvt.h>

#include <capture/capture.h>
#include <packet/dissect.h>

#include <errno.h>

static int take_packet(struct wm_lora_reading *r, const struct wm_capture_packet *rec)
{
	struct wm_lora l;
	uint64_t eui;
	size_t phy;
	int version;

	if (rec->link != WM_LINK_LORATAP) {
		r->counts.unknown_link++;
		return 0;
	}
	version = rec->cap_len == rec->len ? wm_loratap_read(&l, &eui, &phy, rec->data, rec->cap_len) : -EINVAL;
	if (version < 0) {
		r->counts.truncated++;
		return 0;
	}
	if ((unsigned)version > r->set.loratap)
		r->set.loratap = (unsigned)version;
	return wm_lora_keep(r, rec->time_ns, eui, &l, rec->data + phy);
}

static void count_capture(struct wm_lora_reading *r, const struct wm_capture *c, const char *path)
{
	uint64_t done, all;

	wm_dataset_count(&r->counts, wm_capture_counts(c));
	wm_lora_damaged(r, path, wm_capture_damage(c));
	wm_capture_progress(c, &done, &all);
	r->done += done;
}

int wm_lora_read_capture(struct wm_lora_reading *r, const char *path, struct wm_err *err)
{
	struct wm_capture *c = NULL;
	struct wm_capture_packet rec;
	uint64_t last_ns = 0;
	int rc = wm_capture_open(&c, path, err);

	if (rc == 0 && r->options->filter != NULL)
		rc = wm_capture_filter(c, r->options->filter, err);
	for (uint64_t n = 1; rc >= 0 && (rc = wm_capture_next(c, &rec, err)) > 0; n++) {
		rc = take_packet(r, &rec);
		if (rc < 0)
			(void)wm_err_sys(err, rc, "%s", path);
		r->counts.backwards += rec.time_ns < last_ns;
		last_ns = rec.time_ns;
		if (n % WM_LORA_TELL_EVERY == 0) {
			uint64_t done, all;

			wm_capture_progress(c, &done, &all);
			wm_lora_tell(r, done, all);
		}
	}
	if (rc == 0)
		count_capture(r, c, path);
	wm_capture_close(c);
	return rc;
}

int wm_lora_is_capture(const char *path)
{
	struct wm_capture *c = NULL;
	struct wm_capture_packet rec = {0};
	int rc = wm_capture_open(&c, path, NULL);

	if (rc == 0)
		rc = wm_capture_next(c, &rec, NULL);
	wm_capture_close(c);
	if (rc > 0)
		return rec.link == WM_LINK_LORATAP;
	return rc == -ENOMEM ? rc : 0;
}
