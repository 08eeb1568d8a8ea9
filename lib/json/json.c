// SPDX-License-Identifier: BSD-3-Clause
#include <json/json.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void drop(json_t **value)
{
	json_decref(*value);
	*value = NULL;
}

// Both of jansson's take a NULL for the failure that it is, and take over the value even if they fail.
void wm_json_set(json_t **object, const char *key, json_t *value)
{
	if (json_object_set_new(*object, key, value) != 0)
		drop(object);
}

void wm_json_add(json_t **array, json_t *value)
{
	if (json_array_append_new(*array, value) != 0)
		drop(array);
}

json_t *wm_json_string(const char *text)
{
	json_t *value;
	char *ascii;

	errno = 0;
	value = json_string(text);
	if (value != NULL || errno == ENOMEM)
		return value;
	ascii = strdup(text);
	if (ascii == NULL)
		return NULL;
	for (char *c = ascii; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	value = json_string(ascii);
	free(ascii);
	return value;
}

// Into memory that is there: json_dumps() of jansson 2.14 loses a key for which it gets none, and goes on.
char *wm_json_text(json_t *value, size_t flags)
{
	size_t n = value != NULL ? json_dumpb(value, NULL, 0, flags) : 0;
	char *text = n > 0 ? malloc(n + 1) : NULL;

	if (text != NULL && json_dumpb(value, text, n, flags) == n) {
		text[n] = '\0';
	} else {
		free(text);
		text = NULL;
	}
	json_decref(value);
	return text;
}
