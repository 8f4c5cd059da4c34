/* SPDX-License-Identifier: MIT */
/* A configuration as a YAML file that loads back to the same. */
#ifndef MMUSIM_CLI_CONFIG_YAML_H
#define MMUSIM_CLI_CONFIG_YAML_H

#include "mmusim/config.h"

#include <stdio.h>

enum config_yaml_form {
    CONFIG_YAML_BARE,    /* keys and values only */
    CONFIG_YAML_SOURCES, /* and where each number comes from */
};

/* Failed writes show in ferror(file). */
void config_write_yaml(const mmusim_config_t *config,
                       enum config_yaml_form form, FILE *file);

#endif
