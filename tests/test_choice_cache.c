/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/choice_cache.h"
#include "support/kernel_folder.h"
#include "support/suite.h"

#define ck_assert_ok(expression) ck_assert_int_eq(expression, LAM_STATUS_OK)

static test_folder folder;
static lam_context *context;
static lam_choice_cache *cache;
static lam_device_info device;

/* Warnings, one a line. */
static char warnings[4096];

static void keep_warning(void *user, lam_log_level level, const char *message)
{
    (void)user;
    size_t length = strlen(warnings);
    if (level == LAM_LOG_LEVEL_WARNING)
        snprintf(warnings + length, sizeof warnings - length, "%s\n", message);
}

static int count_warnings(void)
{
    int count = 0;
    for (const char *at = warnings; *at; at++)
        count += *at == '\n';
    return count;
}

static void open_cache(void)
{
    ck_assert_ok(lam_choice_cache_open(context, &device, &cache));
}

static void reopen_cache(void)
{
    lam_choice_cache_close(&cache);
    open_cache();
}

static void set_up(void)
{
    folder = test_folder_make();
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", folder.path, 1), 0);
    ck_assert_ok(lam_context_create(&context));
    lam_context_set_log(context, keep_warning, NULL);
    warnings[0] = '\0';
    device = (lam_device_info){.name = "A Device (tm)",
                               .platform = "A Platform",
                               .driver_version = "1",
                               .opencl_version = "OpenCL 1.2 A",
                               .compute_units = 2};
    open_cache();
}

static void tear_down(void)
{
    test_kernel_folder_leave();
    lam_choice_cache_close(&cache);
    lam_context_destroy(&context);
    test_folder_remove(&folder);
}

static bool put_if(const char *key, const char *family, size_t members, int value,
                   bool replaces)
{
    json_t *record = json_pack("{s:i}", "value", value);
    const lam_kept_choice choice = {
        .key = key, .family = family, .members = members, .record = record};
    bool is_kept = lam_choice_cache_put(cache, &choice, replaces);
    json_decref(record);
    return is_kept;
}

static void put(const char *key, const char *family, size_t members, int value)
{
    ck_assert(put_if(key, family, members, value, false));
}

static int get(const char *key, size_t members)
{
    const json_t *record = lam_choice_cache_get(cache, key, members);
    return record ? (int)json_integer_value(json_object_get(record, "value")) : -1;
}

static size_t count_records(void)
{
    json_t *list = lam_choice_cache_list(cache);
    size_t count = json_array_size(list);
    json_decref(list);
    return count;
}

START_TEST(choices_survive_closing)
{
    put("a", "registers", 1, 10);
    put("a", "registers", 8, 80);
    put("b", "tiles", 1, 20);
    reopen_cache();
    ck_assert_str_eq(lam_choice_cache_get_family(cache, "a"), "registers");
    ck_assert_str_eq(lam_choice_cache_get_family(cache, "b"), "tiles");
    ck_assert_int_eq(get("a", 1), 10);
    ck_assert_int_eq(get("a", 8), 80);
    ck_assert_int_eq(get("b", 1), 20);
    ck_assert_int_eq(get("b", 8), -1);
    ck_assert_ptr_null(lam_choice_cache_get_family(cache, "c"));
    ck_assert_uint_eq(count_records(), 3);
    ck_assert_str_eq(warnings, "");
}
END_TEST

/* The first measurement decides on the family, whatever the number of members. */
START_TEST(first_family_and_first_record_stay)
{
    put("a", "registers", 1, 10);
    put("a", "clblast", 8, 81);
    put("a", "registers", 1, 11);
    ck_assert_str_eq(lam_choice_cache_get_family(cache, "a"), "registers");
    ck_assert_int_eq(get("a", 1), 10);
    ck_assert_int_eq(get("a", 8), -1);
}
END_TEST

START_TEST(another_family_that_replaces_drops_the_old_ones_records)
{
    put("a", "registers", 1, 10);
    put("a", "registers", 8, 80);
    ck_assert(put_if("a", "registers", 8, 81, true));
    ck_assert_int_eq(get("a", 1), 10);
    ck_assert_int_eq(get("a", 8), 81);
    ck_assert(put_if("a", "tiles", 8, 82, true));
    ck_assert_str_eq(lam_choice_cache_get_family(cache, "a"), "tiles");
    ck_assert_int_eq(get("a", 1), -1);
    ck_assert_int_eq(get("a", 8), 82);
}
END_TEST

static void spoil(const char *text)
{
    test_file_write_text(lam_choice_cache_get_path(cache), text);
}

static void cut_file(size_t divisor)
{
    size_t length = 0;
    char *bytes = test_file_read(lam_choice_cache_get_path(cache), &length);
    test_file_write(lam_choice_cache_get_path(cache), bytes, length / divisor);
    free(bytes);
}

static void expect_nothing_and_a_warning(const char *part)
{
    reopen_cache();
    ck_assert_int_eq(get("a", 1), -1);
    ck_assert_uint_eq(count_records(), 0);
    ck_assert_msg(strstr(warnings, part), "no '%s' in: %s", part, warnings);
    put("a", "tiles", 1, 30);
    ck_assert_int_eq(count_warnings(), 1);
    reopen_cache();
    ck_assert_int_eq(get("a", 1), 30);
    ck_assert_int_eq(count_warnings(), 1);
}

START_TEST(damaged_file_is_a_warning_and_is_replaced)
{
    static const char *const texts[] = {
        "", "no JSON", "[1, 2]", "{}", "{\"format\": 1, \"products\": 5}", "\xff\xfe\x00"};
    put("a", "registers", 1, 10);
    spoil(texts[_i]);
    expect_nothing_and_a_warning("damaged");
}
END_TEST

START_TEST(cut_file_is_a_warning_and_is_replaced)
{
    put("a", "registers", 1, 10);
    cut_file((size_t)_i);
    expect_nothing_and_a_warning("damaged");
}
END_TEST

START_TEST(choices_for_another_driver_count_for_nothing)
{
    put("a", "registers", 1, 10);
    snprintf(_i ? device.opencl_version : device.driver_version, LAM_DEVICE_TEXT_BYTES, "2");
    expect_nothing_and_a_warning("another driver");
}
END_TEST

START_TEST(choices_among_other_kernels_count_for_nothing)
{
    test_folder kernels = test_folder_make();
    put("a", "registers", 1, 10);
    test_kernel_folder_use(&kernels, "matmul_tiles.cl", "\n");
    expect_nothing_and_a_warning("kernels");
    test_kernel_folder_leave();
    test_folder_remove(&kernels);
}
END_TEST

START_TEST(kernels_that_cannot_be_read_are_an_error)
{
    lam_choice_cache_close(&cache);
    ck_assert_int_eq(setenv("LAMINA_KERNEL_DIR", test_path(&folder, "none"), 1), 0);
    ck_assert_int_eq(lam_choice_cache_open(context, &device, &cache), LAM_STATUS_BAD_KERNEL);
    ck_assert_ptr_null(cache);
}
END_TEST

START_TEST(devices_of_one_name_have_files_of_their_own)
{
    put("a", "registers", 1, 10);
    snprintf(device.platform, sizeof device.platform, "Another Platform");
    reopen_cache();
    ck_assert_int_eq(get("a", 1), -1);
    device.compute_units = 3;
    reopen_cache();
    put("a", "registers", 1, 12);
    device.compute_units = 2;
    snprintf(device.platform, sizeof device.platform, "A Platform");
    reopen_cache();
    ck_assert_int_eq(get("a", 1), 10);
    ck_assert_str_eq(warnings, "");
}
END_TEST

/* A later version may say more; its entries stay when this one writes. */
START_TEST(unknown_fields_are_kept_and_malformed_entries_are_not_used)
{
    put("a", "registers", 1, 10);
    json_t *root = json_load_file(lam_choice_cache_get_path(cache), 0, NULL);
    json_t *products = json_object_get(root, "products");
    json_object_set_new(json_object_get(products, "a"), "future", json_string("kept"));
    json_object_set_new(products, "b", json_string("no entry"));
    json_object_set_new(products, "c", json_pack("{s:i}", "family", 7));
    ck_assert_int_eq(json_dump_file(root, lam_choice_cache_get_path(cache), 0), 0);
    json_decref(root);
    reopen_cache();
    ck_assert_int_eq(get("a", 1), 10);
    ck_assert_ptr_null(lam_choice_cache_get_family(cache, "b"));
    ck_assert_ptr_null(lam_choice_cache_get_family(cache, "c"));
    ck_assert_int_eq(get("b", 1), -1);
    ck_assert_int_eq(get("c", 1), -1);
    put("b", "tiles", 1, 20);
    put("c", "tiles", 1, 30);
    ck_assert_int_eq(get("b", 1), 20);
    ck_assert_int_eq(get("c", 1), 30);
    char *text = test_file_read(lam_choice_cache_get_path(cache), NULL);
    ck_assert_ptr_nonnull(strstr(text, "\"kept\""));
    free(text);
    ck_assert_str_eq(warnings, "");
}
END_TEST

/* Not by permissions, which do not bind root: the folder's place is taken by a file. */
START_TEST(unwritable_place_is_one_warning)
{
    test_file_write_text(test_path(&folder, "file"), "");
    setenv("XDG_CACHE_HOME", test_path(&folder, "file"), 1);
    reopen_cache();
    ck_assert(!lam_choice_cache_is_writable(cache));
    ck_assert(!put_if("a", "registers", 1, 10, false));
    ck_assert_int_eq(get("a", 1), -1);
    ck_assert_int_eq(count_warnings(), 1);
    ck_assert_ptr_nonnull(strstr(warnings, "built-in way"));
    ck_assert_ptr_nonnull(strstr(warnings, "XDG_CACHE_HOME"));
}
END_TEST

START_TEST(place_that_becomes_unwritable_is_one_warning)
{
    put("a", "registers", 1, 10);
    ck_assert_int_eq(unlink(lam_choice_cache_get_path(cache)), 0);
    char lock[512];
    snprintf(lock, sizeof lock, "%s.lock", lam_choice_cache_get_path(cache));
    ck_assert_int_eq(unlink(lock), 0);
    ck_assert_int_eq(rmdir(test_path(&folder, "lamina")), 0);
    ck_assert(!put_if("b", "registers", 1, 20, false));
    ck_assert(!put_if("b", "registers", 1, 20, false));
    ck_assert_int_eq(get("a", 1), 10);
    ck_assert_int_eq(get("b", 1), -1);
    ck_assert_int_eq(count_warnings(), 1);
}
END_TEST

START_TEST(no_folder_in_the_environment_is_one_warning)
{
    char *home = strdup(getenv("HOME") ? getenv("HOME") : "");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    reopen_cache();
    ck_assert_str_eq(lam_choice_cache_get_path(cache), "");
    ck_assert(!put_if("a", "registers", 1, 10, false));
    ck_assert_ok(lam_choice_cache_clear(cache));
    ck_assert_int_eq(count_warnings(), 1);
    setenv("HOME", home, 1);
    free(home);
}
END_TEST

START_TEST(clearing_removes_the_file)
{
    put("a", "registers", 1, 10);
    ck_assert_ok(lam_choice_cache_clear(cache));
    ck_assert(!test_file_exists(lam_choice_cache_get_path(cache)));
    ck_assert_int_eq(get("a", 1), -1);
    ck_assert_ok(lam_choice_cache_clear(cache));
    put("b", "registers", 1, 20);
    reopen_cache();
    ck_assert_uint_eq(count_records(), 1);
}
END_TEST

enum { WRITERS = 2, CHOICES = 40 };

/* Each process knows only its own choices when it begins. */
static void write_choices(int writer)
{
    lam_choice_cache *shared = cache;
    cache = NULL;
    open_cache();
    for (int i = 0; i < CHOICES; i++) {
        char key[32];
        snprintf(key, sizeof key, "%d of %d", i, writer);
        put(key, "registers", 1, i);
        put("both", "registers", 1, writer);
    }
    lam_choice_cache_close(&cache);
    cache = shared;
}

START_TEST(processes_that_write_at_once_lose_nothing)
{
    pid_t children[WRITERS];
    for (int w = 0; w < WRITERS; w++) {
        children[w] = fork();
        ck_assert_int_ge(children[w], 0);
        if (children[w] == 0) {
            write_choices(w);
            _exit(0);
        }
    }
    for (int w = 0; w < WRITERS; w++) {
        int status = -1;
        ck_assert_int_eq(waitpid(children[w], &status, 0), children[w]);
        ck_assert_int_eq(status, 0);
    }
    reopen_cache();
    ck_assert_uint_eq(count_records(), WRITERS * CHOICES + 1);
    for (int i = 0; i < CHOICES; i++) {
        char key[32];
        snprintf(key, sizeof key, "%d of %d", i, i % WRITERS);
        ck_assert_int_eq(get(key, 1), i);
    }
    ck_assert_str_eq(warnings, "");
    ck_assert_int_eq(test_folder_count(&folder), 1);
}
END_TEST

/* What another process chose first is what this one then uses. */
START_TEST(other_process_first_choice_is_taken_over)
{
    lam_choice_cache *mine = cache;
    cache = NULL;
    open_cache();
    put("a", "tiles", 1, 70);
    lam_choice_cache_close(&cache);
    cache = mine;
    ck_assert_int_eq(get("a", 1), -1);
    put("a", "registers", 1, 10);
    ck_assert_str_eq(lam_choice_cache_get_family(cache, "a"), "tiles");
    ck_assert_int_eq(get("a", 1), 70);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test, int first, int last)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 60);
    tcase_add_checked_fixture(test_case, set_up, tear_down);
    tcase_add_loop_test(test_case, test, first, last);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add(suite, "survive", choices_survive_closing, 0, 1);
    add(suite, "first", first_family_and_first_record_stay, 0, 1);
    add(suite, "replace", another_family_that_replaces_drops_the_old_ones_records, 0, 1);
    add(suite, "damaged", damaged_file_is_a_warning_and_is_replaced, 0, 6);
    add(suite, "cut", cut_file_is_a_warning_and_is_replaced, 2, 5);
    add(suite, "driver", choices_for_another_driver_count_for_nothing, 0, 2);
    add(suite, "kernels", choices_among_other_kernels_count_for_nothing, 0, 1);
    add(suite, "unreadable", kernels_that_cannot_be_read_are_an_error, 0, 1);
    add(suite, "devices", devices_of_one_name_have_files_of_their_own, 0, 1);
    add(suite, "unknown", unknown_fields_are_kept_and_malformed_entries_are_not_used, 0, 1);
    add(suite, "unwritable", unwritable_place_is_one_warning, 0, 1);
    add(suite, "becomes", place_that_becomes_unwritable_is_one_warning, 0, 1);
    add(suite, "no folder", no_folder_in_the_environment_is_one_warning, 0, 1);
    add(suite, "clear", clearing_removes_the_file, 0, 1);
    add(suite, "processes", processes_that_write_at_once_lose_nothing, 0, 1);
    add(suite, "takeover", other_process_first_choice_is_taken_over, 0, 1);
}

LAM_SUITE_MAIN("choice_cache", add_tests)
