// SPDX-License-Identifier: BSD-3-Clause
// replay: run a target without a fuzzer: on every file of the folders given, then on copies of them with bytes changed
// at random, the same ones each time.
//
// usage: TARGET ROUNDS FOLDER...
#include "fuzz.h"

#include <base/philox.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES_MAX = 12, PATH_SIZE = 1024 };

struct file {
	uint8_t *bytes;
	size_t n;
};

static struct file read_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct file f = {0};

	if (in == NULL || fseek(in, 0, SEEK_END) != 0)
		abort();
	f.n = (size_t)ftell(in);
	f.bytes = malloc(f.n + 1); // not empty
	rewind(in);
	if (f.bytes == NULL || fread(f.bytes, 1, f.n, in) != f.n)
		abort();
	(void)fclose(in);
	return f;
}

// A copy of its own size each: the sanitizer then sees what is read behind it.
static void run(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, bytes, n);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void run_changed(const struct file *f, uint64_t number, uint64_t round)
{
	uint8_t *bytes = malloc(f->n);
	size_t n = f->n;
	struct wm_rng rng;

	if (bytes == NULL)
		abort();
	memcpy(bytes, f->bytes, n);
	wm_rng_init(&rng, number, WM_STREAM_TEST, round);
	for (uint32_t i = 1 + wm_rng_below(&rng, CHANGES_MAX); i > 0; i--) {
		uint8_t *p = &bytes[wm_rng_below(&rng, (uint32_t)n)];

		if (wm_rng_below(&rng, 2))
			*p = (uint8_t)wm_rng_u32(&rng);
		else
			*p ^= (uint8_t)(1u << wm_rng_below(&rng, 8));
	}
	if (wm_rng_below(&rng, 4) == 0)
		n = wm_rng_below(&rng, (uint32_t)n + 1);
	run(bytes, n);
	free(bytes);
}

static unsigned run_folder(const char *folder, uint64_t rounds)
{
	struct dirent **entries;
	int n_entries = scandir(folder, &entries, NULL, alphasort);
	unsigned n_files = 0;

	for (int i = 0; i < n_entries; i++) {
		if (entries[i]->d_name[0] != '.') {
			char path[PATH_SIZE];
			struct file f;

			(void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
			f = read_file(path);
			run(f.bytes, f.n);
			for (uint64_t round = 0; round < rounds && f.n > 0; round++)
				run_changed(&f, n_files, round);
			free(f.bytes);
			n_files++;
		}
		free(entries[i]);
	}
	if (n_entries >= 0)
		free(entries);
	return n_files;
}

int main(int argc, char **argv)
{
	unsigned n_files = 0;

	if (argc < 3) {
		(void)fprintf(stderr, "usage: %s ROUNDS FOLDER...\n", argv[0]);
		return 2;
	}
	for (int i = 2; i < argc; i++)
		n_files += run_folder(argv[i], strtoul(argv[1], NULL, 10));
	(void)printf("%u files, each with %s changed copies\n", n_files, argv[1]);
	return n_files > 0 ? 0 : 1;
}
