/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Figures of what run folders, studies and benchmarks hold.
 *
 * Every function writes the data and the script of each figure first and draws then, by running
 * `gnuplot` (or what LAMINA_GNUPLOT names). Errors, besides those that are named: BAD_OUTPUT,
 * NO_MEMORY, INTERRUPTED, and NO_RENDERER where gnuplot is missing or failed: data and scripts
 * of all figures are there then.
 */
#ifndef LAMINA_PLOT_H
#define LAMINA_PLOT_H

#include "lamina/figure.h"
#include "lamina/predict.h"
#include "lamina/recipe.h"
#include "lamina/study.h"

LAM_BEGIN_DECLS

/** What a path given to `lamina plot` is. */
typedef enum lam_plot_source {
    LAM_PLOT_SOURCE_RUN,   /* a run folder, or the folder of a set of seeds */
    LAM_PLOT_SOURCE_RANGE, /* the folder or table of a learning-rate range test */
    LAM_PLOT_SOURCE_STUDY, /* a study's file */
    LAM_PLOT_SOURCE_BENCH, /* JSON of lamina bench, lamina search bench or tools/bench-peers */
} lam_plot_source;

/** X(name, name on the command line, source, whether a device and the data are needed, what it
 * shows) */
#define LAM_PLOT_KIND_LIST(X)                                                                  \
    X(CURVES, "curves", RUN, false, "loss, cost and accuracy, with the learning rate beneath") \
    X(WEIGHTS, "weights", RUN, false, "what the first layer looks for, as pictures")           \
    X(CONFUSION, "confusion", RUN, true, "which classes are taken for which")                  \
    X(PROBABILITIES, "probabilities", RUN, true,                                               \
      "probability of the true class, of right and wrong images")                              \
    X(CONFIDENT, "confident", RUN, true, "test images most confidently right and wrong")       \
    X(AUGMENTATION, "augmentation", RUN, true, "images as training sees them")                 \
    X(SENSITIVITY, "sensitivity", RUN, false,                                                  \
      "accuracy against initial deviation and normalization")                                  \
    X(LR_RANGE, "lr-range", RANGE, false, "loss against a rising learning rate")               \
    X(SEARCH, "search", STUDY, false,                                                          \
      "objective against the first parameter, studies overlaid")                               \
    X(HISTORY, "history", STUDY, false, "objective in the order of trials, and the best")      \
    X(SLICE, "slice", STUDY, false, "objective against each parameter")                        \
    X(CONTOUR, "contour", STUDY, false, "objective over two parameters")                       \
    X(PARALLEL, "parallel", STUDY, false, "configurations across all parameters")              \
    X(IMPORTANCE, "importance", STUDY, false, "how much each parameter explains")              \
    X(HALVING, "halving", STUDY, false, "who went on at each rung")                            \
    X(THROUGHPUT, "throughput", BENCH, false,                                                  \
      "models per second against networks side by side")                                       \
    X(SHAPES, "shapes", BENCH, false, "percent of the peak by shape")                          \
    X(PEERS, "peers", BENCH, false, "times as fast as the peers")

typedef enum lam_plot_kind {
#define LAM_PLOT_KIND_ENUM(name, text, source, needs_device, purpose) LAM_PLOT_KIND_##name,
    LAM_PLOT_KIND_LIST(LAM_PLOT_KIND_ENUM)
#undef LAM_PLOT_KIND_ENUM
        LAM_PLOT_KIND_COUNT,
} lam_plot_kind;

/** Sets of kinds. */
typedef uint32_t lam_plot_kinds;
#define LAM_PLOT_BIT(kind) ((lam_plot_kinds)1 << (kind))
#define LAM_PLOT_ALL ((lam_plot_kinds)-1)

/** Finds out what a path is. Errors: BAD_ARGUMENT, with what it could have been. */
LAM_API LAM_MUST_USE lam_status lam_plot_find_source(lam_context *context, const char *path,
                                                     lam_plot_source *ret_source);

/**
 * CURVES and SENSITIVITY of `count` run folders or folders of seeds. Of one run: its curves; of
 * a set of seeds: mean and the band of one standard deviation; of several paths: overlaid.
 * SENSITIVITY needs runs of at least two initial deviations, and is left out without.
 * Runs in training show what they have. Errors: BAD_MODEL (no run there).
 */
LAM_API LAM_MUST_USE lam_status lam_plot_runs(lam_context *context, const char *const *paths,
                                              size_t count, lam_plot_kinds kinds,
                                              const lam_figure_options *options,
                                              lam_figure_list *list);

/** WEIGHTS of a run folder's model ("last" etc., as for lam_run_find_model()): one picture for
 * each unit of the first layer, of each one's own scale and of one scale for all. Errors:
 * BAD_MODEL. */
LAM_API LAM_MUST_USE lam_status lam_plot_weights(lam_context *context, const char *path,
                                                 const char *model,
                                                 const lam_figure_options *options,
                                                 lam_figure_list *list);

/** One trained network and what it said of the test rows. */
typedef struct lam_plot_predictions {
    const char *path; /* the run folder, for captions */
    const lam_recipe *recipe;
    const lam_predictions *predictions;
} lam_plot_predictions;

/** CONFUSION, PROBABILITIES and CONFIDENT: of each run its own, but PROBABILITIES of up to four
 * runs side by side in one figure. `dataset` holds the images of CONFIDENT. */
LAM_API LAM_MUST_USE lam_status lam_plot_images(lam_context *context,
                                                const lam_plot_predictions *runs, size_t count,
                                                const lam_dataset *dataset,
                                                lam_plot_kinds kinds,
                                                const lam_figure_options *options,
                                                lam_figure_list *list);

/** AUGMENTATION: images of `dataset` as they are and as the recipe's training sees them;
 * nothing for a recipe without augmentation. */
LAM_API LAM_MUST_USE lam_status lam_plot_augmentation(lam_context *context, lam_device *device,
                                                      const lam_recipe *recipe,
                                                      const lam_dataset *dataset,
                                                      const char *path,
                                                      const lam_figure_options *options,
                                                      lam_figure_list *list);

/** LR_RANGE of the table in a folder of lam_lr_range_run(). Errors: BAD_MODEL. */
LAM_API LAM_MUST_USE lam_status lam_plot_lr_range(lam_context *context, const char *path,
                                                  const lam_figure_options *options,
                                                  lam_figure_list *list);

/** Figures of studies; kinds that a study has nothing to show for are left out (all but HALVING
 * while nothing is done, CONTOUR and PARALLEL of one parameter, IMPORTANCE of few
 * configurations, HALVING without pruning). SEARCH overlays studies of one parameter and one
 * objective, in the order given; of the other kinds each study has its own. Errors: BAD_STUDY.
 */
LAM_API LAM_MUST_USE lam_status lam_plot_studies(lam_context *context, const char *const *paths,
                                                 size_t count, lam_plot_kinds kinds,
                                                 const lam_figure_options *options,
                                                 lam_figure_list *list);

/** Figures of what benchmarks left as JSON; SHAPES are of products, of networks, or of widths
 * and batches, as the file has them. Errors: BAD_DATA (a file that holds none). */
LAM_API LAM_MUST_USE lam_status lam_plot_bench(lam_context *context, const char *path,
                                               lam_plot_kinds kinds,
                                               const lam_figure_options *options,
                                               lam_figure_list *list);

LAM_END_DECLS

#endif
