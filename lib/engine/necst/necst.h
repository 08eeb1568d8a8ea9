// SPDX-License-Identifier: BSD-3-Clause
// necst: the engine that follows NeCSTGen's method: a variational embedding of packets, Gaussian mixtures in it as
// clusters, and a recurrent network for the clusters' dynamics.
//
// Source: F. Meslet-Millet, S. Mouysset, E. Chaput, "NeCSTGen: An approach for realistic network traffic generation
// using Deep Learning", IEEE GLOBECOM 2022.
#pragma once

#include <engine/engine.h>
#include <engine/fit.h>

extern const struct wm_engine wm_engine_necst;

wm_fit_fn necst_fit;
