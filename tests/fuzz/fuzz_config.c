// SPDX-License-Identifier: BSD-3-Clause
// A configuration file of wiremill: settings, or a sentence. Directives of libconfig that open other files are left
// out: what those hold is not the fuzzer's.
#include "fuzz.h"

#include <settings.h>

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char program[] = "wiremill", option[] = "-c", path[64];
	char *argv[] = {program, option, path, NULL};
	struct settings s;
	struct wm_err err = {0};

	if (memmem(data, size, "@include", strlen("@include")) != NULL)
		return 0;
	strcpy(path, fuzz_file(data, size)); // NOLINT: 40 bytes at most
	if (settings_read(&s, 3, argv, &err) < 0)
		assert(err.msg[0] != '\0');
	settings_free(&s);
	return 0;
}
