/* SPDX-License-Identifier: MIT */
/* A machine from a configuration: the public call that joins the two. It lives
 * here because machine/ knows nothing of how a configuration was read. */
#include "config/config_bind.h"
#include "machine/machine.h"

mmusim_status_t mmusim_machine_create(const mmusim_config_t *config,
                                      mmusim_machine_t **machine,
                                      mmusim_diag_t *diag)
{
    mmusim_status_t status = mmusim_config_check(config, diag);

    *machine = NULL;
    if (status)
        return status;
    return mmusim__machine_create(mmusim__config_machine(config), machine,
                                  diag);
}
