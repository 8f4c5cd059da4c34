/* SPDX-License-Identifier: MIT */
/* Any bytes as a machine file: no crash, no hang, no leak. */
#include "config/config_bind.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    mmusim_diag_t diag = {0};
    mmusim_config_t *config;
    struct yaml_tree tree;

    if (mmusim__yaml_parse((const char *) data, n_bytes, "fuzz", &tree, &diag))
        return 0;
    if (!mmusim_config_create(&config)) {
        if (!mmusim__config_bind(config, &tree, 0, &diag) &&
            !mmusim__config_finish(config, &diag))
            mmusim_config_check(config, &diag);
        mmusim_config_destroy(config);
    }
    mmusim__yaml_fini(&tree);
    return 0;
}
