// SPDX-License-Identifier: BSD-3-Clause
// json: JSON that is whole or not there at all.
//
// Memory may run out at any member. A value that could not be made is NULL, and makes NULL of what it was to be put
// into, as json_pack() does: who builds looks once, when it has the text.
#pragma once

#include <jansson.h>

/** Put a value, which is taken over, under a key. If it is NULL, or memory runs out, *object becomes NULL; if *object
 * is NULL, so it stays. */
void wm_json_set(json_t **object, const char *key, json_t *value);

/** The same at the end of an array. */
void wm_json_add(json_t **array, json_t *value);

/** A string. Names of files may be any bytes: if they are not UTF-8, what is not ASCII becomes '?'. @return NULL if
 * memory ran out. */
json_t *wm_json_string(const char *text);

/**
 * The text of a value, which is taken over.
 *
 * @param flags JSON_* of jansson.
 * @return The caller's to free; NULL if the value is NULL, or memory ran out.
 */
char *wm_json_text(json_t *value, size_t flags);
