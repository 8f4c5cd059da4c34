/* SPDX-License-Identifier: MIT */
/*
 * The whole public interface, and its version.
 *
 * Versions are MAJOR.MINOR.PATCH. While MAJOR is 0 the interface may change
 * with MINOR; the shared library's soname is libmmusim.so.MAJOR. Values of
 * mmusim_status_t never change. Structures that the caller allocates
 * (mmusim_trace_options_t) grow at the end only; initialise them with {0}.
 */
#ifndef MMUSIM_MMUSIM_H
#define MMUSIM_MMUSIM_H

/* CMakeLists.txt reads the version from these three lines. */
#define MMUSIM_VERSION_MAJOR 0
#define MMUSIM_VERSION_MINOR 1
#define MMUSIM_VERSION_PATCH 0

#include "mmusim/config.h"
#include "mmusim/embed.h"
#include "mmusim/linux.h"
#include "mmusim/litmus.h"
#include "mmusim/machine.h"
#include "mmusim/observe.h"
#include "mmusim/scenario.h"
#include "mmusim/stats.h"
#include "mmusim/status.h"
#include "mmusim/trace.h"
#include "mmusim/validate.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "MAJOR.MINOR.PATCH" of the library in use, which may differ from the
 * macros of the header compiled against. Never NULL. */
MMUSIM_API const char *mmusim_version(void);

#ifdef __cplusplus
}
#endif
#endif
