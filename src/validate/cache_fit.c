/* SPDX-License-Identifier: MIT */
/* The fit of data caches: see cache_fit.h. */
#include "validate/cache_fit.h"

#include "validate/cache_curve.h"

#include <stdlib.h>

enum {
    FIT_LINE_SHIFT = 6,
    FIT_PAGE_LINES_LOG2 = 6,
    FIT_COLOUR_BITS = 12, /* bits 6 to 17 of addresses ascend with the pages:
                             64 colours (os.frame_colours of the run) */
    FIT_SWEEPS = 6,       /* of all latencies in turn: they settle by then */
    FIT_FEW_SWEEPS = 2,
    FIT_ROUNDS = 3,
    FIT_SIZES_MAX = 128,
    FIT_WAYS_MAX = 32,
};

/* How a level may keep lines, if the machine says lru, which is also what it
 * says by default; what it says of random replacement, it knows. */
struct fit_policy {
    bool is_random;
    uint32_t bypass_percent;
};

static const struct fit_policy fit_policies[] = {
    {false, 0}, {true, 0}, {true, 50}, {true, 75}, {true, 88},
};

enum { FIT_POLICIES = sizeof(fit_policies) / sizeof(fit_policies[0]) };

/* One way to build a level, and what it misses at each point. */
struct fit_choice {
    struct fit_cache cache;
    double *misses;
};

struct fit {
    const struct fit_machine *machine;
    struct fit_point *points;
    size_t n;
    double *translation;       /* by point */
    double *share[FIT_LEVELS]; /* served by a level, by point */
    double *order;             /* scratch: ratios and weights of a median */
    struct fit_choice *choices[FIT_DRAM];
    size_t n_choices[FIT_DRAM];
    size_t chosen[FIT_DRAM];
    double cycles[FIT_LEVELS];
};

static double fit_abs(double x)
{
    return x < 0 ? -x : x;
}

static double fit_min(double a, double b)
{
    return a < b ? a : b;
}

/* Bits of a set's index that are address bits, as mem_cache.c counts them. */
static uint32_t fit_plain_bits(const struct fit_cache *cache, uint64_t n_sets)
{
    uint32_t limit =
        cache->hash_from_bit ? cache->hash_from_bit - FIT_LINE_SHIFT : 64;
    uint32_t bits = 0;

    while (bits < limit && n_sets && !(n_sets >> bits & 1))
        bits++;
    return bits;
}

static struct cache_shape fit_shape(const struct fit_cache *cache)
{
    struct cache_shape shape = {
        .n_ways = cache->n_ways,
        .colour_bits = FIT_COLOUR_BITS,
        .is_random = cache->is_random,
        .bypass_percent = cache->bypass_percent,
    };

    if (!cache->size_bytes)
        return shape;
    shape.n_sets = (cache->size_bytes >> FIT_LINE_SHIFT) / cache->n_ways;
    shape.plain_bits = fit_plain_bits(cache, shape.n_sets);
    return shape;
}

/* Associativity nearest to the wanted one with which the sets are a power of
 * two of plain ones, in slices if the upper bits are hashed. */
static uint32_t fit_ways_for(const struct fit_cache *cache, uint64_t size_bytes)
{
    uint64_t n_lines = size_bytes >> FIT_LINE_SHIFT;
    uint32_t wanted = cache->n_ways;

    for (uint32_t away = 0; away < 2 * FIT_WAYS_MAX; away++) {
        uint32_t ways = away % 2 ? wanted - (away + 1) / 2 : wanted + away / 2;
        uint64_t n_sets;

        if (!ways || ways > FIT_WAYS_MAX || n_lines % ways)
            continue;
        n_sets = n_lines / ways;
        if (cache->hash_from_bit) {
            uint64_t plain = UINT64_C(1)
                             << (cache->hash_from_bit - FIT_LINE_SHIFT);

            if (n_sets % plain == 0)
                return ways;
        } else if (!(n_sets & (n_sets - 1))) {
            return ways;
        }
    }
    for (uint32_t ways = FIT_WAYS_MAX; ways > 1; ways--) {
        if (n_lines % ways == 0 && ways <= wanted)
            return ways;
    }
    return 1;
}

/* The cost of translation in a run over n_lines lines: within a window a page
 * is as likely to be in the L1 as its share of the window; a page's first
 * access in a round walks if the L2 does not hold all. */
static double fit_translation(const struct fit_machine *machine,
                              uint64_t n_lines)
{
    double pages = (double) n_lines / (1 << FIT_PAGE_LINES_LOG2);
    double window = fit_min(pages, machine->window_pages);
    double cycles = 0;

    if (machine->l2_pages && window > machine->l1_pages)
        cycles += (1 - machine->l1_pages / window) * machine->l2_tlb_cycles;
    if (pages > machine->l2_pages && pages > machine->l1_pages)
        cycles += machine->walk_cycles / (1 << FIT_PAGE_LINES_LOG2);
    return cycles;
}

static const struct fit_choice *fit_chosen(const struct fit *fit,
                                           uint32_t level)
{
    return &fit->choices[level][fit->chosen[level]];
}

/* L2 misses where each brings the line's neighbour: of two neighbours the
 * second, d accesses later, hits if fewer lines than L2 has have come in
 * between, two a miss. With both at random places of a window of w accesses,
 * the share of d below D is 1 - (1 - D/w)^2. */
static double fit_pair_misses(const struct fit *fit, size_t point,
                              double misses)
{
    double n_lines =
        (double) (fit_chosen(fit, FIT_L2)->cache.size_bytes >> FIT_LINE_SHIFT);
    double window = fit_min((double) fit->points[point].n_lines,
                            (double) fit->machine->window_pages *
                                (1 << FIT_PAGE_LINES_LOG2));
    double left = misses;

    for (uint32_t i = 0; i < FIT_ROUNDS && misses > 0; i++) {
        double reach = fit_min(1, n_lines / (2 * left) / window);
        double caught = 1 - (1 - reach) * (1 - reach);

        left = misses * (1 - caught / 2);
    }
    return left;
}

static void fit_set_shares(struct fit *fit)
{
    bool has_pairs = fit->machine->has_pair_prefetch;

    for (size_t i = 0; i < fit->n; i++) {
        double l1 = fit_chosen(fit, FIT_L1D)->misses[i];
        double l2 = fit_min(l1, fit_chosen(fit, FIT_L2)->misses[i]);
        double llc = fit_min(l2, fit_chosen(fit, FIT_LLC)->misses[i]);

        /* of two neighbours that DRAM has, the first brings the second */
        if (has_pairs) {
            l2 = fit_pair_misses(fit, i, l2);
            llc /= 2;
        }
        fit->share[FIT_L1D][i] = 1 - l1;
        fit->share[FIT_L2][i] = l1 - l2;
        fit->share[FIT_LLC][i] = l2 - llc;
        fit->share[FIT_DRAM][i] = llc;
    }
}

static double fit_model(const struct fit *fit, size_t point)
{
    double cycles = fit->translation[point];

    for (uint32_t level = 0; level < FIT_LEVELS; level++)
        cycles += fit->share[level][point] * fit->cycles[level];
    return cycles;
}

static double fit_error(const struct fit *fit)
{
    double sum = 0;

    for (size_t i = 0; i < fit->n; i++)
        sum += fit_abs(fit_model(fit, i) - fit->points[i].measured) /
               fit->points[i].measured;
    return sum / (double) fit->n;
}

static int fit_compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (left[0] > right[0]) - (left[0] < right[0]);
}

/* The latency of one level that makes the sum of the errors least, all else
 * being as it is: a weighted median. */
static void fit_level_cycles(struct fit *fit, uint32_t level)
{
    double total = 0;
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < fit->n; i++) {
        double share = fit->share[level][i];
        double rest = fit_model(fit, i) - share * fit->cycles[level];

        if (share < 0.01)
            continue;
        fit->order[2 * n] = (fit->points[i].measured - rest) / share;
        fit->order[2 * n + 1] = share / fit->points[i].measured;
        total += fit->order[2 * n + 1];
        n++;
    }
    if (!n)
        return;
    qsort(fit->order, n, 2 * sizeof(double), fit_compare);
    for (size_t i = 0; i < n; i++) {
        sum += fit->order[2 * i + 1];
        if (sum * 2 >= total) {
            fit->cycles[level] = fit->order[2 * i];
            return;
        }
    }
}

/* Levels get slower downwards; whole cycles at the end. */
static void fit_put_in_order(struct fit *fit, bool rounds)
{
    double above = 0;

    for (uint32_t level = 0; level < FIT_LEVELS; level++) {
        double *cycles = &fit->cycles[level];

        if (*cycles < above + 1)
            *cycles = above + 1;
        if (rounds)
            *cycles = (double) (uint64_t) (*cycles + 0.5);
        above = *cycles;
    }
}

/* Where the sweeps begin: each level as the point that it serves most. */
static void fit_begin_cycles(struct fit *fit)
{
    for (uint32_t level = 0; level < FIT_LEVELS; level++) {
        double best = 0.3;

        fit->cycles[level] = fit->machine->caches[level].cycles;
        for (size_t i = 0; i < fit->n; i++) {
            if (fit->share[level][i] <= best)
                continue;
            best = fit->share[level][i];
            fit->cycles[level] = fit->points[i].measured - fit->translation[i];
        }
    }
    fit_put_in_order(fit, false);
}

static double fit_solve(struct fit *fit, uint32_t n_sweeps)
{
    fit_set_shares(fit);
    fit_begin_cycles(fit);
    for (uint32_t sweep = 0; sweep < n_sweeps; sweep++) {
        for (uint32_t level = 0; level < FIT_LEVELS; level++)
            fit_level_cycles(fit, level);
        fit_put_in_order(fit, false);
    }
    return fit_error(fit);
}

/* Of two choices that fit as well, the one nearer to the machine's. */
static double fit_prejudice(const struct fit *fit, uint32_t level)
{
    const struct fit_cache *cache = &fit_chosen(fit, level)->cache;
    const struct fit_cache *given = &fit->machine->caches[level];

    return (cache->size_bytes != given->size_bytes ? 0.001 : 0) +
           (cache->is_random != given->is_random ? 0.0005 : 0) +
           (cache->bypass_percent != given->bypass_percent ? 0.0002 : 0);
}

/* The sizes worth trying for a level, ascending. */
static size_t fit_sizes(uint32_t level, uint64_t sizes[FIT_SIZES_MAX])
{
    static const struct {
        uint64_t min, max;
        uint32_t eighths; /* steps between powers of two: 4 is one in half */
    } ranges[FIT_DRAM] = {
        [FIT_L1D] = {UINT64_C(8) << 10, UINT64_C(256) << 10, 4},
        [FIT_L2] = {UINT64_C(64) << 10, UINT64_C(16) << 20, 2},
        [FIT_LLC] = {UINT64_C(1) << 20, UINT64_C(1) << 30, 1},
    };
    size_t n = 0;

    for (uint64_t base = ranges[level].min; base <= ranges[level].max;
         base *= 2) {
        for (uint32_t part = 8; part < 16; part += ranges[level].eighths) {
            if (base * part / 8 <= ranges[level].max && n < FIT_SIZES_MAX)
                sizes[n++] = base * part / 8;
        }
    }
    return n;
}

static bool fit_is_ordered(const struct fit *fit)
{
    uint64_t l1d = fit_chosen(fit, FIT_L1D)->cache.size_bytes;
    uint64_t l2 = fit_chosen(fit, FIT_L2)->cache.size_bytes;
    uint64_t llc = fit_chosen(fit, FIT_LLC)->cache.size_bytes;

    return l1d < l2 && (!llc || l2 <= llc);
}

static double fit_try(struct fit *fit, uint32_t n_sweeps)
{
    double error = 1e9;

    if (!fit_is_ordered(fit))
        return error;
    error = fit_solve(fit, n_sweeps);
    for (uint32_t level = 0; level < FIT_DRAM; level++)
        error += fit_prejudice(fit, level);
    return error;
}

/* Every choice of one level, the others being as they are. */
static void fit_search(struct fit *fit, uint32_t level)
{
    double best_error = 1e9;
    size_t best = fit->chosen[level];

    for (size_t i = 0; i < fit->n_choices[level]; i++) {
        double error;

        fit->chosen[level] = i;
        error = fit_try(fit, FIT_SWEEPS);
        if (error < best_error) {
            best_error = error;
            best = i;
        }
    }
    fit->chosen[level] = best;
}

/* Every pair of an L2 that replaces by age and an LLC: where neither is known,
 * one at a time can settle beside the best. */
static void fit_search_pairs(struct fit *fit)
{
    double best_error = 1e9;
    size_t best_l2 = fit->chosen[FIT_L2];
    size_t best_llc = fit->chosen[FIT_LLC];

    for (size_t i = 0; i < fit->n_choices[FIT_L2]; i++) {
        fit->chosen[FIT_L2] = i;
        if (fit_chosen(fit, FIT_L2)->cache.is_random &&
            !fit->machine->caches[FIT_L2].is_random)
            continue;
        for (size_t k = 0; k < fit->n_choices[FIT_LLC]; k++) {
            double error;

            fit->chosen[FIT_LLC] = k;
            error = fit_try(fit, FIT_FEW_SWEEPS);
            if (error < best_error) {
                best_error = error;
                best_l2 = i;
                best_llc = k;
            }
        }
    }
    fit->chosen[FIT_L2] = best_l2;
    fit->chosen[FIT_LLC] = best_llc;
}

static void fit_finish(struct fit *fit, struct fit_result *result)
{
    fit_solve(fit, FIT_SWEEPS);
    fit_put_in_order(fit, true);
    for (uint32_t level = 0; level < FIT_LEVELS; level++) {
        if (level < FIT_DRAM)
            result->caches[level] = fit_chosen(fit, level)->cache;
        else
            result->caches[level] = (struct fit_cache){0};
        result->caches[level].cycles = (uint32_t) fit->cycles[level];
    }
    /* A soft edge of the L1D in steps of 64 bytes is its prefetchers' doing:
     * the fit sees through it, but the cache is no other for that. */
    result->caches[FIT_L1D].is_random = fit->machine->caches[FIT_L1D].is_random;
    for (size_t i = 0; i < fit->n; i++)
        fit->points[i].fitted = fit_model(fit, i);
    result->error = fit_error(fit);
}

/* The choices of a level, with what they miss; rows holds a value a point of
 * each. Returns past the last row. */
static double *fit_choose_from(struct fit *fit, uint32_t level, double *rows)
{
    static const size_t n_policies[FIT_DRAM] = {2, 2, FIT_POLICIES};
    const struct fit_cache *given = &fit->machine->caches[level];
    uint64_t sizes[FIT_SIZES_MAX];
    size_t n_sizes = fit_sizes(level, sizes);
    size_t n_kinds = given->is_random ? 1 : n_policies[level];
    size_t n = 0;

    for (size_t i = 0; i < n_sizes * n_kinds; i++) {
        const struct fit_policy *policy = &fit_policies[i % n_kinds];
        struct fit_choice *choice = &fit->choices[level][n++];
        struct cache_crowding crowding;
        struct cache_shape shape;

        choice->cache = *given;
        choice->cache.size_bytes = sizes[i / n_kinds];
        choice->cache.n_ways = fit_ways_for(given, choice->cache.size_bytes);
        if (!given->is_random) {
            choice->cache.is_random = policy->is_random;
            choice->cache.bypass_percent = policy->bypass_percent;
        }
        choice->misses = rows;
        shape = fit_shape(&choice->cache);
        mmusim__cache_crowding_init(&crowding, &shape);
        for (size_t k = 0; k < fit->n; k++)
            *rows++ = mmusim__cache_misses(&shape, &crowding,
                                           (double) fit->points[k].n_lines);
    }
    fit->n_choices[level] = n;
    for (size_t i = 0; i < n; i++) {
        if (fit->choices[level][i].cache.size_bytes == given->size_bytes &&
            fit->choices[level][i].cache.is_random == given->is_random)
            fit->chosen[level] = i;
    }
    return rows;
}

/* One block for every row of numbers, one for the choices. */
static bool fit_allocate(struct fit *fit, double **rows)
{
    enum { CHOICES_MAX = FIT_SIZES_MAX * FIT_POLICIES };
    size_t n_rows = 1 + FIT_LEVELS + 2 + FIT_DRAM * (size_t) CHOICES_MAX;

    fit->translation = calloc(n_rows * fit->n, sizeof(double));
    fit->choices[0] =
        calloc(FIT_DRAM * (size_t) CHOICES_MAX, sizeof(struct fit_choice));
    if (!fit->translation || !fit->choices[0])
        return false;
    *rows = fit->translation;
    for (uint32_t i = 0; i < FIT_LEVELS; i++)
        fit->share[i] = *rows += fit->n;
    fit->order = *rows += fit->n;
    *rows += 2 * fit->n;
    for (uint32_t level = 1; level < FIT_DRAM; level++)
        fit->choices[level] = fit->choices[level - 1] + CHOICES_MAX;
    return true;
}

bool mmusim__cache_fit(const struct fit_machine *machine,
                       struct fit_point *points, size_t n_points,
                       struct fit_result *result)
{
    struct fit fit = {.machine = machine, .points = points, .n = n_points};
    double *rows = NULL;
    bool is_allocated = fit_allocate(&fit, &rows);

    if (is_allocated) {
        for (size_t i = 0; i < n_points; i++)
            fit.translation[i] = fit_translation(machine, points[i].n_lines);
        for (uint32_t level = 0; level < FIT_DRAM; level++)
            rows = fit_choose_from(&fit, level, rows);
        fit_search_pairs(&fit);
        for (uint32_t round = 0; round < FIT_ROUNDS; round++) {
            for (uint32_t level = 0; level < FIT_DRAM; level++)
                fit_search(&fit, level);
        }
        fit_finish(&fit, result);
    }
    free(fit.choices[0]);
    free(fit.translation);
    return is_allocated;
}

double mmusim__cache_fit_page_stride(const struct fit_result *result,
                                     uint64_t n_pages)
{
    double cycles = 0;
    double reaches = 1; /* this level */

    for (uint32_t level = 0; level < FIT_DRAM; level++) {
        struct cache_shape shape = fit_shape(&result->caches[level]);
        struct cache_crowding crowding;
        uint32_t unused = shape.plain_bits < FIT_PAGE_LINES_LOG2
                              ? shape.plain_bits
                              : FIT_PAGE_LINES_LOG2;
        double misses;

        /* the lines have one page offset: one value of the bits below 12 */
        shape.n_sets >>= unused;
        shape.plain_bits -= unused;
        shape.colour_bits =
            unused < FIT_PAGE_LINES_LOG2 ? 0 : FIT_COLOUR_BITS - unused;
        mmusim__cache_crowding_init(&crowding, &shape);
        misses = mmusim__cache_misses(&shape, &crowding, (double) n_pages);
        misses = fit_min(misses, reaches);
        cycles += (reaches - misses) * result->caches[level].cycles;
        reaches = misses;
    }
    return cycles + reaches * result->caches[FIT_DRAM].cycles;
}
