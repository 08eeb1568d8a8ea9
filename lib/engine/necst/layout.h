// SPDX-License-Identifier: BSD-3-Clause
// layout: where the sequence model's weights are in one block of memory.
#pragma once

#include <engine/necst/sequence.h>

/** Set the pads and the number of weights from dims. */
void necst_layout_size(struct necst_sequence *s, const struct necst_dims *dims);

/** Point the weights into mem, which holds n_weights floats. */
void necst_layout_point(struct necst_sequence *s, float *mem);

/** Size, allocate (zero), point. @return 0 or -ENOMEM. Freed by necst_sequence_free(). */
int necst_layout_create(struct necst_sequence *s, const struct necst_dims *dims);
