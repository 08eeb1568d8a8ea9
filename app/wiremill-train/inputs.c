// SPDX-License-Identifier: BSD-3-Clause
#include "inputs.h"

#include <base/file.h>

#include <errno.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static int check_input(const char *path, const struct stat *output, struct wm_err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return wm_err_sys(err, -errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return wm_err_set(err, -EISDIR, "%s: is a directory, expected a capture file", path);
	if (!S_ISREG(st.st_mode))
		return wm_err_set(err, -EINVAL, "%s: is not a regular file, expected a capture file", path);
	if (st.st_size == 0)
		return wm_err_set(err, -ENODATA, "%s: is empty, expected a capture file", path);
	if (output != NULL && st.st_dev == output->st_dev && st.st_ino == output->st_ino)
		return wm_err_set(err, -EEXIST, "%s: is an input, so the model cannot be written there", path);
	return 0;
}

int inputs_check(const struct config *c, struct wm_err *err)
{
	bool exists;
	struct wm_file probe;
	struct stat output;
	int rc;

	exists = stat(c->output, &output) == 0;
	for (size_t i = 0; i < c->n_inputs; i++) {
		rc = check_input(c->inputs[i], exists ? &output : NULL, err);
		if (rc < 0)
			return rc;
	}
	rc = wm_file_begin(&probe, c->output, err);
	if (rc == 0)
		wm_file_abort(&probe);
	return rc;
}

int input_digest(char out[DIGEST_TEXT_LEN], const char *path, struct wm_err *err)
{
	enum { CHUNK = 1 << 16 };
	uint8_t digest[SHA256_DIGEST_SIZE], *chunk = malloc(CHUNK);
	FILE *f = fopen(path, "re");
	struct sha256_ctx ctx;
	size_t n;
	int rc = 0;

	if (chunk == NULL || f == NULL) {
		rc = wm_err_sys(err, chunk == NULL ? -ENOMEM : -errno, "%s", path);
		goto out;
	}
	sha256_init(&ctx);
	while ((n = fread(chunk, 1, CHUNK, f)) > 0)
		sha256_update(&ctx, n, chunk);
	if (ferror(f)) {
		rc = wm_err_sys(err, -EIO, "%s", path);
		goto out;
	}
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(out + 2 * i, DIGEST_TEXT_LEN - 2 * i, "%02x", digest[i]);
out:
	if (f != NULL)
		(void)fclose(f);
	free(chunk);
	return rc;
}
