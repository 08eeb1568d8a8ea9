// SPDX-License-Identifier: BSD-3-Clause
// http: the status page (/), its numbers (/status.json) and Prometheus' (/metrics). It is only read: nothing can be
// changed this way. A connection that takes more than HTTP_PATIENCE_S to ask is closed, however it spends the time.
//
// On a loopback address, only requests that name one in Host are answered: a page of somebody else's, open in a browser
// here, cannot read the numbers by having its own name resolved to this machine.
#pragma once

#include "listen.h"

#include <stddef.h>

enum { HTTP_CLIENTS = 64, HTTP_PATIENCE_S = 10, HTTP_REQUEST_MAX = 16384 };

enum http_what { HTTP_STATUS, HTTP_METRICS };

/** What makes the text of an answer. @return n bytes, to be freed; NULL = no memory. */
typedef char *http_text(void *arg, enum http_what what, size_t *n);

struct http;

/** @param at Its descriptor is http's from now on, also on failure. @return 0; -errno with a sentence. */
int http_create(struct http **out, const struct listen_tcp *at, http_text *text, void *arg, struct wm_err *err);
void http_destroy(struct http *h); // NULL is allowed

/** What it waits for: readable, or so many milliseconds (-1 = for ever). */
int http_fd(const struct http *h);
int http_timeout_ms(const struct http *h);

/** Deal with what has come. Never waits. */
void http_turn(struct http *h, double now_s);
