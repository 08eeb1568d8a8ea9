// SPDX-License-Identifier: BSD-3-Clause
#include "http.h"

#include "page.h"

#include <microhttpd.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

// A connection, and since when it has been asking.
struct visit {
	int fd; // -1 = free
	double since_s;
};

struct http {
	struct MHD_Daemon *daemon;
	http_text *text;
	void *arg;
	bool loopback;
	int epoll;
	double now_s;
	struct visit visits[HTTP_CLIENTS];
};

static const struct {
	const char *name, *value;
} headers[] = {
	{MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
				    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
				    "frame-ancestors 'none'"},
};

// Answer with n bytes of text; `owned` is the same if it is to be freed, or NULL.
static enum MHD_Result reply(
	struct MHD_Connection *c, unsigned status, const char *type, const char *text, size_t n, char *owned)
{
	const struct MHD_IoVec all = {.iov_base = text, .iov_len = n};
	struct MHD_Response *r = MHD_create_response_from_iovec(&all, 1, owned != NULL ? free : NULL, owned);
	enum MHD_Result rc;

	if (r == NULL) {
		free(owned);
		return MHD_NO;
	}
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		(void)MHD_add_response_header(r, headers[i].name, headers[i].value);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (status >= MHD_HTTP_BAD_REQUEST)
		(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *sentence)
{
	return reply(c, status, "text/plain; charset=utf-8", sentence, strlen(sentence), NULL);
}

static enum MHD_Result reply_text(const struct http *h, struct MHD_Connection *c, enum http_what what)
{
	size_t n = 0;
	char *text = h->text(h->arg, what, &n);
	const char *type =
		what == HTTP_METRICS ? "text/plain; version=0.0.4; charset=utf-8" : "application/json; charset=utf-8";

	if (text == NULL)
		return refuse(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "No memory.\n");
	return reply(c, MHD_HTTP_OK, type, text, n, text);
}

// Whether the host that is asked for, with or without a port, is this machine to itself.
static bool is_local(const char *host)
{
	static const char *const names[] = {"localhost", "[::1]"};
	size_t n;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		n = strlen(names[i]);
		if (strncasecmp(host, names[i], n) == 0 && (host[n] == '\0' || host[n] == ':'))
			return true;
	}
	n = strspn(host, "0123456789.");
	return strncmp(host, "127.", 4) == 0 && (host[n] == '\0' || host[n] == ':');
}

static bool has_body(struct MHD_Connection *c)
{
	const char *length = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL
	       || (length != NULL && strcmp(length, "0") != 0);
}

// NOLINTBEGIN(readability-non-const-parameter): as MHD calls it
static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *path, const char *method,
	const char *version, const char *body, size_t *n_body, void **own)
// NOLINTEND(readability-non-const-parameter)
{
	const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	const struct http *h = arg;

	(void)version;
	(void)body;
	(void)n_body;
	(void)own;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "There is only GET: a run is steered by wiremillctl.\n");
	if (has_body(c))
		return refuse(c, MHD_HTTP_CONTENT_TOO_LARGE, "A request has no body.\n");
	if (h->loopback && host != NULL && !is_local(host))
		return refuse(c, MHD_HTTP_FORBIDDEN, "This page is for localhost.\n");
	if (strcmp(path, "/") == 0)
		return reply(c, MHD_HTTP_OK, "text/html; charset=utf-8", page_html, page_html_size, NULL);
	if (strcmp(path, "/status.json") == 0)
		return reply_text(h, c, HTTP_STATUS);
	if (strcmp(path, "/metrics") == 0)
		return reply_text(h, c, HTTP_METRICS);
	return refuse(c, MHD_HTTP_NOT_FOUND, "There are /, /status.json and /metrics.\n");
}

static void on_connection(void *arg, struct MHD_Connection *c, void **visit, enum MHD_ConnectionNotificationCode what)
{
	struct http *h = arg;
	struct visit *v = *visit;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (v != NULL)
			v->fd = -1;
		return;
	}
	for (v = h->visits; v < h->visits + HTTP_CLIENTS && v->fd >= 0;)
		v++;
	if (v == h->visits + HTTP_CLIENTS) // there is no such connection: MHD has the same limit
		return;
	v->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	v->since_s = h->now_s;
	*visit = v;
}

static void on_answered(void *arg, struct MHD_Connection *c, void **own, enum MHD_RequestTerminationCode how)
{
	const struct http *h = arg;
	struct visit *v = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	(void)own;
	(void)how;
	if (v != NULL)
		v->since_s = h->now_s;
}

int http_create(struct http **out, const struct listen_tcp *at, http_text *text, void *arg, struct wm_err *err)
{
	struct http *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *epoll;

	if (h == NULL) {
		(void)close(at->fd);
		return wm_err_sys(err, -ENOMEM, "option --http");
	}
	h->text = text;
	h->arg = arg;
	h->loopback = at->loopback;
	for (unsigned i = 0; i < HTTP_CLIENTS; i++)
		h->visits[i].fd = -1;
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, h, MHD_OPTION_LISTEN_SOCKET, at->fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CLIENTS, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)HTTP_PATIENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_MAX,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_NOTIFY_COMPLETED, on_answered, h,
		MHD_OPTION_END);
	if (h->daemon == NULL)
		(void)close(at->fd);
	epoll = h->daemon != NULL ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (epoll == NULL) {
		http_destroy(h);
		return wm_err_set(err, -EIO, "option --http: the server at %s could not be started", at->name);
	}
	h->epoll = epoll->epoll_fd;
	*out = h;
	return 0;
}

void http_destroy(struct http *h)
{
	if (h == NULL)
		return;
	if (h->daemon != NULL)
		MHD_stop_daemon(h->daemon);
	free(h);
}

int http_fd(const struct http *h)
{
	return h->epoll;
}

int http_timeout_ms(const struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return -1;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

void http_turn(struct http *h, double now_s)
{
	h->now_s = now_s;
	for (unsigned i = 0; i < HTTP_CLIENTS; i++)
		if (h->visits[i].fd >= 0 && now_s - h->visits[i].since_s > HTTP_PATIENCE_S)
			(void)shutdown(h->visits[i].fd, SHUT_RDWR); // MHD then finds that it is over
	(void)MHD_run(h->daemon);
}
