// SPDX-License-Identifier: BSD-3-Clause
#include <model/model_pvt.h>

#include <base/bytes.h>
#include <base/file.h>
#include <base/grow.h>
#include <json/json.h>

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_ALIGN = 64 };

struct meta {
	char *key;
	char *value;
};

struct tensor {
	char *name;
	enum wm_dtype dtype;
	size_t n_dims;
	size_t shape[WM_MODEL_DIMS];
	void *data;
	size_t n_bytes;
};

struct wm_model_writer {
	struct meta *meta;
	size_t n_meta;
	size_t meta_cap;
	struct tensor *tensors;
	size_t n_tensors;
	size_t tensors_cap;
};

int wm_model_writer_create(struct wm_model_writer **out)
{
	struct wm_model_writer *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL)
		return -ENOMEM;
	rc = wm_model_put_meta(w, "format", WM_MODEL_FORMAT);
	if (rc < 0) {
		wm_model_writer_destroy(w);
		return rc;
	}
	*out = w;
	return 0;
}

void wm_model_writer_destroy(struct wm_model_writer *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n_meta; i++) {
		free(w->meta[i].key);
		free(w->meta[i].value);
	}
	for (size_t i = 0; i < w->n_tensors; i++) {
		free(w->tensors[i].name);
		free(w->tensors[i].data);
	}
	free(w->meta);
	free(w->tensors);
	free(w);
}

// A file with strings that are not UTF-8 would be no JSON. @return 0, -EILSEQ or -ENOMEM.
static int check_utf8(const char *text)
{
	json_t *s;

	errno = 0;
	s = json_string(text);
	json_decref(s);
	if (s != NULL)
		return 0;
	return errno == ENOMEM ? -ENOMEM : -EILSEQ;
}

int wm_model_put_meta(struct wm_model_writer *w, const char *key, const char *value)
{
	int rc = check_utf8(key);
	struct meta m;

	rc = rc < 0 ? rc : check_utf8(value);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < w->n_meta; i++)
		if (strcmp(w->meta[i].key, key) == 0)
			return strcmp(w->meta[i].value, value) == 0 ? 0 : -EEXIST;
	if (wm_grow((void **)&w->meta, &w->meta_cap, w->n_meta + 1, sizeof(*w->meta)) < 0)
		return -ENOMEM;
	m = (struct meta){strdup(key), strdup(value)};
	if (m.key == NULL || m.value == NULL) {
		free(m.key);
		free(m.value);
		return -ENOMEM;
	}
	w->meta[w->n_meta++] = m;
	return 0;
}

int wm_model_put_metaf(struct wm_model_writer *w, const char *key, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int rc;

	va_start(ap, fmt);
	rc = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (rc < 0)
		return -ENOMEM;
	rc = wm_model_put_meta(w, key, text);
	free(text);
	return rc;
}

int wm_model_put(struct wm_model_writer *w, const char *name, enum wm_dtype dtype, size_t n_dims, const size_t *shape,
	const void *data)
{
	struct tensor t = {.dtype = dtype, .n_dims = n_dims};
	int rc = check_utf8(name);
	size_t n = 1;

	if (rc < 0)
		return rc;
	if (strcmp(name, WM_MODEL_META_KEY) == 0)
		return -EEXIST;
	if (n_dims > WM_MODEL_DIMS)
		return -EINVAL;
	for (size_t i = 0; i < n_dims; i++) {
		t.shape[i] = shape[i];
		if (__builtin_mul_overflow(n, shape[i], &n))
			return -EINVAL;
	}
	if (__builtin_mul_overflow(n, wm_dtype_size(dtype), &t.n_bytes) || wm_model_n_finite(dtype, data, n) < n)
		return -EINVAL;
	for (size_t i = 0; i < w->n_tensors; i++)
		if (strcmp(w->tensors[i].name, name) == 0)
			return -EEXIST;
	if (wm_grow((void **)&w->tensors, &w->tensors_cap, w->n_tensors + 1, sizeof(*w->tensors)) < 0)
		return -ENOMEM;
	t.name = strdup(name);
	t.data = malloc(t.n_bytes + 1); // an empty tensor is one
	if (t.name == NULL || t.data == NULL) {
		free(t.name);
		free(t.data);
		return -ENOMEM;
	}
	if (t.n_bytes > 0)
		memcpy(t.data, data, t.n_bytes);
	w->tensors[w->n_tensors++] = t;
	return 0;
}

static int by_key(const void *pa, const void *pb)
{
	const struct meta *const *a = pa, *const *b = pb;

	return strcmp((*a)->key, (*b)->key);
}

static int by_size_and_name(const void *pa, const void *pb)
{
	const struct tensor *const *a = pa, *const *b = pb;
	size_t x = wm_dtype_size((*a)->dtype), y = wm_dtype_size((*b)->dtype);

	if (x != y)
		return x > y ? -1 : 1;
	return strcmp((*a)->name, (*b)->name);
}

// Pointers to the n items of an array, in order.
static const void **sorted(const void *items, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	const void **list = calloc(n + 1, sizeof(*list));

	if (list == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		list[i] = (const uint8_t *)items + i * size;
	if (n > 0)
		qsort(list, n, sizeof(*list), cmp);
	return list;
}

static json_t *describe_meta(const struct meta *const *meta, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		wm_json_set(&object, meta[i]->key, json_string(meta[i]->value));
	return object;
}

static json_t *describe_tensor(const struct tensor *t, size_t begin)
{
	json_t *shape = json_array();

	for (size_t i = 0; i < t->n_dims; i++)
		wm_json_add(&shape, json_integer((json_int_t)t->shape[i]));
	return json_pack("{s:s, s:o, s:[I, I]}", "dtype", wm_dtype_name(t->dtype), "shape", shape, "data_offsets",
		(json_int_t)begin, (json_int_t)(begin + t->n_bytes));
}

static char *header_text(
	const struct meta *const *meta, size_t n_meta, const struct tensor *const *tensors, size_t n_tensors)
{
	json_t *header = json_object();
	size_t begin = 0;

	wm_json_set(&header, WM_MODEL_META_KEY, describe_meta(meta, n_meta));
	for (size_t i = 0; i < n_tensors; i++) {
		wm_json_set(&header, tensors[i]->name, describe_tensor(tensors[i], begin));
		begin += tensors[i]->n_bytes;
	}
	return wm_json_text(header, JSON_COMPACT);
}

// What fails here is told by wm_file_commit().
static void write_content(struct wm_file *f, const char *header, const struct tensor *const *tensors, size_t n_tensors)
{
	size_t len = strlen(header);
	size_t padded = (8 + len + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN - 8;
	char spaces[DATA_ALIGN];
	uint8_t prefix[8];

	memset(spaces, ' ', sizeof(spaces));
	wm_put_le64(prefix, padded);
	wm_file_write(f, prefix, sizeof(prefix));
	wm_file_write(f, header, len);
	wm_file_write(f, spaces, padded - len);
	for (size_t i = 0; i < n_tensors; i++)
		wm_file_write(f, tensors[i]->data, tensors[i]->n_bytes);
}

int wm_model_write(const struct wm_model_writer *w, const char *path, struct wm_err *err)
{
	const void **meta = sorted(w->meta, w->n_meta, sizeof(*w->meta), by_key);
	const void **tensors = sorted(w->tensors, w->n_tensors, sizeof(*w->tensors), by_size_and_name);
	char *header = NULL;
	struct wm_file f;
	int rc;

	if (meta != NULL && tensors != NULL)
		header = header_text((const struct meta *const *)meta, w->n_meta, (const struct tensor *const *)tensors,
			w->n_tensors);
	if (header == NULL) {
		rc = wm_err_sys(err, -ENOMEM, "%s", path);
		goto out;
	}
	rc = wm_file_begin(&f, path, err);
	if (rc < 0)
		goto out;
	write_content(&f, header, (const struct tensor *const *)tensors, w->n_tensors);
	rc = wm_file_commit(&f, err);
out:
	free(header);
	free(tensors);
	free(meta);
	return rc;
}
