/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool.h"

void format_duration(double seconds, char text[32])
{
    long s = seconds < 0 ? 0 : seconds > 3.5e6 ? 3500000 : (long)(seconds + 0.5);
    if (seconds < 0)
        snprintf(text, 32, "--:--");
    else if (s < 3600)
        snprintf(text, 32, "%02ld:%02ld", s / 60, s % 60);
    else
        snprintf(text, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

/* Where progress goes: a terminal gets one line that changes, a file one for each measurement.
 */
typedef struct progress_view {
    bool is_quiet, is_terminal;
    bool drawn; /* a line stands on the terminal, not ended yet */
    event_logs *events;
    bool measured; /* at least once: there is something in the run folders */
} progress_view;

/* What matters most comes first: a narrow terminal cuts the end off. */
void format_progress(const lam_progress *p, char *text, size_t bytes)
{
    const lam_measurement *m = &p->latest;
    char remaining[32];
    format_duration(p->remaining_seconds, remaining);
    int length = 0;
    if (p->networks_total > 1)
        length = snprintf(text, bytes, "models %d-%d/%d  ", p->networks_done + 1,
                          p->networks_done + p->networks, p->networks_total);
    length += snprintf(text + length, bytes - (size_t)length,
                       "epoch %.2f  %" PRId64 "/%" PRId64
                       "  ETA %s  %.0f samples/s  train %.3f %.1f %%",
                       p->epoch, p->step, p->total_steps, remaining, p->samples_per_second,
                       m->train.loss, 100 * m->train.accuracy);
    if (m->has_validation)
        snprintf(text + length, bytes - (size_t)length, "  val %.3f %.1f %%",
                 m->validation.loss, 100 * m->validation.accuracy);
}

static void draw_progress(progress_view *view, const lam_progress *progress)
{
    char text[256];
    format_progress(progress, text, sizeof text);
    if (view->is_terminal) {
        fprintf(stderr, "\r\033[K%.*s", get_terminal_columns() - 1, text);
        view->drawn = true;
    } else if (progress->measured) {
        fprintf(stderr, "%s\n", text);
    }
}

static void show_progress(void *user, const lam_progress *progress)
{
    progress_view *view = user;
    if (!view->is_quiet)
        draw_progress(view, progress);
    if (!progress->measured)
        return;
    view->measured = true;
    event_logs_update(view->events);
}

static lam_status call_training(lam_device *device, const lam_recipe *recipe,
                                const lam_dataset *dataset, const training_request *request,
                                const lam_train_options *options, training_outcome *outcome)
{
    const lam_seed_set set = {request->seeds.seeds, request->seeds.count,
                              request->varies_order};
    if (set.count == 0)
        return lam_train(device, recipe, dataset, options, &outcome->summary);
    return lam_train_seeds(device, recipe, dataset, options, &set, outcome->results);
}

/* On an open device. */
static lam_status train(lam_context *context, lam_device *device, const common_options *common,
                        const lam_recipe *recipe, const char *data,
                        const training_request *request, training_outcome *outcome)
{
    lam_dataset *dataset = NULL;
    lam_trace_span span = lam_trace_begin(request->trace, "load data");
    lam_status status = lam_dataset_load(context, &recipe->data, data, &dataset);
    lam_trace_end(request->trace, span);
    if (status != LAM_STATUS_OK)
        return status;
    char *full_data = data ? realpath(data, NULL) : NULL;
    progress_view view = {.is_quiet = common->quiet,
                          .is_terminal = isatty(STDERR_FILENO),
                          .events = event_logs_open(context, request)};
    const lam_train_options options = {.output_directory = request->directory,
                                       .data_directory = full_data,
                                       .gemm = common->gemm,
                                       .force = request->force,
                                       .resume = request->resume,
                                       .progress = show_progress,
                                       .progress_user = &view,
                                       .trace = request->trace};
    status = call_training(device, recipe, dataset, request, &options, outcome);
    if (view.drawn)
        fputc('\n', stderr);
    event_logs_close(&view.events, view.measured);
    lam_dataset_destroy(&dataset);
    free(full_data);
    return status;
}

lam_status run_training(lam_context *context, const common_options *common, lam_recipe *recipe,
                        const training_request *request, training_outcome *ret_outcome)
{
    lam_device *device = NULL;
    const char *data = settle_data(common, recipe);
    *ret_outcome = (training_outcome){0};
    lam_status status = open_device(context, common, &device);
    if (status != LAM_STATUS_OK)
        return status;
    ret_outcome->results = calloc(request->seeds.count + 1, sizeof *ret_outcome->results);
    if (ret_outcome->results) {
        status = train(context, device, common, recipe, data, request, ret_outcome);
    } else {
        fputs("lamina: memory is exhausted; train fewer seeds at once\n", stderr);
        status = LAM_STATUS_NO_MEMORY;
    }
    lam_device_close(&device);
    return status;
}

void training_outcome_free(training_outcome *outcome)
{
    free(outcome->results);
    *outcome = (training_outcome){0};
}
