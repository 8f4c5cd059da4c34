/* SPDX-License-Identifier: MIT */
/* How far an invalidation goes from the CPU that issues it. */
#ifndef MMUSIM_COHERENCE_INVAL_REACH_H
#define MMUSIM_COHERENCE_INVAL_REACH_H

enum broadcast_reach {
    REACH_SELF,  /* non-shareable: complete at sync(REACH_SELF) */
    REACH_INNER, /* the inner shareable domain: dvm.inner_domain */
    REACH_OUTER, /* every CPU of the machine */
    REACH_ALL,   /* likewise: INVLPGB */
};

#endif
