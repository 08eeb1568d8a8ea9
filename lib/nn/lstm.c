// SPDX-License-Identifier: BSD-3-Clause
#include <nn/lstm.h>
#include <tensor/tensor.h>

#include <assert.h>
#include <cblas.h>
#include <string.h>

// The work space.
struct tape {
	float *gates; // (T, B, 4H) pre-activations, then activations; backward makes them the pre-activations' gradient
	float *cell;  // (T, B, H) before each step, resets applied
	float *tanh_c; // (T, B, H) of the cell after each step
	float *first;  // (B, H) h before the first step, resets applied
	float *dc;     // (B, H) gradient of the cell, flowing back
	float *ut;     // (4H, H) u transposed
};

static struct tape lay_out(float *work, size_t units, size_t T, size_t B)
{
	struct tape t;

	t.gates = work;
	t.cell = t.gates + T * B * 4 * units;
	t.tanh_c = t.cell + T * B * units;
	t.first = t.tanh_c + T * B * units;
	t.dc = t.first + B * units;
	t.ut = t.dc + B * units;
	return t;
}

size_t wm_lstm_work(const struct wm_lstm *l, size_t T, size_t B)
{
	return 6 * T * B * l->units + 2 * B * l->units + 4 * l->units * l->units;
}

// z (4H) = bias + the rows of emb
static void embed(const struct wm_kernels *kernels, const struct wm_lstm *l, float *z, const float *emb,
	const float *bias, const int32_t *idx)
{
	const size_t width = 4 * l->units;
	const float *rows[WM_LSTM_MAX_IDX + 1];
	size_t n = 0;

	rows[n++] = bias;
	for (size_t i = 0; i < l->n_idx; i++)
		if (idx[i] >= 0)
			rows[n++] = emb + (size_t)idx[i] * width;
	kernels->add_rows(z, rows, n, width);
}

// NOLINTNEXTLINE(readability-function-size): the arrays of a training step, each with its own owner
void wm_lstm_forward(const struct wm_lstm *l, float *hout, float *h0, float *c0, const float *emb, const float *u,
	const float *bias, const int32_t *idx, const uint8_t *reset, size_t T, size_t B, float *work)
{
	const struct wm_kernels *kernels = wm_kernels_best();
	const size_t units = l->units;
	const struct tape tape = lay_out(work, units, T, B);

	assert(units % WM_LANES == 0 && l->n_idx <= WM_LSTM_MAX_IDX);
	for (size_t t = 0; t < T; t++) {
		for (size_t b = 0; b < B; b++) {
			size_t at = t * B + b;

			if (reset[at]) {
				memset(h0 + b * units, 0, units * sizeof(*h0));
				memset(c0 + b * units, 0, units * sizeof(*c0));
			}
			embed(kernels, l, tape.gates + at * 4 * units, emb, bias, idx + at * l->n_idx);
		}
		if (t == 0)
			memcpy(tape.first, h0, B * units * sizeof(*h0));
		memcpy(tape.cell + t * B * units, c0, B * units * sizeof(*c0));
		kernels->matmul(tape.gates + t * B * 4 * units, 4 * units, h0, units, u, B, units, 4 * units);
		for (size_t b = 0; b < B; b++) {
			size_t at = t * B + b;

			kernels->lstm_train(h0 + b * units, c0 + b * units, tape.gates + at * 4 * units,
				tape.tanh_c + at * units, units);
		}
		memcpy(hout + t * B * units, h0, B * units * sizeof(*h0));
	}
}

// One step of one lane: gates become the gradient of the pre-activations, dc that of the cell before.
static void step_backward(float *restrict gates, float *restrict dc, const float *restrict dh,
	const float *restrict cell, const float *restrict tanh_c, size_t H)
{
	for (size_t j = 0; j < H; j++) {
		float i = gates[j], f = gates[H + j], g = gates[2 * H + j], o = gates[3 * H + j], th = tanh_c[j];
		float d = dc[j] + dh[j] * o * (1 - th * th);

		gates[j] = d * g * i * (1 - i);
		gates[H + j] = d * cell[j] * f * (1 - f);
		gates[2 * H + j] = d * i * (1 - g * g);
		gates[3 * H + j] = dh[j] * th * o * (1 - o);
		dc[j] = d * f;
	}
}

static void add(float *restrict sum, const float *restrict x, size_t n)
{
	for (size_t j = 0; j < n; j++)
		sum[j] += x[j];
}

static void transpose(float *out, const float *in, size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < cols; c++)
			out[c * rows + r] = in[r * cols + c];
}

// NOLINTNEXTLINE(readability-function-size): the arrays of a training step, each with its own owner
void wm_lstm_backward(const struct wm_lstm *l, float *gemb, float *gu, float *gbias, float *dhout, const float *hout,
	const float *u, const int32_t *idx, const uint8_t *reset, size_t T, size_t B, float *work)
{
	const struct wm_kernels *kernels = wm_kernels_best();
	const size_t units = l->units, width = 4 * units;
	const struct tape tape = lay_out(work, units, T, B);
	const int h = (int)units, w = (int)width;

	transpose(tape.ut, u, units, width);
	memset(tape.dc, 0, B * units * sizeof(*tape.dc));
	for (size_t t = T; t-- > 0;) {
		float *dz = tape.gates + t * B * width;

		for (size_t b = 0; b < B; b++) {
			size_t at = t * B + b;

			step_backward(dz + b * width, tape.dc + b * units, dhout + at * units, tape.cell + at * units,
				tape.tanh_c + at * units, units);
			add(gbias, dz + b * width, width);
			for (size_t i = 0; i < l->n_idx; i++)
				if (idx[at * l->n_idx + i] >= 0)
					add(gemb + (size_t)idx[at * l->n_idx + i] * width, dz + b * width, width);
			if (reset[at]) { // nothing flows back from here, nor into u
				memset(dz + b * width, 0, width * sizeof(*dz));
				memset(tape.dc + b * units, 0, units * sizeof(*tape.dc));
			}
		}
		if (t > 0)
			kernels->matmul(dhout + (t - 1) * B * units, units, dz, width, tape.ut, B, width, units);
	}
	// gu += h(t-1)^T dz(t), over all steps at once; the state before the chunk is an array of its own
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, h, w, (int)B, 1, tape.first, h, tape.gates, w, 1, gu, w);
	if (T > 1)
		cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, h, w, (int)((T - 1) * B), 1, hout, h,
			tape.gates + B * width, w, 1, gu, w);
}
