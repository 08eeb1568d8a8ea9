// SPDX-License-Identifier: BSD-3-Clause
// What a client sends to the control socket, in pieces: an answer of one line for each line, in printable ASCII, and no
// other client is held up. The first byte says how long the pieces are.
#include "fuzz.h"

#include <command.h>
#include <control.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static unsigned answered;

static char *answer(void *arg, const char *line, size_t n)
{
	struct wm_err err = {0};
	struct command c;
	char *text;

	(void)arg;
	answered++;
	if (command_parse(&c, line, n, &err) < 0) {
		assert(err.msg[0] != '\0');
		for (const char *p = err.msg; *p != '\0'; p++)
			assert(*p >= ' ' && *p <= '~');
		assert(asprintf(&text, "%s\n", err.msg) > 0);
		return text;
	}
	assert(c.verb != COMMAND_RATE || c.rate.kind == WM_RATE_MAX || (c.rate.value >= 1e-6 && c.rate.value <= 1e15));
	assert(c.verb != COMMAND_WEIGHT || c.weight == 0 || (c.weight >= 1e-6 && c.weight <= 1e6));
	return strdup("done\n");
}

// A socket that listens, of a name that the kernel gives it and no file.
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

static void turn(struct control *c, double now_s)
{
	struct pollfd fds[CONTROL_FDS] = {0};
	unsigned n = control_fds(c, fds);

	(void)poll(fds, n, 0);
	control_turn(c, fds, now_s);
}

// Lines of answers that are there. @return whether the other side is still there.
static int count_lines(int fd, unsigned *lines)
{
	char text[4096];
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text), MSG_DONTWAIT)) > 0)
		for (ssize_t i = 0; i < n; i++)
			*lines += text[i] == '\n';
	return n < 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size > 0 ? 1 + data[0] : 1;
	struct listen_unix at = {0};
	struct control *c;
	unsigned lines = 0;
	socklen_t at_size;
	const struct sockaddr_un *name = listen_somewhere(&at.fd, &at_size);
	int client = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);

	answered = 0;
	assert(control_create(&c, &at, answer, NULL) == 0);
	assert(connect(client, (const struct sockaddr *)name, at_size) == 0);
	assert(connect(other, (const struct sockaddr *)name, at_size) == 0);
	turn(c, 0);
	turn(c, 0);
	for (size_t i = 1; i < size; i += piece) {
		size_t n = size - i < piece ? size - i : piece;

		if (send(client, data + i, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		turn(c, 0);
		(void)count_lines(client, &lines);
	}
	for (unsigned idle = 0, before = 0; idle < 3; idle = answered == before ? idle + 1 : 0) {
		before = answered;
		turn(c, 0);
		(void)count_lines(client, &lines);
	}
	assert(lines >= answered && lines <= answered + 1); // a line that is too long is answered without being one
	answered = lines = 0;
	assert(send(other, "status\n", 7, MSG_NOSIGNAL) == 7);
	turn(c, 0);
	(void)count_lines(other, &lines);
	assert(answered == 1 && lines == 1);
	turn(c, CONTROL_PATIENCE_S + 1.0); // nobody stays for ever
	assert(!count_lines(client, &lines) && !count_lines(other, &lines));
	control_destroy(c);
	(void)close(client);
	(void)close(other);
	(void)close(at.fd);
	return 0;
}
