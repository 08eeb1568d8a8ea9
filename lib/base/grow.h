// SPDX-License-Identifier: BSD-3-Clause
// grow: arrays that grow by doubling.
#pragma once

#include <stddef.h>

/**
 * Make room for at least @p need elements of @p size bytes; new room is not cleared.
 *
 * @param mem Address of the array's pointer (`(void **)&v->items`); unchanged on failure.
 * @param cap Its capacity in elements; updated.
 * @return 0, or -ENOMEM (also where need * size overflows).
 */
int wm_grow(void **mem, size_t *cap, size_t need, size_t size);
