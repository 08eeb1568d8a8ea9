// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <base/philox.h>
#include <model/model.h>

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define META "\"__metadata__\":{\"format\":\"wiremill-1\"}"

struct hostile {
	const char *header;
	const char *sentence;
	size_t n_data;
	int rc;
};

static const struct hostile hostiles[] = {
	{"", "does not begin with '{'", 0, -EINVAL},
	{"[1]", "does not begin with '{'", 0, -EINVAL},
	{"{" META, "header is not valid JSON", 0, -EINVAL},
	{"{" META "} x", "header is not valid JSON", 0, -EINVAL},
	{"{" META ",\"\\u0000\":{}}", "header is not valid JSON", 0, -EINVAL},
	{"{" META ",\"\xff\":{}}", "header is not valid JSON", 0, -EINVAL},
	{"{" META "," META "}", "duplicate object key", 0, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
	 "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
		"duplicate object key", 0, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
		"duplicate object key", 0, -EINVAL},
	{"{}", "it has no metadata 'format'; this tool reads wiremill-1", 0, -EINVAL},
	{"{\"__metadata__\":{\"format\":\"pt\"}}", "its format is 'pt'; this tool reads wiremill-1", 0, -EINVAL},
	{"{\"__metadata__\":{\"format\":\"wiremill-2\"}}", "its format is 'wiremill-2', which this tool does not know",
		0, -ENOTSUP},
	{"{\"__metadata__\":{\"format\":\"wiremill-1\\u001b[m\"}}", "its format is 'wiremill-1 [m'", 0, -ENOTSUP},
	{"{\"__metadata__\":{\"format\":1}}", "metadata 'format' is not a string", 0, -EINVAL},
	{"{\"__metadata__\":{\"x\":null}}", "metadata 'x' is not a string", 0, -EINVAL},
	{"{\"__metadata__\":[]}", "__metadata__ is not an object of strings", 0, -EINVAL},
	{"{" META ",\"a\":5}", "tensor 'a' is not described by dtype, shape and data_offsets", 0, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", "tensor 'a' is not described by", 0, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":0}}",
		"tensor 'a' is not described by", 1, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,1]}}", "tensor 'a' has no dtype", 1, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]}}",
		"tensor 'a' has the unknown dtype 'BF16'", 2, -ENOTSUP},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", "tensor 'a' has no shape", 1,
		-EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,1]}}",
		"tensor 'a' has 5 dimensions, expected at most 4", 1, -ENOTSUP},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}",
		"size 1 of its shape is not a whole number", 1, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}}",
		"size 1 of its shape is not a whole number", 1, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1,99999999999999999999],\"data_offsets\":[0,1]}}",
		"header is not valid JSON", 1, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}",
		"the product of its shape overflows", 0, -EINVAL}, // 2^62 * 4 = 0 modulo 2^64
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
		"the product of its shape overflows", 0, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1]}}", "are not two whole numbers", 1,
		-EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":7}}", "are not two whole numbers", 1,
		-EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", "are not two whole numbers", 1,
		-EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[-1,0]}}", "are not two whole numbers", 1,
		-EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]}}",
		"cut short: tensor 'a' ends at 9, but only 8 bytes are there", 8, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[7],\"data_offsets\":[0,8]}}",
		"tensor 'a' has 8 bytes of data, its shape and dtype need 7", 8, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
	 "\"b\":{\"dtype\":\"U32\",\"shape\":[1],\"data_offsets\":[1,5]}}",
		"tensor 'b' is not aligned to its elements of 4 bytes", 5, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]},"
	 "\"b\":{\"dtype\":\"U32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
		"tensor 'b' overlaps tensor 'a'", 8, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
	 "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
		"overlaps tensor", 4, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
	 "\"b\":{\"dtype\":\"U32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
		"3 bytes before tensor 'b' belong to no tensor", 8, -EINVAL},
	{"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
		"7 bytes at its end belong to no tensor", 8, -EINVAL},
	{"{" META "}", "1 bytes at its end belong to no tensor", 1, -EINVAL},
};

// The header padded as a writer would, then n_data zeros (or what data holds).
static uint8_t *build(const char *header, const void *data, size_t n_data, size_t *len)
{
	size_t text = strlen(header), n = (text + 7) / 8 * 8;
	uint8_t *file = malloc(8 + n + n_data);

	assert_non_null(file);
	wm_put_le64(file, n);
	memset(file + 8, ' ', n);
	memcpy(file + 8, header, text);
	memset(file + 8 + n, 0, n_data);
	if (data != NULL)
		memcpy(file + 8 + n, data, n_data);
	*len = 8 + n + n_data;
	return file;
}

static void hostile_headers_are_refused_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostiles) / sizeof(hostiles[0]); i++) {
		const struct hostile *h = &hostiles[i];
		struct wm_err err = {0};
		struct wm_model *m;
		size_t len;
		uint8_t *file = build(h->header, NULL, h->n_data, &len);
		int rc = wm_model_parse(&m, file, len, "evil", &err);

		if (rc != h->rc || strstr(err.msg, h->sentence) == NULL || strncmp(err.msg, "evil: ", 6) != 0)
			fail_msg("%s: returned %d and '%s', expected %d and '%s'", h->header, rc, err.msg, h->rc,
				h->sentence);
		free(file);
	}
}

static void header_length_is_not_believed(void **state)
{
	const struct {
		uint64_t claim;
		const char *sentence;
	} cases[] = {
		{0, "does not begin with '{'"},
		{9, "cut short: its header has 9 bytes, but only 8 are there"},
		{104857600, "cut short: its header has 104857600 bytes, but only 8 are there"},
		{104857601, "its header would have 104857601 bytes, expected at most 104857600"},
		{UINT64_MAX, "its header would have 18446744073709551615 bytes"},
	};
	uint64_t file[2];

	(void)state;
	memcpy((uint8_t *)file + 8, "{}      ", 8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wm_err err = {0};
		struct wm_model *m;

		wm_put_le64(file, cases[i].claim);
		assert_int_equal(wm_model_parse(&m, (const uint8_t *)file, sizeof(file), "evil", &err), -EINVAL);
		if (strstr(err.msg, cases[i].sentence) == NULL)
			fail_msg("'%s', expected '%s'", err.msg, cases[i].sentence);
	}
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
	const double f64[2] = {1, (double)INFINITY};
	const float f32[2] = {1, NAN};
	struct wm_model_writer *wr;
	struct wm_err err = {0};
	const size_t two = 2;
	struct wm_model *m;
	uint8_t *file;
	size_t len;

	(void)state;
	file = build("{" META ",\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", f32, 8, &len);
	assert_int_equal(wm_model_parse(&m, file, len, "evil", &err), -EINVAL);
	assert_string_equal(err.msg, "evil: tensor 'a': its element 1 is not a finite number");
	free(file);
	file = build("{" META ",\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}", f64, 16, &len);
	assert_int_equal(wm_model_parse(&m, file, len, "evil", &err), -EINVAL);
	free(file);
	assert_int_equal(wm_model_writer_create(&wr), 0);
	assert_int_equal(wm_model_put(wr, "a", WM_F32, 1, &two, f32), -EINVAL);
	assert_int_equal(wm_model_put(wr, "a", WM_U32, 1, &two, f32), 0);
	wm_model_writer_destroy(wr);
}

// Read every byte of what was taken: the sanitizer sees one that is not the file's.
static void touch(const struct wm_model *m, const uint8_t *file, size_t len)
{
	for (size_t i = 0; i < wm_model_n_tensors(m); i++) {
		const struct wm_tensor *t = wm_model_tensor_at(m, i);
		const uint8_t *data = t->data;

		assert_true(data >= file && data + t->n_bytes <= file + len);
		assert_int_equal((uintptr_t)data % wm_dtype_size(t->dtype), 0);
		assert_true(t->n_bytes == 0 || data[0] + data[t->n_bytes - 1] >= 0);
	}
	for (size_t i = 0; i < wm_model_n_meta(m); i++) {
		const char *key, *value;

		wm_model_meta_at(m, i, &key, &value);
		assert_string_equal(wm_model_meta(m, key), value);
	}
}

static void changed_bytes_are_refused_or_harmless(void **state)
{
	static const char header[] = "{" META ",\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
				     "\"b\":{\"dtype\":\"U8\",\"shape\":[1,8],\"data_offsets\":[24,32]}}";
	static const char likely[] = "0123456789\"[]{},:FUI8-. \xff";
	struct wm_rng rng;
	unsigned taken = 0;
	uint8_t *file;
	size_t len;

	(void)state;
	file = build(header, NULL, 32, &len);
	for (uint32_t round = 0; round < 20000; round++) {
		uint8_t *copy = malloc(len);
		struct wm_model *m = NULL;
		struct wm_err err = {0};

		assert_non_null(copy);
		memcpy(copy, file, len);
		wm_rng_init(&rng, 1, WM_STREAM_TEST, round);
		for (uint32_t i = 0; i <= round % 3; i++)
			copy[wm_rng_below(&rng, (uint32_t)len)] = (uint8_t)likely[wm_rng_below(&rng, sizeof(likely))];
		if (wm_model_parse(&m, copy, len, "evil", &err) == 0) {
			touch(m, copy, len);
			wm_model_close(m);
			taken++;
		} else {
			assert_int_equal(strncmp(err.msg, "evil: ", 6), 0);
		}
		free(copy);
	}
	free(file);
	assert_in_range(taken, 100, 19900); // both ways were gone
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_headers_are_refused_with_the_reason),
		cmocka_unit_test(header_length_is_not_believed),
		cmocka_unit_test(numbers_that_are_not_finite_are_refused),
		cmocka_unit_test(changed_bytes_are_refused_or_harmless),
	};

	return cmocka_run_group_tests_name("model_hostile", tests, NULL, NULL);
}
