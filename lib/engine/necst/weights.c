// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/weights.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

// The largest sum of one row of each input that any gate can see.
static double most_input(const struct necst_sequence *s, const uint32_t offsets[NECST_INPUTS + 1])
{
	const size_t gates = 4 * (size_t)s->dims.units;
	double most = 0;

	for (size_t j = 0; j < gates; j++) {
		double sum = fabs((double)s->bias[j]);

		for (int i = 0; i < NECST_INPUTS; i++) {
			double largest = 0;

			for (size_t r = offsets[i]; r < offsets[i + 1]; r++)
				largest = fmax(largest, fabs((double)s->emb[r * gates + j]));
			sum += largest;
		}
		most = fmax(most, sum);
	}
	return most;
}

static int16_t *fixed_row(size_t n)
{
	void *p;

	return posix_memalign(&p, 64, n * sizeof(int16_t)) == 0 ? p : NULL;
}

// Rows of the embedding; to those of the first input the bias is added.
static int round_inputs(
	struct necst_weights *w, const struct necst_sequence *s, const uint32_t offsets[NECST_INPUTS + 1])
{
	const size_t gates = 4 * (size_t)s->dims.units;
	float *sum = malloc(gates * sizeof(*sum));

	w->emb = fixed_row(offsets[NECST_INPUTS] * gates);
	if (sum == NULL || w->emb == NULL) {
		free(sum);
		return -ENOMEM;
	}
	for (size_t r = 0; r < offsets[NECST_INPUTS]; r++) {
		for (size_t j = 0; j < gates; j++)
			sum[j] = s->emb[r * gates + j] + (r < offsets[1] ? s->bias[j] : 0.0f);
		wm_fixed_round(w->emb + r * gates, sum, gates, w->gates.b_bits);
	}
	free(sum);
	return 0;
}

int necst_weights_create(struct necst_weights *w, const struct necst_sequence *s)
{
	const size_t units = s->dims.units, columns = necst_columns(s);
	uint32_t offsets[NECST_INPUTS + 1];
	double most = 0;

	*w = (struct necst_weights){0};
	necst_offsets(&s->dims, offsets);
	for (size_t j = 0; j < columns; j++)
		most = fmax(most, fabs((double)s->head_b[j]));
	w->head_b = fixed_row(columns);
	if (w->head_b == NULL || wm_fixed_create(&w->head, s->head, units, columns, most) < 0
		|| wm_fixed_create(&w->gates, s->u, units, 4 * units, most_input(s, offsets)) < 0)
		return -ENOMEM;
	wm_fixed_round(w->head_b, s->head_b, columns, w->head.b_bits);
	return round_inputs(w, s, offsets);
}

void necst_weights_free(struct necst_weights *w)
{
	wm_fixed_free(&w->gates);
	wm_fixed_free(&w->head);
	free(w->emb);
	free(w->head_b);
}
