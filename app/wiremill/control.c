// SPDX-License-Identifier: BSD-3-Clause
#include "control.h"

#include "command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
	int fd;
	double since_s; // of its last line, or of the last time it read something
	char in[COMMAND_MAX + 1];
	size_t n_in;
	char *out; // NULL = nothing is left to say
	size_t n_out;
	size_t at;
	bool leaves; // when it has read that
};

struct control {
	int fd;
	control_answer *answer;
	void *arg;
	struct client clients[CONTROL_CLIENTS];
	unsigned n;
};

static const char crowd[] = "{\"ok\": false, \"error\": \"too many clients at once; try again\"}\n";
static const char endless[] = "{\"ok\": false, \"error\": \"a command has at most 255 bytes\"}\n";

int control_create(struct control **out, const struct listen_unix *at, control_answer *answer, void *arg)
{
	struct control *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->fd = at->fd;
	c->answer = answer;
	c->arg = arg;
	*out = c;
	return 0;
}

static void leave(struct client *k)
{
	(void)close(k->fd);
	free(k->out);
	k->fd = -1;
	k->out = NULL;
}

void control_destroy(struct control *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < c->n; i++)
		leave(&c->clients[i]);
	free(c);
}

unsigned control_fds(const struct control *c, struct pollfd fds[CONTROL_FDS])
{
	fds[0] = (struct pollfd){.fd = c->fd, .events = POLLIN};
	for (unsigned i = 0; i < c->n; i++)
		fds[i + 1] =
			(struct pollfd){.fd = c->clients[i].fd, .events = c->clients[i].out != NULL ? POLLOUT : POLLIN};
	return c->n + 1;
}

static void say(struct client *k, char *text)
{
	if (text == NULL) {
		leave(k);
		return;
	}
	k->out = text;
	k->n_out = strlen(text);
	k->at = 0;
}

// @return false if the client has gone, or is slow.
static bool send_out(struct client *k, double now_s)
{
	ssize_t n = send(k->fd, k->out + k->at, k->n_out - k->at, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		leave(k);
		return false;
	}
	if (n <= 0)
		return false;
	k->at += (size_t)n;
	k->since_s = now_s;
	if (k->at < k->n_out)
		return false;
	free(k->out);
	k->out = NULL;
	if (k->leaves)
		leave(k);
	return k->fd >= 0;
}

// Answer the lines that are there, one after the other, as fast as the client reads.
static void answer_lines(struct control *c, struct client *k, double now_s)
{
	while (k->fd >= 0 && k->out == NULL) {
		char *end = memchr(k->in, '\n', k->n_in);
		size_t n;

		if (end == NULL) {
			if (k->n_in == sizeof(k->in)) {
				k->leaves = true;
				say(k, strdup(endless));
			}
			break;
		}
		n = (size_t)(end - k->in);
		k->since_s = now_s;
		say(k, c->answer(c->arg, k->in, n > 0 && k->in[n - 1] == '\r' ? n - 1 : n));
		k->n_in -= n + 1;
		memmove(k->in, end + 1, k->n_in);
		if (k->out != NULL && !send_out(k, now_s))
			break;
	}
	if (k->fd >= 0 && k->out != NULL && k->leaves)
		(void)send_out(k, now_s);
}

static void read_in(struct control *c, struct client *k, double now_s)
{
	ssize_t n = recv(k->fd, k->in + k->n_in, sizeof(k->in) - k->n_in, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		leave(k);
		return;
	}
	if (n > 0)
		k->n_in += (size_t)n;
	answer_lines(c, k, now_s);
}

static void let_in(struct control *c, double now_s)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (c->n == CONTROL_CLIENTS) {
		(void)send(fd, crowd, sizeof(crowd) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)close(fd);
		return;
	}
	c->clients[c->n++] = (struct client){.fd = fd, .since_s = now_s};
}

void control_turn(struct control *c, const struct pollfd fds[CONTROL_FDS], double now_s)
{
	unsigned n = c->n, kept = 0;

	for (unsigned i = 0; i < n; i++) {
		struct client *k = &c->clients[i];

		if (fds[i + 1].revents & POLLOUT) {
			if (send_out(k, now_s))
				answer_lines(c, k, now_s);
		} else if (fds[i + 1].revents != 0) {
			read_in(c, k, now_s);
		}
		if (k->fd >= 0 && now_s - k->since_s > CONTROL_PATIENCE_S)
			leave(k);
	}
	for (unsigned i = 0; i < n; i++)
		if (c->clients[i].fd >= 0)
			c->clients[kept++] = c->clients[i];
	c->n = kept;
	if (fds[0].revents != 0)
		let_in(c, now_s);
}
