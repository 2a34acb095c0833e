/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the subcommands of `lamina` share: options, data loading and output.
 * Results go to stdout, messages to stderr.
 */
#ifndef LAM_TOOLS_TOOL_H
#define LAM_TOOLS_TOOL_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>

#include "lamina/lamina.h"

/** A subcommand: gets its own argv, returns the exit status. */
typedef int tool_command(lam_context *context, int argc, char **argv);

tool_command cmd_bench;
tool_command cmd_check_gradients;
tool_command cmd_devices;
tool_command cmd_ensemble;
tool_command cmd_evaluate;
tool_command cmd_export;
tool_command cmd_lambda_search;
tool_command cmd_lr_range;
tool_command cmd_plot;
tool_command cmd_predict;
tool_command cmd_preview;
tool_command cmd_recipe;
tool_command cmd_report;
tool_command cmd_reproduce;
tool_command cmd_schedule;
tool_command cmd_search;
tool_command cmd_train;
tool_command cmd_tune;
tool_command cmd_watch;

/* ---- options.c ---- */

/** Options that several subcommands take, through the argp children below. */
typedef struct common_options {
    const char *device;
    const char *data;    /* a folder, "synthetic", or NULL */
    bool data_is_option; /* given on the command line, not by LAMINA_DATA */
    const char *recipe;  /* a path; NULL when none is named */
    const char **overrides;
    size_t override_count;
    lam_gemm gemm;
    const char *tune; /* a policy's name; NULL: LAMINA_TUNE, else auto */
    bool quiet;       /* no progress */
    bool json;
} common_options;

/** --device and --gemm; its input is a common_options. */
extern const struct argp device_argp;
/** --data; its input is a common_options. */
extern const struct argp data_argp;
/** --set; its input is a common_options. */
extern const struct argp set_argp;
/** The argument RECIPE and --set; its input is a common_options. */
extern const struct argp recipe_argp;
/** --tune; its input is a common_options. */
extern const struct argp tune_argp;
/** --json; its input is a common_options. */
extern const struct argp json_argp;

/** Of commands that ask what is in run folders: device_argp, data_argp, tune_argp, json_argp.
 */
extern const struct argp_child run_children[];
/** What their --model means. */
extern const char model_help[];
/** Of commands that run a recipe: device_argp, data_argp, tune_argp, recipe_argp, json_argp. */
extern const struct argp_child training_children[];
/** At ARGP_KEY_INIT: the input of all children, which end with a NULL argp. */
void share_options(struct argp_state *state, const struct argp_child *children,
                   common_options *options);

/** A usage error where no RECIPE was named. */
void require_recipe(const struct argp_state *state, const common_options *options);
/** Loads the RECIPE with what --set overrides. */
LAM_MUST_USE lam_status load_recipe(lam_context *context, const common_options *options,
                                    lam_recipe *ret_recipe);

/** Values from the environment (LAMINA_DEVICE, LAMINA_DATA), to be overridden by options. */
common_options common_options_start(void);
void common_options_free(common_options *options);

/** Parses a whole number or number within limits, or ends the program with a usage error. */
long long parse_whole(const struct argp_state *state, const char *option, const char *text,
                      long long minimum, long long maximum);
double parse_number(const struct argp_state *state, const char *option, const char *text);

/** Reads the name of a figure's theme, or ends the program with a usage error. */
lam_theme parse_theme(const struct argp_state *state, const char *text);

/** The folder that `--data`, LAMINA_DATA or the default name; NULL when there is none. May turn
 * the recipe to the synthetic set. */
const char *settle_data(const common_options *options, lam_recipe *recipe);

/* ---- open_device.c ---- */

/** Opens the device that the options ask for, says which one it is, and starts its tuning. */
LAM_MUST_USE lam_status open_device(lam_context *context, const common_options *options,
                                    lam_device **ret_device);

/** Starts tuning with the given policy and this program's progress. */
LAM_MUST_USE lam_status start_tuning(lam_device *device, const common_options *options,
                                     lam_tune_policy policy, double budget_seconds);

/** A device with a context of its own, for a thread of its own. */
typedef struct device_seat {
    lam_context *context;
    lam_device *device;
} device_seat;

/** `{0}` is empty. */
typedef struct device_set {
    device_seat *seats;
    size_t count;
} device_set;

/** Process `index` of `count` that share a machine's devices; {0, 1} has them for itself. */
typedef struct process_share {
    size_t index, count;
} process_share;

/** Opens the process's share of all devices that the options name, one after another, as
 * open_device() does. Of several, one that cannot be opened is left out with a warning. A
 * failure has been reported on stderr when this returns. */
LAM_MUST_USE lam_status open_device_set(lam_context *context, const common_options *options,
                                        process_share share, device_set *ret_set);
void device_set_close(device_set *set);

/* ---- run_data.c ---- */

/** A run folder's recipe and data. `{0}` is empty. */
typedef struct run_data {
    lam_recipe recipe;
    char *folder; /* the data's; NULL for the synthetic set */
    lam_dataset *dataset;
} run_data;

/** Loads what a run folder was trained with: where the options say that the data is, else where
 * the run recorded it. Data that is already there and the same stays. */
LAM_MUST_USE lam_status run_data_load(lam_context *context, const common_options *options,
                                      const char *directory, run_data *run);
void run_data_free(run_data *run);

/* ---- net_shape.c ---- */

/** A network as its widths, inputs first; ReLU between dense layers. */
typedef struct net_shape {
    size_t inputs;
    lam_network network;
} net_shape;

/** Reads e.g. "3072-50-10"; false when that is no network. With `batch_norm` each hidden dense
 * layer is normalized in front of its ReLU, as recipes do by default. */
bool parse_net(const char *text, bool batch_norm, net_shape *ret_shape);
/** A usage error where the argument of --net is no network. */
void check_net(struct argp_state *state, const char *text, bool batch_norm);

/* ---- output.c ---- */

/** Prints the context's message to stderr; returns the status's exit code. */
int report_failure(const lam_context *context, lam_status status);

/** Columns of the terminal behind stderr: a line that wraps cannot be drawn over. */
int get_terminal_columns(void);

/** Prints `json` to stdout and releases it; returns the exit status. */
int print_json(json_t *json);

/** null for what is no finite number, which JSON does not have. */
json_t *number_to_json(double value);
/** {"loss":, "cost":, "accuracy":} */
json_t *metrics_to_json(const lam_metrics *metrics);
/** {"step":, "epoch":, "learning_rate":, "train": {..}, "validation": {..}}; null for none. */
json_t *measurement_to_json(const lam_measurement *m);

/** A field of comma-separated values, in quotes where it has to be: RFC 4180. */
void print_csv_text(FILE *out, const char *text);
/** With a comma in front; empty for what is no finite number. */
void print_csv_number(FILE *out, double value);
/** The six columns of CSV_METRICS. */
void print_csv_metrics(FILE *out, const lam_measurement *m);
#define CSV_METRICS                                                                            \
    "train_loss,train_cost,train_accuracy,validation_loss,validation_cost,validation_accuracy"

/** Prints the table of the splits that exist against loss, cost and accuracy: the summary's
 * final or best metrics. */
void print_metrics(const lam_run_summary *summary, const lam_metrics metrics[LAM_SPLIT_COUNT]);
/** Whether an output is to be stdout, written as `-'; NULL is none. */
bool is_stdout(const char *output);
/** Writes predictions to a file or to stdout. */
LAM_MUST_USE lam_status write_predictions(lam_context *context,
                                          const lam_predictions *predictions,
                                          const char *output);

/** {"train": {..}, ..} of the splits that exist. */
json_t *splits_to_json(const lam_run_summary *summary,
                       const lam_metrics metrics[LAM_SPLIT_COUNT]);

/* ---- seeds.c ---- */

/** Several seeds from the command line; free() the seeds. */
typedef struct seed_list {
    uint64_t *seeds;
    size_t count;
} seed_list;

/** Reads "1..6", "1,3,7" or both mixed, or ends the program with a usage error. */
seed_list parse_seeds(struct argp_state *state, const char *text);

/** Prints each seed's accuracies and losses, and what they say together; or with `json` the
 * set's summary. Returns the exit status. */
int print_seeds(const char *directory, const lam_seed_result *results, size_t count, bool json);

/* ---- training.c ---- */

/** One line of it, what matters most first. */
void format_progress(const lam_progress *progress, char *text, size_t bytes);
/** "03:20", "1:02:09"; "--:--" for a negative number: unknown. */
void format_duration(double seconds, char text[32]);

/** What is to be trained besides the recipe; borrowed. */
typedef struct training_request {
    const char *directory; /* that files go to */
    bool force, resume;
    seed_list seeds;             /* count 0: the recipe's alone */
    bool varies_order;           /* --vary order */
    lam_trace *trace;            /* NULL for none */
    const char *event_directory; /* --tensorboard; "": in the run folder; NULL for none */
} training_request;

/** What training gave: of one network, or of one for each seed. */
typedef struct training_outcome {
    lam_run_summary summary;
    lam_seed_result *results; /* [seeds.count] */
} training_outcome;

/** Opens the device, loads the data and trains, with progress on stderr. May turn the recipe to
 * the synthetic set. training_outcome_free() what it gives, also when it fails. */
LAM_MUST_USE lam_status run_training(lam_context *context, const common_options *common,
                                     lam_recipe *recipe, const training_request *request,
                                     training_outcome *ret_outcome);
void training_outcome_free(training_outcome *outcome);

/* ---- event_logs.c ---- */

/** Event files for TensorBoard of networks in training. Where they cannot be written a warning
 * says so once, and training goes on. NULL is none of them. */
typedef struct event_logs event_logs;

/** Those that the request asks for; NULL where it does not. */
event_logs *event_logs_open(lam_context *context, const training_request *request);
void event_logs_update(event_logs *logs);
/** After training that ended, however it did, with what is known then. */
void event_logs_close(event_logs **logs, bool has_trained);

#endif
