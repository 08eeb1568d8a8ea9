// SPDX-License-Identifier: BSD-3-Clause
// clang-tidy: what scripts/check puts before each file that it analyses. The analyser looks at one file at a time, so
// it cannot see that wm_err_set() and wm_err_sys() hand their code through, and would follow failures that go on as
// success.
#pragma once

#include <base/err.h>

int wm_err_said(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline int wm_err_pass(const struct wm_err *err, int rc, int said)
{
	(void)err;
	(void)said;
	return rc;
}

#define wm_err_set(err, rc, ...) wm_err_pass(err, rc, wm_err_said(__VA_ARGS__))
#define wm_err_sys(err, rc, ...) wm_err_pass(err, rc, wm_err_said(__VA_ARGS__))
