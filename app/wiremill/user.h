// SPDX-License-Identifier: BSD-3-Clause
// user: who to become once the ports are open (--user).
#pragma once

#include <base/err.h>

#include <sys/types.h>

enum { USER_NAME_SIZE = 64 };

struct user {
	char name[USER_NAME_SIZE];
	uid_t uid;
	gid_t gid;
};

/** Look a user up, and whether we may become it. @return 0; -errno with a sentence. */
int user_find(struct user *out, const char *name, struct wm_err *err);

/** Become that user, with its groups and no capabilities, for good: all threads. @return 0; -errno with a sentence. */
int user_become(const struct user *u, struct wm_err *err);
