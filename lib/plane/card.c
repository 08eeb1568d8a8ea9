// SPDX-License-Identifier: BSD-3-Clause
#include <plane/card.h>

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

// Of a device in sysfs: of a virtual function the card's own and, through that, the others; of the card's own function
// the virtual ones.
static const char *const ways[] = {"physfn/net/*", "physfn/virtfn*/net/*", "virtfn*/net/*"};

int wm_card_interfaces(const char *sys, const char *device, unsigned index[WM_CARD_MAX])
{
	glob_t found = {0};
	int n = 0, rc = 0;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && rc != GLOB_NOSPACE; i++) {
		char pattern[PATH_MAX];

		(void)snprintf(pattern, sizeof(pattern), "%s/bus/*/devices/%s/%s", sys, device, ways[i]);
		// NOLINTNEXTLINE(concurrency-mt-unsafe): it is for users' names alone, and there is no ~
		rc = glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL, &found);
	}
	if (rc == GLOB_NOSPACE)
		n = -ENOMEM;
	for (size_t i = 0; i < found.gl_pathc && n >= 0; i++) {
		unsigned of = if_nametoindex(strrchr(found.gl_pathv[i], '/') + 1);

		if (of > 0 && n == WM_CARD_MAX)
			n = -E2BIG;
		else if (of > 0)
			index[n++] = of;
	}
	globfree(&found);
	return n;
}
