// SPDX-License-Identifier: BSD-3-Clause
// memory: a library for LD_PRELOAD that lets an allocation of a program fail.
//
// A site is a stack of callers: the same place reached on two ways is two sites. Numbers of sites stay the same from
// run to run, whatever the threads do meanwhile and wherever libraries are loaded.
//
//	FAULTS_LOG=FILE     at the end: a line "SITE MODULE TIMES" for each site; the module is a library's file name,
//	                    or "-" for the program: that of the innermost caller that is not the C library
//	FAULTS_SITE=SITE    the first allocation at this site fails,
//	FAULTS_MORE=1       and so do all behind it
//	FAULTS_DEPTH=N      a site is the innermost N callers within the program alone
//	FAULTS_MODULES=A:B  allocations of these alone: "-", the beginnings of libraries' file names
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

enum { SITES = 1 << 14, FRAMES = 24, MODULES = 16 };

struct site {
	uint64_t id; // 0 = free
	uint64_t times;
	char module[40];
};

// Where an allocation was asked for.
struct place {
	uint64_t id;
	unsigned frames, skip;
	const char *module; // NULL until there is one
};

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): nobody hands it a context
static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
} next;

static struct site sites[SITES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *log_path;
static uint64_t wanted;
static bool more;
static unsigned depth; // 0 = all callers count
static char modules[256];
static const char *module_at[MODULES];
static unsigned n_modules;
static atomic_bool struck;
static atomic_bool ready;
static _Thread_local bool inside;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return *path == '\0' ? "-" : slash != NULL ? slash + 1 : path;
}

static bool is_c_library(const char *module)
{
	return strncmp(module, "libc.so", 7) == 0 || strncmp(module, "libbsd.so", 9) == 0;
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	struct place *p = arg;
	uintptr_t pc = _Unwind_GetIP(context);
	struct dl_find_object object;

	if (p->skip > 0) {
		p->skip--;
		return _URC_NO_REASON;
	}
	// NOLINTNEXTLINE(performance-no-int-to-ptr): it comes as a number
	if (pc == 0 || p->frames == FRAMES || _dl_find_object((void *)(pc - 1), &object) != 0)
		return _URC_END_OF_STACK;
	if (p->module == NULL && !is_c_library(base_name(object.dlfo_link_map->l_name)))
		p->module = base_name(object.dlfo_link_map->l_name);
	if (depth > 0 && *object.dlfo_link_map->l_name != '\0')
		return _URC_NO_REASON;
	if (depth > 0 && p->frames == depth)
		return _URC_END_OF_STACK;
	p->frames++;
	p->id = (p->id ^ (pc - object.dlfo_link_map->l_addr)) * UINT64_C(0x9E3779B97F4A7C15);
	p->id ^= p->id >> 29;
	return _URC_NO_REASON;
}

static void note(const struct place *p)
{
	size_t i = p->id % SITES;

	(void)pthread_mutex_lock(&lock);
	for (unsigned tries = 0; tries < SITES; tries++, i = (i + 1) % SITES) {
		if (sites[i].id == p->id || sites[i].id == 0) {
			sites[i].id = p->id;
			sites[i].times++;
			(void)snprintf(sites[i].module, sizeof(sites[i].module), "%s", p->module);
			break;
		}
	}
	(void)pthread_mutex_unlock(&lock);
}

static bool concerns(const char *module)
{
	for (unsigned i = 0; i < n_modules; i++)
		if (strncmp(module, module_at[i], strlen(module_at[i])) == 0)
			return true;
	return false;
}

// Most callers are known not to matter without a look at theirs.
static bool may_concern(const void *caller)
{
	struct dl_find_object object;
	const char *module;

	if (_dl_find_object((char *)caller - 1, &object) != 0)
		return false;
	module = base_name(object.dlfo_link_map->l_name);
	return is_c_library(module) || concerns(module);
}

// Is this the allocation to fail? Called by the functions below alone: they are two frames up.
static __attribute__((noinline)) bool strikes(const void *caller)
{
	struct place p = {.id = 1, .skip = 2};
	bool hit = false;

	if (!atomic_load(&ready) || inside || !may_concern(caller))
		return false;
	inside = true;
	(void)_Unwind_Backtrace(visit, &p);
	if (p.module == NULL)
		p.module = "-";
	if (!concerns(p.module))
		p.id = 0;
	else if (log_path != NULL)
		note(&p);
	if (p.id != 0 && p.id == wanted)
		hit = !atomic_exchange(&struck, true) || more;
	else
		hit = p.id != 0 && more && atomic_load(&struck);
	inside = false;
	if (hit)
		errno = ENOMEM;
	return hit;
}

static void find_next(void)
{
	*(void **)&next.malloc = dlsym(RTLD_NEXT, "malloc");
	*(void **)&next.calloc = dlsym(RTLD_NEXT, "calloc");
	*(void **)&next.realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&next.aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
	*(void **)&next.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
}

void *malloc(size_t size)
{
	if (next.malloc == NULL)
		find_next();
	return strikes(__builtin_return_address(0)) ? NULL : next.malloc(size);
}

void *calloc(size_t n, size_t size)
{
	if (next.calloc == NULL)
		find_next();
	return strikes(__builtin_return_address(0)) ? NULL : next.calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	if (next.realloc == NULL)
		find_next();
	return strikes(__builtin_return_address(0)) ? NULL : next.realloc(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
	size_t all;

	if (next.realloc == NULL)
		find_next();
	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return strikes(__builtin_return_address(0)) ? NULL : next.realloc(old, all);
}

void *aligned_alloc(size_t align, size_t size)
{
	if (next.aligned_alloc == NULL)
		find_next();
	return strikes(__builtin_return_address(0)) ? NULL : next.aligned_alloc(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
	if (next.posix_memalign == NULL)
		find_next();
	return strikes(__builtin_return_address(0)) ? ENOMEM : next.posix_memalign(out, align, size);
}

static __attribute__((constructor)) void begin(void)
{
	const char *site = getenv("FAULTS_SITE"), *names = getenv("FAULTS_MODULES");
	struct place p = {.skip = 2};
	char *rest = modules, *name;

	log_path = getenv("FAULTS_LOG");
	wanted = site != NULL ? strtoull(site, NULL, 16) : 0;
	more = getenv("FAULTS_MORE") != NULL;
	depth = getenv("FAULTS_DEPTH") != NULL ? (unsigned)strtoul(getenv("FAULTS_DEPTH"), NULL, 10) : 0;
	(void)snprintf(modules, sizeof(modules), "%s", names != NULL ? names : "-");
	while (n_modules < MODULES && (name = strsep(&rest, ":")) != NULL)
		module_at[n_modules++] = name;
	find_next();
	(void)_Unwind_Backtrace(visit, &p); // loads what it needs
	atomic_store(&ready, log_path != NULL || wanted != 0);
}

static __attribute__((destructor)) void end(void)
{
	int fd;

	if (!atomic_exchange(&ready, false) || log_path == NULL)
		return;
	fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	for (size_t i = 0; i < SITES && fd >= 0; i++)
		if (sites[i].id != 0)
			(void)dprintf(fd, "%016llx %s %llu\n", (unsigned long long)sites[i].id, sites[i].module,
				(unsigned long long)sites[i].times);
	if (fd >= 0)
		(void)close(fd);
}
