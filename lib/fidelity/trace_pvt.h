// SPDX-License-Identifier: BSD-3-Clause
// trace_pvt: how a trace is made.
#pragma once

#include <fidelity/trace.h>

/** Room for n rows in every column; what is there stays. @return 0 or -ENOMEM. */
int wm_trace_resize(struct wm_trace *t, size_t n);

/** Fill flow, dir, svc and cport of packets that are in order of time. @return 0 or -ENOMEM. */
int wm_trace_assign_flows(struct wm_trace *t);

/** Fill sq and ak of packets that are in order of flow and time. */
void wm_trace_follow_tcp(struct wm_trace *t);
