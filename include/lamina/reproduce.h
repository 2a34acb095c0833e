/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Published experiments, done again: a manifest lists them with the numbers that reports give,
 * each is run into a folder of its own, and a page holds what was published against what came
 * out.
 */
#ifndef LAMINA_REPRODUCE_H
#define LAMINA_REPRODUCE_H

#include "lamina/plot.h"

LAM_BEGIN_DECLS

/** X(name, name in manifests) */
#define LAM_EXPERIMENT_KIND_LIST(X)                                                            \
    X(TRAIN, "train")         /* networks of one recipe that differ in their seeds */          \
    X(GRADIENTS, "gradients") /* analytic gradients against differences */                     \
    X(SEARCH, "search")       /* a preset of `lamina lambda-search` */

typedef enum lam_experiment_kind {
#define LAM_EXPERIMENT_KIND_ENUM(name, text) LAM_EXPERIMENT_KIND_##name,
    LAM_EXPERIMENT_KIND_LIST(LAM_EXPERIMENT_KIND_ENUM)
#undef LAM_EXPERIMENT_KIND_ENUM
} lam_experiment_kind;

/** How a number is judged; src/report/verdict.h has the rules. */
typedef enum lam_measure {
    LAM_MEASURE_ACCURACY, /* in percent */
    LAM_MEASURE_LOSS,     /* losses and costs, and other numbers that each run has its own of */
    LAM_MEASURE_ERROR,    /* of a gradient: the largest of all checks */
    LAM_MEASURE_CHANCE,   /* what a search happened to find: shown, not judged */
} lam_measure;

/** What is published. X(name, name in manifests, kind of experiment, measure, split)
 * Errors are of centred differences unless they say otherwise, over all tensors of a check. */
#define LAM_QUANTITY_LIST(X)                                                                   \
    X(TRAIN_ACCURACY, "train accuracy", TRAIN, ACCURACY, TRAIN)                                \
    X(VALIDATION_ACCURACY, "validation accuracy", TRAIN, ACCURACY, VALIDATION)                 \
    X(TEST_ACCURACY, "test accuracy", TRAIN, ACCURACY, TEST)                                   \
    X(TRAIN_LOSS, "train loss", TRAIN, LOSS, TRAIN)                                            \
    X(VALIDATION_LOSS, "validation loss", TRAIN, LOSS, VALIDATION)                             \
    X(TEST_LOSS, "test loss", TRAIN, LOSS, TEST)                                               \
    X(TRAIN_COST, "train cost", TRAIN, LOSS, TRAIN)                                            \
    X(VALIDATION_COST, "validation cost", TRAIN, LOSS, VALIDATION)                             \
    X(TEST_COST, "test cost", TRAIN, LOSS, TEST)                                               \
    X(WEIGHT_ERROR, "mean error of weights", GRADIENTS, ERROR, TRAIN)                          \
    X(BIAS_ERROR, "mean error of biases", GRADIENTS, ERROR, TRAIN)                             \
    X(WEIGHT_SIGNED, "signed mean error of weights", GRADIENTS, ERROR, TRAIN)                  \
    X(BIAS_SIGNED, "signed mean error of biases", GRADIENTS, ERROR, TRAIN)                     \
    X(FORWARD_SIGNED, "signed mean error of weights, forward differences", GRADIENTS, LOSS,    \
      TRAIN)                                                                                   \
    X(LARGEST_ERROR, "largest error", GRADIENTS, ERROR, TRAIN)                                 \
    X(LARGEST_RELATIVE, "largest relative error", GRADIENTS, ERROR, TRAIN)                     \
    X(PEER_ERROR, "relative error against another program", GRADIENTS, ERROR, TRAIN)           \
    X(COARSE_BEST, "best of the coarse search", SEARCH, CHANCE, VALIDATION)                    \
    X(COARSE_WORST, "worst of the coarse search", SEARCH, CHANCE, VALIDATION)                  \
    X(FINE_BEST, "best of the fine search", SEARCH, CHANCE, VALIDATION)                        \
    X(FINAL_TEST, "test accuracy of the final training", SEARCH, CHANCE, TEST)

typedef enum lam_quantity {
#define LAM_QUANTITY_ENUM(name, text, kind, measure, split) LAM_QUANTITY_##name,
    LAM_QUANTITY_LIST(LAM_QUANTITY_ENUM)
#undef LAM_QUANTITY_ENUM
        LAM_QUANTITY_COUNT,
} lam_quantity;

#define LAM_NOTE_BYTES 640

/** A number that a report gives. */
typedef struct lam_published {
    char report[16]; /* as the manifest calls it */
    lam_quantity quantity;
    char text[48];    /* as it was published: "39.27", "33 to 38" */
    double low, high; /* the same when it is no range; accuracies in percent */
    double rounding;  /* half of its last digit */
    bool is_bound;    /* "at most `high`" */
    uint32_t rows;    /* that an accuracy was measured on */
    bool is_slip;     /* a known one, which `note` explains */
    char note[LAM_NOTE_BYTES];
} lam_published;

/** One experiment and what was published of it. */
typedef struct lam_experiment {
    char name[LAM_RECIPE_NAME_BYTES]; /* that of its folder */
    char title[160];
    char section[96]; /* of the page; "": that of the experiment before */
    lam_experiment_kind kind;
    char recipe_name[256]; /* as in the manifest, relative to it */
    char recipe_path[4096];
    char settings[512]; /* overrides as on the command line: " --set l2=0.01 .." */
    lam_recipe recipe;
    size_t seeds;     /* of TRAIN; in a manifest at most, or 0: as many as are asked for */
    double step;      /* GRADIENTS: h; 0: the default */
    uint32_t inputs;  /* GRADIENTS: keep only the first so many; 0: all */
    uint32_t entries; /* GRADIENTS: checked of each tensor */
    char preset[16];  /* SEARCH */
    bool is_extra;    /* nothing was published of it */
    lam_published *published;
    size_t published_count;
} lam_experiment;

typedef struct lam_report_source {
    char name[16], file[64], title[256];
} lam_report_source;

/** A slip of a report, for the page's section of them. */
typedef struct lam_report_slip {
    char report[16];
    char text[LAM_NOTE_BYTES];
} lam_report_slip;

#define LAM_REPRODUCTION_FIGURE_RUNS 16

/** A figure of the page: of the folders of some experiments. */
typedef struct lam_reproduction_figure {
    lam_plot_kind kind; /* of those that need no device */
    size_t experiments[LAM_REPRODUCTION_FIGURE_RUNS];
    size_t count;
} lam_reproduction_figure;

typedef struct lam_manifest {
    char path[4096];
    char peer[4096];   /* folder of the peers' scripts; "" when none is named */
    char gallery[256]; /* a page beside the manifest that shows all kinds of figures; "" */
    lam_report_source *reports;
    size_t report_count;
    lam_report_slip *slips;
    size_t slip_count;
    lam_experiment *experiments;
    size_t experiment_count;
    lam_reproduction_figure *figures;
    size_t figure_count;
} lam_manifest;

/**
 * Reads a manifest in YAML, and every recipe that it names, by paths relative to its own.
 * results/experiments.yaml explains the keys. Errors: BAD_RECIPE, naming file and line, the key
 * and the legal values; NO_MEMORY. lam_manifest_free() it.
 */
LAM_API LAM_MUST_USE lam_status lam_manifest_load(lam_context *context, const char *path,
                                                  lam_manifest **ret_manifest);
LAM_API void lam_manifest_free(lam_manifest **manifest);

/** As in the manifest. */
LAM_API const char *lam_quantity_name(lam_quantity quantity);
LAM_API lam_measure lam_quantity_get_measure(lam_quantity quantity);
LAM_API const char *lam_experiment_kind_name(lam_experiment_kind kind);

/** What an experiment gave. */
typedef struct lam_experiment_result {
    bool is_done;
    size_t count;    /* networks, or checks */
    size_t diverged; /* networks that are not among the values */
    /* Of each quantity; count 0 where there is none. Accuracies in percent; of errors `mean` is
     * the largest. */
    lam_estimate values[LAM_QUANTITY_COUNT];
    double seconds;          /* training and measuring, or checking */
    double training_seconds; /* training alone; 0 unless TRAIN */
    double peer_seconds;     /* what the peer would train as long for; NaN when unknown */
} lam_experiment_result;

#define LAM_EXPERIMENT_GRADIENTS "gradients.safetensors"

/**
 * Runs an experiment of the kinds TRAIN and GRADIENTS into the folder options->output_directory
 * of its own, on a data set loaded with its recipe's data options. What is in the folder goes
 * on or stays. TRAIN trains the seeds 1 .. experiment->seeds side by side. GRADIENTS checks the
 * first 20 samples and 20 at random with the seeds 42 and 400, as the reports did, and leaves
 * the first of these checks' gradients in LAM_EXPERIMENT_GRADIENTS. Blocking.
 * Errors: BAD_ARGUMENT (another kind, no seeds), those of lam_train_seeds(), but networks that
 * all diverged are a result, and those of lam_check_gradients().
 */
LAM_API LAM_MUST_USE lam_status lam_experiment_run(lam_context *context, lam_device *device,
                                                   const lam_experiment *experiment,
                                                   const lam_dataset *dataset,
                                                   const lam_train_options *options,
                                                   lam_experiment_result *ret_result);

/** Reads what `lamina lambda-search` left in the folder of an experiment of the kind SEARCH: of
 * its first two searches, and of the final training. Errors: BAD_STUDY, BAD_MODEL. */
LAM_API LAM_MUST_USE lam_status lam_experiment_read_search(lam_context *context,
                                                           const char *directory,
                                                           lam_experiment_result *ret_result);

/** X(name, as it stands on the page) */
#define LAM_VERDICT_LIST(X)                                                                    \
    X(NONE, "not judged")                                                                      \
    X(AGREES, "agrees")                                                                        \
    X(BETTER, "better")                                                                        \
    X(SLIP, "known slip")                                                                      \
    X(DIFFERS, "differs")

typedef enum lam_verdict {
#define LAM_VERDICT_ENUM(name, text) LAM_VERDICT_##name,
    LAM_VERDICT_LIST(LAM_VERDICT_ENUM)
#undef LAM_VERDICT_ENUM
        LAM_VERDICT_COUNT,
} lam_verdict;

LAM_API const char *lam_verdict_name(lam_verdict verdict);

/** Of one published number and the result of its experiment. */
LAM_API lam_verdict lam_published_judge(const lam_published *published,
                                        const lam_experiment_result *result);

/** Experiments that were run, and what the page says of how. Borrowed. */
typedef struct lam_reproduction {
    const lam_manifest *manifest;
    const lam_experiment_result *results; /* [manifest->experiment_count] */
    const char *command;                  /* that did it all again */
    const char *device;                   /* name, driver and version */
    const char *note;                     /* a sentence for the page; NULL: none */
    const lam_figure_list *figures;       /* of `figure_directory`; may be NULL */
    const char *figure_directory;
} lam_reproduction;

/** Draws the published test accuracies beside ours. Errors: as in lamina/plot.h. */
LAM_API LAM_MUST_USE lam_status lam_reproduction_plot(lam_context *context,
                                                      const lam_reproduction *reproduction,
                                                      const lam_figure_options *options,
                                                      lam_figure_list *list);

/** Writes results.tsv, a row for each published number, and README.md, the page, into a
 * folder. Errors: BAD_OUTPUT, NO_MEMORY. */
LAM_API LAM_MUST_USE lam_status lam_reproduction_save(lam_context *context,
                                                      const lam_reproduction *reproduction,
                                                      const char *directory);

/** Writes run.json of an experiment that is done into `directory`, which is made if missing:
 * what was run where and what came out, without places of this machine. Errors: BAD_MODEL,
 * BAD_OUTPUT. */
LAM_API LAM_MUST_USE lam_status lam_experiment_publish(lam_context *context,
                                                       const lam_experiment *experiment,
                                                       const char *folder,
                                                       const char *directory);

LAM_END_DECLS

#endif
