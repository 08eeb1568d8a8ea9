// SPDX-License-Identifier: BSD-3-Clause
// model: the model file, a safetensors container.
//
//	8 bytes   length of the header, little-endian
//	header    JSON: {"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets": [begin, end]}, ...},
//	          padded with spaces so that the data start on 64 bytes
//	data      the tensors, little-endian, row-major, in order of their offsets, without holes
//
// A file is trusted in nothing: header length, offsets, overlap, holes, shape product, dtype, version and non-finite
// floats are checked when it is opened. Source: https://github.com/huggingface/safetensors, README, "Format".
#pragma once

#include <base/err.h>

#include <stddef.h>
#include <stdint.h>

#define WM_MODEL_FORMAT "wiremill-1" // metadata "format": what this code reads, and what the writer writes

enum wm_dtype { WM_F32, WM_F64, WM_I64, WM_U64, WM_I32, WM_U32, WM_I16, WM_U16, WM_I8, WM_U8 };

enum { WM_MODEL_DIMS = 4 };

struct wm_tensor {
	const char *name;
	enum wm_dtype dtype;
	size_t n_dims;
	size_t shape[WM_MODEL_DIMS];
	const void *data;
	size_t n_bytes;
};

struct wm_model;

/** Bytes of one element. */
size_t wm_dtype_size(enum wm_dtype dtype);
/** Its name in the file, such as "F32". */
const char *wm_dtype_name(enum wm_dtype dtype);

/**
 * Map a model file and check all of it. The tensors' data are aligned to their element size and live until close.
 *
 * @return 0; -errno with a sentence that names the file and what is wrong; -ENOTSUP if it may be right but is not for
 *         this version.
 */
int wm_model_open(struct wm_model **out, const char *path, struct wm_err *err);
/** Same for a file in memory (borrowed until close; aligned to 8); name is for messages. */
int wm_model_parse(struct wm_model **out, const uint8_t *data, size_t len, const char *name, struct wm_err *err);
void wm_model_close(struct wm_model *m); // NULL is allowed

/** A metadata value, or NULL. */
const char *wm_model_meta(const struct wm_model *m, const char *key);
/** A metadata value as a decimal whole number in lo..hi. @return 0; -ENOENT, -EINVAL, -ERANGE with a sentence. */
int wm_model_meta_int(
	const struct wm_model *m, const char *key, long long lo, long long hi, long long *out, struct wm_err *err);

/** Tensors and metadata in file order, for listing. */
size_t wm_model_n_tensors(const struct wm_model *m);
const struct wm_tensor *wm_model_tensor_at(const struct wm_model *m, size_t i);
size_t wm_model_n_meta(const struct wm_model *m);
void wm_model_meta_at(const struct wm_model *m, size_t i, const char **key, const char **value);

/**
 * A tensor by name, which must have this type and shape.
 *
 * @param shape n_dims sizes; 0 = any size, which is then written back to shape.
 * @return 0; -ENOENT, -EINVAL with a sentence (names the file, the tensor, what it is and what was expected).
 */
int wm_model_tensor(const struct wm_model *m, const char *name, enum wm_dtype dtype, size_t n_dims, size_t *shape,
	const void **data, struct wm_err *err);

struct wm_model_writer;

/** A writer whose metadata holds the format and nothing else. @return 0 or -ENOMEM. */
int wm_model_writer_create(struct wm_model_writer **out);
void wm_model_writer_destroy(struct wm_model_writer *w); // NULL is allowed
/** Strings are copied. @return 0 or -ENOMEM; -EEXIST for a name that is there with another value;
 *  -EILSEQ for what is not UTF-8. */
int wm_model_put_meta(struct wm_model_writer *w, const char *key, const char *value);
int wm_model_put_metaf(struct wm_model_writer *w, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Data are copied. @return as above; -EINVAL for a shape that overflows, numbers that are not finite. */
int wm_model_put(struct wm_model_writer *w, const char *name, enum wm_dtype dtype, size_t n_dims, const size_t *shape,
	const void *data);
/**
 * Write to a temporary file beside path, fsync, rename: path is the old file or the whole new one. The same content
 * gives the same bytes, in whatever order it was put: metadata by name, tensors by element size (largest first, which
 * keeps all aligned without holes) and name.
 */
int wm_model_write(const struct wm_model_writer *w, const char *path, struct wm_err *err);
