// SPDX-License-Identifier: BSD-3-Clause
#include <plane/wish.h>

#include <stddef.h>

void wm_plane_ask_rate(struct wm_plane_wish *wish, const struct wm_rate *rate)
{
	(void)pthread_mutex_lock(&wish->lock);
	wish->rate = *rate;
	wish->has_rate = true;
	(void)pthread_mutex_unlock(&wish->lock);
}

bool wm_plane_wish_rate(struct wm_plane_wish *wish, struct wm_rate *out)
{
	bool has_rate;

	(void)pthread_mutex_lock(&wish->lock);
	has_rate = wish->has_rate;
	*out = wish->rate;
	wish->has_rate = false;
	(void)pthread_mutex_unlock(&wish->lock);
	return has_rate;
}

void wm_plane_ask_pause(struct wm_plane_wish *wish, bool pause)
{
	(void)pthread_mutex_lock(&wish->lock);
	wish->pause = pause;
	(void)pthread_mutex_unlock(&wish->lock);
}

bool wm_plane_wish_pause(struct wm_plane_wish *wish)
{
	bool pause;

	if (wish == NULL)
		return false;
	(void)pthread_mutex_lock(&wish->lock);
	pause = wish->pause;
	(void)pthread_mutex_unlock(&wish->lock);
	return pause;
}
