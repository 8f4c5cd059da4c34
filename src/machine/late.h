/* SPDX-License-Identifier: MIT */
/*
 * Threads of a program that still runs, whose records are not there when they
 * are due (op_piece.is_late): they leave their CPU as in `idle`, nobody waits
 * for their order stamps, and they come back when the records have come. If
 * those say that the thread slept (`idle`), all is as if that had been known;
 * else time has passed that the trace knows nothing of.
 */
#ifndef MMUSIM_MACHINE_LATE_H
#define MMUSIM_MACHINE_LATE_H

#include "machine/machine.h"

/* The CPU's current thread leaves. */
void mmusim__late_leave(struct core_unit *core, struct thread *thread);
/* Those whose records have come are back at cycle now. False: none. */
bool mmusim__late_return(struct mmusim_machine *machine, uint64_t now);
/* No event is left: waits for records. False: none have come, or a failure. */
bool mmusim__late_await(struct mmusim_machine *machine,
                        enum source_patience patience);

#endif
