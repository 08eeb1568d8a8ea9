// SPDX-License-Identifier: BSD-3-Clause
// files: a library for LD_PRELOAD that lets a call on a file fail.
//
//	FAULTS_UNDER=DIR    files of this directory alone, as absolute paths name them
//	FAULTS_CALLS=A:B    which calls count: open (to write), write, fsync, rename, close (of what was opened to
//	                    write); get (open to read), read, seek, map
//	FAULTS_AT=N         the Nth of them fails, from 1
//	FAULTS_MORE=1       and all behind it: a disk that is full stays full
//	FAULTS_ERRNO=E      with this, a number
//	FAULTS_SHORT=1      a write that is to fail takes half of its bytes first
//	FAULTS_LOG=FILE     a line "CALL NAME" for each of them, whether it fails or not
//
// Streams that are opened to write are made of write() and close(), so that these see what stdio does as well.

// The functions below are to have the names that they have here.
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS = 1024, STREAMS = 64, NAME = 256 };

// What is known of a descriptor of a file in the directory.
struct file {
	char name[NAME]; // "" = not one
	bool writes;
};

struct stream {
	FILE *stream; // NULL = free
	int fd;
};

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): nobody hands it a context
static struct file files[FDS];
static struct stream streams[STREAMS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char under[NAME], calls[NAME];
static atomic_long n_calls;
static long at;
static bool more, halves;
static int error_number, log_fd = -1;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

static int next_open(const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

// The name inside the directory. @return false if it is elsewhere.
static bool name_of(char *out, const char *path)
{
	char whole[2 * NAME] = "";
	size_t n = strlen(under);

	if (n == 0)
		return false;
	if (*path != '/' && (getcwd(whole, NAME) == NULL || strlen(whole) + 2 > NAME))
		return false;
	if (*path != '/')
		strcat(whole, "/");
	(void)strncat(whole, path, NAME - 1);
	if (strncmp(whole, under, n) != 0 || whole[n] != '/')
		return false;
	(void)snprintf(out, NAME, "%.*s", NAME - 1, whole + n + 1);
	return true;
}

static bool counts(const char *call)
{
	size_t n = strlen(call);

	for (const char *p = strstr(calls, call); p != NULL; p = strstr(p + 1, call))
		if ((p == calls || p[-1] == ':') && (p[n] == '\0' || p[n] == ':'))
			return true;
	return false;
}

// @return whether this call is to fail; errno is set.
static bool strikes(const char *call, const char *name)
{
	char line[NAME + 16];
	long n;
	int len;

	if (!counts(call))
		return false;
	n = atomic_fetch_add(&n_calls, 1) + 1;
	len = snprintf(line, sizeof(line), "%s %s\n", call, name);
	if (log_fd >= 0)
		(void)syscall(SYS_write, log_fd, line, (size_t)len);
	if (at == 0 || (more ? n < at : n != at))
		return false;
	errno = error_number;
	return true;
}

static struct file *file_of(int fd)
{
	return fd >= 0 && fd < FDS && files[fd].name[0] != '\0' ? &files[fd] : NULL;
}

static int open_any(const char *path, int flags, mode_t mode)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY, ours;
	char name[NAME];
	int fd;

	ours = name_of(name, path) && (flags & O_DIRECTORY) == 0;
	if (ours && strikes(writes ? "open" : "get", name))
		return -1;
	fd = next_open(path, flags, mode);
	if (ours && fd >= 0 && fd < FDS) {
		memcpy(files[fd].name, name, NAME);
		files[fd].writes = writes;
	}
	return fd;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

// NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier): what FORTIFY makes of open()
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

int __open_2(const char *path, int flags)
{
	return open_any(path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return open_any(path, flags, 0);
}
// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier)

ssize_t write(int fd, const void *data, size_t n)
{
	const struct file *f = file_of(fd);

	if (f != NULL && strikes("write", f->name)) {
		if (!halves || n < 2)
			return -1;
		return syscall(SYS_write, fd, data, n / 2);
	}
	return syscall(SYS_write, fd, data, n);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
	const struct file *f = file_of(fd);

	return f != NULL && strikes("write", f->name) ? -1 : syscall(SYS_pwrite64, fd, data, n, offset);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	const struct file *f = file_of(fd);

	return f != NULL && strikes("write", f->name) ? -1 : syscall(SYS_writev, fd, v, n);
}

static int sync_any(int fd, long number)
{
	const struct file *f = file_of(fd);

	return f != NULL && strikes("fsync", f->name) ? -1 : (int)syscall(number, fd);
}

int fsync(int fd)
{
	return sync_any(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_any(fd, SYS_fdatasync);
}

int close(int fd)
{
	struct file *f = file_of(fd);
	struct file was = {0};
	int rc;

	if (f != NULL) {
		was = *f;
		f->name[0] = '\0';
	}
	rc = (int)syscall(SYS_close, fd); // also where it is said to have failed, as Linux does
	return was.writes && was.name[0] != '\0' && strikes("close", was.name) ? -1 : rc;
}

int rename(const char *from, const char *to)
{
	char name[NAME];

	return name_of(name, to) && strikes("rename", name) ? -1
							    : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

ssize_t read(int fd, void *data, size_t n)
{
	const struct file *f = file_of(fd);

	return f != NULL && strikes("read", f->name) ? -1 : syscall(SYS_read, fd, data, n);
}

off_t lseek(int fd, off_t offset, int whence)
{
	const struct file *f = file_of(fd);

	return f != NULL && strikes("seek", f->name) ? -1 : syscall(SYS_lseek, fd, offset, whence);
}

off_t lseek64(int fd, off_t offset, int whence) __attribute__((alias("lseek")));

void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t offset)
{
	const struct file *f = (flags & MAP_ANONYMOUS) == 0 ? file_of(fd) : NULL;

	return f != NULL && strikes("map", f->name)
		       ? MAP_FAILED
		       // NOLINTNEXTLINE(performance-no-int-to-ptr)
		       : (void *)syscall(SYS_mmap, address, n, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t n, int protection, int flags, int fd, off_t offset) __attribute__((alias("mmap")));

static ssize_t stream_write(void *cookie, const char *data, size_t n)
{
	ssize_t done = write((int)(intptr_t)cookie, data, n);

	return done < 0 ? 0 : done; // what stdio takes for a failure
}

static int stream_close(void *cookie)
{
	int fd = (int)(intptr_t)cookie;

	(void)pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < STREAMS; i++)
		if (streams[i].stream != NULL && streams[i].fd == fd)
			streams[i].stream = NULL;
	(void)pthread_mutex_unlock(&lock);
	return close(fd);
}

static FILE *make_stream(int fd, const char *mode)
{
	static const cookie_io_functions_t functions = {.write = stream_write, .close = stream_close};
	// NOLINTNEXTLINE(performance-no-int-to-ptr)
	FILE *stream = fopencookie((void *)(intptr_t)fd, mode, functions);

	(void)pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < STREAMS && stream != NULL; i++) {
		if (streams[i].stream == NULL) {
			streams[i] = (struct stream){stream, fd};
			break;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	return stream;
}

FILE *fdopen(int fd, const char *mode)
{
	FILE *(*next)(int, const char *);

	*(void **)&next = dlsym(RTLD_NEXT, "fdopen");
	return file_of(fd) != NULL && files[fd].writes ? make_stream(fd, mode) : next(fd, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	FILE *(*next)(const char *, const char *);
	char name[NAME];
	int fd;

	*(void **)&next = dlsym(RTLD_NEXT, "fopen");
	if (!name_of(name, path))
		return next(path, mode);
	if (*mode != 'w' && *mode != 'a')
		return strikes("get", name) ? NULL : next(path, mode);
	fd = open_any(path, O_WRONLY | O_CREAT | (*mode == 'w' ? O_TRUNC : O_APPEND) | O_CLOEXEC, 0666);
	return fd < 0 ? NULL : make_stream(fd, mode);
}

FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

int fileno(FILE *stream)
{
	int (*next)(FILE *), fd = -1;

	(void)pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < STREAMS; i++)
		if (streams[i].stream == stream)
			fd = streams[i].fd;
	(void)pthread_mutex_unlock(&lock);
	if (fd >= 0)
		return fd;
	*(void **)&next = dlsym(RTLD_NEXT, "fileno");
	return next(stream);
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

static __attribute__((constructor)) void begin(void)
{
	const char *log_path = getenv("FAULTS_LOG");

	(void)snprintf(under, sizeof(under), "%s", setting("FAULTS_UNDER"));
	(void)snprintf(calls, sizeof(calls), "%s", setting("FAULTS_CALLS"));
	at = strtol(setting("FAULTS_AT"), NULL, 10);
	more = getenv("FAULTS_MORE") != NULL;
	halves = getenv("FAULTS_SHORT") != NULL;
	error_number = (int)strtol(setting("FAULTS_ERRNO"), NULL, 10);
	if (log_path != NULL)
		log_fd = next_open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
}
