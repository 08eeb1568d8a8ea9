// SPDX-License-Identifier: BSD-3-Clause
#include <json/json.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t left; // allocations that jansson still gets

static void *get(size_t n)
{
	if (left > 0) {
		left--;
		return malloc(n);
	}
	errno = ENOMEM;
	return NULL;
}

static json_t *example(void)
{
	json_t *list = json_array(), *root = json_object();

	for (int i = 0; i < 20; i++) {
		json_t *one = json_pack("{s:i, s:o}", "number", i, "file", wm_json_string("caf\303\251"));

		wm_json_set(&one, "a key that is longer than others", json_real(i / 3.));
		wm_json_add(&list, one);
	}
	wm_json_set(&root, "list", list);
	wm_json_set(&root, "after", json_true());
	return root;
}

static void text_is_whole_or_there_is_none_whichever_allocation_fails(void **state)
{
	char *want = wm_json_text(example(), JSON_COMPACT), *text = NULL;
	size_t n = 0;

	(void)state;
	assert_non_null(want);
	assert_non_null(strstr(want, "\"file\":\"caf\303\251\""));
	json_set_alloc_funcs(get, free);
	for (; text == NULL && n < 10000; n++) {
		left = n;
		text = wm_json_text(example(), JSON_COMPACT);
		assert_true(text == NULL || strcmp(text, want) == 0);
	}
	json_set_alloc_funcs(malloc, free);
	assert_in_range(n, 100, 9999); // that many were tried
	free(text);
	free(want);
}

static void bytes_that_are_not_utf8_are_seen_as_such(void **state)
{
	json_t *s = wm_json_string("caf\303\251 \351t\351.pcap");

	(void)state;
	assert_string_equal(json_string_value(s), "caf?? ?t?.pcap");
	json_decref(s);
	s = wm_json_string("caf\303\251");
	assert_string_equal(json_string_value(s), "caf\303\251");
	json_decref(s);
}

static void what_could_not_be_made_takes_what_it_belongs_to_with_it(void **state)
{
	json_t *object = json_object(), *list = json_array();

	(void)state;
	wm_json_set(&object, "a", json_true());
	wm_json_set(&object, "b", NULL);
	assert_null(object);
	wm_json_set(&object, "c", json_true());
	assert_null(object);
	wm_json_add(&list, object);
	assert_null(list);
	wm_json_add(&list, json_true());
	assert_null(list);
	assert_null(wm_json_text(list, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_whole_or_there_is_none_whichever_allocation_fails),
		cmocka_unit_test(bytes_that_are_not_utf8_are_seen_as_such),
		cmocka_unit_test(what_could_not_be_made_takes_what_it_belongs_to_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
