/* SPDX-License-Identifier: MIT */
/*
 * Physical frames, 4 KiB units: blocks of a few orders (of 4K, 2M and 1G on
 * x86-64), with a reference count each. Free blocks are reused last in, first
 * out per order, as the kernel's per-CPU lists do; a larger block is cut when
 * the next smaller order has none free, and not joined again. pfn 0 is never
 * handed out. A block is known by its first frame: ref, unref, refs and order
 * take that pfn.
 *
 * Scattered (os.frame_colours): single frames for a page come at random from
 * the frames whose number agrees with the page's modulo n_colours, shuffled
 * 64 MiB at a time, as after some uptime of a kernel that colours pages
 * (Windows keeps its free lists by colour: Windows Internals, 6th edition,
 * part 2, chapter 10) or of one that does not (Linux: 1 colour).
 *
 * Nodes: memory is divided into equal parts, node 0's first. A request names
 * the node it wants; when that has nothing, the next ones are asked in turn.
 *
 * A large block can be split into single frames, each with the block's
 * references; who holds it as a whole then holds every piece (the *_span
 * functions, which take the order that the holder's page has).
 *
 * Memory on the host: at most 16 bytes per frame ever handed out, in chunks
 * that grow with the highest frame used.
 */
#ifndef MMUSIM_OS_FRAME_ALLOC_H
#define MMUSIM_OS_FRAME_ALLOC_H

#include "core/types.h"
#include "mmusim/status.h"

struct frame_alloc;

enum { FRAME_MAX_COLOURS = 256 };
enum { FRAME_MAX_KINDS = 8 };

/* The sizes of blocks: ascending page orders. */
struct frame_orders {
    uint32_t n;
    uint8_t orders[FRAME_MAX_KINDS];
};

/* 4K, 2M and 1G. */
extern const struct frame_orders mmusim__frame_orders_usual;

/* Adds an order where it belongs, unless it is there. */
void mmusim__frame_orders_add(struct frame_orders *orders, uint32_t order);

/* memory_bytes: size of simulated memory. NULL: out of host memory. */
struct frame_alloc *
mmusim__frame_alloc_create(uint64_t memory_bytes,
                           const struct frame_orders *orders);
struct frame_alloc *mmusim__frame_alloc_create_nodes(
    uint64_t memory_bytes, const struct frame_orders *orders, uint32_t n_nodes);
void mmusim__frame_alloc_destroy(struct frame_alloc *frames);

/* A block with one reference. MMUSIM_EXHAUSTED when simulated memory has no
 * such block, MMUSIM_NOMEM when the host's is full, MMUSIM_USAGE for any other
 * order; then *pfn is untouched. */
mmusim_status_t mmusim__frame_get(struct frame_alloc *frames, uint32_t order,
                                  pfn_t *pfn);
/* Scatters single frames from now on; n_colours at most FRAME_MAX_COLOURS, 0
 * for frames in order. */
void mmusim__frame_alloc_scatter(struct frame_alloc *frames, uint32_t n_colours,
                                 uint64_t seed);
/* What is wanted. */
struct frame_wish {
    uint32_t order;
    uint32_t node;    /* first choice */
    bool is_bound;    /* no other node will do */
    bool is_for_page; /* of vpn: single frames may be scattered */
    vpn_t vpn;
};

/* As frame_get. */
mmusim_status_t mmusim__frame_get_wish(struct frame_alloc *frames,
                                       const struct frame_wish *wish,
                                       pfn_t *pfn);
/* As frame_get, for the page vpn. */
mmusim_status_t mmusim__frame_get_for(struct frame_alloc *frames,
                                      uint32_t order, vpn_t vpn, pfn_t *pfn);
/* Calls fn for every block that becomes free, before it is in a list. */
void mmusim__frame_alloc_on_free(struct frame_alloc *frames,
                                 void (*fn)(void *context, pfn_t pfn),
                                 void *context);
void mmusim__frame_ref(struct frame_alloc *frames, pfn_t pfn);
/* Drops one reference; true if that was the last and the block is free. */
bool mmusim__frame_unref(struct frame_alloc *frames, pfn_t pfn);
uint32_t mmusim__frame_refs(const struct frame_alloc *frames, pfn_t pfn);
uint32_t mmusim__frame_order(const struct frame_alloc *frames, pfn_t pfn);
/* The node of a frame. */
uint32_t mmusim__frame_node(const struct frame_alloc *frames, pfn_t pfn);

/* Makes a large block with references into single frames with as many each.
 * MMUSIM_NOMEM: nothing has changed. */
mmusim_status_t mmusim__frame_split(struct frame_alloc *frames, pfn_t pfn);
/* Of a page of an order, whole or in pieces; refs: the most of a piece. */
void mmusim__frame_ref_span(struct frame_alloc *frames, pfn_t pfn,
                            uint32_t order);
void mmusim__frame_unref_span(struct frame_alloc *frames, pfn_t pfn,
                              uint32_t order);
uint32_t mmusim__frame_refs_span(const struct frame_alloc *frames, pfn_t pfn,
                                 uint32_t order);
/* Calls fn whenever a block has become free; NULL: nobody. */
typedef void (*frame_freed_fn)(void *context, pfn_t pfn, uint32_t order);
void mmusim__frame_alloc_on_freed(struct frame_alloc *frames, frame_freed_fn fn,
                                  void *context);
/* 4 KiB frames in use. */
uint64_t mmusim__frames_in_use(const struct frame_alloc *frames);
/* How many nodes there are; what a node has, and what of it is free, in 4 KiB
 * frames (the first one of all, never handed out, counts as free). */
uint32_t mmusim__frame_nodes(const struct frame_alloc *frames);
uint64_t mmusim__frames_of_node(const struct frame_alloc *frames,
                                uint32_t node);
uint64_t mmusim__frames_free_on(const struct frame_alloc *frames,
                                uint32_t node);

#endif
