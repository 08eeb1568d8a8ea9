// SPDX-License-Identifier: BSD-3-Clause
// status: what our programs say to the shell.
#pragma once

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_REFUSED = 2 };

/**
 * The command line and its files are the user's to put right; what the machine lacks is not.
 *
 * @param rc 0 or -errno, as a library returned it.
 */
int wm_status_of(int rc);
