/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool.h"

/* Of a table that somebody reads or plots. */
#define MAX_ROWS 1000000

typedef struct schedule_options {
    common_options common;
    int64_t every; /* steps between rows */
} schedule_options;

static const struct argp_child children[] = {
    {&recipe_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    schedule_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, children, &options->common);
        return 0;
    case 'e':
        options->every = parse_whole(state, "--every", argument, 1, INT64_MAX);
        return 0;
    case ARGP_KEY_END:
        require_recipe(state, &options->common);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_row(const lam_recipe *recipe, const lam_schedule_span *span, int64_t step,
                      bool json)
{
    const lam_schedule *schedule = &recipe->schedule;
    double epoch = (double)step / (double)span->steps_per_epoch;
    double rate = lam_schedule_get_rate(schedule, span, step);
    char cycle[24] = "";
    if (lam_schedule_has_cycles(schedule))
        snprintf(cycle, sizeof cycle, "%" PRId64, lam_schedule_get_cycle(schedule, step));
    if (!json)
        printf("%" PRId64 ",%.9g,%s,%.9g\n", step, epoch, cycle, rate);
    else
        printf("%s    {\"step\": %" PRId64
               ", \"epoch\": %.17g, \"cycle\": %s, \"learning_rate\": %.17g}",
               step > 0 ? ",\n" : "", step, epoch, *cycle ? cycle : "null", rate);
}

static void print_table(const lam_recipe *recipe, const lam_schedule_span *span, int64_t every,
                        bool json)
{
    if (json)
        printf("{\n  \"steps_per_epoch\": %" PRId64 ",\n  \"total_steps\": %" PRId64
               ",\n  \"rows\": [\n",
               span->steps_per_epoch, span->total_steps);
    else
        puts("step,epoch,cycle,learning_rate");
    int64_t step = 0;
    for (; every < span->total_steps - step; step += every)
        print_row(recipe, span, step, json);
    print_row(recipe, span, step, json);
    print_row(recipe, span, span->total_steps, json);
    if (json)
        puts("\n  ]\n}");
}

static int run(lam_context *context, const schedule_options *options)
{
    lam_recipe recipe;
    lam_schedule_span span;
    lam_status status = load_recipe(context, &options->common, &recipe);
    if (status == LAM_STATUS_OK)
        status =
            lam_recipe_count_steps(context, &recipe, lam_recipe_get_train_rows(&recipe), &span);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    if (span.total_steps / options->every >= MAX_ROWS) {
        fprintf(stderr,
                "lamina: a row for every %" PRId64 " of %" PRId64
                " steps makes more than %d rows; legal: --every %" PRId64 " or more\n",
                options->every, span.total_steps, MAX_ROWS, span.total_steps / MAX_ROWS + 1);
        return lam_status_exit_code(LAM_STATUS_BAD_ARGUMENT);
    }
    if (recipe.schedule.type == LAM_SCHEDULE_PLATEAU)
        fprintf(stderr, "lamina: warning: when a plateau lowers the rate is known once "
                        "validation losses are; the table never lowers it\n");
    print_table(&recipe, &span, options->every, options->common.json);
    return EXIT_SUCCESS;
}

int cmd_schedule(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"every", 'e', "N", 0, "steps between rows; default: 1", 1}, {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "RECIPE",
        .doc =
            "Tabulate the learning rate of each step of a recipe, as CSV: step, epoch, cycle "
            "(counted from 0; empty without cycles), learning_rate. The last row is the end "
            "of the run. Needs no device and no data.\v"
            "Examples:\n"
            "  lamina schedule results/a2-fig4/recipe.yaml --every 100\n"
            "  lamina schedule results/a2-fig4/recipe.yaml --every 100 --json",
        .children = children};
    schedule_options options = {.common = common_options_start(), .every = 1};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    return exit_status;
}
