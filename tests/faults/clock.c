// SPDX-License-Identifier: BSD-3-Clause
// clock: a library for LD_PRELOAD in which the time of day is set an hour on and back again, ten times a second each.
// The monotonic clocks are left alone.
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { STEP_S = 3600, PERIOD_NS = 100000000 };

int clock_gettime(clockid_t clock, struct timespec *out)
{
	bool of_day = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
	int rc = (int)syscall(SYS_clock_gettime, clock, out);

	if (rc == 0 && of_day && out->tv_nsec / PERIOD_NS % 2 == 1)
		out->tv_sec += STEP_S;
	return rc;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	*out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
