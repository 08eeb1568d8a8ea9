// SPDX-License-Identifier: BSD-3-Clause
#include <common/config.h>
#include <common/options.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGS_MAX = 8 };

struct settings {
	const char *name;
	uint64_t count;
	double wait_s;
	bool loud;
	const char *things[2];
	size_t n_things;
};

static const struct wm_option options[] = {
	{"name", 'n', WM_OPTION_TEXT, offsetof(struct settings, name), "NAME", "what to call it", 0, 0},
	{"count", 'c', WM_OPTION_NUMBER, offsetof(struct settings, count), "N", "how many", 1, 10},
	{"wait", 0, WM_OPTION_SECONDS, offsetof(struct settings, wait_s), "SEC", "how long", 0, 0},
	{"loud", 'l', WM_OPTION_FLAG, offsetof(struct settings, loud), NULL, "how loud", 0, 0},
	{"thing", 't', WM_OPTION_LIST, 0, "FILE", "one of several", 0, 0},
};

static const char *const usage[] = {"[options] THING", "--else", NULL};

static int take(void *config, const struct wm_option *option, const char *text, struct wm_err *err)
{
	struct settings *s = config;

	if (s->n_things == 2)
		return wm_err_set(err, -EINVAL, "option --%s: '%s' is one too many", option->name, text);
	s->things[s->n_things++] = text;
	return 0;
}

static const struct wm_command command = {.name = "prog",
	.usage = usage,
	.about = "Does things.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.take = take};

static int parse(const char *const *words, struct settings *s, char **argv, struct wm_err *err)
{
	int argc = 0;

	argv[argc++] = (char *)"prog";
	while (words[argc - 1] != NULL) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	argv[argc] = NULL;
	return wm_command_parse(&command, argc, argv, s, err);
}

static void options_and_operands_mix(void **state)
{
	const char *const words[] = {"a", "-n", "x", "b", "--count=10", "-l", NULL};
	struct settings s = {.count = 5, .wait_s = 1};
	char *argv[ARGS_MAX];
	struct wm_err err;

	(void)state;
	assert_int_equal(parse(words, &s, argv, &err), 5);
	assert_string_equal(argv[5], "a");
	assert_string_equal(argv[6], "b");
	assert_string_equal(s.name, "x");
	assert_int_equal(s.count, 10);
	assert_float_equal(s.wait_s, 1, 0); // the default stays
	assert_true(s.loud);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *words[3];
		const char *sentence;
	} cases[] = {
		{{"--bogus"}, "there is no option --bogus; --help lists them"},
		{{"--bogus=7"}, "there is no option --bogus=7; --help lists them"},
		{{"-x"}, "there is no option -x; --help lists them"},
		{{"-lx"}, "there is no option -x; --help lists them"},
		{{"--count"}, "option --count needs a value: N"},
		{{"-c"}, "option --count needs a value: N"},
		{{"--loud=yes"}, "option --loud takes no value"},
		{{"--name="}, "option --name: its value is empty, expected NAME"},
		{{"-c", "0"}, "option --count: '0' is not a whole number in 1..10"},
		{{"-c", "11"}, "option --count: '11' is not a whole number in 1..10"},
		{{"-c", "-1"}, "option --count: '-1' is not a whole number in 1..10"},
		{{"-c", "+1"}, "option --count: '+1' is not a whole number in 1..10"},
		{{"-c", " 1"}, "option --count: ' 1' is not a whole number in 1..10"},
		{{"-c", "1e1"}, "option --count: '1e1' is not a whole number in 1..10"},
		{{"-c", ""}, "option --count: '' is not a whole number in 1..10"},
		{{"-c", "18446744073709551617"}, "option --count: '18446744073709551617' is not"}, // 2^64 + 1
		{{"--wait", "0"}, "option --wait: '0' is not a number of seconds above 0"},
		{{"--wait", "-1"}, "option --wait: '-1' is not"},
		{{"--wait", "inf"}, "option --wait: 'inf' is not"},
		{{"--wait", "1.5.2"}, "option --wait: '1.5.2' is not"},
		{{"--wait", "."}, "option --wait: '.' is not"},
		{{"--wait", ""}, "option --wait: '' is not"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings s = {.count = 5, .wait_s = 7};
		char *argv[ARGS_MAX];
		struct wm_err err = {0};
		int rc = parse(cases[i].words, &s, argv, &err);

		if (rc != -EINVAL || strncmp(err.msg, cases[i].sentence, strlen(cases[i].sentence)) != 0)
			fail_msg("%d '%s', expected '%s'", rc, err.msg, cases[i].sentence);
		assert_int_equal(s.count, 5);
		assert_float_equal(s.wait_s, 7, 0);
	}
}

static void seconds_may_have_a_fraction(void **state)
{
	const char *const words[] = {"--wait", "0.25", NULL};
	struct settings s = {0};
	char *argv[ARGS_MAX];
	struct wm_err err;

	(void)state;
	assert_int_equal(parse(words, &s, argv, &err), 3);
	assert_float_equal(s.wait_s, 0.25, 0);
}

static void what_follows_two_dashes_is_no_option(void **state)
{
	const char *const words[] = {"--", "-l", NULL};
	struct settings s = {0};
	char *argv[ARGS_MAX];
	struct wm_err err;

	(void)state;
	assert_int_equal(parse(words, &s, argv, &err), 2);
	assert_false(s.loud);
}

static void help_is_the_table(void **state)
{
	size_t len;
	char *text;
	FILE *out;

	(void)state;
	out = open_memstream(&text, &len);
	assert_non_null(out);
	wm_command_help(&command, out);
	(void)fclose(out);
	assert_string_equal(text, "usage: prog [options] THING\n"
				  "       prog --else\n"
				  "\n"
				  "Does things.\n"
				  "\n"
				  "  -n, --name NAME           what to call it\n"
				  "  -c, --count N             how many\n"
				  "      --wait SEC            how long\n"
				  "  -l, --loud                how loud\n"
				  "  -t, --thing FILE          one of several\n");
	free(text);
}

// @return what wm_config_read() does with a file that holds text.
static int read_config(const char *text, struct settings *s, struct wm_config_text **texts, struct wm_err *err)
{
	char path[] = "/tmp/wiremill-test-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
	rc = wm_config_read(&command, path, s, texts, err);
	(void)unlink(path);
	return rc;
}

static void configuration_file_says_what_a_command_line_would(void **state)
{
	struct wm_config_text *texts = NULL;
	struct settings s = {0};
	struct wm_err err;

	(void)state;
	assert_int_equal(read_config("name = \"x\"; count = 7; wait = 1.5; loud = true;\n"
				     "thing = (\"a\", { weight = 2.5; file = \"b\"; n = 3; });\n",
				 &s, &texts, &err),
		0);
	assert_string_equal(s.name, "x");
	assert_int_equal(s.count, 7);
	assert_float_equal(s.wait_s, 1.5, 0);
	assert_true(s.loud);
	assert_int_equal(s.n_things, 2);
	assert_string_equal(s.things[0], "a");
	assert_string_equal(s.things[1], "b,weight=2.500000000,n=3");
	s = (struct settings){0};
	assert_int_equal(
		read_config("thing = ({ n = 3; thing = 7; }, { tx = [1, 2]; rx = \"3\"; });\n", &s, &texts, &err), 0);
	assert_string_equal(s.things[0], "7,n=3");
	assert_string_equal(s.things[1], "tx=1+2,rx=3");
	wm_config_free(texts);
}

static void configuration_file_is_faulted_by_line(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"count = 7;\nnmae = 3;\n", ":2: there is no option 'nmae'; 'name' is like it"},
		{"quiet = true;\n", ":1: there is no option 'quiet'; --help lists them"},
		{"count = 11;\n", ":1: option --count: '11' is not a whole number in 1..10"},
		{"\n\ncount = ;\n", ":3: syntax error"},
		{"name = { a = 1; };\n", ":1: 'name' must be a text in quotes: NAME"},
		{"count = \"7\";\n", ":1: 'count' must be a whole number in 1..10, without quotes"},
		{"wait = \"1s\";\n", ":1: 'wait' must be a number of seconds above 0, without quotes or unit"},
		{"loud = 1;\n", ":1: 'loud' must be true or false"},
		{"thing = true;\n", ":1: 'thing' must be a number, a text or a group of them"},
		{"count = (1, 2);\n", ":1: 'count' is one value, not a list"},
		{"thing = ();\n", ":1: 'thing' is an empty list: leave it out, or put one FILE in"},
		{"thing = ({ file = \"a\";\n b = { c = 1; }; });\n", ":2: 'b' must be a number or a text"},
		{"thing = ({ file = \"a\";\n b = \"1,2\"; });\n", ":2: 'b' must be without a comma, '1,2' is not"},
		{"thing = (\"a\",\n \"b\",\n \"c\");\n", ":3: option --thing: 'c' is one too many"},
	};
	struct wm_config_text *texts = NULL;
	struct wm_err err = {0};
	struct settings s = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = (struct settings){0};
		assert_true(read_config(cases[i].text, &s, &texts, &err) < 0);
		if (strstr(err.msg, cases[i].sentence) == NULL)
			fail_msg("'%s', expected '%s'", err.msg, cases[i].sentence);
	}
	assert_int_equal(wm_config_read(&command, "/nonexistent/x.conf", &s, &texts, &err), -ENOENT);
	assert_string_equal(err.msg, "configuration file /nonexistent/x.conf: No such file or directory");
	wm_config_free(texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands_mix),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(seconds_may_have_a_fraction),
		cmocka_unit_test(what_follows_two_dashes_is_no_option),
		cmocka_unit_test(help_is_the_table),
		cmocka_unit_test(configuration_file_says_what_a_command_line_would),
		cmocka_unit_test(configuration_file_is_faulted_by_line),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
