// SPDX-License-Identifier: BSD-3-Clause
#include <plane/memory.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include <sys/mman.h>

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LEN = 4096, LARGE_PAGE_LEN = 2 << 20 };

static const double mib = 1048576;

// Without hugepages, EAL's memory is shared and in small pages, and whoever reads much of it in a row waits for each
// page's translation. For private memory the kernel has transparent hugepages: such memory takes that one's place.
// @return false if there is neither now.
static bool enlarge_pages(void *p, size_t size)
{
	uint8_t *at = p, *begin = RTE_PTR_ALIGN_CEIL(at, LARGE_PAGE_LEN);
	uint8_t *end = RTE_PTR_ALIGN_FLOOR(at + size, LARGE_PAGE_LEN);
	const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	if (rte_eal_has_hugepages() || begin >= end)
		return true;
	// cppcheck-suppress [invalidFunctionArg, leakReturnValNotUsed] ; no file is behind it, and its place is told
	if (mmap(begin, (size_t)(end - begin), PROT_READ | PROT_WRITE, how, -1, 0) == MAP_FAILED)
		return false;
	(void)madvise(begin, (size_t)(end - begin), MADV_HUGEPAGE);
	return true;
}

void *wm_mem_alloc(int node, size_t size)
{
	void *p = rte_zmalloc_socket(NULL, size, RTE_CACHE_LINE_SIZE, node);

	if (p == NULL && node != SOCKET_ID_ANY)
		p = rte_zmalloc_socket(NULL, size, RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY);
	if (p != NULL && !enlarge_pages(p, size))
		return NULL; // and its place is nobody's
	for (volatile uint8_t *at = p; p != NULL && at < (uint8_t *)p + size; at += PAGE_LEN)
		*at = 0;
	return p;
}

// The number that a file holds; 0 if it cannot be read.
static uint64_t read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[32] = "";

	if (file == NULL)
		return 0;
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	(void)fclose(file);
	return strtoull(line, NULL, 10);
}

// Hugepages that EAL has not taken yet: their sizes are folders, such as hugepages-2048kB.
static double free_hugepages(void)
{
	static const char folder[] = "/sys/kernel/mm/hugepages", stem[] = "hugepages-";
	DIR *sizes = opendir(folder);
	const struct dirent *size;
	double bytes = 0;

	// NOLINTNEXTLINE(concurrency-mt-unsafe): this stream is nobody else's
	while (sizes != NULL && (size = readdir(sizes)) != NULL) {
		char path[512];

		if (strncmp(size->d_name, stem, strlen(stem)) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s/free_hugepages", folder, size->d_name);
		bytes += 1024 * (double)strtoull(size->d_name + strlen(stem), NULL, 10) * (double)read_number(path);
	}
	if (sizes != NULL)
		(void)closedir(sizes);
	return bytes;
}

int wm_mem_short(const char *what, size_t size, struct wm_err *err)
{
	double have = 0, whole = 0;

	for (unsigned i = 0; i < rte_socket_count(); i++) {
		struct rte_malloc_socket_stats stats;

		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &stats) < 0)
			continue;
		have += (double)stats.heap_freesz_bytes;
		whole += (double)stats.heap_totalsz_bytes;
	}
	if (rte_eal_has_hugepages())
		have += free_hugepages();
	// Not -ENOMEM: the machine has more, which options are to give.
	return wm_err_set(err, -ENOBUFS,
		"no memory for %s: they need %.1f MiB, and of EAL's %.0f MiB there are %.1f left: give it more "
		"(hugepages, or --no-huge with a larger -m)",
		what, (double)size / mib, whole / mib, have / mib);
}
