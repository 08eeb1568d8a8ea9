// SPDX-License-Identifier: BSD-3-Clause
// model_example: for the test that holds our model files against another reader and writer of the format.
//
//	model_example write PATH   a model with one tensor of each type
//	model_example print PATH   each tensor: name, type, shape, bytes in hexadecimal; each metadata value
#include <model/model.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what)
{
	(void)fprintf(stderr, "model_example: %s\n", what);
	return EXIT_FAILURE;
}

static int write_example(const char *path)
{
	const double f64[] = {1e300, -0.5};
	const float f32[] = {1.5f, -2, 3e-40f, 0, 5, 6};
	const int64_t i64 = INT64_MIN;
	const uint16_t u16[] = {1, 2, 65535};
	const int8_t i8[] = {-128, 127, 0, 1, 2};
	const size_t two = 2, shape[] = {1, 3, 2}, three = 3, five = 5, none[] = {4, 0};
	struct wm_model_writer *w;
	struct wm_err err = {0};

	if (wm_model_writer_create(&w) != 0 || wm_model_put(w, "i8", WM_I8, 1, &five, i8) != 0
		|| wm_model_put(w, "f64", WM_F64, 1, &two, f64) != 0
		|| wm_model_put(w, "u16", WM_U16, 1, &three, u16) != 0
		|| wm_model_put(w, "i64", WM_I64, 0, NULL, &i64) != 0
		|| wm_model_put(w, "f32 \"ü\"", WM_F32, 3, shape, f32) != 0
		|| wm_model_put(w, "none", WM_U32, 2, none, NULL) != 0
		|| wm_model_put_meta(w, "note", "tab\t, quote \", slash /, ü, \xF0\x9F\x8C\xBE") != 0)
		return fail("cannot put the example together");
	if (wm_model_write(w, path, &err) != 0)
		return fail(err.msg);
	wm_model_writer_destroy(w);
	return EXIT_SUCCESS;
}

static int print(const char *path)
{
	struct wm_err err = {0};
	struct wm_model *m;

	if (wm_model_open(&m, path, &err) != 0)
		return fail(err.msg);
	for (size_t i = 0; i < wm_model_n_tensors(m); i++) {
		const struct wm_tensor *t = wm_model_tensor_at(m, i);

		(void)printf("%s %s [", t->name, wm_dtype_name(t->dtype));
		for (size_t d = 0; d < t->n_dims; d++)
			(void)printf("%s%zu", d == 0 ? "" : ",", t->shape[d]);
		(void)printf("] ");
		for (size_t b = 0; b < t->n_bytes; b++)
			(void)printf("%02x", ((const uint8_t *)t->data)[b]);
		(void)putchar('\n');
	}
	for (size_t i = 0; i < wm_model_n_meta(m); i++) {
		const char *key, *value;

		wm_model_meta_at(m, i, &key, &value);
		(void)printf("%s=%s\n", key, value);
	}
	wm_model_close(m);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "write") == 0)
		return write_example(argv[2]);
	if (argc == 3 && strcmp(argv[1], "print") == 0)
		return print(argv[2]);
	return fail("usage: model_example write|print PATH");
}
