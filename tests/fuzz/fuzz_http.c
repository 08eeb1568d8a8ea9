// SPDX-License-Identifier: BSD-3-Clause
// What a client sends to the status page, in pieces: what it is answered with is an answer of HTTP, no other client is
// held up, and nobody stays for ever. The first byte says how long the pieces are.
#include "fuzz.h"

#include <http.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TURNS = 64 };

static char *text(void *arg, enum http_what what, size_t *n)
{
	char *out = strdup(what == HTTP_METRICS ? "wiremill_up 1\n" : "{}\n");

	(void)arg;
	assert(out != NULL);
	*n = strlen(out);
	return out;
}

// A socket that listens, of a name that the kernel gives it and no file: the server does not ask what kind it is.
static struct sockaddr_un *listen_somewhere(int *fd, socklen_t *size)
{
	static struct sockaddr_un at = {.sun_family = AF_UNIX};

	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	*size = sizeof(at.sun_family);
	assert(*fd >= 0 && bind(*fd, (const struct sockaddr *)&at, *size) == 0 && listen(*fd, 4) == 0);
	*size = sizeof(at);
	assert(getsockname(*fd, (struct sockaddr *)&at, size) == 0);
	return &at;
}

// What has come: nothing yet, or the beginning of an answer with one of our statuses. @return whether there was any.
static bool has_answer(int fd)
{
	static const char *const ours[] = {
		"100", "200", "400", "403", "404", "405", "408", "413", "414", "431", "500", "501", "505"};
	char head[4096];
	ssize_t n = recv(fd, head, sizeof(head), MSG_DONTWAIT);
	bool known = false;

	if (n <= 0)
		return false;
	assert(n > 12 && memcmp(head, "HTTP/1.", 7) == 0 && head[8] == ' ');
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		known |= memcmp(head + 9, ours[i], 3) == 0;
	assert(known);
	while (recv(fd, head, sizeof(head), MSG_DONTWAIT) > 0)
		;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char ask[] = "GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
	size_t piece = size > 0 ? 1 + data[0] : 1;
	struct listen_tcp at = {.loopback = true};
	struct wm_err err = {0};
	socklen_t at_size;
	const struct sockaddr_un *name = listen_somewhere(&at.fd, &at_size);
	int client = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
	bool answered = false;
	struct http *h;
	char rest;

	assert(http_create(&h, &at, text, NULL, &err) == 0);
	assert(connect(client, (const struct sockaddr *)name, at_size) == 0);
	http_turn(h, 0);
	for (size_t i = 1; i < size; i += piece) {
		size_t n = size - i < piece ? size - i : piece;

		if (send(client, data + i, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		http_turn(h, 0);
	}
	http_turn(h, 0);
	(void)has_answer(client);
	assert(connect(other, (const struct sockaddr *)name, at_size) == 0); // now: the server has a clock of its own
	assert(send(other, ask, sizeof(ask) - 1, MSG_NOSIGNAL) == sizeof(ask) - 1);
	for (int turn = 0; turn < TURNS && !answered; turn++) {
		http_turn(h, 0);
		answered = has_answer(other);
	}
	assert(answered);
	for (int turn = 0; turn < TURNS; turn++)
		http_turn(h, HTTP_PATIENCE_S + 1.0);
	while (recv(client, &rest, 1, MSG_DONTWAIT) > 0)
		;
	assert(recv(client, &rest, 1, MSG_DONTWAIT) <= 0 && recv(other, &rest, 1, MSG_DONTWAIT) <= 0);
	http_destroy(h);
	(void)close(client);
	(void)close(other);
	return 0;
}
