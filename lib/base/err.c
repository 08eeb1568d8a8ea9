// SPDX-License-Identifier: BSD-3-Clause
#include <base/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 0))) static void write_sentence(struct wm_err *err, const char *fmt, va_list ap)
{
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	for (char *p = err->msg; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f) // names in damaged files may hold anything
			*p = ' ';
}

int wm_err_set(struct wm_err *err, int rc, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return rc;
	va_start(ap, fmt);
	write_sentence(err, fmt, ap);
	va_end(ap);
	return rc;
}

int wm_err_sys(struct wm_err *err, int rc, const char *fmt, ...)
{
	char reason[128];
	va_list ap;
	size_t n;

	if (err == NULL)
		return rc;
	va_start(ap, fmt);
	write_sentence(err, fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerror_r(-rc, reason, sizeof(reason)));
	return rc;
}
