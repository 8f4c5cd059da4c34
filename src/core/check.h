/* SPDX-License-Identifier: MIT */
/*
 * Internal checks, by build option MMUSIM_CHECK:
 *   0  none (Release)        1  O(1) assertions (Debug)
 *   2  also the *_is_valid() walkers over whole structures
 * A failed check is our bug: it stops the process in the checking builds
 * only. No check has a side effect.
 */
#ifndef MMUSIM_CORE_CHECK_H
#define MMUSIM_CORE_CHECK_H

#ifndef MMUSIM_CHECK
#define MMUSIM_CHECK 0
#endif

#if MMUSIM_CHECK >= 1
#define mmusim_assert(condition) ((condition) ? (void) 0 : __builtin_trap())
#else
#define mmusim_assert(condition) ((void) sizeof(!(condition)))
#endif

#if MMUSIM_CHECK >= 2
#define mmusim_assert_valid(condition) mmusim_assert(condition)
#else
#define mmusim_assert_valid(condition) ((void) sizeof(!(condition)))
#endif

#if defined(__GNUC__)
#define MMUSIM_LIKELY(x)   __builtin_expect(!!(x), 1)
#define MMUSIM_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define MMUSIM_NOINLINE    __attribute__((noinline))
#define MMUSIM_INLINE      inline __attribute__((always_inline))
#else
#define MMUSIM_LIKELY(x)   (x)
#define MMUSIM_UNLIKELY(x) (x)
#define MMUSIM_NOINLINE
#define MMUSIM_INLINE inline
#endif

#endif
