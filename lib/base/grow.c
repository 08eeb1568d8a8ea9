// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

int wm_grow(void **mem, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap > 8 ? *cap : 8;
	void *p;

	if (need <= *cap)
		return 0;
	while (n < need) {
		if (n > SIZE_MAX / 2)
			return -ENOMEM;
		n *= 2;
	}
	p = reallocarray(*mem, n, size);
	if (p == NULL)
		return -ENOMEM;
	*mem = p;
	*cap = n;
	return 0;
}
