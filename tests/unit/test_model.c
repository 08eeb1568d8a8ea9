// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <model/model.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct scratch {
	char dir[32];
	char path[64];
};

static int setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	(void)umask(022);
	strcpy(s->dir, "/tmp/test-model-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->path, sizeof(s->path), "%s/m.safetensors", s->dir);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scratch *s = *state;

	(void)unlink(s->path);
	assert_int_equal(rmdir(s->dir), 0); // also: no temporary file was left behind
	free(s);
	return 0;
}

static struct wm_model_writer *example_writer(bool backwards)
{
	const size_t shape[2] = {2, 3}, n = 5, none = 0;
	const float w[6] = {1, 2, 3, 4, 5, 6};
	const uint8_t b[5] = "abcd";
	const int64_t scalar = -7;
	struct wm_model_writer *wr;

	assert_int_equal(wm_model_writer_create(&wr), 0);
	if (backwards)
		assert_int_equal(wm_model_put(wr, "scalar", WM_I64, 0, NULL, &scalar), 0);
	assert_int_equal(wm_model_put(wr, "bytes", WM_U8, 1, &n, b), 0);
	assert_int_equal(wm_model_put_meta(wr, backwards ? "z" : "engine", backwards ? "ü\n\"" : "none"), 0);
	assert_int_equal(wm_model_put(wr, "w", WM_F32, 2, shape, w), 0);
	assert_int_equal(wm_model_put(wr, "empty", WM_U16, 1, &none, NULL), 0);
	assert_int_equal(wm_model_put_metaf(wr, backwards ? "engine" : "z", "%s", backwards ? "none" : "ü\n\""), 0);
	if (!backwards)
		assert_int_equal(wm_model_put(wr, "scalar", WM_I64, 0, NULL, &scalar), 0);
	return wr;
}

static uint8_t *read_file(const char *path, size_t *len)
{
	uint8_t *data = malloc(65536);
	FILE *f = fopen(path, "r");

	assert_non_null(data);
	assert_non_null(f);
	*len = fread(data, 1, 65536, f);
	(void)fclose(f);
	return data;
}

static void what_was_written_is_read_back(void **state)
{
	struct scratch *s = *state;
	struct wm_model_writer *wr = example_writer(false);
	size_t shape[2] = {2, 0}, n = 0, one = 1;
	struct wm_err err = {0};
	struct wm_model *m;
	const void *data;
	struct stat st;

	assert_int_equal(wm_model_write(wr, s->path, &err), 0);
	wm_model_writer_destroy(wr);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(wm_model_open(&m, s->path, &err), 0);
	assert_int_equal(wm_model_n_tensors(m), 4);
	assert_string_equal(wm_model_tensor_at(m, 0)->name, "scalar"); // largest elements first
	assert_int_equal(wm_model_tensor_at(m, 0)->n_dims, 0);
	assert_int_equal(*(const int64_t *)wm_model_tensor_at(m, 0)->data, -7);
	assert_int_equal(wm_model_tensor(m, "w", WM_F32, 2, shape, &data, &err), 0);
	assert_int_equal(shape[1], 3);
	assert_float_equal(((const float *)data)[5], 6, 0);
	assert_int_equal((uintptr_t)data % 4, 0);
	assert_int_equal(wm_model_tensor(m, "bytes", WM_U8, 1, &n, &data, &err), 0);
	assert_memory_equal(data, "abcd", 5);
	assert_int_equal(wm_model_n_meta(m), 3);
	assert_string_equal(wm_model_meta(m, "format"), "wiremill-1");
	assert_string_equal(wm_model_meta(m, "z"), "ü\n\"");
	assert_null(wm_model_meta(m, "absent"));

	shape[1] = 4;
	assert_int_equal(wm_model_tensor(m, "w", WM_F32, 2, shape, &data, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "m.safetensors: tensor 'w' is F32 (2, 3), expected F32 (2, 4)"));
	assert_int_equal(wm_model_tensor(m, "w", WM_F64, 1, &one, &data, &err), -EINVAL);
	assert_int_equal(wm_model_tensor(m, "v", WM_F32, 0, NULL, &data, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "tensor 'v' is missing, expected F32 ()"));
	wm_model_close(m);
}

static void same_content_gives_the_same_bytes(void **state)
{
	struct scratch *s = *state;
	uint8_t *data[2];
	size_t len[2];

	for (int i = 0; i < 2; i++) {
		struct wm_model_writer *wr = example_writer(i == 1);

		assert_int_equal(wm_model_write(wr, s->path, NULL), 0);
		wm_model_writer_destroy(wr);
		data[i] = read_file(s->path, &len[i]);
	}
	assert_int_equal(len[0], len[1]);
	assert_memory_equal(data[0], data[1], len[0]);
	assert_int_equal((8 + wm_le64(data[0])) % 64, 0);
	free(data[0]);
	free(data[1]);
}

static void truncation_at_every_length_is_refused(void **state)
{
	struct scratch *s = *state;
	struct wm_model_writer *wr = example_writer(false);
	struct wm_model *m;
	uint8_t *data;
	size_t len;

	assert_int_equal(wm_model_write(wr, s->path, NULL), 0);
	wm_model_writer_destroy(wr);
	data = read_file(s->path, &len);
	for (size_t n = 0; n < len; n++) {
		uint8_t *copy = malloc(n + 1); // exact: the sanitizer sees a read behind it
		struct wm_err err = {0};

		assert_non_null(copy);
		memcpy(copy, data, n);
		copy = realloc(copy, n > 0 ? n : 1);
		assert_int_equal(wm_model_parse(&m, copy, n, "cut", &err), -EINVAL);
		assert_int_equal(strncmp(err.msg, "cut: ", 5), 0);
		free(copy);
		if (n % 16 == 0) {
			assert_int_equal(truncate(s->path, (off_t)(len - n - 1)), 0);
			assert_int_equal(wm_model_open(&m, s->path, &err), -EINVAL);
		}
	}
	free(data);
}

static void metadata_numbers_are_read_strictly(void **state)
{
	const struct {
		const char *key;
		const char *sentence;
		int rc;
	} cases[] = {
		{"ok", "", 0},
		{"word", "m.safetensors: metadata 'word' is 'x', expected a whole number in -9..9", -EINVAL},
		{"empty", "is ''", -EINVAL},
		{"space", "is ' 1'", -EINVAL},
		{"plus", "is '+1'", -EINVAL},
		{"tail", "is '1x'", -EINVAL},
		{"big", "is 10, expected a whole number in -9..9", -ERANGE},
		{"huge", "is 99999999999999999999999", -ERANGE},
		{"absent", "is missing, expected a whole number in -9..9", -ENOENT},
	};
	const char *const meta[][2] = {{"ok", "-9"}, {"word", "x"}, {"empty", ""}, {"space", " 1"}, {"plus", "+1"},
		{"tail", "1x"}, {"big", "10"}, {"huge", "99999999999999999999999"}};
	struct scratch *s = *state;
	struct wm_model_writer *wr;
	struct wm_model *m;
	long long v = 77;

	assert_int_equal(wm_model_writer_create(&wr), 0);
	for (size_t i = 0; i < sizeof(meta) / sizeof(meta[0]); i++)
		assert_int_equal(wm_model_put_meta(wr, meta[i][0], meta[i][1]), 0);
	assert_int_equal(wm_model_write(wr, s->path, NULL), 0);
	wm_model_writer_destroy(wr);
	assert_int_equal(wm_model_open(&m, s->path, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wm_err err = {0};

		assert_int_equal(wm_model_meta_int(m, cases[i].key, -9, 9, &v, &err), cases[i].rc);
		if (strstr(err.msg, cases[i].sentence) == NULL)
			fail_msg("'%s', expected '%s'", err.msg, cases[i].sentence);
	}
	assert_int_equal(v, -9);
	wm_model_close(m);
}

static void writer_refuses_what_no_reader_would_take(void **state)
{
	const size_t one = 1, much[2] = {(size_t)1 << 40, (size_t)1 << 40};
	struct wm_model_writer *wr;
	const uint8_t b = 0;

	(void)state;
	assert_int_equal(wm_model_writer_create(&wr), 0);
	assert_int_equal(wm_model_put_meta(wr, "format", "mine"), -EEXIST);
	assert_int_equal(wm_model_put_meta(wr, "format", WM_MODEL_FORMAT), 0);
	assert_int_equal(wm_model_put_meta(wr, "a", "\xff"), -EILSEQ);
	assert_int_equal(wm_model_put_meta(wr, "\xc3", "x"), -EILSEQ);
	assert_int_equal(wm_model_put(wr, "t", WM_U8, 1, &one, &b), 0);
	assert_int_equal(wm_model_put(wr, "t", WM_U8, 1, &one, &b), -EEXIST);
	assert_int_equal(wm_model_put(wr, "__metadata__", WM_U8, 1, &one, &b), -EEXIST);
	assert_int_equal(wm_model_put(wr, "\xff", WM_U8, 1, &one, &b), -EILSEQ);
	assert_int_equal(wm_model_put(wr, "u", WM_U8, 2, much, &b), -EINVAL);
	assert_int_equal(wm_model_put(wr, "u", WM_U8, WM_MODEL_DIMS + 1, much, &b), -EINVAL);
	wm_model_writer_destroy(wr);
	wm_model_writer_destroy(NULL);
	wm_model_close(NULL);
}

static void a_write_that_fails_leaves_the_old_file(void **state)
{
	struct scratch *s = *state;
	struct wm_model_writer *wr = example_writer(false);
	struct wm_err err = {0};
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/absent/m", s->dir);
	assert_int_equal(wm_model_write(wr, path, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "absent/m: cannot create a file in its directory: No such file"));
	assert_int_equal(wm_model_write(wr, s->dir, &err), -EISDIR);
	assert_int_equal(wm_model_write(wr, "/dev/null", &err), -EINVAL);
	assert_non_null(strstr(err.msg, "/dev/null: is not a regular file"));
	assert_int_equal(wm_model_write(wr, "", &err), -EINVAL);
	wm_model_writer_destroy(wr);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
	struct scratch *s = *state;
	struct wm_model_writer *wr = example_writer(false);
	struct rlimit old, tight = {100, 100};
	struct wm_err err = {0};
	struct wm_model *m;

	assert_int_equal(wm_model_write(wr, s->path, &err), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight.rlim_max = old.rlim_max;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(wm_model_write(wr, s->path, &err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(strstr(err.msg, "m.safetensors: cannot be written: File too large"));
	wm_model_writer_destroy(wr);
	assert_int_equal(wm_model_open(&m, s->path, &err), 0);
	wm_model_close(m);
}

static void a_link_stays_and_its_file_is_replaced(void **state)
{
	struct scratch *s = *state;
	struct wm_model_writer *wr = example_writer(false);
	struct wm_model *m;
	struct stat st;
	char link[96];

	(void)snprintf(link, sizeof(link), "%s/link", s->dir);
	(void)fclose(fopen(s->path, "w"));
	assert_int_equal(symlink("m.safetensors", link), 0);
	assert_int_equal(wm_model_write(wr, link, NULL), 0);
	wm_model_writer_destroy(wr);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(wm_model_open(&m, s->path, NULL), 0);
	wm_model_close(m);
	assert_int_equal(unlink(link), 0);
}

static void what_is_no_file_is_not_opened(void **state)
{
	struct scratch *s = *state;
	struct wm_err err = {0};
	struct wm_model *m;

	assert_int_equal(wm_model_open(&m, s->path, &err), -ENOENT);
	assert_int_equal(wm_model_open(&m, s->dir, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "not a regular file"));
	assert_int_equal(mkfifo(s->path, 0600), 0);
	assert_int_equal(wm_model_open(&m, s->path, &err), -EINVAL); // and does not wait for a writer
	assert_int_equal(unlink(s->path), 0);
	(void)fclose(fopen(s->path, "w"));
	assert_int_equal(wm_model_open(&m, s->path, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "is empty"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_written_is_read_back, setup, teardown),
		cmocka_unit_test_setup_teardown(same_content_gives_the_same_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(truncation_at_every_length_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(metadata_numbers_are_read_strictly, setup, teardown),
		cmocka_unit_test(writer_refuses_what_no_reader_would_take),
		cmocka_unit_test_setup_teardown(a_write_that_fails_leaves_the_old_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_leaves_the_old_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_stays_and_its_file_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_file_is_not_opened, setup, teardown),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
