/* SPDX-License-Identifier: MIT */
/* The reader of scenarios on any bytes; what it takes is executed and searched,
 * and must come to its end. */
#include "mmusim/scenario.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static const mmusim_scenario_options_t options = {.schedules = 2};
    mmusim_scenario_t *scenario = NULL;
    mmusim_scenario_summary_t summary;
    mmusim_diag_t diag;

    if (mmusim_scenario_open_text("fuzz", (const char *) data, n_bytes, NULL,
                                  &scenario, &diag))
        return 0;
    mmusim_scenario_run(scenario, &diag);
    mmusim_scenario_summarize(scenario, &summary);
    if (!mmusim_scenario_explore(scenario, &options, &diag)) {
        mmusim_scenario_summarize(scenario, &summary);
        if (strcmp(summary.verdict, "clean") != 0 && summary.steps &&
            !mmusim_scenario_replay(scenario)[0])
            abort();
    }
    mmusim_scenario_close(scenario);
    return 0;
}
