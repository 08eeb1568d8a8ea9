// SPDX-License-Identifier: BSD-3-Clause
// classes: flows that are alike in service, size, duration and the share of each direction, found as mixtures inside
// each service. The class conditions the sequence model from the flow's first packet on.
#pragma once

#include <base/err.h>
#include <dataset/dataset.h>
#include <engine/necst/vocab.h>

struct necst_classes {
	uint32_t n;
	uint16_t *cls; // (flows)
};

/** @return 0 or -ENOMEM. */
int necst_classes_fit(struct necst_classes *c, const struct wm_dataset *ds, const struct necst_vocab *v, uint64_t seed,
	struct wm_err *err);
void necst_classes_free(struct necst_classes *c);
