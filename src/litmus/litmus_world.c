/* SPDX-License-Identifier: MIT */
/* See litmus_world.h. */
#include "litmus/litmus_world.h"

#include <stdlib.h>
#include <string.h>

enum {
    WORLD_TABLE_FRAME = 0x1000, /* the first of the tables' frames */
    WORLD_LEVELS = 4,
};

/* ---- building ---- */

static uint32_t world_home_socket(const void *context, pfn_t pfn)
{
    (void) context;
    (void) pfn;
    return 0;
}

static void world_never_fires(void *context, struct event *event)
{
    (void) context;
    (void) event;
}

static void world_on_answer(void *context, struct walk_request *request,
                            enum walk_outcome outcome, uint64_t now)
{
    struct litmus_mmu *own = context;
    struct litmus_slot *slot = (struct litmus_slot *) request;
    uint32_t index = (uint32_t) (slot - own->slots);
    struct litmus_answer answer = {outcome, LITMUS_FAULT_TRANSLATION};

    (void) now;
    if (request->fault.kind == WALK_FAULT_ACCESS)
        answer.fault = LITMUS_FAULT_ACCESS_FLAG;
    slot->is_busy = false;
    own->on_answer(own->context, own->pe, index, &answer);
}

static struct tlb_level_config world_tlb(uint32_t n_entries)
{
    struct tlb_level_config level = {.n_arrays = 1};

    level.arrays[0] = (struct tlb_array_config){
        .n_entries = n_entries,
        .n_ways = n_entries,
        .n_orders = 1,
        .orders = {PAGE_ORDER_4K},
        .replacement = "lru",
        .index = TLB_INDEX_BITS,
    };
    return level;
}

static mmusim_status_t world_init_pe(struct litmus_world *world, uint32_t pe)
{
    struct litmus_mmu *own = &world->mmus[pe];
    struct tlb_level_config tlb[TLB_LEVEL_COUNT] = {0};
    struct mmu_setup setup = {.tlb = tlb, .shared = &own->shared, .cpu = pe};
    mmusim_status_t status;

    own->world = world;
    own->pe = pe;
    mmusim__event_queue_init(&own->queue);
    event_init(&own->sentinel, world_never_fires, own);
    own->walker.count = LITMUS_SLOTS;
    own->shared = (struct mmu_shared){
        .queue = &own->queue,
        .tables = world->tables,
        .format = &world->format,
        .memory = &world->memory,
        .translations = world->translations,
        .walker = &own->walker,
        .psc = &world->psc,
        .home_socket = world_home_socket,
    };
    tlb[TLB_L1I] = tlb[TLB_L1D] = world_tlb(4);
    tlb[TLB_L2] = world_tlb(16);
    status = mmusim__mmu_init(&own->mmu, &setup, &world->arena);
    own->mmu.root = own->mmu.kernel_root = (pfn_t){WORLD_TABLE_FRAME};
    own->mmu.on_answer = world_on_answer;
    own->mmu.answer_context = own;
    return status;
}

/* Level 3 and 2 tables; two leaf tables, of the locations and of the window on
 * their descriptors, under two entries of level 1. */
static mmusim_status_t world_make_tables(struct litmus_world *world)
{
    static const uint32_t levels[] = {3, 2, 1, 0, 0};
    const struct pt_format *format = &world->format;
    uint64_t at[5];

    for (uint32_t i = 0; i < 5; i++) {
        struct pt_shape shape =
            pt_os_shape(format, (pfn_t){WORLD_TABLE_FRAME + i}, levels[i]);

        if (!mmusim__pt_table_make(world->tables, &shape))
            return MMUSIM_NOMEM;
        at[i] = shape.paddr;
    }
    world->leaf_table = at[3];
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t vaddr = i < 3 ? LITMUS_VADDR : LITMUS_PTE_VADDR;
        uint32_t level = i < 3 ? levels[i] : 1;
        uint64_t table = i < 3 ? at[i] : at[2];

        mmusim__pt_write(world->tables,
                         pt_word_paddr(format, table, vaddr, level),
                         format->make_table(format, at[i + 1], level));
    }
    mmusim__pt_write(
        world->tables, pt_word_paddr(format, at[4], LITMUS_PTE_VADDR, 0),
        format->make_leaf(format, (pfn_t){world->leaf_table >> BASE_PAGE_SHIFT},
                          0, TLB_READ | TLB_WRITE | TLB_DIRTY, true));
    return MMUSIM_OK;
}

static mmusim_status_t world_init(struct litmus_world *world)
{
    static const struct pt_options options = {
        .isa = "armv8", .n_levels = WORLD_LEVELS, .granule_bytes = 4096};
    const struct memory_config memory = {.model = MEMORY_FIXED,
                                         .fixed_cycles = 1};
    const struct mem_topology topology = {1, LITMUS_MAX_THREADS, 1};
    mmusim_status_t status =
        mmusim__pt_format_init(&world->format, &options, NULL);

    world->psc.levels[0] = (struct psc_config){4, 4, 0};
    world->psc.levels[1] = (struct psc_config){2, 2, 0};
    world->tables = mmusim__pt_memory_create();
    world->translations = mmusim__translations_create();
    if (!world->tables || !world->translations)
        return MMUSIM_NOMEM;
    if (!status)
        status =
            mmusim__mem_init(&world->memory, &memory, &topology, &world->arena);
    if (!status)
        status = world_make_tables(world);
    for (uint32_t i = 0; !status && i < LITMUS_MAX_THREADS; i++)
        status = world_init_pe(world, i);
    return status;
}

struct litmus_world *mmusim__litmus_world_create(mmusim_status_t *status)
{
    struct litmus_world *world = calloc(1, sizeof(*world));

    *status = MMUSIM_NOMEM;
    if (!world)
        return NULL;
    mmusim__arena_init(&world->arena);
    *status = world_init(world);
    if (!*status)
        return world;
    mmusim__litmus_world_destroy(world);
    return NULL;
}

void mmusim__litmus_world_destroy(struct litmus_world *world)
{
    if (!world)
        return;
    for (uint32_t i = 0; i < LITMUS_MAX_THREADS; i++) {
        mmusim__mmu_fini(&world->mmus[i].mmu);
        mmusim__event_queue_fini(&world->mmus[i].queue);
    }
    mmusim__pt_memory_destroy(world->tables);
    mmusim__translations_destroy(world->translations);
    mmusim__arena_fini(&world->arena);
    free(world);
}

/* ---- tests ---- */

void mmusim__litmus_world_load(struct litmus_world *world,
                               const struct litmus_test *test)
{
    world->test = test;
    for (uint32_t i = 0; i < test->n_threads; i++) {
        struct litmus_mmu *own = &world->mmus[i];

        own->has_ha = test->threads[i].has_ha;
        own->has_hd = test->threads[i].has_hd;
        own->walker.has_software_accessed = !own->has_ha;
        own->walker.has_software_dirty = !own->has_hd;
    }
}

static void world_finish_walks(struct litmus_mmu *own)
{
    for (uint32_t i = 0; i < own->mmu.n_walkers; i++) {
        while (own->mmu.walks[i].is_active)
            mmusim__litmus_walk_step(own->world, own->pe, i);
    }
}

void mmusim__litmus_world_reset(struct litmus_world *world)
{
    const struct litmus_test *test = world->test;
    struct inval all = mmusim__litmus_inval_all();

    for (uint32_t i = 0; i < test->n_threads; i++) {
        world_finish_walks(&world->mmus[i]);
        mmusim__mmu_invalidate(&world->mmus[i].mmu, &all, MISS_OTHER);
    }
    for (uint32_t i = 0; i < test->n_locations; i++) {
        memcpy(world->data[i], test->locations[i].data, LITMUS_CELL_BYTES);
        mmusim__pt_write(world->tables, world->leaf_table + 8 * (uint64_t) i,
                         test->locations[i].descriptor);
        world->data_version[i] = world->pte_version[i] = 0;
    }
}

/* ---- memory ---- */

/* The location a physical address belongs to; < 0: none. is_pte: its
 * descriptor. */
static int world_place(const struct litmus_world *world, uint64_t paddr,
                       uint32_t bytes, bool *is_pte)
{
    uint64_t n = world->test->n_locations;
    uint64_t frame = paddr >> BASE_PAGE_SHIFT;

    *is_pte = paddr >= world->leaf_table && paddr < world->leaf_table + 8 * n;
    if (*is_pte)
        return (int) ((paddr - world->leaf_table) / 8);
    if (frame < LITMUS_FRAME || frame >= LITMUS_FRAME + n ||
        (paddr & (BASE_PAGE_BYTES - 1)) + bytes > LITMUS_CELL_BYTES)
        return -1;
    return (int) (frame - LITMUS_FRAME);
}

uint64_t mmusim__litmus_read(const struct litmus_world *world, uint64_t paddr,
                             uint32_t bytes, uint32_t *version)
{
    bool is_pte;
    int place = world_place(world, paddr, bytes, &is_pte);
    uint64_t value = 0;

    *version = 0;
    if (place < 0)
        return 0;
    if (is_pte) {
        *version = world->pte_version[place];
        value = mmusim__pt_read(world->tables, paddr & ~UINT64_C(7)) >>
                8 * (paddr & 7);
        return bytes == 4 ? (uint32_t) value : value;
    }
    *version = world->data_version[place];
    memcpy(&value, &world->data[place][paddr & (BASE_PAGE_BYTES - 1)], bytes);
    return value;
}

void mmusim__litmus_write(struct litmus_world *world, uint64_t paddr,
                          uint32_t bytes, uint64_t value)
{
    bool is_pte;
    int place = world_place(world, paddr, bytes, &is_pte);
    uint64_t word = paddr & ~UINT64_C(7);
    uint64_t old;

    if (place < 0)
        return;
    if (!is_pte) {
        world->data_version[place]++;
        memcpy(&world->data[place][paddr & (BASE_PAGE_BYTES - 1)], &value,
               bytes);
        return;
    }
    world->pte_version[place]++;
    old = mmusim__pt_read(world->tables, word);
    if (bytes == 4) {
        uint64_t shift = 8 * (paddr & 4);
        uint64_t mask = UINT64_C(0xffffffff) << shift;

        value = (old & ~mask) | (value << shift & mask);
    }
    mmusim__pt_write(world->tables, word, value);
}

int mmusim__litmus_location_of(const struct litmus_world *world, uint64_t vaddr)
{
    uint64_t page = (vaddr - LITMUS_VADDR) >> BASE_PAGE_SHIFT;

    return vaddr >= LITMUS_VADDR && page < world->test->n_locations ? (int) page
                                                                    : -1;
}

uint64_t mmusim__litmus_descriptor(const struct litmus_world *world,
                                   uint32_t location)
{
    return mmusim__pt_read(world->tables,
                           world->leaf_table + 8 * (uint64_t) location);
}

/* ---- translation ---- */

bool mmusim__litmus_probe(struct litmus_world *world, uint32_t pe,
                          enum access_kind kind, uint64_t vaddr,
                          tlb_data_t *data)
{
    return mmusim__mmu_probe(&world->mmus[pe].mmu, kind, vaddr, data);
}

/* Arm ARM D8.5: AP[2] is cleared by a store where DBM allows it. */
static bool world_would_write(const struct litmus_mmu *own, uint64_t word)
{
    return own->has_hd && (word & LITMUS_PTE_DBM) &&
           (word & LITMUS_PTE_READ_ONLY) && (word & LITMUS_PTE_VALID);
}

bool mmusim__litmus_walk_would_write(const struct litmus_world *world,
                                     uint32_t pe, enum access_kind kind,
                                     uint64_t vaddr)
{
    int location = mmusim__litmus_location_of(world, vaddr);

    return kind == ACCESS_STORE && location >= 0 &&
           world_would_write(&world->mmus[pe], mmusim__litmus_descriptor(
                                                   world, (uint32_t) location));
}

static struct litmus_slot *world_free_slot(struct litmus_mmu *own)
{
    for (uint32_t i = 0; i < LITMUS_SLOTS; i++) {
        if (!own->slots[i].is_busy)
            return &own->slots[i];
    }
    return NULL;
}

bool mmusim__litmus_may_walk(const struct litmus_world *world, uint32_t pe,
                             uint64_t vaddr)
{
    const struct litmus_mmu *own = &world->mmus[pe];
    bool has_slot = false;

    for (uint32_t i = 0; i < LITMUS_SLOTS; i++)
        has_slot |= !own->slots[i].is_busy;
    for (uint32_t i = 0; i < own->mmu.n_walkers; i++) {
        const struct walk *walk = &own->mmu.walks[i];

        if (walk->is_active && walk->fault.kind &&
            vpn_of(walk->vaddr).v == vpn_of(vaddr).v)
            return false;
    }
    return has_slot;
}

bool mmusim__litmus_walk_start(struct litmus_world *world, uint32_t pe,
                               enum access_kind kind, enum walk_need need,
                               uint64_t vaddr, uint32_t serial)
{
    struct litmus_mmu *own = &world->mmus[pe];
    struct litmus_slot *slot = world_free_slot(own);

    if (!slot)
        return false;
    slot->is_busy = true;
    slot->serial = serial;
    slot->request =
        (struct walk_request){.vaddr = vaddr, .kind = kind, .need = need};
    mmusim__walk_ask(&own->mmu, &slot->request, 0);
    return true;
}

bool mmusim__litmus_walk_is_active(const struct litmus_world *world,
                                   uint32_t pe, uint32_t walker)
{
    return world->mmus[pe].mmu.walks[walker].is_active;
}

bool mmusim__litmus_step_would_write(const struct litmus_world *world,
                                     uint32_t pe, uint32_t walker)
{
    const struct litmus_mmu *own = &world->mmus[pe];
    const struct walk *walk = &own->mmu.walks[walker];

    return walk->phase == WALK_SET && walk->wants_store &&
           walk->one.level == 0 && world_would_write(own, walk->one.word);
}

/* One event of one walk, and no further. */
static void world_fire(struct litmus_mmu *own, struct walk *walk)
{
    struct event_key key = walk->event.key;

    mmusim__event_cancel(&own->queue, &walk->event);
    mmusim__event_schedule(&own->queue, &own->sentinel,
                           event_key(key.cycle, EVENT_ACCESS, own->pe, 0));
    walk->event.fire(walk->event.context, &walk->event);
    mmusim__event_cancel(&own->queue, &own->sentinel);
}

/* On its way to the leaf. */
static bool world_is_above_leaf(const struct walk *walk)
{
    return walk->is_active && walk->one.level > 0 &&
           (walk->phase == WALK_READ || walk->phase == WALK_ENTER);
}

bool mmusim__litmus_walk_step(struct litmus_world *world, uint32_t pe,
                              uint32_t walker)
{
    struct litmus_mmu *own = &world->mmus[pe];
    struct walk *walk = &own->mmu.walks[walker];
    int location = mmusim__litmus_location_of(world, walk->vaddr);
    uint64_t before = 0;

    if (world_is_above_leaf(walk)) {
        while (world_is_above_leaf(walk))
            world_fire(own, walk);
        return false;
    }
    if (location >= 0)
        before = mmusim__litmus_descriptor(world, (uint32_t) location);
    world_fire(own, walk);
    if (location < 0 ||
        before == mmusim__litmus_descriptor(world, (uint32_t) location))
        return false;
    world->pte_version[location]++;
    return true;
}

void mmusim__litmus_walk_abandon(struct litmus_world *world, uint32_t pe,
                                 uint32_t walker)
{
    struct mmu *mmu = &world->mmus[pe].mmu;
    struct inval page = mmusim__litmus_inval_page(mmu->walks[walker].vaddr);

    mmusim__walks_poison(mmu, &page, MISS_OTHER);
}

/* ---- invalidation ---- */

struct inval mmusim__litmus_inval_all(void)
{
    return (struct inval){
        .hits_globals = true,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_ALL,
    };
}

struct inval mmusim__litmus_inval_page(uint64_t vaddr)
{
    return (struct inval){
        .has_range = true,
        .vpn = vpn_of(vaddr),
        .n_pages = 1,
        .hits_globals = true,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_KEEP,
    };
}

void mmusim__litmus_forget(struct litmus_world *world, uint32_t pe,
                           const struct inval *inval)
{
    struct mmu *mmu = &world->mmus[pe].mmu;
    bool was_poisoned[LITMUS_SLOTS];

    for (uint32_t i = 0; i < mmu->n_walkers; i++)
        was_poisoned[i] = mmu->walks[i].is_poisoned;
    mmusim__mmu_invalidate(mmu, inval, MISS_OTHER);
    for (uint32_t i = 0; i < mmu->n_walkers; i++)
        mmu->walks[i].is_poisoned = was_poisoned[i];
}

void mmusim__litmus_invalidate(struct litmus_world *world, uint32_t pe,
                               const struct inval_request *tlbi)
{
    struct mmu *mmu = &world->mmus[pe].mmu;

    for (uint32_t i = 0; i < tlbi->n_invals; i++) {
        const struct inval *inval = &tlbi->invals[i];

        switch (world->mutation) {
        case LITMUS_TLBI_KEEPS_ENTRIES:
            mmusim__walks_poison(mmu, inval, MISS_OTHER);
            break;
        case LITMUS_WALK_NOT_POISONED:
            mmusim__litmus_forget(world, pe, inval);
            break;
        case LITMUS_SOUND:
        case LITMUS_DSB_IGNORES_REMOTE:
        case LITMUS_ACCESS_NOT_REPLAYED:
        case LITMUS_ISB_DOES_NOTHING:
        case LITMUS_MUTATIONS:
            mmusim__mmu_invalidate(mmu, inval, MISS_OTHER);
            break;
        }
    }
}
