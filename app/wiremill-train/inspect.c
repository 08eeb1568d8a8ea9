// SPDX-License-Identifier: BSD-3-Clause
#include "inspect.h"

#include <model/model.h>

#include <inttypes.h>
#include <string.h>

enum { SHAPE_TEXT_LEN = 96 }; // WM_MODEL_DIMS numbers of 20 digits

// The file may hold anything: control characters would reach the terminal.
static void print_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		(void)fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

static size_t longest_name(const struct wm_model *m)
{
	enum { ENOUGH = 40 };
	size_t longest = strlen("tensor");

	for (size_t i = 0; i < wm_model_n_tensors(m); i++) {
		size_t len = strlen(wm_model_tensor_at(m, i)->name);

		if (len > longest && len <= ENOUGH)
			longest = len;
	}
	return longest;
}

static void print_meta(FILE *out, const struct wm_model *m)
{
	size_t width = 0;

	for (size_t i = 0; i < wm_model_n_meta(m); i++) {
		const char *key, *value;

		wm_model_meta_at(m, i, &key, &value);
		width = strlen(key) > width ? strlen(key) : width;
	}
	for (size_t i = 0; i < wm_model_n_meta(m); i++) {
		const char *key, *value;

		wm_model_meta_at(m, i, &key, &value);
		print_text(out, key);
		(void)fprintf(out, "%*s  ", (int)(width - strlen(key)), "");
		print_text(out, value);
		(void)fputc('\n', out);
	}
}

static const char *shape_text(char out[SHAPE_TEXT_LEN], const struct wm_tensor *t)
{
	size_t n = 0;

	(void)snprintf(out, SHAPE_TEXT_LEN, "1"); // no dimensions: one number
	for (size_t i = 0; i < t->n_dims; i++)
		n += (size_t)snprintf(out + n, SHAPE_TEXT_LEN - n, "%s%zu", i == 0 ? "" : " x ", t->shape[i]);
	return out;
}

static void print_tensors(FILE *out, const struct wm_model *m)
{
	size_t width = longest_name(m), n_bytes = 0;
	char shape[SHAPE_TEXT_LEN];

	(void)fprintf(out, "\n%-*s  dtype  %-20s  %12s\n", (int)width, "tensor", "shape", "bytes");
	for (size_t i = 0; i < wm_model_n_tensors(m); i++) {
		const struct wm_tensor *t = wm_model_tensor_at(m, i);
		size_t len = strlen(t->name);

		print_text(out, t->name);
		(void)fprintf(out, "%*s  %-5s  %-20s  %12zu\n", (int)(len < width ? width - len : 0), "",
			wm_dtype_name(t->dtype), shape_text(shape, t), t->n_bytes);
		n_bytes += t->n_bytes;
	}
	(void)fprintf(out, "%zu tensors, %zu bytes\n", wm_model_n_tensors(m), n_bytes);
}

int inspect(FILE *out, const char *path, struct wm_err *err)
{
	struct wm_model *m;
	int rc;

	rc = wm_model_open(&m, path, err);
	if (rc < 0)
		return rc;
	print_meta(out, m);
	print_tensors(out, m);
	wm_model_close(m);
	return 0;
}
