// SPDX-License-Identifier: BSD-3-Clause
#include "user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { ENTRY_SIZE = 16384 };

int user_find(struct user *out, const char *name, struct wm_err *err)
{
	char buffer[ENTRY_SIZE];
	struct passwd entry, *found = NULL;
	int rc = getpwnam_r(name, &entry, buffer, sizeof(buffer), &found);

	if (rc != 0)
		return wm_err_sys(err, -rc, "option --user: '%s'", name);
	if (found == NULL)
		return wm_err_set(err, -ENOENT, "option --user: there is no user '%s'", name);
	if (geteuid() != 0)
		return wm_err_set(err, -EPERM, "option --user: only root can become another user; leave it out");
	(void)snprintf(out->name, sizeof(out->name), "%s", name);
	out->uid = entry.pw_uid;
	out->gid = entry.pw_gid;
	return 0;
}

// Capabilities go with the last of the user ids that is root's.
int user_become(const struct user *u, struct wm_err *err)
{
	if (initgroups(u->name, u->gid) < 0 || setresgid(u->gid, u->gid, u->gid) < 0
		|| setresuid(u->uid, u->uid, u->uid) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return wm_err_sys(err, -errno, "option --user: becoming %s", u->name);
	if (u->uid != 0 && setuid(0) == 0)
		return wm_err_set(err, -EPERM, "option --user: %s can become root again", u->name);
	return 0;
}
