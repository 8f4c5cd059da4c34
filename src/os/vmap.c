/* SPDX-License-Identifier: MIT */
/* Lazy freeing of vmalloc addresses: see vmap.h. */
#include "os/vmap.h"

#include "coherence/flush.h"
#include "os/kernel.h"

static bool vmap_is_lazy(const struct kernel *kernel, uint64_t start,
                         uint64_t end)
{
    const mmusim_linux_region_t *region = &kernel->map.layout.vmalloc;

    return kernel->map.is_built && kernel->config.vmap_lazy_pages &&
           start - region->start < region->bytes &&
           end - region->start <= region->bytes;
}

/* lazy_max_pages(): so much for every doubling of the CPUs, fls(online). */
static uint64_t vmap_max_pages(const struct kernel *kernel)
{
    uint64_t log = 0;

    for (uint32_t n = kernel->system->n_cpus; n; n >>= 1)
        log++;
    return log * kernel->config.vmap_lazy_pages;
}

static void vmap_purge(struct cpu *cpu, struct kernel *kernel)
{
    struct vmap_lazy *lazy = &kernel->vmap;

    lazy->n_pages = 0;
    lazy->purges++;
    mmusim__flush_kernel_range(cpu, lazy->start, lazy->end);
}

bool mmusim__vmap_unmapped(struct cpu *cpu, struct kernel *kernel,
                           uint64_t start, uint64_t end)
{
    struct vmap_lazy *lazy = &kernel->vmap;

    if (!vmap_is_lazy(kernel, start, end)) {
        mmusim__flush_kernel_range(cpu, start, end);
        return true;
    }
    lazy->start = lazy->n_pages ? min_u64(lazy->start, start) : start;
    lazy->end = lazy->n_pages ? max_u64(lazy->end, end) : end;
    lazy->n_pages += (end - start) >> BASE_PAGE_SHIFT;
    if (lazy->n_pages <= vmap_max_pages(kernel))
        return false;
    vmap_purge(cpu, kernel);
    return true;
}

bool mmusim__vmap_wanted(struct cpu *cpu, struct kernel *kernel, uint64_t start,
                         uint64_t end)
{
    const struct vmap_lazy *lazy = &kernel->vmap;

    if (!lazy->n_pages || start >= lazy->end || end <= lazy->start)
        return false;
    vmap_purge(cpu, kernel);
    return true;
}
