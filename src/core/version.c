/* SPDX-License-Identifier: MIT */
/* The version of the library, as text. */
#include "mmusim/mmusim.h"

#define VERSION_TEXT(number)    VERSION_LITERAL(number)
#define VERSION_LITERAL(number) #number

const char *mmusim_version(void)
{
    return VERSION_TEXT(MMUSIM_VERSION_MAJOR) "." VERSION_TEXT(
        MMUSIM_VERSION_MINOR) "." VERSION_TEXT(MMUSIM_VERSION_PATCH);
}
