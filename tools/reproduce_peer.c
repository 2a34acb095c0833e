/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reproduce.h"

struct reproduce_peer {
    char python[32], scripts[PATH_MAX], path[PATH_MAX];
    json_t *seconds; /* {"3072-50-10 100": seconds of a step, ..} */
};

/* What a command prints as JSON; NULL when it fails. The words hold no quotes. */
static json_t *ask(const char *format, ...) LAM_PRINTF(1, 2);
static json_t *ask(const char *format, ...)
{
    char command[2 * PATH_MAX];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(command, sizeof command, format, list);
    va_end(list);
    FILE *pipe = length < (int)sizeof command ? popen(command, "r") : NULL;
    if (!pipe)
        return NULL;
    json_t *answer = json_loadf(pipe, 0, NULL);
    if (pclose(pipe) == 0)
        return answer;
    json_decref(answer);
    return NULL;
}

/* A Python with NumPy: the first on the path may be another than Debian's. */
static bool find_python(char python[32])
{
    static const char *const names[] = {"python3", "/usr/bin/python3"};
    char command[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(command, sizeof command, "%s -c 'import numpy' >/dev/null 2>&1", names[i]);
        snprintf(python, 32, "%s", names[i]);
        if (system(command) == 0)
            return true;
    }
    return false;
}

reproduce_peer *reproduce_peer_open(const lam_manifest *manifest, const char *directory)
{
    reproduce_peer *peer = calloc(1, sizeof *peer);
    if (!peer || !*manifest->peer || strchr(manifest->peer, '\'') ||
        access(manifest->peer, R_OK) != 0 || !find_python(peer->python)) {
        free(peer);
        return NULL;
    }
    snprintf(peer->scripts, sizeof peer->scripts, "%s", manifest->peer);
    snprintf(peer->path, sizeof peer->path, "%.4000s/peer.json", directory);
    peer->seconds = json_load_file(peer->path, 0, NULL);
    if (!json_is_object(peer->seconds)) {
        json_decref(peer->seconds);
        peer->seconds = json_object();
    }
    return peer;
}

void reproduce_peer_close(reproduce_peer **peer)
{
    if (*peer)
        json_decref((*peer)->seconds);
    free(*peer);
    *peer = NULL;
}

/* A file that is lost is measured again. */
static void keep(const reproduce_peer *peer, lam_context *context)
{
    char *text = json_dumps(peer->seconds, JSON_INDENT(2) | JSON_SORT_KEYS);
    if (text && lam_output_save(context, peer->path, text, strlen(text)) != LAM_STATUS_OK)
        fprintf(stderr, "lamina: warning: %s; it will be measured again\n",
                lam_error_message(context));
    free(text);
}

/* The widths, e.g. "3072-50-10"; false for networks that the peer does not know: hidden layers
 * are dense, all normalized in front of their ReLU or none. */
static bool describe(const lam_recipe *recipe, char *text, size_t bytes, bool *ret_batch_norm)
{
    const lam_network *network = &recipe->network;
    int norms = 0, relus = 0, dense = 0;
    size_t length = (size_t)snprintf(text, bytes, "%d", LAM_IMAGE_INPUTS);
    if (recipe->optimizer.type != LAM_OPTIMIZER_SGD || recipe->optimizer.clip_norm > 0)
        return false;
    for (int i = 0; i < network->layer_count; i++) {
        const lam_layer *layer = &network->layers[i];
        bool is_behind_dense = i > 0 && network->layers[i - 1].type == LAM_LAYER_TYPE_DENSE;
        norms += layer->type == LAM_LAYER_TYPE_BATCH_NORM && is_behind_dense;
        relus += layer->type == LAM_LAYER_TYPE_RELU;
        if (layer->type == LAM_LAYER_TYPE_DENSE) {
            dense++;
            length += (size_t)snprintf(text + length, length < bytes ? bytes - length : 0,
                                       "-%d", layer->width);
        }
    }
    *ret_batch_norm = norms > 0;
    return length < bytes && relus == dense - 1 && (norms == 0 || norms == relus) &&
           dense + relus + norms == network->layer_count;
}

static double time_step(reproduce_peer *peer, lam_context *context, const char *net, int batch,
                        bool batch_norm)
{
    char key[512];
    snprintf(key, sizeof key, "%s %d%s", net, batch, batch_norm ? " batch_norm" : "");
    const json_t *known = json_object_get(peer->seconds, key);
    if (known)
        return json_number_value(known);
    json_t *answer =
        ask("PYTHONDONTWRITEBYTECODE=1 %s '%s/numpy_peer.py' %s --batch %d%s --epochs 1 "
            "--limit 1 2>/dev/null",
            peer->python, peer->scripts, net, batch, batch_norm ? " --batch-norm" : "");
    double steps = json_number_value(json_object_get(answer, "steps_per_epoch"));
    double seconds = json_number_value(json_object_get(answer, "seconds_per_epoch")) / steps;
    json_decref(answer);
    if (!isfinite(seconds) || seconds <= 0)
        return NAN;
    json_object_set_new(peer->seconds, key, json_real(seconds));
    keep(peer, context);
    return seconds;
}

double reproduce_peer_estimate(reproduce_peer *peer, lam_context *context,
                               const lam_recipe *recipe, size_t networks)
{
    char net[400];
    bool batch_norm = false;
    lam_schedule_span span;
    if (!peer || !describe(recipe, net, sizeof net, &batch_norm) ||
        lam_recipe_count_steps(context, recipe, lam_recipe_get_train_rows(recipe), &span) !=
            LAM_STATUS_OK)
        return NAN;
    return time_step(peer, context, net, recipe->batch, batch_norm) * (double)span.total_steps *
           (double)networks;
}

double reproduce_peer_check(const reproduce_peer *peer, const char *path)
{
    if (!peer || strchr(path, '\''))
        return NAN;
    json_t *answer = ask("PYTHONDONTWRITEBYTECODE=1 %s '%s/numpy_gradient.py' '%s' 2>/dev/null",
                         peer->python, peer->scripts, path);
    const json_t *error = json_object_get(answer, "norm_relative");
    double value = json_is_number(error) ? json_number_value(error) : NAN;
    json_decref(answer);
    return value;
}
