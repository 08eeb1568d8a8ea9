// SPDX-License-Identifier: BSD-3-Clause
#include "ask.h"

#include <base/clock.h>
#include <base/grow.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 4 << 20, PIECE = 65536 };

static int open_socket(const char *path, struct wm_err *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd, rc = 0;

	if (strlen(path) >= sizeof(at.sun_path))
		return wm_err_set(err, -ENAMETOOLONG, "%s is longer than a socket's path can be", path);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return wm_err_sys(err, -errno, "a socket");
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	rc = -errno;
	(void)close(fd);
	if (rc == -ECONNREFUSED)
		return wm_err_set(err, rc, "%s: no run listens there any more", path);
	if (rc == -ENOENT)
		return wm_err_set(err, rc, "%s: there is no such socket; a run with --control %s makes it", path, path);
	return wm_err_sys(err, rc, "%s", path);
}

static bool wait_for(int fd, short events, double until_s)
{
	double left_s = until_s - wm_now_s();
	struct pollfd p = {.fd = fd, .events = events};

	return left_s > 0 && poll(&p, 1, (int)(left_s * 1e3) + 1) > 0;
}

static int say(int fd, const char *line, struct wm_err *err)
{
	size_t n = strlen(line);
	char *text = malloc(n + 2);
	ssize_t sent;

	if (text == NULL)
		return wm_err_sys(err, -ENOMEM, "the command");
	(void)snprintf(text, n + 2, "%s\n", line);
	sent = send(fd, text, n + 1, MSG_NOSIGNAL); // far less than any socket's buffer
	free(text);
	return sent == (ssize_t)(n + 1) ? 0
					: wm_err_sys(err, sent < 0 ? -errno : -EIO, "the command could not be sent");
}

static int hear(int fd, double until_s, char **answer, struct wm_err *err)
{
	size_t n = 0, cap = 0;
	char *text = NULL;
	int rc = -ETIMEDOUT;

	while (wait_for(fd, POLLIN, until_s)) {
		ssize_t got;

		rc = n < ANSWER_MAX ? wm_grow((void **)&text, &cap, n + PIECE, 1) : -EMSGSIZE;
		if (rc < 0)
			break;
		got = recv(fd, text + n, PIECE - 1, 0);
		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			rc = -ETIMEDOUT;
			continue;
		}
		rc = got == 0 ? -ECONNRESET : got < 0 ? -errno : 0;
		if (rc < 0)
			break;
		n += (size_t)got;
		if (text[n - 1] == '\n') {
			text[n - 1] = '\0';
			*answer = text;
			return 0;
		}
		rc = -ETIMEDOUT;
	}
	free(text);
	if (rc == -ETIMEDOUT)
		return wm_err_set(err, rc, "the run has not answered in time");
	if (rc == -ECONNRESET)
		return wm_err_set(err, rc, "the run has closed the connection without an answer");
	return wm_err_sys(err, rc, "the answer");
}

int ask(const char *path, const char *line, double patience_s, char **answer, struct wm_err *err)
{
	double until_s = wm_now_s() + patience_s;
	int fd = open_socket(path, err), rc;

	if (fd < 0)
		return fd;
	rc = say(fd, line, err);
	if (rc == 0)
		rc = hear(fd, until_s, answer, err);
	(void)close(fd);
	return rc;
}
