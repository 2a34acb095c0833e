/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static uint64_t parse_seed(struct argp_state *state, const char **text)
{
    char *end = NULL;
    errno = 0;
    long long seed = strtoll(*text, &end, 10);
    if (end == *text || **text < '0' || **text > '9' || errno != 0)
        argp_error(state, "--seeds: `%s' begins with no seed; write e.g. 1..6 or 1,3,7", *text);
    *text = end;
    return (uint64_t)seed;
}

static void add_range(struct argp_state *state, seed_list *list, uint64_t first, uint64_t last)
{
    if (last < first || last - first >= LAM_MAX_SEEDS - list->count)
        argp_error(state,
                   "--seeds: %" PRIu64 "..%" PRIu64
                   " runs backwards or is too long; legal: %d seeds in all",
                   first, last, LAM_MAX_SEEDS);
    for (uint64_t seed = first; seed - first <= last - first; seed++) {
        for (size_t i = 0; i < list->count; i++)
            if (list->seeds[i] == seed)
                argp_error(state, "--seeds: %" PRIu64 " is named twice", seed);
        list->seeds[list->count++] = seed;
        if (seed == last)
            break;
    }
}

seed_list parse_seeds(struct argp_state *state, const char *text)
{
    seed_list list = {.seeds = malloc(LAM_MAX_SEEDS * sizeof(uint64_t))};
    if (!list.seeds)
        argp_failure(state, EXIT_FAILURE, errno, "--seeds");
    for (;;) {
        uint64_t first = parse_seed(state, &text), last = first;
        if (strncmp(text, "..", 2) == 0) {
            text += 2;
            last = parse_seed(state, &text);
        }
        add_range(state, &list, first, last);
        if (*text == '\0')
            return list;
        if (*text++ != ',')
            argp_error(state,
                       "--seeds: there is no telling what `%s' is; write e.g. 1..6 or "
                       "1,3,7",
                       text - 1);
    }
}

/* A column's accuracy and loss; what is no number was not to be had. */
static void print_cell(double accuracy, double loss)
{
    if (isfinite(loss))
        printf("  %8.2f %% %9.4f", 100 * accuracy, loss);
    else
        printf("  %10s %9s", "-", "-");
}

static void print_network(const lam_seed_result *result, bool best)
{
    const lam_metrics *metrics = best ? result->run.best : result->run.final;
    printf("seed %-11" PRIu64, result->seed);
    for (int split = 0; split < LAM_SPLIT_COUNT && !result->diverged; split++)
        if (result->run.has_split[split])
            print_cell(metrics[split].accuracy, metrics[split].loss);
    puts(result->diverged ? "  diverged" : "");
}

static void print_table(const lam_seed_result *results, size_t count, bool best)
{
    lam_metrics_estimate estimates[LAM_SPLIT_COUNT];
    printf("%-16s", best ? "best models" : "final models");
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        estimates[split] = lam_seed_results_estimate(results, count, (lam_split)split, best);
        if (estimates[split].loss.count > 0)
            printf("  %10s %9s", lam_split_name((lam_split)split), "loss");
    }
    putchar('\n');
    for (size_t i = 0; i < count; i++)
        print_network(&results[i], best);
    static const char *const rows[] = {"mean", "deviation", "95 % interval +-"};
    for (int row = 0; row < 3; row++) {
        printf("%-16s", rows[row]);
        for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
            const lam_estimate *a = &estimates[split].accuracy, *l = &estimates[split].loss;
            const double accuracy[] = {a->mean, a->deviation, a->half_width};
            const double loss[] = {l->mean, l->deviation, l->half_width};
            if (l->count > 0)
                print_cell(accuracy[row], loss[row]);
        }
        putchar('\n');
    }
}

static int print_summary_file(const char *directory)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/summary.json", directory);
    json_t *summary = json_load_file(path, 0, NULL);
    if (summary)
        return print_json(summary);
    fprintf(stderr, "lamina: %s: cannot read it back\n", path);
    return EXIT_FAILURE;
}

int print_seeds(const char *directory, const lam_seed_result *results, size_t count, bool json)
{
    size_t finished = 0;
    bool has_best = false;
    for (size_t i = 0; i < count; i++) {
        finished += !results[i].diverged;
        has_best = has_best || results[i].run.has_best;
    }
    if (json)
        return print_summary_file(directory);
    print_table(results, count, false);
    if (has_best) {
        putchar('\n');
        print_table(results, count, true);
    }
    printf("n = %zu", finished);
    if (finished < count)
        printf(" of %zu: %zu diverged", count, count - finished);
    printf("\nfiles: %s/summary.json seed-*/\n", directory);
    return EXIT_SUCCESS;
}
