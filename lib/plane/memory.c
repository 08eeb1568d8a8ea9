// SPDX-License-Identifier: BSD-3-Clause
#include <plane/memory.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const double mib = 1048576;

void *wm_mem_alloc(int node, size_t size)
{
	void *p = rte_zmalloc_socket(NULL, size, RTE_CACHE_LINE_SIZE, node);

	return p != NULL || node == SOCKET_ID_ANY ? p
						  : rte_zmalloc_socket(NULL, size, RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY);
}

// Hugepages that EAL has not taken yet.
static double free_hugepages(void)
{
	DIR *sizes = opendir("/sys/kernel/mm/hugepages");
	const struct dirent *size;
	double bytes = 0;

	// NOLINTNEXTLINE(concurrency-mt-unsafe): this stream is nobody else's
	while (sizes != NULL && (size = readdir(sizes)) != NULL) {
		char path[512];
		uint64_t kib, n;
		FILE *file;

		if (sscanf(size->d_name, "hugepages-%" SCNu64 "kB", &kib) != 1)
			continue;
		(void)snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%s/free_hugepages", size->d_name);
		file = fopen(path, "re");
		if (file != NULL && fscanf(file, "%" SCNu64, &n) == 1)
			bytes += (double)n * (double)kib * 1024;
		if (file != NULL)
			(void)fclose(file);
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
	return wm_err_set(err, -ENOMEM,
		"no memory for %s: they need %.1f MiB, and of EAL's %.0f MiB there are %.1f left: give it more "
		"(hugepages, or --no-huge with a larger -m)",
		what, (double)size / mib, whole / mib, have / mib);
}
