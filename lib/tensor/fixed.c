// SPDX-License-Identifier: BSD-3-Clause
#include <tensor/fixed.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum {
	WEIGHT_MOST = 127,
	STATE_BITS = 6, // states are by WM_STATE_ONE / 2^STATE_BITS too small, weights by as much too large
	BITS_MAX = 14,  // behind the point of a weight
	UP_MAX = 15,    // b << up takes up to 2^30 of a sum
};

static const double BIAS_MOST = 1000, SUM_MOST = 0x1p30, WIDENED = (1 << STATE_BITS) / (double)WM_STATE_ONE;

// The most bits behind the point with which numbers up to `most` do not go beyond `limit`.
static int bits_for(double most, double limit, int max)
{
	return most * ldexp(1, max) <= limit ? max : (int)floor(log2(limit / most));
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static double clamped(double x, double most)
{
	return fmin(fmax(x, -most), most);
}

static double weight(const struct wm_fixed *f, const float *w, size_t i, size_t j)
{
	return clamped((double)w[i * f->n + j], WEIGHT_MOST / WIDENED) * WIDENED;
}

// Bits of the weights of a column, by the largest. @param sum Of the magnitudes.
static int column_bits(const struct wm_fixed *f, const float *w, size_t j, double *sum)
{
	double most = 0;

	*sum = 0;
	for (size_t i = 0; i < f->k; i++) {
		const double a = fabs(weight(f, w, i, j));

		*sum += a;
		most = fmax(most, a);
	}
	return bits_for(most, WEIGHT_MOST, BITS_MAX);
}

static void pack_column(struct wm_fixed *f, const float *w, double bias, size_t j, int bits)
{
	const int down = f->down[j] - (int)f->lift;
	int32_t zero = 0;

	for (size_t i = 0; i < f->k; i++) {
		const int8_t q = (int8_t)lrint(ldexp(weight(f, w, i, j), bits));

		f->w[(i / 4 * f->n + j) * 4 + i % 4] = q;
		zero += q * WM_STATE_ZERO;
	}
	f->start[j] = (int32_t)lrint(ldexp(bias, bits + STATE_BITS)) - zero + (down > 0 ? 1 << (down - 1) : 0);
}

// Bits of each column's weights into `up`, and of b: no sum is to overflow, and none to be shifted the wrong way.
static void choose_bits(struct wm_fixed *f, const float *w, const float *bias, double b_most, int y_bits)
{
	int least = BITS_MAX, *bits = f->up;
	double sum;

	for (size_t j = 0; j < f->n; j++)
		least = smaller(least, column_bits(f, w, j, &sum));
	f->lift = (unsigned)larger(0, y_bits - STATE_BITS - least);
	f->b_bits = smaller(bits_for(b_most, INT16_MAX - 16, UP_MAX), least + STATE_BITS);
	for (size_t j = 0; j < f->n; j++) {
		bits[j] = smaller(column_bits(f, w, j, &sum), f->b_bits + UP_MAX - STATE_BITS);
		sum += b_most + fabs(clamped((double)bias[j], BIAS_MOST));
		bits[j] = larger(least, smaller(bits[j], bits_for(sum, SUM_MOST, 31) - STATE_BITS - (int)f->lift));
	}
}

static int allocate(struct wm_fixed *f)
{
	const size_t sizes[] = {f->k * f->n + 1, (f->n + 1) * 4, (f->n + 1) * 4, (f->n + 1) * 4};
	void *mem[4] = {NULL};
	int rc = 0;

	for (int i = 0; i < 4; i++)
		if (posix_memalign(&mem[i], 64, sizes[i]) != 0)
			rc = -ENOMEM;
	f->w = mem[0];
	f->start = mem[1];
	f->up = mem[2];
	f->down = mem[3];
	return rc;
}

int wm_fixed_create(
	struct wm_fixed *f, const float *w, const float *bias, size_t k, size_t n, double b_most, int y_bits)
{
	*f = (struct wm_fixed){.k = k, .n = n};
	if (allocate(f) < 0) {
		wm_fixed_free(f);
		return -ENOMEM;
	}
	choose_bits(f, w, bias, b_most, y_bits);
	for (size_t j = 0; j < n; j++) {
		const int bits = f->up[j];

		f->up[j] = bits + STATE_BITS - f->b_bits;
		f->down[j] = bits + STATE_BITS + (int)f->lift - y_bits;
		pack_column(f, w, clamped((double)bias[j], BIAS_MOST), j, bits);
	}
	return 0;
}

void wm_fixed_free(struct wm_fixed *f)
{
	free(f->w);
	free(f->start);
	free(f->up);
	free(f->down);
	*f = (struct wm_fixed){0};
}

void wm_fixed_round(int16_t *to, const float *from, size_t n, int bits)
{
	for (size_t j = 0; j < n; j++)
		to[j] = (int16_t)lrint(clamped(ldexp((double)from[j], bits), INT16_MAX));
}
