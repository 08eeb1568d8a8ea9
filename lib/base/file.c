// SPDX-License-Identifier: BSD-3-Clause
#include <base/file.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100 };

// Where path leads: a rename onto a link or a device would replace the link or the device.
static int resolve(char **out, const char *path, struct wm_err *err)
{
	struct stat st;

	if (*path == '\0')
		return wm_err_set(err, -EINVAL, "the name of the file to write is empty");
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return wm_err_set(
				err, -EISDIR, "%s: is a directory, expected the name of a file to write", path);
		if (!S_ISREG(st.st_mode))
			return wm_err_set(err, -EINVAL, "%s: is not a regular file, so it cannot be replaced", path);
		*out = realpath(path, NULL);
	} else if (errno == ENOENT) {
		*out = strdup(path);
	} else {
		return wm_err_sys(err, -errno, "%s", path);
	}
	if (*out == NULL)
		return wm_err_sys(err, -errno, "%s", path);
	return 0;
}

// open() instead of mkstemp(): the kernel applies the umask, which cannot be read without changing it.
static int open_temp(struct wm_file *f, struct wm_err *err)
{
	char *temp = NULL;
	int fd = -1, rc;

	for (unsigned i = 0; i < TRIES; i++) {
		free(temp);
		if (asprintf(&temp, "%s.tmp-%ld-%u", f->path, (long)getpid(), i) < 0)
			return wm_err_sys(err, -ENOMEM, "%s", f->path);
		fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd < 0) {
		rc = wm_err_sys(err, -errno, "%s: cannot create a file in its directory", f->path);
		free(temp);
		return rc;
	}
	f->temp = temp;
	f->stream = fdopen(fd, "w");
	if (f->stream == NULL) {
		rc = wm_err_sys(err, -errno, "%s", f->path);
		(void)close(fd);
		return rc;
	}
	return 0;
}

int wm_file_begin(struct wm_file *out, const char *path, struct wm_err *err)
{
	struct wm_file f = {0};
	int rc;

	rc = resolve(&f.path, path, err);
	if (rc < 0)
		goto fail;
	rc = open_temp(&f, err);
	if (rc < 0)
		goto fail;
	*out = f;
	return 0;

fail:
	wm_file_abort(&f);
	return rc;
}

void wm_file_write(struct wm_file *f, const void *data, size_t len)
{
	if (f->error == 0 && fwrite(data, 1, len, f->stream) != len)
		f->error = errno;
}

static int close_stream(struct wm_file *f, bool durable)
{
	int rc = 0;

	if (f->error != 0)
		rc = -f->error;
	else if (ferror(f->stream))
		rc = -EIO; // the writer saw the cause
	else if (fflush(f->stream) != 0 || (durable && fsync(fileno(f->stream)) != 0))
		rc = -errno;
	if (fclose(f->stream) != 0 && rc == 0)
		rc = -errno;
	f->stream = NULL;
	return rc;
}

// The new name is in the directory: without this it may not be there after a power cut. The path is cut short.
static int sync_dir(char *path)
{
	int rc = 0, fd;

	fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 0 : -errno; // may be written but not read
	if (fsync(fd) != 0 && errno != EINVAL)       // EINVAL: a file system that has no use for it
		rc = -errno;
	(void)close(fd);
	return rc;
}

static int finish(struct wm_file *f, bool durable, struct wm_err *err)
{
	int rc = close_stream(f, durable);

	if (rc == 0 && rename(f->temp, f->path) != 0)
		rc = -errno;
	if (rc < 0) {
		(void)wm_err_sys(err, rc, "%s: cannot be written", f->path);
		goto out;
	}
	rc = durable ? sync_dir(f->temp) : 0;
	free(f->temp); // it has its name now
	f->temp = NULL;
	if (rc < 0)
		(void)wm_err_sys(err, rc, "%s: its directory cannot be flushed to the disk", f->path);
out:
	wm_file_abort(f);
	return rc;
}

int wm_file_commit(struct wm_file *f, struct wm_err *err)
{
	return finish(f, true, err);
}

int wm_file_swap(struct wm_file *f, struct wm_err *err)
{
	return finish(f, false, err);
}

void wm_file_abort(struct wm_file *f)
{
	if (f->stream != NULL)
		(void)fclose(f->stream);
	if (f->temp != NULL)
		(void)unlink(f->temp);
	free(f->temp);
	free(f->path);
	*f = (struct wm_file){0};
}
