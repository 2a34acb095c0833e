/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_writer.h"

/* ---- tables of two columns ---- */

enum { WHAT, VALUE };

lam_table lam_report_start_facts(void)
{
    lam_table facts = {0};
    lam_table_add_column(&facts, "what", LAM_CELL_TEXT);
    lam_table_add_column(&facts, "value", LAM_CELL_TEXT);
    return facts;
}

void lam_report_add_fact(lam_table *facts, const char *what, const char *format, ...)
{
    lam_strbuf value = {0};
    va_list arguments;
    va_start(arguments, format);
    lam_strbuf_append_v(&value, format, arguments);
    va_end(arguments);
    facts->failed |= value.failed;
    lam_table_add_row(facts);
    lam_table_set_text(facts, WHAT, what);
    lam_table_set_text(facts, VALUE, lam_strbuf_text(&value));
    lam_strbuf_free(&value);
}

void lam_report_end_facts(lam_report_writer *writer, lam_table *facts)
{
    static const lam_page_column columns[] = {{WHAT, "what", 0}, {VALUE, "value", 0}};
    lam_page_add_table(writer->page, NULL, facts, columns, 2);
    lam_table_free(facts);
}

/* ---- recipes and commands ---- */

static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-+/=:,@%";
    return *word && word[strspn(word, plain)] == '\0';
}

void lam_report_append_word(lam_strbuf *command, const char *word)
{
    if (is_plain(word)) {
        lam_strbuf_append(command, " %s", word);
        return;
    }
    lam_strbuf_append(command, " '");
    for (; *word; word++)
        if (*word == '\'')
            lam_strbuf_append(command, "'\\''");
        else
            lam_strbuf_append_bytes(command, word, 1);
    lam_strbuf_append(command, "'");
}

/* With numbers as people write them ("0.1", not "0.10000000000000001"), where that is as exact;
 * NULL where it is not. free() it. */
static char *shorten(lam_context *context, const char *json)
{
    lam_recipe recipe;
    char *back = NULL;
    json_t *object = json_loads(json, 0, NULL);
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(object);
    if (!text)
        return NULL;
    bool is_same = lam_recipe_parse(context, text, strlen(text), "recipe", NULL, 0, &recipe) ==
                       LAM_STATUS_OK &&
                   lam_recipe_format(context, &recipe, &back) == LAM_STATUS_OK &&
                   strcmp(back, json) == 0;
    free(back);
    if (!is_same)
        free(text);
    return is_same ? text : NULL;
}

lam_status lam_report_add_recipe(lam_report_writer *writer, const lam_recipe *recipe,
                                 const char *file, const char *command)
{
    char *json = NULL;
    LAM_TRY(lam_recipe_format(writer->context, recipe, &json));
    char *text = shorten(writer->context, json);
    lam_page_add_heading(writer->page, 3, "Settings, and how to do it again");
    lam_page_add_paragraph(
        writer->page,
        "Keep the recipe as %s and run, with the folder of the data in place "
        "of the one named here:",
        file);
    lam_page_add_code(writer->page, command);
    lam_page_add_code(writer->page, text ? text : json);
    free(text);
    free(json);
    return LAM_STATUS_OK;
}
