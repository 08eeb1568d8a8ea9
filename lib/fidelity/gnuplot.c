// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <fidelity/gnuplot.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 120000, CHUNK = 1 << 16, SENTENCE = 300 };

// gnuplot with its standard input, output and error where they are told to be.
static int start(pid_t *pid, int in, int out, int complaints)
{
	char name[] = "gnuplot", no_settings[] = "-d", locale[] = "LC_ALL=C.UTF-8", path[512] = "PATH=";
	char *const argv[] = {name, no_settings, NULL};
	char *const env[] = {locale, path, NULL};
	const char *search = getenv("PATH");
	posix_spawn_file_actions_t actions;
	int rc = posix_spawn_file_actions_init(&actions);

	(void)strncat(path, search != NULL ? search : "/usr/bin:/bin", sizeof(path) - 6);
	if (rc != 0)
		return -rc;
	rc = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
	if (rc == 0)
		rc = posix_spawnp(pid, name, &actions, NULL, argv, env);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// All that comes out of a pipe until it is closed, as a string.
static int read_all(int fd, char **out)
{
	const int64_t until = now_ms() + PATIENCE_MS;
	size_t n = 0, cap = 0;
	char *text = NULL;
	int rc = 0;

	while (rc == 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = until - now_ms();
		ssize_t got;

		if (wm_grow((void **)&text, &cap, n + CHUNK + 1, 1) < 0) {
			rc = -ENOMEM;
			break;
		}
		if (left <= 0 || poll(&p, 1, (int)left) == 0) {
			rc = -ETIMEDOUT;
			break;
		}
		got = read(fd, text + n, CHUNK);
		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			rc = -errno;
		n += got > 0 ? (size_t)got : 0;
	}
	if (rc < 0) {
		free(text);
		return rc;
	}
	text[n] = '\0';
	*out = text;
	return 0;
}

static int missing(struct wm_err *err)
{
	return wm_err_set(
		err, -ENOENT, "gnuplot, which draws the plots, is not installed (Debian: apt-get install gnuplot-nox)");
}

// What gnuplot said of a script: the last line that is no warning has the reason.
static int complain(FILE *complaints, struct wm_err *err)
{
	char line[SENTENCE], last[SENTENCE] = "it did not say why";

	rewind(complaints);
	while (fgets(line, sizeof(line), complaints) != NULL)
		if (strspn(line, " \t\n^") < strlen(line) && strcasestr(line, "warning: ") == NULL)
			memcpy(last, line, sizeof(last));
	last[strcspn(last, "\n")] = '\0';
	return wm_err_set(err, -EINVAL, "gnuplot failed: %s", last);
}

int wm_gnuplot_run(FILE *script, char **out, struct wm_err *err)
{
	FILE *complaints = tmpfile();
	int pipe_fd[2] = {-1, -1}, rc = 0, status = 0;
	char *text = NULL;
	pid_t pid = -1;

	if (complaints == NULL || fflush(script) != 0 || lseek(fileno(script), 0, SEEK_SET) < 0
		|| pipe2(pipe_fd, O_CLOEXEC) < 0)
		rc = -errno;
	if (rc == 0)
		rc = start(&pid, fileno(script), pipe_fd[1], fileno(complaints));
	if (pipe_fd[1] >= 0)
		(void)close(pipe_fd[1]);
	if (rc == 0) {
		rc = read_all(pipe_fd[0], &text);
		if (rc < 0)
			(void)kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (pipe_fd[0] >= 0)
		(void)close(pipe_fd[0]);
	if (rc == -ENOENT)
		(void)missing(err);
	else if (rc < 0)
		(void)wm_err_sys(err, rc, "gnuplot");
	else if (status != 0)
		rc = complain(complaints, err);
	if (complaints != NULL)
		(void)fclose(complaints);
	if (rc < 0) {
		free(text);
		return rc;
	}
	*out = text;
	return 0;
}

int wm_gnuplot_check(struct wm_err *err)
{
	FILE *script = tmpfile();
	char *text = NULL;
	int rc = script != NULL ? wm_gnuplot_run(script, &text, err) : wm_err_sys(err, -errno, "gnuplot");

	if (script != NULL)
		(void)fclose(script);
	free(text);
	return rc;
}
