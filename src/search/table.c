/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "search/study.h"

static void append_heads(lam_strbuf *table, const lam_space *space)
{
    lam_strbuf_append(table, "iteration\tseed");
    for (size_t i = 0; i < space->count; i++)
        lam_strbuf_append(table, "\t%s", space->parameters[i].key);
    lam_strbuf_append(table, "\tstate\tobjective\tstep\ttrain_loss\ttrain_cost\ttrain_accuracy"
                             "\tvalidation_loss\tvalidation_cost\tvalidation_accuracy\n");
}

static void append_number(lam_strbuf *table, double value)
{
    lam_strbuf_append(table, isfinite(value) ? "\t%.9g" : "\t", value);
}

static void append_metrics(lam_strbuf *table, const lam_metrics *metrics)
{
    append_number(table, metrics->loss);
    append_number(table, metrics->cost);
    append_number(table, metrics->accuracy);
}

static void append_trial(lam_strbuf *table, const lam_space *space,
                         const lam_configuration *configuration, const lam_trial *trial)
{
    lam_strbuf_append(table, "%" PRId64 "\t%" PRIu64, configuration->index + 1, trial->seed);
    for (size_t i = 0; i < space->count; i++)
        lam_strbuf_append(table, "\t%s", configuration->values[i]);
    lam_strbuf_append(table, "\t%s", lam_trial_state_name(trial->state));
    append_number(table, trial->objective);
    if (trial->latest.step < 0) {
        lam_strbuf_append(table, "\t\t\t\t\t\t\t");
    } else {
        lam_strbuf_append(table, "\t%" PRId64, trial->latest.step);
        append_metrics(table, &trial->latest.train);
        append_metrics(table, &trial->latest.validation);
    }
    lam_strbuf_append(table, "\n");
}

lam_status lam_study_save_table(lam_context *context, const lam_study_view *view,
                                const char *path)
{
    lam_strbuf table = {0};
    append_heads(&table, &view->plan.space);
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count; s++)
            append_trial(&table, &view->plan.space, &view->configurations[c],
                         &view->configurations[c].trials[s]);
    lam_status status = table.failed ? lam_fail_memory(context, "a table", table.length)
                                     : lam_file_write(context, path, table.text, table.length);
    lam_strbuf_free(&table);
    return status;
}
