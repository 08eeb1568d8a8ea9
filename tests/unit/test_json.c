// SPDX-License-Identifier: BSD-3-Clause
#include "json_memory.h"

static json_t *example(void *arg)
{
	json_t *list = json_array(), *root = json_object();

	(void)arg;
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
	char *text = json_whole_or_not_at_all(example, NULL, 100);

	(void)state;
	assert_non_null(strstr(text, "\"file\":\"caf\303\251\""));
	free(text);
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
