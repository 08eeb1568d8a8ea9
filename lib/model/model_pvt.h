// SPDX-License-Identifier: BSD-3-Clause
// model_pvt: a model that is open, shared by what opens it and what answers questions about it.
#pragma once

#include <model/model.h>

#include <jansson.h>

#define WM_MODEL_META_KEY "__metadata__"

struct model_meta {
	const char *key; // both borrowed from header
	const char *value;
};

struct wm_model {
	char *name; // for messages
	void *map;  // to be unmapped, or NULL if the data are borrowed
	size_t map_len;
	json_t *header;            // owns all strings
	struct wm_tensor *tensors; // by offset
	size_t n_tensors;
	struct model_meta *meta;
	size_t n_meta;
};

struct dtype {
	const char *name; // as in the header
	size_t size;
};

/** How many of n elements come before the first that is not a finite number; n if all are. */
size_t wm_model_n_finite(enum wm_dtype dtype, const void *data, size_t n);

extern const struct dtype wm_dtypes[WM_U8 + 1];

/**
 * Parse the header of a file and check all that can be checked; fills header, tensors and meta. What was filled in is
 * the caller's to close, also on failure.
 *
 * @param m Its name is set, the rest is zero.
 */
int wm_model_parse_header(struct wm_model *m, const uint8_t *data, size_t len, struct wm_err *err);
