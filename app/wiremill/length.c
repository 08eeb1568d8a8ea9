// SPDX-License-Identifier: BSD-3-Clause
#include "length.h"

#include <math.h>

#define NS_MOST 9e18

// Whether nothing but the run's end says how long the model goes on.
static bool is_free(const struct models *m, size_t i)
{
	const struct wm_schedule *t = &m->sources[i].schedule;

	return m->at[i].engine != NULL && m->at[i].engine->learned != NULL && t->start_ns == 0 && t->stop_ns == 0
	       && t->rise_ns == 0 && t->lead_ns == 0;
}

// How long it takes until all models together have made so many packets, by their mean rates. 0 = not known.
static double time_of(const struct models *m, uint64_t packets)
{
	double per_s = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct wm_learned l;

		if (!is_free(m, i))
			return 0;
		m->at[i].engine->learned(m->at[i].model, &l);
		per_s += l.packets_per_s * m->sources[i].schedule.weight;
	}
	return per_s > 0 ? (double)packets / per_s : 0;
}

void length_tell(struct models *m, const struct settings *s)
{
	const double asked_s = s->rate.kind == WM_RATE_MODEL ? s->duration_s : 0;
	const bool count = s->packets > 0 && s->replay.file == NULL;
	const double counted_s = count && m->n > 1 ? time_of(m, s->packets) : 0;
	const double length_s = asked_s > 0 && counted_s > 0 ? fmin(asked_s, counted_s) : fmax(asked_s, counted_s);

	for (size_t i = 0; i < m->n; i++) {
		struct wm_source *source = &m->sources[i];
		const double weight = source->schedule.weight;

		if (!is_free(m, i))
			continue;
		// Above a weight of 1 the plan is gone through faster; below it, some of its flows do not begin.
		source->duration_ns = (uint64_t)fmin(1e9 * length_s * fmax(weight, 1), NS_MOST);
		if (count && m->n == 1)
			source->packets = (uint64_t)fmin((double)s->packets / fmin(weight, 1), NS_MOST);
	}
}
