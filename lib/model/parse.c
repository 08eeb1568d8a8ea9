// SPDX-License-Identifier: BSD-3-Clause
#include <model/model_pvt.h>

#include <base/bytes.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Tensors are used where they lie.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a model's data are little-endian");

#define HEADER_MAX ((size_t)100 << 20) // as in the reference implementation

const struct dtype wm_dtypes[WM_U8 + 1] = {
	[WM_F32] = {"F32", 4},
	[WM_F64] = {"F64", 8},
	[WM_I64] = {"I64", 8},
	[WM_U64] = {"U64", 8},
	[WM_I32] = {"I32", 4},
	[WM_U32] = {"U32", 4},
	[WM_I16] = {"I16", 2},
	[WM_U16] = {"U16", 2},
	[WM_I8] = {"I8", 1},
	[WM_U8] = {"U8", 1},
};

size_t wm_model_n_finite(enum wm_dtype dtype, const void *data, size_t n)
{
	const float *f32 = data;
	const double *f64 = data;
	size_t i = 0;

	if (dtype != WM_F32 && dtype != WM_F64)
		return n;
	while (i < n && (dtype == WM_F32 ? isfinite(f32[i]) : isfinite(f64[i])))
		i++;
	return i;
}

// The part of the file behind the header.
struct body {
	const uint8_t *data;
	size_t len;
};

static int load_json(struct wm_model *m, const uint8_t *data, size_t len, struct body *body, struct wm_err *err)
{
	json_error_t why;
	uint64_t n;

	if (len < 8)
		return wm_err_set(err, -EINVAL, "%s: has %zu bytes, too short for a model file", m->name, len);
	n = wm_le64(data);
	if (n > HEADER_MAX)
		return wm_err_set(err, -EINVAL,
			"%s: not a model file: its header would have %" PRIu64 " bytes, expected at most %zu", m->name,
			n, HEADER_MAX);
	if (n > len - 8)
		return wm_err_set(err, -EINVAL,
			"%s: cut short: its header has %" PRIu64 " bytes, but only %zu are there", m->name, n, len - 8);
	if (n == 0 || data[8] != '{')
		return wm_err_set(err, -EINVAL, "%s: not a model file: its header does not begin with '{'", m->name);
	errno = 0;
	m->header = json_loadb((const char *)data + 8, n, JSON_REJECT_DUPLICATES, &why);
	if (m->header == NULL && errno == ENOMEM) // whatever the parser took it for
		return wm_err_sys(err, -ENOMEM, "%s", m->name);
	if (m->header == NULL)
		return wm_err_set(err, -EINVAL, "%s: header is not valid JSON near its byte %d: %s", m->name,
			why.position, why.text);
	*body = (struct body){data + 8 + n, len - 8 - n};
	return 0;
}

static int read_meta(struct wm_model *m, json_t *meta, struct wm_err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(meta))
		return wm_err_set(err, -EINVAL, "%s: " WM_MODEL_META_KEY " is not an object of strings", m->name);
	m->meta = calloc(json_object_size(meta) + 1, sizeof(*m->meta));
	if (m->meta == NULL)
		return wm_err_sys(err, -ENOMEM, "%s", m->name);
	json_object_foreach(meta, key, value)
	{
		if (!json_is_string(value))
			return wm_err_set(err, -EINVAL, "%s: metadata '%.64s' is not a string", m->name, key);
		m->meta[m->n_meta++] = (struct model_meta){key, json_string_value(value)};
	}
	return 0;
}

static int read_dtype(struct wm_model *m, struct wm_tensor *t, const json_t *value, struct wm_err *err)
{
	const char *name = json_string_value(value);

	if (name == NULL)
		return wm_err_set(err, -EINVAL, "%s: tensor '%.64s' has no dtype", m->name, t->name);
	for (size_t i = 0; i <= WM_U8; i++) {
		if (strcmp(wm_dtypes[i].name, name) == 0) {
			t->dtype = (enum wm_dtype)i;
			return 0;
		}
	}
	return wm_err_set(err, -ENOTSUP,
		"%s: tensor '%.64s' has the unknown dtype '%.16s', expected F32, F64 or I/U 8 to 64", m->name, t->name,
		name);
}

static int read_shape(struct wm_model *m, struct wm_tensor *t, const json_t *value, struct wm_err *err)
{
	size_t n_bytes = wm_dtypes[t->dtype].size;

	if (!json_is_array(value))
		return wm_err_set(err, -EINVAL, "%s: tensor '%.64s' has no shape", m->name, t->name);
	if (json_array_size(value) > WM_MODEL_DIMS)
		return wm_err_set(err, -ENOTSUP, "%s: tensor '%.64s' has %zu dimensions, expected at most %d", m->name,
			t->name, json_array_size(value), WM_MODEL_DIMS);
	t->n_dims = json_array_size(value);
	for (size_t i = 0; i < t->n_dims; i++) {
		const json_t *size = json_array_get(value, i);

		if (!json_is_integer(size) || json_integer_value(size) < 0)
			return wm_err_set(err, -EINVAL,
				"%s: tensor '%.64s': size %zu of its shape is not a whole number", m->name, t->name,
				i + 1);
		t->shape[i] = (size_t)json_integer_value(size);
		if (__builtin_mul_overflow(n_bytes, t->shape[i], &n_bytes))
			return wm_err_set(err, -EINVAL, "%s: tensor '%.64s': the product of its shape overflows",
				m->name, t->name);
	}
	t->n_bytes = n_bytes;
	return 0;
}

static int read_offsets(
	struct wm_model *m, struct wm_tensor *t, const json_t *value, const struct body *body, struct wm_err *err)
{
	const json_t *from = json_array_get(value, 0), *to = json_array_get(value, 1);
	size_t begin, end;

	if (json_array_size(value) != 2 || !json_is_integer(from) || !json_is_integer(to)
		|| json_integer_value(from) < 0 || json_integer_value(to) < json_integer_value(from))
		return wm_err_set(err, -EINVAL,
			"%s: tensor '%.64s': data_offsets are not two whole numbers [begin, end]", m->name, t->name);
	begin = (size_t)json_integer_value(from);
	end = (size_t)json_integer_value(to);
	if (end > body->len)
		return wm_err_set(err, -EINVAL,
			"%s: cut short: tensor '%.64s' ends at %zu, but only %zu bytes are there", m->name, t->name,
			end, body->len);
	if (end - begin != t->n_bytes)
		return wm_err_set(err, -EINVAL,
			"%s: tensor '%.64s' has %zu bytes of data, its shape and dtype need %zu", m->name, t->name,
			end - begin, t->n_bytes);
	t->data = body->data + begin;
	if ((uintptr_t)t->data % wm_dtypes[t->dtype].size != 0)
		return wm_err_set(err, -EINVAL, "%s: tensor '%.64s' is not aligned to its elements of %zu bytes",
			m->name, t->name, wm_dtypes[t->dtype].size);
	return 0;
}

static int check_finite(const struct wm_model *m, const struct wm_tensor *t, struct wm_err *err)
{
	size_t n = t->n_bytes / wm_dtypes[t->dtype].size;
	size_t i = wm_model_n_finite(t->dtype, t->data, n);

	if (i < n)
		return wm_err_set(err, -EINVAL, "%s: tensor '%.64s': its element %zu is not a finite number", m->name,
			t->name, i);
	return 0;
}

static int read_tensor(struct wm_model *m, const char *name, json_t *entry, const struct body *body, struct wm_err *err)
{
	struct wm_tensor t = {.name = name};
	int rc;

	if (json_object_size(entry) != 3)
		return wm_err_set(err, -EINVAL, "%s: tensor '%.64s' is not described by dtype, shape and data_offsets",
			m->name, name);
	rc = read_dtype(m, &t, json_object_get(entry, "dtype"), err);
	if (rc == 0)
		rc = read_shape(m, &t, json_object_get(entry, "shape"), err);
	if (rc == 0)
		rc = read_offsets(m, &t, json_object_get(entry, "data_offsets"), body, err);
	if (rc == 0)
		rc = check_finite(m, &t, err);
	if (rc == 0)
		m->tensors[m->n_tensors++] = t;
	return rc;
}

// An empty tensor shares its offset with its neighbour and comes before it.
static int by_offset(const void *pa, const void *pb)
{
	const struct wm_tensor *a = pa, *b = pb;
	uintptr_t x = (uintptr_t)a->data, y = (uintptr_t)b->data;

	if (x != y)
		return x < y ? -1 : 1;
	return (a->n_bytes > b->n_bytes) - (a->n_bytes < b->n_bytes);
}

static int check_cover(const struct wm_model *m, const struct body *body, struct wm_err *err)
{
	const uint8_t *at = body->data;

	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct wm_tensor *t = &m->tensors[i];

		if ((const uint8_t *)t->data < at)
			return wm_err_set(err, -EINVAL, "%s: tensor '%.64s' overlaps tensor '%.64s'", m->name, t->name,
				m->tensors[i - 1].name);
		if ((const uint8_t *)t->data > at)
			return wm_err_set(err, -EINVAL, "%s: %zu bytes before tensor '%.64s' belong to no tensor",
				m->name, (size_t)((const uint8_t *)t->data - at), t->name);
		at += t->n_bytes;
	}
	if (at != body->data + body->len)
		return wm_err_set(err, -EINVAL, "%s: %zu bytes at its end belong to no tensor", m->name,
			(size_t)(body->data + body->len - at));
	return 0;
}

int wm_model_parse_header(struct wm_model *m, const uint8_t *data, size_t len, struct wm_err *err)
{
	struct body body;
	const char *key;
	json_t *value;
	int rc;

	rc = load_json(m, data, len, &body, err);
	if (rc < 0)
		return rc;
	m->tensors = calloc(json_object_size(m->header) + 1, sizeof(*m->tensors));
	if (m->tensors == NULL)
		return wm_err_sys(err, -ENOMEM, "%s", m->name);
	json_object_foreach(m->header, key, value)
	{
		if (strcmp(key, WM_MODEL_META_KEY) == 0)
			rc = read_meta(m, value, err);
		else
			rc = read_tensor(m, key, value, &body, err);
		if (rc < 0)
			return rc;
	}
	if (m->n_tensors > 0)
		qsort(m->tensors, m->n_tensors, sizeof(*m->tensors), by_offset);
	return check_cover(m, &body, err);
}
