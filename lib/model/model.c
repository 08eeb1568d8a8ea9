// SPDX-License-Identifier: BSD-3-Clause
#include <model/model_pvt.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

size_t wm_dtype_size(enum wm_dtype dtype)
{
	return wm_dtypes[dtype].size;
}

const char *wm_dtype_name(enum wm_dtype dtype)
{
	return wm_dtypes[dtype].name;
}

static int check_format(const struct wm_model *m, struct wm_err *err)
{
	const char *format = wm_model_meta(m, "format");

	if (format == NULL)
		return wm_err_set(err, -EINVAL,
			"%s: not a wiremill model: it has no metadata 'format'; this tool reads " WM_MODEL_FORMAT,
			m->name);
	if (strncmp(format, "wiremill-", strlen("wiremill-")) != 0)
		return wm_err_set(err, -EINVAL,
			"%s: not a wiremill model: its format is '%.32s'; this tool reads " WM_MODEL_FORMAT, m->name,
			format);
	if (strcmp(format, WM_MODEL_FORMAT) != 0)
		return wm_err_set(err, -ENOTSUP,
			"%s: its format is '%.32s', which this tool does not know: it reads " WM_MODEL_FORMAT
			"; train the model again or use the wiremill that it was made with",
			m->name, format);
	return 0;
}

int wm_model_parse(struct wm_model **out, const uint8_t *data, size_t len, const char *name, struct wm_err *err)
{
	struct wm_model *m = calloc(1, sizeof(*m));
	int rc;

	if (m != NULL)
		m->name = strdup(name);
	if (m == NULL || m->name == NULL) {
		rc = wm_err_sys(err, -ENOMEM, "%s", name);
		goto fail;
	}
	rc = wm_model_parse_header(m, data, len, err);
	if (rc < 0)
		goto fail;
	rc = check_format(m, err);
	if (rc < 0)
		goto fail;
	*out = m;
	return 0;

fail:
	wm_model_close(m);
	return rc;
}

static int map_file(void **map, size_t *len, const char *path, struct wm_err *err)
{
	struct stat st;
	void *p;
	int rc = 0;
	// O_NONBLOCK: a FIFO is refused below instead of waited for.
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0) {
		rc = wm_err_sys(err, -errno, "%s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		rc = wm_err_set(err, -EINVAL, "%s: not a regular file, expected a model file", path);
		goto out;
	}
	if (st.st_size == 0) {
		rc = wm_err_set(err, -EINVAL, "%s: is empty, expected a model file", path);
		goto out;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		rc = wm_err_sys(err, -errno, "%s", path);
		goto out;
	}
	*map = p;
	*len = (size_t)st.st_size;
out:
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

int wm_model_open(struct wm_model **out, const char *path, struct wm_err *err)
{
	void *map = NULL;
	size_t len = 0;
	int rc;

	rc = map_file(&map, &len, path, err);
	if (rc < 0)
		return rc;
	rc = wm_model_parse(out, map, len, path, err);
	if (rc < 0) {
		(void)munmap(map, len);
		return rc;
	}
	(*out)->map = map;
	(*out)->map_len = len;
	return 0;
}

void wm_model_close(struct wm_model *m)
{
	if (m == NULL)
		return;
	if (m->map != NULL)
		(void)munmap(m->map, m->map_len);
	json_decref(m->header);
	free(m->tensors);
	free(m->meta);
	free(m->name);
	free(m);
}

const char *wm_model_meta(const struct wm_model *m, const char *key)
{
	for (size_t i = 0; i < m->n_meta; i++)
		if (strcmp(m->meta[i].key, key) == 0)
			return m->meta[i].value;
	return NULL;
}

int wm_model_meta_int(
	const struct wm_model *m, const char *key, long long lo, long long hi, long long *out, struct wm_err *err)
{
	const char *text = wm_model_meta(m, key);
	long long v;
	char *end;

	if (text == NULL)
		return wm_err_set(err, -ENOENT, "%s: metadata '%s' is missing, expected a whole number in %lld..%lld",
			m->name, key, lo, hi);
	errno = 0;
	v = strtoll(text, &end, 10);
	// strtoll() would also take leading space and a plus sign.
	if (end == text || *end != '\0' || !(isdigit((unsigned char)*text) || *text == '-'))
		return wm_err_set(err, -EINVAL, "%s: metadata '%s' is '%.32s', expected a whole number in %lld..%lld",
			m->name, key, text, lo, hi);
	if (errno == ERANGE || v < lo || v > hi)
		return wm_err_set(err, -ERANGE, "%s: metadata '%s' is %.32s, expected a whole number in %lld..%lld",
			m->name, key, text, lo, hi);
	*out = v;
	return 0;
}

size_t wm_model_n_tensors(const struct wm_model *m)
{
	return m->n_tensors;
}

const struct wm_tensor *wm_model_tensor_at(const struct wm_model *m, size_t i)
{
	return &m->tensors[i];
}

size_t wm_model_n_meta(const struct wm_model *m)
{
	return m->n_meta;
}

void wm_model_meta_at(const struct wm_model *m, size_t i, const char **key, const char **value)
{
	*key = m->meta[i].key;
	*value = m->meta[i].value;
}

static const struct wm_tensor *find_tensor(const struct wm_model *m, const char *name)
{
	for (size_t i = 0; i < m->n_tensors; i++)
		if (strcmp(m->tensors[i].name, name) == 0)
			return &m->tensors[i];
	return NULL;
}

static bool shape_fits(const struct wm_tensor *t, size_t n_dims, const size_t *shape)
{
	if (t->n_dims != n_dims)
		return false;
	for (size_t i = 0; i < n_dims; i++)
		if (shape[i] != 0 && shape[i] != t->shape[i])
			return false;
	return true;
}

enum { TYPE_TEXT_LEN = 112 }; // dtype and WM_MODEL_DIMS numbers of 20 digits

// "F32 (3, any)": 0 stands for any size only in what is asked for.
static const char *type_text(char *out, enum wm_dtype dtype, size_t n_dims, const size_t *shape, bool asked)
{
	size_t n = (size_t)snprintf(out, TYPE_TEXT_LEN, "%s (", wm_dtypes[dtype].name);

	for (size_t i = 0; i < n_dims && i < WM_MODEL_DIMS; i++) {
		const char *comma = i == 0 ? "" : ", ";

		if (asked && shape[i] == 0)
			n += (size_t)snprintf(out + n, TYPE_TEXT_LEN - n, "%sany", comma);
		else
			n += (size_t)snprintf(out + n, TYPE_TEXT_LEN - n, "%s%zu", comma, shape[i]);
	}
	(void)snprintf(out + n, TYPE_TEXT_LEN - n, ")");
	return out;
}

int wm_model_tensor(const struct wm_model *m, const char *name, enum wm_dtype dtype, size_t n_dims, size_t *shape,
	const void **data, struct wm_err *err)
{
	const struct wm_tensor *t = find_tensor(m, name);
	char is[TYPE_TEXT_LEN], want[TYPE_TEXT_LEN];

	if (t == NULL)
		return wm_err_set(err, -ENOENT, "%s: tensor '%.64s' is missing, expected %s", m->name, name,
			type_text(want, dtype, n_dims, shape, true));
	if (t->dtype != dtype || !shape_fits(t, n_dims, shape))
		return wm_err_set(err, -EINVAL, "%s: tensor '%.64s' is %s, expected %s", m->name, name,
			type_text(is, t->dtype, t->n_dims, t->shape, false),
			type_text(want, dtype, n_dims, shape, true));
	for (size_t i = 0; i < n_dims; i++)
		shape[i] = t->shape[i];
	*data = t->data;
	return 0;
}
