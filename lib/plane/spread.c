// SPDX-License-Identifier: BSD-3-Clause
#include <plane/spread.h>

// The least value of a cell.
static uint64_t floor_of(unsigned cell)
{
	unsigned power = cell >> WM_SPREAD_BITS, step = cell & ((1 << WM_SPREAD_BITS) - 1);

	return power == 0 ? step : ((UINT64_C(1) << WM_SPREAD_BITS) + step) << (power - 1);
}

uint64_t wm_spread_at(const struct wm_spread *s, double share)
{
	uint64_t n = wm_count_get(&s->n), least = wm_count_get(&s->least), most = wm_count_get(&s->most), below = 0;
	uint64_t middle;
	unsigned cell;

	if (n == 0)
		return 0;
	for (cell = 0; cell < WM_SPREAD_CELLS - 1; cell++) {
		below += wm_count_get(&s->cells[cell]);
		if ((double)below >= share * (double)n && below > 0)
			break;
	}
	middle = floor_of(cell) + (floor_of(cell + 1) - floor_of(cell)) / 2;
	return middle < least ? least : middle > most ? most : middle;
}
