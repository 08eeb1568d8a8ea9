// SPDX-License-Identifier: BSD-3-Clause
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 16, LOCK_TRIES = 100, LOCK_NS = 10000000 };

// Two programs that find the same stale socket must not remove each other's new one: they take turns in its folder.
// Where that cannot be had within a second, there is nobody who plays by these rules. @return a descriptor, or -1.
static int lock_folder(const char *path)
{
	const struct timespec nap = {.tv_nsec = LOCK_NS};
	const char *slash = strrchr(path, '/');
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)] = ".";
	int fd;

	if (slash != NULL)
		(void)snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) < 0; i++)
		(void)nanosleep(&nap, NULL);
	return fd;
}

// What is at the path already? @return 0 if a stale socket was there and is not any more; -errno with a sentence.
static int make_room(const struct sockaddr_un *at, struct wm_err *err)
{
	const char *path = at->sun_path;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0)
		return wm_err_sys(err, -errno, "option --control: %s", path);
	if (!S_ISSOCK(st.st_mode))
		return wm_err_set(
			err, -EEXIST, "option --control: %s is there and is no socket; name another path", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return wm_err_sys(err, -errno, "option --control: a socket");
	rc = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ? 0 : -errno;
	(void)close(fd);
	if (rc == -ECONNREFUSED)
		return unlink(path) == 0 ? 0 : wm_err_sys(err, -errno, "option --control: %s is stale", path);
	if (rc == 0 || rc == -EAGAIN)
		return wm_err_set(
			err, -EADDRINUSE, "option --control: somebody listens at %s already; name another path", path);
	return wm_err_sys(err, rc, "option --control: %s", path);
}

// The mode of the descriptor becomes that of the file: it never is there for all.
static int bind_path(int fd, const struct sockaddr_un *at, struct wm_err *err)
{
	const struct sockaddr *a = (const struct sockaddr *)at;
	int rc;

	if (fchmod(fd, S_IRUSR | S_IWUSR) < 0)
		return wm_err_sys(err, -errno, "option --control: the mode of %s", at->sun_path);
	if (bind(fd, a, sizeof(*at)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return wm_err_sys(err, -errno, "option --control: %s", at->sun_path);
	rc = make_room(at, err);
	if (rc < 0)
		return rc;
	return bind(fd, a, sizeof(*at)) == 0 ? 0 : wm_err_sys(err, -errno, "option --control: %s", at->sun_path);
}

int listen_at_path(struct listen_unix *out, const char *path, struct wm_err *err)
{
	struct listen_unix l = {.path = path};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct stat st = {0};
	int lock, rc;

	if (strlen(path) >= sizeof(at.sun_path))
		return wm_err_set(err, -ENAMETOOLONG,
			"option --control: %s is longer than the %zu bytes that a socket's path can have", path,
			sizeof(at.sun_path) - 1);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	l.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l.fd < 0)
		return wm_err_sys(err, -errno, "option --control: a socket");
	lock = lock_folder(path);
	rc = bind_path(l.fd, &at, err);
	if (rc == 0 && (listen(l.fd, BACKLOG) < 0 || lstat(path, &st) < 0))
		rc = wm_err_sys(err, -errno, "option --control: %s", path);
	if (lock >= 0)
		(void)close(lock);
	if (rc < 0) {
		(void)close(l.fd);
		return rc;
	}
	l.dev = st.st_dev;
	l.ino = st.st_ino;
	*out = l;
	return 0;
}

void listen_close_path(struct listen_unix *l)
{
	struct stat st;

	if (lstat(l->path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_dev == l->dev && st.st_ino == l->ino)
		(void)unlink(l->path);
	(void)close(l->fd);
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool parse_port(const char *text, uint16_t *port)
{
	size_t n = strspn(text, "0123456789");
	unsigned long v = n > 0 && n <= 5 && text[n] == '\0' ? strtoul(text, NULL, 10) : UINT16_MAX + 1ul;

	*port = htons((uint16_t)v);
	return v <= UINT16_MAX;
}

// @return whether it is [ADDR:]PORT.
static bool parse_address(union address *out, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	char host[LISTEN_NAME_SIZE];
	uint16_t port;

	memset(out, 0, sizeof(*out));
	if (!parse_port(colon != NULL ? colon + 1 : text, &port) || n >= sizeof(host) || (colon != NULL && n == 0))
		return false;
	(void)snprintf(host, sizeof(host), "%.*s", (int)n, text);
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = port;
		return inet_pton(AF_INET6, host + 1, &out->v6.sin6_addr) == 1;
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = port;
	return inet_pton(AF_INET, colon != NULL ? host : "127.0.0.1", &out->v4.sin_addr) == 1;
}

static void describe(struct listen_tcp *l, const union address *at)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (at->any.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &at->v6.sin6_addr, host, sizeof(host));
		(void)snprintf(l->name, sizeof(l->name), "[%s]:%u", host, ntohs(at->v6.sin6_port));
		l->loopback = IN6_IS_ADDR_LOOPBACK(&at->v6.sin6_addr);
	} else {
		(void)inet_ntop(AF_INET, &at->v4.sin_addr, host, sizeof(host));
		(void)snprintf(l->name, sizeof(l->name), "%s:%u", host, ntohs(at->v4.sin_port));
		l->loopback = ntohl(at->v4.sin_addr.s_addr) >> 24 == 127;
	}
}

int listen_at_port(struct listen_tcp *out, const char *text, struct wm_err *err)
{
	struct listen_tcp l = {.fd = -1};
	union address at;
	socklen_t size;
	int on = 1;

	if (!parse_address(&at, text))
		return wm_err_set(err, -EINVAL,
			"option --http: '%s' is not [ADDR:]PORT with a numeric address, such as 9100, 192.0.2.1:9100 "
			"or "
			"[::1]:9100",
			text);
	size = at.any.sa_family == AF_INET6 ? sizeof(at.v6) : sizeof(at.v4);
	l.fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l.fd < 0)
		return wm_err_sys(err, -errno, "option --http: a socket for %s", text);
	(void)setsockopt(l.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(l.fd, &at.any, size) < 0 || listen(l.fd, BACKLOG) < 0 || getsockname(l.fd, &at.any, &size) < 0) {
		int rc = wm_err_sys(err, -errno, "option --http: %s", text);

		(void)close(l.fd);
		return rc;
	}
	describe(&l, &at);
	*out = l;
	return 0;
}
