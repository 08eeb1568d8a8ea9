// SPDX-License-Identifier: BSD-3-Clause
#include <tensor/fixed.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum {
	BITS_MAX = 100, // scales stay normal numbers
	SHIFT_MAX = 15, // b << shift takes up to 2^30 of a sum, half of it; the other half is for the products
};

// Sum of |w q| over a column with states of up to 2^WM_STATE_BITS: 2^30 less the rounding of 1024 weights.
#define COLUMN_MAX (0x1p18 - 0x1p9)

// The most bits behind the point with which numbers up to `most` do not go beyond `limit`.
static int bits_for(double most, double limit)
{
	return most > 0 ? (int)fmin(fmax(floor(log2(limit / most)), -BITS_MAX), BITS_MAX) : BITS_MAX;
}

static void find_most(double *weight, double *column, const float *w, size_t k, size_t n)
{
	*weight = *column = 0;
	for (size_t j = 0; j < n; j++) {
		double sum = 0;

		for (size_t i = 0; i < k; i++) {
			double a = fabs((double)w[i * n + j]);

			sum += a;
			*weight = fmax(*weight, a);
		}
		*column = fmax(*column, sum);
	}
}

static int16_t rounded(float x, int bits)
{
	return (int16_t)lrint(ldexp((double)x, bits));
}

int wm_fixed_create(struct wm_fixed *f, const float *w, size_t k, size_t n, double b_most)
{
	double weight, column;
	int bits;
	void *mem;

	find_most(&weight, &column, w, k, n);
	bits = (int)fmin(bits_for(weight, INT16_MAX), bits_for(column, COLUMN_MAX));
	*f = (struct wm_fixed){.k = k, .n = n, .b_bits = bits_for(b_most, INT16_MAX - 16)};
	if (f->b_bits > bits + WM_STATE_BITS)
		f->b_bits = bits + WM_STATE_BITS;
	if (bits + WM_STATE_BITS - f->b_bits > SHIFT_MAX)
		bits = f->b_bits + SHIFT_MAX - WM_STATE_BITS;
	f->shift = (unsigned)(bits + WM_STATE_BITS - f->b_bits);
	f->scale = ldexpf(1, -bits - WM_STATE_BITS);
	if (posix_memalign(&mem, 64, (k * n + 1) * sizeof(*f->w)) != 0)
		return -ENOMEM;
	f->w = mem;
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j < n; j++)
			f->w[(i / 2 * n + j) * 2 + i % 2] = rounded(w[i * n + j], bits);
	return 0;
}

void wm_fixed_free(struct wm_fixed *f)
{
	free(f->w);
	f->w = NULL;
}

void wm_fixed_round(int16_t *to, const float *from, size_t n, int bits)
{
	for (size_t j = 0; j < n; j++)
		to[j] = rounded(from[j], bits);
}
