/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "search.h"

#define MAX_STAGES 4
#define MAX_FINAL_SETTINGS 16

/* One search: `space` for the first, or for grids that somebody chose; else what the one before
 * narrows to. */
typedef struct search_stage {
    const char *name;
    const char *space; /* NULL: narrowed */
    lam_narrowing narrowing;
    lam_sampler sampler;
    int64_t trials; /* 0: the whole grid */
} search_stage;

typedef struct search_preset {
    const char *name, *purpose;
    search_stage stages[MAX_STAGES];
    int stage_count, seeds, final_seeds;
    const char *final_settings[4];
} search_preset;

#define ONE_SE                                                                                 \
    {                                                                                          \
        .type = LAM_NARROWING_ONE_SE                                                           \
    }
#define TOP_5                                                                                  \
    {                                                                                          \
        .type = LAM_NARROWING_TOP, .count = 5                                                  \
    }
#define BEST_TWO                                                                               \
    {                                                                                          \
        .type = LAM_NARROWING_BEST_TWO, .margin = 1e-4                                         \
    }

static const search_preset presets[] = {
    {.name = "default",
     .purpose = "logarithms evenly, 3 seeds a lambda, narrowed to one standard error",
     .stages = {{"coarse", "log:1e-5..1e-1", ONE_SE, LAM_SAMPLER_SOBOL, 16},
                {"fine", NULL, ONE_SE, LAM_SAMPLER_SOBOL, 8}},
     .stage_count = 2,
     .seeds = 3,
     .final_seeds = 3,
     .final_settings = {"data.validation_count=1000", "stop={cycles: 3}",
                        "schedule.half_cycle_steps=1200"}},
    {.name = "s0",
     .purpose = "a linear range, narrowed after 10 of 20 to the two best -/+ 0.0001",
     .stages = {{"coarse", "linear:0.001..0.005", ONE_SE, LAM_SAMPLER_RANDOM, 10},
                {"fine", NULL, BEST_TWO, LAM_SAMPLER_RANDOM, 10}},
     .stage_count = 2,
     .seeds = 1,
     .final_seeds = 1,
     .final_settings = {"data.validation_count=1000", "stop={cycles: 3}",
                        "schedule.half_cycle_steps=1200"}},
    {.name = "s2",
     .purpose = "logarithms at random, three times 20, each in the range of the top 5",
     .stages = {{"coarse", "log:1e-5..1e-1", ONE_SE, LAM_SAMPLER_RANDOM, 20},
                {"fine", NULL, TOP_5, LAM_SAMPLER_RANDOM, 20},
                {"second-fine", NULL, TOP_5, LAM_SAMPLER_RANDOM, 20}},
     .stage_count = 3,
     .seeds = 1,
     .final_seeds = 1,
     .final_settings = {"data.validation_count=1000", "stop={cycles: 5}",
                        "schedule.half_cycle_steps=600", "batch=200"}},
    {.name = "s3",
     .purpose = "two grids that were chosen by hand",
     .stages = {{"coarse", "grid:0.01,0.02,0.03,0.04,0.05,0.06", ONE_SE, LAM_SAMPLER_GRID, 0},
                {"fine", "grid:0.0051,0.0063,0.0069,0.0094,0.0134,0.0154", ONE_SE,
                 LAM_SAMPLER_GRID, 0}},
     .stage_count = 2,
     .seeds = 1,
     .final_seeds = 6,
     .final_settings = {"stop={cycles: 3}"}},
};
enum { PRESET_COUNT = sizeof presets / sizeof presets[0] };

typedef struct lambda_options {
    common_options common;
    work_options work;
    plan_options counts;
    const char *output, *range, *key;
    const search_preset *preset;
    int final_seeds; /* -1: the preset's */
    const char *final_settings[MAX_FINAL_SETTINGS];
    size_t final_count;
    bool is_silent; /* prints no results */
} lambda_options;

enum { OPTION_PRESET = 256, OPTION_RANGE, OPTION_KEY, OPTION_FINAL, OPTION_FINAL_SEEDS };

static const struct argp_child children[] = {
    {&device_argp, 0, NULL, 0}, {&data_argp, 0, NULL, 0},
    {&tune_argp, 0, NULL, 0},   {&recipe_argp, 0, NULL, 0},
    {&json_argp, 0, NULL, 0},   {&count_argp, 0, NULL, 0},
    {&work_argp, 0, NULL, 0},   {0}};

#define PRESET_NAMES "default, s0, s2, s3"

static const search_preset *find_preset(const char *name)
{
    for (int i = 0; i < PRESET_COUNT; i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return NULL;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    lambda_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, children, &options->common);
        state->child_inputs[5] = &options->counts;
        state->child_inputs[6] = &options->work;
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case OPTION_PRESET:
        options->preset = find_preset(argument);
        if (!options->preset)
            argp_error(state, "--preset %s is unknown; legal: " PRESET_NAMES, argument);
        return 0;
    case OPTION_RANGE:
        options->range = argument;
        return 0;
    case OPTION_KEY:
        options->key = argument;
        return 0;
    case OPTION_FINAL:
        if (options->final_count == MAX_FINAL_SETTINGS)
            argp_error(state, "--final: legal: at most %d", MAX_FINAL_SETTINGS);
        options->final_settings[options->final_count++] = argument;
        return 0;
    case OPTION_FINAL_SEEDS:
        options->final_seeds = (int)parse_whole(state, "--final-seeds", argument, 0, 1000);
        return 0;
    case 'q':
        options->common.quiet = true;
        return 0;
    case ARGP_KEY_END:
        require_recipe(state, &options->common);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- the searches ---- */

/* One call of the command. */
typedef struct lambda_run {
    lam_context *context;
    const lambda_options *options;
    const char *directory;
    lam_recipe recipe;
    device_set devices;
    char first_device[16]; /* its index */
    char paths[MAX_STAGES][PATH_MAX];
    lam_study_view *views[MAX_STAGES];
    lam_ranking rankings[MAX_STAGES];
} lambda_run;

static lam_status choose_space(const lambda_run *run, int index, lam_space *ret_space)
{
    const search_stage *stage = &run->options->preset->stages[index];
    const char *range = index == 0 && run->options->range ? run->options->range : stage->space;
    char text[512];
    const char *const texts[] = {text};
    if (!range)
        return lam_study_narrow(run->context, run->views[index - 1], &stage->narrowing,
                                ret_space);
    snprintf(text, sizeof text, "%s=%s", run->options->key, range);
    return lam_space_parse(run->context, texts, 1, ret_space);
}

static int64_t count_trials(const lambda_run *run, const search_stage *stage,
                            const lam_space *space)
{
    if (stage->sampler == LAM_SAMPLER_GRID)
        return lam_sampler_count_points(space, stage->sampler);
    return run->options->counts.trials > 0 ? run->options->counts.trials : stage->trials;
}

/* A study that is there already goes on. */
static lam_status create_study(lambda_run *run, int index)
{
    const search_preset *preset = run->options->preset;
    const search_stage *stage = &preset->stages[index];
    lam_study *study = NULL;
    lam_study_plan plan = {.recipe = run->recipe,
                           .sampler = stage->sampler,
                           .seed = run->recipe.seed + (uint64_t)index,
                           .objective = LAM_OBJECTIVE_ACCURACY,
                           .seed_count = run->options->counts.seeds > 0
                                             ? run->options->counts.seeds
                                             : preset->seeds};
    lam_status status = choose_space(run, index, &plan.space);
    if (status != LAM_STATUS_OK)
        return status;
    plan.configuration_count = count_trials(run, stage, &plan.space);
    status = lam_study_create(run->context, run->paths[index], &plan, &study);
    lam_study_close(&study);
    lam_space_free(&plan.space);
    return status;
}

static lam_status read_stage(lambda_run *run, int index)
{
    char path[PATH_MAX + 8];
    lam_status status =
        lam_study_load_view(run->context, run->paths[index], &run->views[index]);
    if (status == LAM_STATUS_OK)
        status = lam_study_rank(run->context, run->views[index], &run->rankings[index]);
    snprintf(path, sizeof path, "%s/%s.tsv", run->directory,
             run->options->preset->stages[index].name);
    if (status == LAM_STATUS_OK)
        status = lam_study_save_table(run->context, run->views[index], path);
    return status;
}

static void print_stage(const lambda_run *run, int index)
{
    const lam_study_view *view = run->views[index];
    char title[160], *space = NULL;
    if (lam_parameter_format(run->context, &view->plan.space.parameters[0], &space) !=
        LAM_STATUS_OK)
        return;
    snprintf(title, sizeof title, "%s search: %s", run->options->preset->stages[index].name,
             space);
    free(space);
    print_trials(view, title);
    if (view->plan.seed_count > 1) {
        putchar('\n');
        print_ranking(view, &run->rankings[index], 0);
    }
    putchar('\n');
    fflush(stdout);
}

/* A failure has been said. */
static lam_status search(lambda_run *run, int index)
{
    lam_status status = create_study(run, index);
    if (status != LAM_STATUS_OK) {
        report_failure(run->context, status);
        return status;
    }
    fprintf(stderr, "%s search: %s\n", run->options->preset->stages[index].name,
            run->paths[index]);
    status = work_on_study(run->context, &run->devices, &run->options->common,
                           run->paths[index], &run->options->work);
    if (status != LAM_STATUS_OK)
        return status;
    status = read_stage(run, index);
    if (status != LAM_STATUS_OK)
        report_failure(run->context, status);
    else if (!run->options->common.json && !run->options->is_silent)
        print_stage(run, index);
    return status;
}

/* ---- the final training ---- */

/* The best mean of all searches: its stage. */
static int find_pick(const lambda_run *run)
{
    int best = -1;
    for (int i = 0; i < run->options->preset->stage_count; i++)
        if (run->rankings[i].count > 0 &&
            (best < 0 || run->rankings[i].ranks[0].objective.mean >
                             run->rankings[best].ranks[0].objective.mean))
            best = i;
    return best;
}

static lam_status make_final_recipe(lambda_run *run, int pick, lam_recipe *ret_recipe)
{
    const char *settings[4 + MAX_FINAL_SETTINGS];
    size_t count = 0;
    lam_study *study = NULL;
    bool has_cycles = lam_schedule_has_cycles(&run->recipe.schedule);
    for (int i = 0; i < 4 && run->options->preset->final_settings[i]; i++) {
        const char *setting = run->options->preset->final_settings[i];
        bool is_of_cycles =
            strncmp(setting, "stop", 4) == 0 || strncmp(setting, "schedule", 8) == 0;
        if (has_cycles || !is_of_cycles)
            settings[count++] = setting;
    }
    for (size_t i = 0; i < run->options->final_count; i++)
        settings[count++] = run->options->final_settings[i];
    lam_status status = lam_study_open(run->context, run->paths[pick], &study);
    if (status == LAM_STATUS_OK)
        status =
            get_best_recipe(run->context, study, run->rankings[pick].ranks[0].configuration,
                            settings, count, ret_recipe);
    lam_study_close(&study);
    return status;
}

static json_t *stage_to_json(const lambda_run *run, int index)
{
    const lam_study_view *view = run->views[index];
    const lam_rank *best = run->rankings[index].count > 0 ? run->rankings[index].ranks : NULL;
    char *space = NULL;
    json_t *json = study_to_json(view);
    if (lam_parameter_format(run->context, &view->plan.space.parameters[0], &space) ==
        LAM_STATUS_OK)
        json_object_set_new(json, "space", json_string(space));
    free(space);
    json_object_set_new(json, "name", json_string(run->options->preset->stages[index].name));
    if (best)
        json_object_set_new(json, "pick",
                            json_pack("{s:s, s:f}", run->options->key,
                                      view->configurations[best->configuration].values[0],
                                      "mean", best->objective.mean));
    return json;
}

/* The searches, and the final training's own summary. */
static int print_whole_json(const lambda_run *run, const char *final_directory)
{
    char path[PATH_MAX + 16];
    json_t *searches = json_array();
    snprintf(path, sizeof path, "%s/summary.json", final_directory ? final_directory : "");
    for (int i = 0; i < run->options->preset->stage_count; i++)
        json_array_append_new(searches, stage_to_json(run, i));
    return print_json(json_pack("{s:s, s:o, s:o*}", "directory", run->directory, "searches",
                                searches, "final",
                                final_directory ? json_load_file(path, 0, NULL) : NULL));
}

/* On the first device, and the whole of it: these are one population of few. */
static int train_final(lambda_run *run, int pick)
{
    int count = run->options->final_seeds >= 0 ? run->options->final_seeds
                                               : run->options->preset->final_seeds;
    char directory[PATH_MAX], values[256];
    training_outcome outcome = {0};
    lam_recipe recipe;
    uint64_t seeds[LAM_MAX_SEEDS];
    if (count == 0)
        return run->options->common.json ? print_whole_json(run, NULL) : EXIT_SUCCESS;
    lam_status status = make_final_recipe(run, pick, &recipe);
    if (status != LAM_STATUS_OK)
        return report_failure(run->context, status);
    for (int i = 0; i < count; i++)
        seeds[i] = recipe.seed + (uint64_t)i;
    snprintf(directory, sizeof directory, "%s/final", run->directory);
    const training_request request = {.directory = directory,
                                      .resume = access(directory, F_OK) == 0,
                                      .seeds = {seeds, (size_t)count}};
    format_values(run->views[pick],
                  &run->views[pick]->configurations[run->rankings[pick].ranks[0].configuration],
                  values, sizeof values);
    fprintf(stderr, "final training: %s, %d seed%s\n", values, count, count == 1 ? "" : "s");
    if (!run->options->common.json && !run->options->is_silent)
        printf("final training: %s\n", values);
    common_options common = run->options->common;
    common.device = run->first_device;
    status = run_training(run->context, &common, &recipe, &request, &outcome);
    int exit_status = EXIT_SUCCESS;
    if (status != LAM_STATUS_OK)
        exit_status = report_failure(run->context, status);
    else if (run->options->is_silent)
        exit_status = EXIT_SUCCESS;
    else if (run->options->common.json)
        exit_status = print_whole_json(run, directory);
    else
        exit_status = print_seeds(directory, outcome.results, request.seeds.count, false);
    training_outcome_free(&outcome);
    return exit_status;
}

/* ---- the command ---- */

static int search_and_train(lambda_run *run)
{
    lam_status status = open_device_set(run->context, &run->options->common,
                                        (process_share){0, 1}, &run->devices);
    if (status == LAM_STATUS_OK)
        snprintf(run->first_device, sizeof run->first_device, "%d",
                 lam_device_get_info(run->devices.seats[0].device)->index);
    for (int i = 0; i < run->options->preset->stage_count && status == LAM_STATUS_OK; i++)
        status = search(run, i);
    device_set_close(&run->devices);
    if (status != LAM_STATUS_OK)
        return lam_status_exit_code(status);
    int pick = find_pick(run);
    if (pick < 0) {
        fprintf(stderr,
                "lamina: no lambda could be trained to its end; see: lamina search status %s\n",
                run->paths[0]);
        return lam_status_exit_code(LAM_STATUS_TRIALS_FAILED);
    }
    return train_final(run, pick);
}

static int run_searches(lam_context *context, const lambda_options *options,
                        const lam_recipe *recipe, const char *directory)
{
    lambda_run run = {
        .context = context, .options = options, .recipe = *recipe, .directory = directory};
    (void)settle_data(&options->common, &run.recipe);
    for (int i = 0; i < options->preset->stage_count; i++)
        snprintf(run.paths[i], sizeof run.paths[i], "%.3900s/%s.db", directory,
                 options->preset->stages[i].name);
    int exit_status = search_and_train(&run);
    for (int i = 0; i < options->preset->stage_count; i++) {
        lam_study_view_free(&run.views[i]);
        lam_ranking_free(&run.rankings[i]);
    }
    return exit_status;
}

static int run_command(lam_context *context, const lambda_options *options)
{
    lam_recipe recipe;
    char directory[PATH_MAX];
    lam_status status = load_recipe(context, &options->common, &recipe);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    snprintf(directory, sizeof directory, "%s", options->output ? options->output : "");
    if (!options->output)
        snprintf(directory, sizeof directory, "runs/%s-lambda-%s", recipe.name,
                 options->preset->name);
    return run_searches(context, options, &recipe, directory);
}

int run_lambda_search(lam_context *context, const common_options *common,
                      const lam_recipe *recipe, const char *preset, const char *directory)
{
    lambda_options options = {.common = *common,
                              .counts = plan_options_start(),
                              .preset = find_preset(preset),
                              .final_seeds = -1,
                              .key = "l2",
                              .is_silent = true};
    if (options.preset)
        return run_searches(context, &options, recipe, directory);
    fprintf(stderr, "lamina: the preset `%s' is unknown; legal: " PRESET_NAMES "\n", preset);
    return lam_status_exit_code(LAM_STATUS_BAD_RECIPE);
}

int cmd_lambda_search(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"output", 'o', "DIR", 0,
         "where studies, tables and the final runs go; default: runs/<recipe>-lambda-<preset>; "
         "what is there already goes on",
         1},
        {"preset", OPTION_PRESET, "NAME", 0,
         "default (16 logarithms and 8, evenly spread, 3 seeds each, narrowed to one standard "
         "error of the best), or as published reports searched: s0 (10 in a linear range and "
         "10 between the two best -/+ 0.0001), s2 (20 logarithms at random, twice narrowed to "
         "the top 5), s3 (two grids of 6)",
         1},
        {"range", OPTION_RANGE, "SPACE", 0,
         "the first search's values, e.g. log:1e-6..1e-2 (forms: lamina search new --help)", 1},
        {"key", OPTION_KEY, "KEY", 0, "the recipe's key to search; default: l2", 1},
        {"final", OPTION_FINAL, "KEY=VALUE", 0,
         "override a key for the final training alone, which by default takes what the preset "
         "says (below); may be repeated",
         1},
        {"final-seeds", OPTION_FINAL_SEEDS, "N", 0,
         "networks of the final training, 0: none; default: 3, with s0 and s2 1, with s3 6", 1},
        {"quiet", 'q', 0, 0, "no progress", 3},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "RECIPE",
        .doc =
            "Find a recipe's lambda: a coarse search, a fine one where the best lay, and the "
            "final training of the best lambda, which alone looks at the test rows. Prints a "
            "table for each. May be interrupted or killed: called again, it goes on.\v"
            "The final training differs from the recipe in this: 1,000 validation rows; with "
            "cyclical rates 3 cycles of 2 x 1,200 steps, with s2 5 of 2 x 600 and batches of "
            "200; with s3 nothing but 3 cycles.\n\n"
            "--trials counts the lambdas of each search but grids, --seeds the networks of "
            "each lambda. Each search is a study, coarse.db and so on, which `lamina search' "
            "reads.\n\n"
            "Examples:\n"
            "  lamina lambda-search results/a2-search/recipe.yaml\n"
            "  lamina lambda-search results/a2-search/recipe.yaml --preset s0\n"
            "  lamina lambda-search results/a3-search/recipe.yaml --preset s3\n"
            "  lamina lambda-search my.yaml --range log:1e-6..1e-2 --trials 10 \\\n"
            "      --seeds 2 --final-seeds 0 -o runs/my-lambda",
        .children = children};
    lambda_options options = {.common = common_options_start(),
                              .counts = plan_options_start(),
                              .preset = &presets[0],
                              .final_seeds = -1,
                              .key = "l2"};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run_command(context, &options);
    common_options_free(&options.common);
    return exit_status;
}
