// SPDX-License-Identifier: BSD-3-Clause
// alone: what a generator does for a packet, it does alone: it writes nothing into the model, which others share, makes
// no system call and allocates nothing. Mills a model whose memory is read-only under a kernel that kills the program
// at the first system call.
//
// usage: alone MODEL; exit status 0; 1 with a sentence; 2 = it did allocate; a signal; 77 where the kernel cannot do
// it.
#include <engine/engine.h>
#include <model/model.h>
#include <packet/form.h>
#include <synth/worker.h>

#include <errno.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	ARENA_LEN = 256 << 20,
	PAGE_LEN = 1 << 16, // of the largest kind, for mprotect()
	WARM_UP = 2000000,  // packets, after which arrays are about as large as they get
	MEASURED = 500000,
	GROWS_MAX = 8, // arrays double: that can still happen, but not for every packet
	BATCH = 256,
	FRAME_LEN = 1 << 17,
	STATUS_ALLOCATED = 2,
	STATUS_SKIPPED = 77,
};

// All allocations of this program's own objects come here (the linker's --wrap), and are served from libc or, in turn,
// from one block of memory.
static struct {
	uint8_t *at;
	size_t used;
	bool on;
	unsigned n; // allocations
} arena;

void *__real_malloc(size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);

static bool in_arena(const void *p)
{
	return (uintptr_t)p - (uintptr_t)arena.at < ARENA_LEN;
}

static void *take(size_t align, size_t n)
{
	size_t start = (arena.used + align - 1) & ~(align - 1);

	arena.n++;
	if (n > ARENA_LEN || start > ARENA_LEN - n)
		return NULL;
	arena.used = start + n;
	return arena.at + start;
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	return arena.on ? take(align, n) : __real_aligned_alloc(align, n);
}

void *__wrap_malloc(size_t n)
{
	return arena.on ? take(alignof(max_align_t), n) : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	size_t len;
	void *p = __builtin_mul_overflow(n, size, &len) ? NULL : __wrap_malloc(len);

	return p != NULL ? memset(p, 0, len) : NULL;
}

// Nothing that is in the arena grows: the first time it would be moved out of libc's heap, and there it stays.
void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	size_t len, old;
	void *to;

	if (__builtin_mul_overflow(n, size, &len) || in_arena(p))
		return NULL;
	if (!arena.on)
		return realloc(p, len);
	old = p != NULL ? malloc_usable_size(p) : 0;
	to = take(alignof(max_align_t), len);
	return to != NULL && old > 0 ? memcpy(to, p, old < len ? old : len) : to;
}

void __wrap_free(void *p)
{
	if (!in_arena(p))
		__real_free(p);
}

static int complain(const char *what, const char *why)
{
	(void)fprintf(stderr, "alone: %s: %s\n", what, why);
	return 1;
}

// One packet after the other, headers and payload and all.
static void mill(struct wm_worker *w, const struct wm_form *forms, uint8_t *frame, size_t n)
{
	struct wm_sample samples[BATCH];

	for (size_t done = 0; done < n; done += BATCH) {
		size_t got = wm_worker_next(w, samples, BATCH);

		for (size_t i = 0; i < got; i++)
			wm_frame_build(frame, &forms[samples[i].form], &samples[i], false);
	}
}

// Under a kernel that lets the thread end, and kills for almost anything else.
static int mill_alone(struct wm_worker *w, const struct wm_form *forms, uint8_t *frame)
{
	arena.on = true;
	arena.n = 0;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) {
		(void)complain("seccomp", strerror(errno));
		return STATUS_SKIPPED;
	}
	mill(w, forms, frame, MEASURED);
	(void)syscall(SYS_exit, arena.n > GROWS_MAX ? STATUS_ALLOCATED : 0);
	return 1; // not reached
}

int main(int argc, char **argv)
{
	struct wm_source source = {.speed = 1};
	struct wm_engine_model *compiled;
	struct wm_worker *worker;
	struct wm_model *model;
	struct wm_err err = {0};
	const struct wm_form *forms;
	const char *name;
	uint8_t *frame = malloc(FRAME_LEN);
	size_t n;
	int rc;

	arena.at = mmap(NULL, ARENA_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (argc != 2 || arena.at == MAP_FAILED || frame == NULL)
		return complain("usage", "alone MODEL");
	if (wm_model_open(&model, argv[1], &err) < 0)
		return complain(argv[1], err.msg);
	name = wm_model_meta(model, "engine");
	source.engine = name != NULL ? wm_engine_find(name) : NULL;
	if (source.engine == NULL)
		return complain(argv[1], "no such engine");
	arena.on = true;
	rc = source.engine->open(&compiled, model, &err);
	arena.on = false;
	if (rc < 0)
		return complain(argv[1], err.msg);
	arena.used = (arena.used + PAGE_LEN - 1) & ~(size_t)(PAGE_LEN - 1);
	if (mprotect(arena.at, arena.used, PROT_READ) != 0)
		return complain("mprotect", strerror(errno));
	source.model = compiled;
	if (wm_worker_create(&worker, &source, 1, 1, 0, 1, &err) < 0)
		return complain(argv[1], err.msg);
	forms = source.engine->forms(compiled, &n);
	mill(worker, forms, frame, WARM_UP);
	return mill_alone(worker, forms, frame);
}
