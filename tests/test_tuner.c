/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "kernel/choice_cache.h"
#include "op/matmul_trial.h"
#include "op/tuner.h"
#include "support/device_fixture.h"
#include "support/suite.h"

static test_folder folder, kernels;

/* The device first: PoCL keeps its programs in the cache folder, too, and should find them. */
static void set_up(void)
{
    (void)test_device();
    folder = test_folder_make();
    kernels = test_folder_make();
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", folder.path, 1), 0);
}

static void tear_down(void)
{
    const lam_tune_options off = {.policy = LAM_TUNE_POLICY_OFF};
    ck_assert_ok(lam_tune_start(test_device(), &off));
    test_kernels_leave();
    test_folder_remove(&kernels);
    test_folder_remove(&folder);
}

/* ---- products ---- */

/* A product without buffers: tuning makes its own. */
typedef struct product {
    lam_product product;
    lam_dense dense;
    lam_weight_gradient gradient;
    bool is_matrix, updates;
} product;

static int matrix, table; /* stand for buffers that are there */

static lam_product_call describe(product *p)
{
    p->dense.input.x = p->is_matrix ? (lam_buffer *)&matrix : NULL;
    p->gradient.table = p->updates ? (lam_buffer *)&table : NULL;
    return (lam_product_call){
        .product = p->product, .dense = &p->dense, .gradient = &p->gradient};
}

static product forward(size_t rows, size_t in, size_t out, size_t members)
{
    return (product){.product = LAM_PRODUCT_FORWARD,
                     .dense = {.rows = rows,
                               .in = in,
                               .out = out,
                               .members = members,
                               .activation = LAM_ACTIVATION_RELU},
                     .is_matrix = true};
}

/* Large enough for AUTO, and no more. */
static product usual(size_t members)
{
    return forward(64, 64, 64, members);
}

/* ---- tuning ---- */

static int progress_count;

static void count_progress(void *user, const lam_tune_progress *progress)
{
    (void)user;
    progress_count += progress->product != NULL;
}

static void start(lam_tune_policy policy, double budget_seconds)
{
    const lam_tune_options options = {
        .policy = policy, .budget_seconds = budget_seconds, .progress = count_progress};
    progress_count = 0;
    ck_assert_ok(lam_tune_start(test_device(), &options));
}

/* The way that the tuner takes, among those that the engine lists. */
static lam_matmul_variant choose_with(lam_engine *engine, product p)
{
    lam_matmul_variant variants[LAM_MAX_MATMUL_VARIANTS];
    const lam_product_call call = describe(&p);
    size_t chosen = LAM_MAX_MATMUL_VARIANTS;
    size_t count = lam_matmul_list_variants(engine, p.product, &p.dense, variants);
    ck_assert_ok(lam_tuner_choose(engine, &call, variants, count, &chosen));
    ck_assert_uint_lt(chosen, count);
    return variants[chosen];
}

static lam_matmul_variant choose(product p)
{
    lam_engine *engine = test_engine(LAM_REAL_TYPE_F32, LAM_GEMM_AUTO);
    lam_matmul_variant chosen = choose_with(engine, p);
    lam_engine_destroy(&engine);
    return chosen;
}

static lam_matmul_variant list_at(product p, size_t position)
{
    lam_matmul_variant variants[LAM_MAX_MATMUL_VARIANTS];
    lam_engine *engine = test_engine(LAM_REAL_TYPE_F32, LAM_GEMM_AUTO);
    (void)describe(&p);
    size_t count = lam_matmul_list_variants(engine, p.product, &p.dense, variants);
    lam_engine_destroy(&engine);
    ck_assert_uint_lt(position, count);
    return variants[position];
}

static void expect_same(lam_matmul_variant a, lam_matmul_variant b)
{
    lam_strbuf texts[2] = {0};
    lam_define_set_format(&a.defines, &texts[0]);
    lam_define_set_format(&b.defines, &texts[1]);
    ck_assert_str_eq(lam_gemm_name(a.gemm), lam_gemm_name(b.gemm));
    ck_assert_str_eq(lam_strbuf_text(&texts[0]), lam_strbuf_text(&texts[1]));
    lam_strbuf_free(&texts[0]);
    lam_strbuf_free(&texts[1]);
}

static json_t *get_report(bool all)
{
    char *text = NULL;
    ck_assert_ok(lam_tune_report(test_device(), all, &text));
    json_t *report = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(report);
    free(text);
    return report;
}

/* The only product of the report, borrowed. */
static const json_t *get_product(const json_t *report)
{
    const json_t *products = json_object_get(report, "products");
    ck_assert_uint_eq(json_array_size(products), 1);
    return json_array_get(products, 0);
}

static const char *get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Leaves a choice for a forward product in the file. */
static void write_choice(product p, const char *family, json_t *defines)
{
    lam_choice_cache *cache = NULL;
    char key[128];
    snprintf(key, sizeof key, "forward %zux%zux%zu float matrix apart %s+clblast", p.dense.rows,
             p.dense.in, p.dense.out, lam_gemm_name(list_at(p, 0).gemm));
    json_t *record = json_pack("{s:o}", "defines", defines);
    const lam_kept_choice choice = {
        .key = key, .family = family, .members = p.dense.members, .record = record};
    ck_assert_ok(
        lam_choice_cache_open(test_context(), lam_device_get_info(test_device()), &cache));
    ck_assert(lam_choice_cache_put(cache, &choice, true));
    lam_choice_cache_close(&cache);
    json_decref(record);
}

START_TEST(without_a_tuner_products_are_not_chosen)
{
    char *text = NULL;
    lam_engine *engine = test_engine(LAM_REAL_TYPE_F32, LAM_GEMM_AUTO);
    ck_assert_ptr_null(engine->tuner);
    ck_assert_int_eq(lam_tune_report(test_device(), false, &text), LAM_STATUS_BAD_ARGUMENT);
    ck_assert_int_eq(lam_tune_clear(test_device()), LAM_STATUS_BAD_ARGUMENT);
    ck_assert_int_eq(test_folder_count(&folder), 0);
    lam_engine_destroy(&engine);
}
END_TEST

START_TEST(no_budget_leaves_the_first_way)
{
    start(LAM_TUNE_POLICY_AUTO, 0);
    expect_same(choose(usual(1)), list_at(usual(1), 0));
    ck_assert_int_eq(progress_count, 0);
    json_t *report = get_report(false);
    ck_assert_str_eq(get_text(get_product(report), "date"), "");
    ck_assert(json_is_false(json_object_get(get_product(report), "is_new")));
    json_decref(report);
}
END_TEST

START_TEST(small_product_is_left_to_the_first_way)
{
    start(LAM_TUNE_POLICY_AUTO, 100);
    expect_same(choose(forward(10, 20, 10, 1)), list_at(forward(10, 20, 10, 1), 0));
    ck_assert_int_eq(progress_count, 0);
}
END_TEST

START_TEST(product_is_measured_once)
{
    start(LAM_TUNE_POLICY_AUTO, 100);
    lam_matmul_variant first = choose(usual(1));
    expect_same(choose(usual(1)), first);
    ck_assert_int_eq(progress_count, 1);
    start(LAM_TUNE_POLICY_AUTO, 100);
    expect_same(choose(usual(1)), first);
    ck_assert_int_eq(progress_count, 0);
    json_t *report = get_report(false);
    const json_t *found = get_product(report);
    ck_assert_str_eq(get_text(found, "family"), lam_gemm_name(first.gemm));
    ck_assert_str_ne(get_text(found, "date"), "");
    ck_assert_double_gt(json_number_value(json_object_get(found, "seconds")), 0);
    ck_assert(json_is_false(json_object_get(found, "is_new")));
    json_decref(report);
}
END_TEST

START_TEST(full_measures_small_and_known_products_once_a_start)
{
    product small = forward(5, 20, 8, 1);
    for (int i = 0; i < 2; i++) {
        start(LAM_TUNE_POLICY_FULL, 0);
        lam_matmul_variant first = choose(small);
        expect_same(choose(small), first);
        ck_assert_int_eq(progress_count, 1);
    }
    json_t *report = get_report(false);
    const json_t *candidates = json_object_get(get_product(report), "candidates");
    ck_assert_uint_ge(json_array_size(candidates), 2);
    ck_assert(json_is_true(json_object_get(get_product(report), "is_new")));
    json_decref(report);
}
END_TEST

static json_t *describe_defines(const lam_matmul_variant *variant)
{
    json_t *defines = json_object();
    for (int i = 0; i < variant->defines.count; i++)
        json_object_set_new(defines, variant->defines.items[i].name,
                            json_integer(variant->defines.items[i].value));
    return defines;
}

START_TEST(known_way_is_taken)
{
    lam_matmul_variant second = list_at(usual(1), 1);
    write_choice(usual(1), lam_gemm_name(second.gemm), describe_defines(&second));
    start(LAM_TUNE_POLICY_AUTO, 0);
    expect_same(choose(usual(1)), second);
}
END_TEST

/* A plan's launches tell which family it took. */
START_TEST(known_way_is_in_the_plan)
{
    product p = usual(1);
    lam_plan *plan = NULL;
    char name[64];
    write_choice(p, "clblast", json_object());
    start(LAM_TUNE_POLICY_AUTO, 0);
    lam_engine *engine = test_engine(LAM_REAL_TYPE_F32, LAM_GEMM_AUTO);
    lam_buffer *x = test_output(engine, 64 * 64), *y = test_output(engine, 64 * 64);
    p.dense.input.x = p.dense.w = p.dense.b = x;
    ck_assert_ok(lam_plan_create(engine, &plan));
    ck_assert_ok(lam_matmul_add_forward(engine, plan, &p.dense, y));
    lam_plan_name_launch(plan, 0, name, sizeof name);
    ck_assert_str_eq(name, "clblast_gemm 64x64x64");
    lam_plan_destroy(&plan);
    lam_buffer_destroy(&x);
    lam_buffer_destroy(&y);
    lam_engine_destroy(&engine);
}
END_TEST

/* A member has the same bits alone and in a crowd: whoever is measured first decides on the
 * family for all. */
START_TEST(family_holds_for_any_number_of_members)
{
    write_choice(usual(3), "clblast", json_object());
    start(LAM_TUNE_POLICY_AUTO, _i ? 100 : 0);
    ck_assert_int_eq(choose(usual(1)).gemm, LAM_GEMM_CLBLAST);
    ck_assert_int_eq(choose(usual(3)).gemm, LAM_GEMM_CLBLAST);
    ck_assert_int_eq(choose(usual(8)).gemm, LAM_GEMM_CLBLAST);
}
END_TEST

/* Within the family each number of members may have tiles of its own. */
START_TEST(members_are_measured_within_the_family)
{
    start(LAM_TUNE_POLICY_FULL, 0);
    lam_matmul_variant alone = choose(usual(1)), crowd = choose(usual(3));
    ck_assert_int_eq(progress_count, 2);
    ck_assert_int_eq(alone.gemm, crowd.gemm);
    json_t *report = get_report(true);
    ck_assert_uint_eq(json_array_size(json_object_get(report, "products")), 2);
    json_decref(report);
}
END_TEST

START_TEST(way_that_is_listed_no_more_is_measured_anew)
{
    lam_matmul_variant first = list_at(usual(1), 0);
    write_choice(usual(1), lam_gemm_name(first.gemm), json_pack("{s:i}", "TILE_ROWS", 1000));
    start(LAM_TUNE_POLICY_AUTO, 0);
    expect_same(choose(usual(1)), first);
    ck_assert_int_eq(progress_count, 0);
    start(LAM_TUNE_POLICY_AUTO, 100);
    (void)choose(usual(1));
    (void)choose(usual(1));
    ck_assert_int_eq(progress_count, 1);
}
END_TEST

START_TEST(family_that_is_listed_no_more_is_measured_anew)
{
    write_choice(usual(1), "abacus", json_object());
    start(LAM_TUNE_POLICY_AUTO, 100);
    (void)choose(usual(1));
    (void)choose(usual(1));
    ck_assert_int_eq(progress_count, 1);
}
END_TEST

/* Results would differ from run to run. */
START_TEST(nothing_is_measured_when_it_cannot_be_kept)
{
    test_file_write_text(test_path(&folder, "file"), "");
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", test_path(&folder, "file"), 1), 0);
    for (int policy = LAM_TUNE_POLICY_AUTO; policy <= LAM_TUNE_POLICY_FULL; policy++) {
        start((lam_tune_policy)policy, 100);
        expect_same(choose(usual(1)), list_at(usual(1), 0));
        ck_assert_int_eq(progress_count, 0);
    }
}
END_TEST

/* ---- wrong kernels ---- */

#define WRONG "#undef ACTIVATE\n#define ACTIVATE(type, x) ((x) * (type)1.001)\n"

/* Tunes the usual product with a fault in the register tiles; the report's product. */
static json_t *tune_with_fault(const char *fault)
{
    test_kernels_use(&kernels, "matmul_registers.cl", fault);
    start(LAM_TUNE_POLICY_FULL, 0);
    lam_engine *engine = test_engine(LAM_REAL_TYPE_F32, LAM_GEMM_AUTO);
    engine->gemm = LAM_GEMM_REGISTERS; /* also on a device that would begin with others */
    (void)choose_with(engine, usual(1));
    lam_engine_destroy(&engine);
    json_t *report = get_report(false);
    json_t *found = json_incref((json_t *)(uintptr_t)get_product(report));
    json_decref(report);
    return found;
}

/* Candidates with PACK of `pack` (or any, -1) are rejected for `reason`, and no others. */
static void expect_rejected(const json_t *found, int pack, const char *reason)
{
    size_t index = 0, rejected = 0;
    json_t *candidate = NULL;
    json_array_foreach(json_object_get(found, "candidates"), index, candidate)
    {
        const json_t *defines = json_object_get(candidate, "defines");
        const json_t *packs = json_object_get(defines, "PACK");
        const char *why = get_text(candidate, "rejected");
        bool is_faulty = packs && (pack < 0 || json_integer_value(packs) == pack);
        bool is_wrong = strstr(why, reason) != NULL;
        ck_assert_msg(is_faulty == is_wrong, "candidate %zu: %s", index, why);
        rejected += is_wrong;
        ck_assert(!is_wrong || !json_equal(defines, json_object_get(found, "defines")));
    }
    ck_assert_uint_gt(rejected, 0);
}

START_TEST(wrong_way_is_rejected)
{
    json_t *found = tune_with_fault("#if PACK == 1\n" WRONG "#endif\n");
    expect_rejected(found, 1, "computes wrongly");
    ck_assert_str_eq(get_text(found, "family"), "registers");
    json_decref(found);
}
END_TEST

START_TEST(way_that_does_not_build_is_rejected)
{
    json_t *found = tune_with_fault("#if PACK == 0\n#error \"broken\"\n#endif\n");
    expect_rejected(found, 0, "did not build");
    ck_assert_str_eq(get_text(found, "family"), "registers");
    json_decref(found);
}
END_TEST

START_TEST(wrong_family_falls_back_to_another)
{
    json_t *found = tune_with_fault(WRONG);
    expect_rejected(found, -1, "computes wrongly");
    ck_assert_str_eq(get_text(found, "family"), "clblast");
    json_decref(found);
}
END_TEST

/* ---- trials ---- */

/* Every family computes what the trial expects, whatever the layer. */
static const product trials[] = {
    {.product = LAM_PRODUCT_FORWARD,
     .dense = {.rows = 13, .in = 40, .out = 50, .members = 1, .shares_input = true}},
    {.product = LAM_PRODUCT_FORWARD,
     .dense = {.rows = 7,
               .in = 33,
               .out = 10,
               .members = 3,
               .shares_input = true,
               .activation = LAM_ACTIVATION_SIGMOID}},
    {.product = LAM_PRODUCT_FORWARD,
     .is_matrix = true,
     .dense =
         {.rows = 20, .in = 31, .out = 17, .members = 3, .activation = LAM_ACTIVATION_RELU}},
    {.product = LAM_PRODUCT_BACKWARD_INPUT,
     .is_matrix = true,
     .dense = {.rows = 20,
               .in = 31,
               .out = 17,
               .members = 3,
               .input_activation = LAM_ACTIVATION_RELU}},
    {.product = LAM_PRODUCT_BACKWARD_INPUT,
     .is_matrix = true,
     .dense = {.rows = 9,
               .in = 50,
               .out = 10,
               .members = 1,
               .input_activation = LAM_ACTIVATION_SIGMOID}},
    {.product = LAM_PRODUCT_BACKWARD_WEIGHTS,
     .updates = true,
     .dense = {.rows = 13, .in = 40, .out = 50, .members = 1, .shares_input = true}},
    {.product = LAM_PRODUCT_BACKWARD_WEIGHTS,
     .dense = {.rows = 11, .in = 23, .out = 10, .members = 3, .shares_input = true}},
    {.product = LAM_PRODUCT_BACKWARD_WEIGHTS,
     .is_matrix = true,
     .updates = true,
     .dense = {.rows = 20, .in = 31, .out = 17, .members = 3}},
};
enum { TRIAL_COUNT = sizeof trials / sizeof trials[0] };

static void try_family(lam_real_type real, lam_gemm gemm, product p)
{
    lam_matmul_variant variants[LAM_MAX_MATMUL_VARIANTS];
    lam_matmul_candidate candidates[LAM_MAX_MATMUL_VARIANTS] = {0};
    lam_engine *engine = test_engine(real, gemm);
    const lam_product_call call = describe(&p);
    size_t count = lam_matmul_list_variants(engine, p.product, &p.dense, variants);
    for (size_t i = 0; i < count; i++)
        candidates[i].variant = &variants[i];
    ck_assert_ok(lam_matmul_try(engine, &call, candidates, count));
    for (size_t i = 0; i < count; i++) /* a busy machine makes any of them slow */
        ck_assert_msg(candidates[i].rejection[0] ? !strncmp(candidates[i].rejection, "slow", 4)
                                                 : candidates[i].seconds > 0,
                      "%s %zu: %g s, %s", lam_gemm_name(gemm), i, candidates[i].seconds,
                      candidates[i].rejection);
    ck_assert_uint_lt(lam_matmul_pick(candidates, count), count);
    lam_engine_destroy(&engine);
}

START_TEST(right_ways_are_found_right)
{
    static const lam_gemm families[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES, LAM_GEMM_CLBLAST};
    for (size_t f = 0; f < 3; f++)
        try_family(LAM_REAL_TYPE_F32, families[f], trials[_i]);
    if (lam_device_get_info(test_device())->has_fp64)
        try_family(LAM_REAL_TYPE_F64, LAM_GEMM_REGISTERS, trials[_i]);
}
END_TEST

/* With many rows a part of them comes first; the result must be that of all. */
START_TEST(large_product_is_looked_at_with_a_part_of_its_rows)
{
    try_family(LAM_REAL_TYPE_F32, LAM_GEMM_REGISTERS, forward(1200, 1024, 1024, 1));
}
END_TEST

START_TEST(later_candidate_must_be_clearly_faster)
{
    lam_matmul_candidate c[] = {{.seconds = 1.0, .relative = 1.0},
                                {.seconds = 0.98, .relative = 0.9},
                                {.seconds = 0.9, .relative = 0.98},
                                {.seconds = 0.95, .relative = 0.95},
                                {.seconds = 0.9, .relative = 0.9}};
    ck_assert_uint_eq(lam_matmul_pick(c, 3), 0);
    ck_assert_uint_eq(lam_matmul_pick(c, 4), 3);
    snprintf(c[3].rejection, LAM_REJECTION_BYTES, "wrong");
    ck_assert_uint_eq(lam_matmul_pick(c, 5), 4);
    snprintf(c[0].rejection, LAM_REJECTION_BYTES, "wrong");
    ck_assert_uint_eq(lam_matmul_pick(c, 2), 1);
    ck_assert_uint_eq(lam_matmul_pick(c, 1), 1);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 240);
    tcase_add_checked_fixture(test_case, set_up, tear_down);
    tcase_add_loop_test(test_case, test, 0, count);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add(suite, "off", without_a_tuner_products_are_not_chosen, 1);
    add(suite, "budget", no_budget_leaves_the_first_way, 1);
    add(suite, "small", small_product_is_left_to_the_first_way, 1);
    add(suite, "once", product_is_measured_once, 1);
    add(suite, "full", full_measures_small_and_known_products_once_a_start, 1);
    add(suite, "known", known_way_is_taken, 1);
    add(suite, "plan", known_way_is_in_the_plan, 1);
    add(suite, "members", family_holds_for_any_number_of_members, 2);
    add(suite, "crowd", members_are_measured_within_the_family, 1);
    add(suite, "way gone", way_that_is_listed_no_more_is_measured_anew, 1);
    add(suite, "family gone", family_that_is_listed_no_more_is_measured_anew, 1);
    add(suite, "unwritable", nothing_is_measured_when_it_cannot_be_kept, 1);
    add(suite, "wrong", wrong_way_is_rejected, 1);
    add(suite, "broken", way_that_does_not_build_is_rejected, 1);
    add(suite, "fallback", wrong_family_falls_back_to_another, 1);
    add(suite, "right", right_ways_are_found_right, TRIAL_COUNT);
    add(suite, "large", large_product_is_looked_at_with_a_part_of_its_rows, 1);
    add(suite, "pick", later_candidate_must_be_clearly_faster, 1);
}

LAM_SUITE_MAIN("tuner", add_tests)
