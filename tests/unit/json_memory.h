// SPDX-License-Identifier: BSD-3-Clause
// json_memory: lets any allocation of jansson's be the first that fails.
#pragma once

#include <json/json.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t json_memory_left; // allocations that jansson still gets

static void *json_memory_get(size_t n)
{
	if (json_memory_left > 0) {
		json_memory_left--;
		return malloc(n);
	}
	errno = ENOMEM;
	return NULL;
}

// What build(arg) makes is whole, or there is no text, wherever memory runs out; that takes at least n_least
// allocations. @return the text, the caller's to free.
static inline char *json_whole_or_not_at_all(json_t *(*build)(void *arg), void *arg, size_t n_least)
{
	char *want = wm_json_text(build(arg), JSON_COMPACT), *text = NULL;
	size_t n = 0;

	assert_non_null(want);
	json_set_alloc_funcs(json_memory_get, free);
	for (; text == NULL && n < 10000; n++) {
		json_memory_left = n;
		text = wm_json_text(build(arg), JSON_COMPACT);
		assert_true(text == NULL || strcmp(text, want) == 0);
	}
	json_set_alloc_funcs(malloc, free);
	assert_in_range(n, n_least, 9999); // that many were tried
	free(text);
	return want;
}
