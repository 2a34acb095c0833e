/* SPDX-License-Identifier: Apache-2.0 */
#include "op/tuner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "kernel/choice_cache.h"
#include "op/matmul_trial.h"

struct lam_tuner {
    lam_device *device;
    lam_tune_options options;
    lam_choice_cache *cache;
    double spent_seconds;
    size_t measured_count;
    json_t *measured; /* keys, alone and with members, that were measured since the start */
    json_t *chosen;   /* key with members -> record, in the order of first use */
};

/* One product whose way is to be chosen. */
typedef struct choice {
    lam_tuner *tuner;
    const lam_engine *engine;
    const lam_product_call *call;
    const lam_matmul_variant *variants;
    size_t count;
    size_t members;
    const char *held_family; /* that its results are held to; NULL if none is known or listed */
    char families[64];       /* "registers+clblast" */
    char name[96];           /* "forward 100x3072x50" */
    char key[192];           /* all that decides but the members */
    char member_key[224];
} choice;

/* ---- policies ---- */

static const char *const policy_names[] = {
#define LAM_TUNE_POLICY_TEXT(name, text) text,
    LAM_TUNE_POLICY_LIST(LAM_TUNE_POLICY_TEXT)
#undef LAM_TUNE_POLICY_TEXT
};

bool lam_tune_policy_parse(const char *text, lam_tune_policy *ret_policy)
{
    for (size_t i = 0; i < sizeof policy_names / sizeof policy_names[0]; i++)
        if (strcmp(text, policy_names[i]) == 0) {
            *ret_policy = (lam_tune_policy)i;
            return true;
        }
    return false;
}

lam_status lam_tune_get_default_policy(lam_context *context, lam_tune_policy *ret_policy)
{
    const char *text = getenv("LAMINA_TUNE");
    if (!text || !*text)
        *ret_policy = LAM_TUNE_POLICY_AUTO;
    else if (!lam_tune_policy_parse(text, ret_policy))
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "LAMINA_TUNE=%s is unknown; legal: off, auto, full", text);
    return LAM_STATUS_OK;
}

/* ---- starting ---- */

static void destroy_tuner(lam_tuner **tuner)
{
    lam_choice_cache_close(&(*tuner)->cache);
    json_decref((*tuner)->measured);
    json_decref((*tuner)->chosen);
    free(*tuner);
    *tuner = NULL;
}

lam_status lam_tune_start(lam_device *device, const lam_tune_options *options)
{
    lam_context *context = lam_device_get_context(device);
    lam_device_set_tuner(device, NULL, NULL);
    if (options->policy == LAM_TUNE_POLICY_OFF)
        return LAM_STATUS_OK;
    lam_tuner *tuner = calloc(1, sizeof *tuner);
    if (!tuner)
        return lam_fail_memory(context, "the tuner", sizeof *tuner);
    tuner->device = device;
    tuner->options = *options;
    tuner->measured = json_object();
    tuner->chosen = json_object();
    lam_status status =
        lam_choice_cache_open(context, lam_device_get_info(device), &tuner->cache);
    if (status == LAM_STATUS_OK)
        lam_device_set_tuner(device, tuner, destroy_tuner);
    else
        destroy_tuner(&tuner);
    return status;
}

/* ---- what a product is called ---- */

static void name_families(choice *c)
{
    c->families[0] = '\0';
    size_t length = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (i > 0 && c->variants[i].gemm == c->variants[i - 1].gemm)
            continue;
        length += (size_t)snprintf(c->families + length, sizeof c->families - length, "%s%s",
                                   i > 0 ? "+" : "", lam_gemm_name(c->variants[i].gemm));
    }
}

static const char *name_precision(const lam_engine *engine)
{
    return engine->real == LAM_REAL_TYPE_F64 ? "double" : "float";
}

static void name_choice(choice *c)
{
    const lam_dense *dense = c->call->dense;
    name_families(c);
    snprintf(c->name, sizeof c->name, "%s %zux%zux%zu", lam_product_name(c->call->product),
             dense->rows, dense->in, dense->out);
    snprintf(c->key, sizeof c->key, "%s %s %s %s %s", c->name, name_precision(c->engine),
             dense->input.x ? "matrix" : "gathered", dense->shares_input ? "shared" : "apart",
             c->families);
    snprintf(c->member_key, sizeof c->member_key, "%s %zu", c->key, c->members);
}

/* ---- known choices ---- */

static json_t *describe_defines(const lam_matmul_variant *variant)
{
    json_t *defines = json_object();
    for (int i = 0; i < variant->defines.count; i++)
        json_object_set_new(defines, variant->defines.items[i].name,
                            json_integer(variant->defines.items[i].value));
    return defines;
}

static bool is_of_family(const lam_matmul_variant *variant, const char *family)
{
    return !family || strcmp(lam_gemm_name(variant->gemm), family) == 0;
}

/* The first way of the family that results are held to. */
static size_t find_first(const choice *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (is_of_family(&c->variants[i], c->held_family))
            return i;
    return 0;
}

static const char *find_held_family(const choice *c)
{
    const char *family = lam_choice_cache_get_family(c->tuner->cache, c->key);
    for (size_t i = 0; i < c->count && family; i++)
        if (is_of_family(&c->variants[i], family))
            return family;
    return NULL;
}

/* The way that was measured to be the fastest; `count` when none was, or is listed no more. */
static size_t find_known(const choice *c)
{
    const char *family = lam_choice_cache_get_family(c->tuner->cache, c->key);
    const json_t *record = lam_choice_cache_get(c->tuner->cache, c->key, c->members);
    const json_t *known = json_object_get(record, "defines");
    if (!family || !known)
        return c->count;
    for (size_t i = 0; i < c->count; i++) {
        json_t *defines = describe_defines(&c->variants[i]);
        bool is_it = is_of_family(&c->variants[i], family) && json_equal(defines, known);
        json_decref(defines);
        if (is_it)
            return i;
    }
    return c->count;
}

/* ---- records ---- */

static json_t *describe_product(const choice *c, const lam_matmul_variant *chosen)
{
    const lam_dense *dense = c->call->dense;
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:s, s:s, s:s, s:o}", "product",
                     lam_product_name(c->call->product), "rows", (json_int_t)dense->rows, "in",
                     (json_int_t)dense->in, "out", (json_int_t)dense->out, "members",
                     (json_int_t)c->members, "gathers", dense->input.x == NULL, "shares_input",
                     (int)dense->shares_input, "precision", name_precision(c->engine),
                     "families", c->families, "family", lam_gemm_name(chosen->gemm), "defines",
                     describe_defines(chosen));
}

static json_t *describe_candidate(const lam_matmul_candidate *candidate)
{
    json_t *described =
        json_pack("{s:s, s:o}", "family", lam_gemm_name(candidate->variant->gemm), "defines",
                  describe_defines(candidate->variant));
    if (candidate->seconds > 0)
        json_object_set_new(described, "seconds", json_real(candidate->seconds));
    if (candidate->rejection[0])
        json_object_set_new(described, "rejected", json_string(candidate->rejection));
    return described;
}

static json_t *describe_measurement(const choice *c, const lam_matmul_candidate *candidates,
                                    size_t count, size_t picked)
{
    char date[32] = "";
    time_t now = time(NULL);
    struct tm parts;
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    json_t *record = describe_product(c, candidates[picked].variant), *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, describe_candidate(&candidates[i]));
    json_object_set_new(record, "seconds", json_real(candidates[picked].seconds));
    json_object_set_new(record, "date", json_string(date));
    json_object_set_new(record, "candidates", list);
    return record;
}

/* Keeps for the report what was taken. */
static void note_choice(const choice *c, size_t chosen)
{
    const json_t *known = find_known(c) == chosen
                              ? lam_choice_cache_get(c->tuner->cache, c->key, c->members)
                              : NULL;
    json_t *record = known ? json_copy((json_t *)(uintptr_t)known)
                           : describe_product(c, &c->variants[chosen]);
    json_object_set_new(record, "is_new",
                        json_boolean(json_object_get(c->tuner->measured, c->member_key)));
    json_object_set_new(c->tuner->chosen, c->member_key, record);
}

/* ---- measuring ---- */

static bool is_small(const choice *c)
{
    const lam_dense *dense = c->call->dense;
    return (double)dense->rows * (double)dense->in * (double)dense->out * (double)c->members <
           LAM_TUNE_LEAST_OPERATIONS;
}

/* On processors, CLBlast takes ten times as long as register tiles, and PoCL 23 s to build it
 * for the first time: only who asks for everything gets to wait for that. */
static bool is_tried(const choice *c, const lam_matmul_variant *variant)
{
    return c->tuner->options.policy == LAM_TUNE_POLICY_FULL ||
           variant->gemm != LAM_GEMM_CLBLAST || c->engine->gemm != LAM_GEMM_REGISTERS;
}

static size_t list_candidates(const choice *c,
                              lam_matmul_candidate ret_candidates[LAM_MAX_MATMUL_VARIANTS])
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        if (is_of_family(&c->variants[i], c->held_family) && is_tried(c, &c->variants[i]))
            ret_candidates[count++] = (lam_matmul_candidate){.variant = &c->variants[i]};
    return count;
}

/* A profile is to show the work alone, and makes launches slower. */
static bool may_measure(const choice *c)
{
    const lam_tuner *tuner = c->tuner;
    if (!lam_choice_cache_is_writable(tuner->cache) || lam_device_is_profiling(tuner->device))
        return false;
    return tuner->options.policy == LAM_TUNE_POLICY_FULL ||
           (!is_small(c) && tuner->spent_seconds < tuner->options.budget_seconds);
}

static void tell_progress(const lam_tuner *tuner, const char *product)
{
    const lam_tune_progress progress = {
        .product = product,
        .index = tuner->measured_count + 1,
        .seconds = tuner->spent_seconds,
        .budget_seconds =
            tuner->options.policy == LAM_TUNE_POLICY_FULL ? 0 : tuner->options.budget_seconds};
    if (tuner->options.progress)
        tuner->options.progress(tuner->options.progress_user, &progress);
}

static lam_status try_candidates(const choice *c, lam_matmul_candidate *candidates,
                                 size_t count)
{
    lam_tuner *tuner = c->tuner;
    uint64_t start = lam_clock_get_ns();
    tell_progress(tuner, c->name);
    lam_status status = lam_matmul_try(c->engine, c->call, candidates, count);
    tuner->spent_seconds += 1e-9 * (double)(lam_clock_get_ns() - start);
    tell_progress(tuner, NULL);
    tuner->measured_count++;
    return status;
}

/* Another process may have been quicker: then its choice counts. */
static size_t keep_choice(const choice *c, const lam_matmul_candidate *candidates, size_t count,
                          size_t picked)
{
    lam_tuner *tuner = c->tuner;
    const lam_kept_choice kept = {.key = c->key,
                                  .family = lam_gemm_name(candidates[picked].variant->gemm),
                                  .members = c->members,
                                  .record = describe_measurement(c, candidates, count, picked)};
    bool was_stale = lam_choice_cache_get(tuner->cache, c->key, c->members) ||
                     (lam_choice_cache_get_family(tuner->cache, c->key) && !c->held_family);
    bool is_kept = lam_choice_cache_put(
        tuner->cache, &kept, was_stale || tuner->options.policy == LAM_TUNE_POLICY_FULL);
    json_decref(kept.record);
    if (!is_kept)
        return c->count;
    json_object_set_new(tuner->measured, c->key, json_true());
    json_object_set_new(tuner->measured, c->member_key, json_true());
    return find_known(c);
}

/* `count` for the chosen one when nothing came of it, which is no error but a warning. */
static lam_status measure(const choice *c, lam_matmul_candidate *candidates, size_t count,
                          size_t *ret_chosen)
{
    lam_status status = try_candidates(c, candidates, count);
    if (status == LAM_STATUS_INTERRUPTED)
        return status;
    size_t picked = lam_matmul_pick(candidates, count);
    if (status == LAM_STATUS_OK && picked < count) {
        *ret_chosen = keep_choice(c, candidates, count, picked);
        return LAM_STATUS_OK;
    }
    lam_log(c->engine->context, LAM_LOG_LEVEL_WARNING,
            "%s could not be measured, and is computed in the built-in way: %s", c->name,
            status == LAM_STATUS_OK ? candidates[0].rejection
                                    : lam_error_message(c->engine->context));
    *ret_chosen = c->count;
    return LAM_STATUS_OK;
}

lam_status lam_tuner_choose(const lam_engine *engine, const lam_product_call *call,
                            const lam_matmul_variant *variants, size_t count,
                            size_t *ret_chosen)
{
    lam_tuner *tuner = engine->tuner;
    choice c = {.tuner = tuner,
                .engine = engine,
                .call = call,
                .variants = variants,
                .count = count,
                .members = call->dense->members};
    lam_matmul_candidate candidates[LAM_MAX_MATMUL_VARIANTS];
    bool measures_anew = tuner->options.policy == LAM_TUNE_POLICY_FULL;
    name_choice(&c);
    if (!measures_anew || json_object_get(tuner->measured, c.key))
        c.held_family = find_held_family(&c);
    size_t chosen = count;
    if (!measures_anew || json_object_get(tuner->measured, c.member_key) ||
        !lam_choice_cache_is_writable(tuner->cache))
        chosen = find_known(&c);
    if (chosen == count && may_measure(&c)) {
        size_t candidate_count = list_candidates(&c, candidates);
        if (candidate_count > 1 || measures_anew)
            LAM_TRY(measure(&c, candidates, candidate_count, &chosen));
    }
    if (chosen == count) {
        c.held_family = find_held_family(&c);
        chosen = find_first(&c);
    }
    note_choice(&c, chosen);
    *ret_chosen = chosen;
    return LAM_STATUS_OK;
}

/* ---- reporting ---- */

static lam_status get_tuner(const lam_device *device, lam_tuner **ret_tuner)
{
    *ret_tuner = lam_device_get_tuner(device);
    if (*ret_tuner)
        return LAM_STATUS_OK;
    return lam_fail(lam_device_get_context(device), LAM_STATUS_BAD_ARGUMENT,
                    "nothing is tuned on this device; call lam_tune_start() with another "
                    "policy than off");
}

static json_t *list_chosen(const lam_tuner *tuner)
{
    json_t *list = json_array(), *record = NULL;
    const char *key = NULL;
    json_object_foreach(tuner->chosen, key, record) json_array_append(list, record);
    return list;
}

lam_status lam_tune_report(const lam_device *device, bool all, char **ret_json)
{
    lam_tuner *tuner = NULL;
    LAM_TRY(get_tuner(device, &tuner));
    json_t *products = all ? lam_choice_cache_list(tuner->cache) : list_chosen(tuner);
    json_t *origin = json_deep_copy(lam_choice_cache_get_origin(tuner->cache));
    json_t *report =
        json_pack("{s:s, s:o, s:o}", "file", lam_choice_cache_get_path(tuner->cache), "origin",
                  origin, "products", products);
    char *text = report ? json_dumps(report, JSON_INDENT(2)) : NULL;
    json_decref(report);
    if (!text)
        return lam_fail_memory(lam_device_get_context(device), "a report", sizeof *report);
    *ret_json = text;
    return LAM_STATUS_OK;
}

lam_status lam_tune_clear(lam_device *device)
{
    lam_tuner *tuner = NULL;
    LAM_TRY(get_tuner(device, &tuner));
    return lam_choice_cache_clear(tuner->cache);
}
