// SPDX-License-Identifier: BSD-3-Clause
// listen: the sockets at which others ask about a run, bound before it begins, so that what is wrong with them is said
// before anything is sent.
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <sys/stat.h>

struct listen_unix {
	int fd; // does not block
	const char *path;
	dev_t dev; // of the file that it is
	ino_t ino;
};

/**
 * Listen at a path, for its owner alone (0600). A socket that nobody listens at any more is replaced, anything else
 * that is there is left alone.
 *
 * @param path Borrowed. @return 0; -errno with a sentence.
 */
int listen_at_path(struct listen_unix *out, const char *path, struct wm_err *err);

/** Close, and remove the file if it still is this one. */
void listen_close_path(struct listen_unix *l);

enum { LISTEN_NAME_SIZE = 64 };

struct listen_tcp {
	int fd;                      // does not block
	char name[LISTEN_NAME_SIZE]; // as in a URL: 127.0.0.1:9100
	bool loopback;
};

/** Listen at [ADDR:]PORT: ADDR is numeric, an IPv6 one in brackets, and 127.0.0.1 unless given; port 0 is any that is
 *  free. @return 0; -errno with a sentence. */
int listen_at_port(struct listen_tcp *out, const char *text, struct wm_err *err);
