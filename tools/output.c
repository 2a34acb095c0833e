/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tool.h"

int report_failure(const lam_context *context, lam_status status)
{
    const char *message = lam_error_message(context);
    fprintf(stderr, "lamina: %s\n", *message ? message : lam_status_text(status));
    return lam_status_exit_code(status);
}

int get_terminal_columns(void)
{
    struct winsize size = {0};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

int print_json(json_t *json)
{
    int failed = json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(json);
    putchar('\n');
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

json_t *number_to_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *metrics_to_json(const lam_metrics *metrics)
{
    return json_pack("{s:o, s:o, s:o}", "loss", number_to_json(metrics->loss), "cost",
                     number_to_json(metrics->cost), "accuracy",
                     number_to_json(metrics->accuracy));
}

json_t *measurement_to_json(const lam_measurement *m)
{
    if (m->step < 0)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "step", (json_int_t)m->step, "epoch",
                     number_to_json(m->epoch), "learning_rate",
                     number_to_json(m->learning_rate), "train", metrics_to_json(&m->train),
                     "validation",
                     m->has_validation ? metrics_to_json(&m->validation) : json_null());
}

void print_csv_text(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++)
        fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    putc('"', out);
}

void print_csv_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, ",%.9g", value);
    else
        putc(',', out);
}

void print_csv_metrics(FILE *out, const lam_measurement *m)
{
    const double values[] = {m->train.loss,      m->train.cost,      m->train.accuracy,
                             m->validation.loss, m->validation.cost, m->validation.accuracy};
    const size_t there = m->step < 0 ? 0 : m->has_validation ? 6 : 3;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        print_csv_number(out, i < there ? values[i] : NAN);
}

json_t *splits_to_json(const lam_run_summary *summary,
                       const lam_metrics metrics[LAM_SPLIT_COUNT])
{
    json_t *splits = json_object();
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        if (summary->has_split[split])
            json_object_set_new(splits, lam_split_name((lam_split)split),
                                metrics_to_json(&metrics[split]));
    return splits;
}

void print_metrics(const lam_run_summary *summary, const lam_metrics metrics[LAM_SPLIT_COUNT])
{
    printf("%-12s %10s %10s %10s\n", "split", "loss", "cost", "accuracy");
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        const lam_metrics *m = &metrics[split];
        if (summary->has_split[split])
            printf("%-12s %10.4f %10.4f %8.2f %%\n", lam_split_name((lam_split)split), m->loss,
                   m->cost, 100 * m->accuracy);
    }
}

bool is_stdout(const char *output)
{
    return output && strcmp(output, "-") == 0;
}

lam_status write_predictions(lam_context *context, const lam_predictions *predictions,
                             const char *output)
{
    char *text = NULL;
    if (!is_stdout(output))
        return lam_predictions_save(context, predictions, output);
    lam_status status = lam_predictions_format(context, predictions, &text);
    if (status == LAM_STATUS_OK)
        fputs(text, stdout);
    free(text);
    return status;
}
