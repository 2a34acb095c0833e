/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/space.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "search/space_values.h"

/* Far inside what doubles hold and %.15g writes without an exponent. */
#define MAX_WHOLE 1e9

#define MAX_GRID_COUNT 100000

static const char *const type_names[] = {
#define LAM_SPACE_NAME(name, text) text,
    LAM_SPACE_LIST(LAM_SPACE_NAME)
#undef LAM_SPACE_NAME
};
static const size_t type_count = sizeof type_names / sizeof type_names[0];

/* One text on its way into a parameter. */
typedef struct space_reader {
    lam_context *context;
    const char *text; /* the whole of it, for messages */
    lam_parameter *parameter;
} space_reader;

LAM_PRINTF(2, 3)
static lam_status refuse(const space_reader *reader, const char *format, ...)
{
    lam_strbuf problem = {0};
    va_list list;
    va_start(list, format);
    lam_strbuf_append_v(&problem, format, list);
    va_end(list);
    lam_status status = lam_fail(reader->context, LAM_STATUS_BAD_ARGUMENT, "%s: %s",
                                 reader->text, lam_strbuf_text(&problem));
    lam_strbuf_free(&problem);
    return status;
}

/* Without blanks at both ends, in place. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

/* Ends `text` at the first `separator` and gives what is behind it; NULL without one. */
static char *cut(char *text, const char *separator)
{
    char *found = strstr(text, separator);
    if (!found)
        return NULL;
    *found = '\0';
    return found + strlen(separator);
}

static lam_status copy_text(const space_reader *reader, const char *what, const char *from,
                            char *to, size_t bytes)
{
    if (strlen(from) >= bytes)
        return refuse(reader, "%s '%s' is too long; legal: up to %zu bytes", what, from,
                      bytes - 1);
    strcpy(to, from);
    return LAM_STATUS_OK;
}

static lam_status read_number(const space_reader *reader, const char *text, double *ret_value)
{
    char *end = NULL;
    double value = strtod(text, &end);
    /* strtod() also takes "nan" and hexadecimal. */
    if (*text == '\0' || *end != '\0' || text[strspn(text, "+-.0123456789eE")] != '\0' ||
        !isfinite(value))
        return refuse(reader, "'%s' is no number", text);
    if (reader->parameter->type == LAM_SPACE_INT &&
        (value != floor(value) || fabs(value) > MAX_WHOLE))
        return refuse(reader, "'%s' is no whole number from -1e9 to 1e9", text);
    *ret_value = value;
    return LAM_STATUS_OK;
}

static lam_status read_grid_count(const space_reader *reader, const char *text)
{
    lam_parameter *parameter = reader->parameter;
    char *end = NULL;
    long count = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || count < 1 || count > MAX_GRID_COUNT)
        return refuse(reader, "'%s' is no number of grid values; legal: 1 to %d", text,
                      MAX_GRID_COUNT);
    if (parameter->type == LAM_SPACE_INT &&
        (double)count > parameter->maximum - parameter->minimum + 1)
        return refuse(reader,
                      "there are fewer than %ld whole numbers in the range; leave out "
                      "/%ld to take all of them in a grid",
                      count, count);
    parameter->grid_count = (int)count;
    return LAM_STATUS_OK;
}

static lam_status check_ends(const space_reader *reader)
{
    const lam_parameter *p = reader->parameter;
    if (p->type == LAM_SPACE_LOG && p->minimum <= 0)
        return refuse(reader, "a log range begins above 0; for a zero besides write "
                              "log:1e-5..1,0");
    if (p->type == LAM_SPACE_INT ? p->minimum > p->maximum : p->minimum >= p->maximum)
        return refuse(reader, "a range begins below its end; exchange the two, or give a "
                              "single value to the recipe");
    if (!isfinite(p->maximum - p->minimum))
        return refuse(reader, "the range is too wide for a double; give a narrower one");
    return LAM_STATUS_OK;
}

/* "1e-5..1e-1/9,0" */
static lam_status read_range(const space_reader *reader, char *text)
{
    lam_parameter *parameter = reader->parameter;
    const char *name = type_names[parameter->type];
    char *besides = cut(text, ",");
    if (besides && (parameter->type != LAM_SPACE_LOG || strcmp(trim(besides), "0") != 0))
        return refuse(reader,
                      "a range has two ends, as in %s:1..10, and only a log range may "
                      "have a 0 besides, as in log:1e-5..1,0; for single values use "
                      "choice: or grid:",
                      name);
    parameter->has_zero = besides != NULL;
    char *count = cut(text, "/");
    char *maximum = cut(text, "..");
    if (!maximum)
        return refuse(reader, "a range has two ends with .. between them, as in %s:1..10",
                      name);
    LAM_TRY(read_number(reader, trim(text), &parameter->minimum));
    LAM_TRY(read_number(reader, trim(maximum), &parameter->maximum));
    LAM_TRY(check_ends(reader));
    return count ? read_grid_count(reader, trim(count)) : LAM_STATUS_OK;
}

/* The first `needle` that is not within brackets, braces or quotes; NULL without one. */
static char *find_outside(char *text, const char *needle)
{
    int depth = 0;
    char quote = '\0';
    for (; *text; text++) {
        if (quote != '\0')
            quote = *text == quote ? '\0' : quote;
        else if (depth <= 0 && strncmp(text, needle, strlen(needle)) == 0)
            return text;
        else if (*text == '\'' || *text == '"')
            quote = *text;
        else if (*text == '[' || *text == '{')
            depth++;
        else if (*text == ']' || *text == '}')
            depth--;
    }
    return NULL;
}

static lam_status add_value(const space_reader *reader, const char *value)
{
    lam_parameter *parameter = reader->parameter;
    if (*value == '\0')
        return refuse(reader,
                      "a value is empty; legal: values with single commas between "
                      "them, as in %s:0.001,0.01",
                      type_names[parameter->type]);
    if (parameter->value_count == LAM_MAX_PARAMETER_VALUES)
        return refuse(reader, "there are too many values; legal: up to %d",
                      LAM_MAX_PARAMETER_VALUES);
    if (lam_parameter_find_value(parameter, value) >= 0)
        return refuse(reader, "'%s' is there twice; leave out one of them", value);
    LAM_TRY(copy_text(reader, "the value", value, parameter->values[parameter->value_count],
                      LAM_PARAMETER_VALUE_BYTES));
    parameter->value_count++;
    return LAM_STATUS_OK;
}

static lam_status read_values(const space_reader *reader, char *text)
{
    lam_parameter *parameter = reader->parameter;
    size_t bytes = LAM_MAX_PARAMETER_VALUES * sizeof *parameter->values;
    parameter->values = malloc(bytes);
    if (!parameter->values)
        return lam_fail_memory(reader->context, "a parameter's values", bytes);
    char *comma = find_outside(text, ",");
    for (; comma; comma = find_outside(text, ",")) {
        *comma = '\0';
        LAM_TRY(add_value(reader, trim(text)));
        text = comma + 1;
    }
    return add_value(reader, trim(text));
}

static const lam_parameter *find_parameter(const lam_space *space, const char *key)
{
    for (size_t i = 0; i < space->count; i++)
        if (strcmp(space->parameters[i].key, key) == 0)
            return &space->parameters[i];
    return NULL;
}

/* "key=value" */
static lam_status read_condition(const space_reader *reader, const lam_space *earlier,
                                 char *text)
{
    lam_parameter *parameter = reader->parameter;
    char *value = cut(text, "=");
    if (!value)
        return refuse(reader, "a condition has the form key=value, as in if "
                              "optimizer.type=momentum");
    char *key = trim(text);
    value = trim(value);
    const lam_parameter *parent = find_parameter(earlier, key);
    if (!parent)
        return refuse(reader, "'%s' is no parameter before this one; give it first", key);
    if (!parent->values)
        return refuse(reader, "%s has a range; a condition can be on a choice or a grid", key);
    if (lam_parameter_find_value(parent, value) < 0)
        return refuse(reader, "%s never is '%s'; a condition names one of its values", key,
                      value);
    strcpy(parameter->when_key, parent->key);
    strcpy(parameter->when_value, value);
    return LAM_STATUS_OK;
}

static lam_status read_type(const space_reader *reader, const char *name)
{
    for (size_t i = 0; i < type_count; i++) {
        if (strcmp(name, type_names[i]) == 0) {
            reader->parameter->type = (lam_space_type)i;
            return LAM_STATUS_OK;
        }
    }
    return refuse(reader,
                  "'%s' is no kind of space; legal: linear:, log:, int:, choice: and "
                  "grid:, as in log:1e-5..1e-1",
                  name);
}

static lam_status read_key(const space_reader *reader, const lam_space *earlier,
                           const char *key)
{
    if (*key == '\0' || strpbrk(key, " \t\n"))
        return refuse(reader,
                      "'%s' is no key of a recipe; write key=space, as in "
                      "l2=log:1e-5..1e-1",
                      key);
    if (find_parameter(earlier, key))
        return refuse(reader, "%s is there twice; give it one space", key);
    if (strcmp(key, "seed") == 0)
        return refuse(reader, "the seed is no parameter; ask for more seeds of each "
                              "configuration instead");
    if (strcmp(key, "data") == 0 || strncmp(key, "data.", 5) == 0)
        return refuse(reader, "all trials of a study have the same data; make a study for "
                              "each of them");
    return copy_text(reader, "the key", key, reader->parameter->key, LAM_PARAMETER_KEY_BYTES);
}

/* Takes `copy` of the reader's text to pieces. */
static lam_status read_parameter(const space_reader *reader, const lam_space *earlier,
                                 char *copy)
{
    char *space = cut(copy, "=");
    char *body = space ? cut(space, ":") : NULL;
    if (!body)
        return refuse(reader, "a parameter has the form key=space, as in l2=log:1e-5..1e-1; "
                              "spaces begin with linear:, log:, int:, choice: or grid:");
    char *condition = find_outside(body, " if ");
    if (condition)
        condition = cut(condition, " if ");
    LAM_TRY(read_key(reader, earlier, trim(copy)));
    LAM_TRY(read_type(reader, trim(space)));
    bool has_values = reader->parameter->type == LAM_SPACE_CHOICE ||
                      reader->parameter->type == LAM_SPACE_GRID;
    LAM_TRY(has_values ? read_values(reader, body) : read_range(reader, body));
    return condition ? read_condition(reader, earlier, condition) : LAM_STATUS_OK;
}

static lam_status parse_parameter(lam_context *context, const char *text,
                                  const lam_space *earlier, lam_parameter *ret_parameter)
{
    lam_parameter parameter = {0};
    space_reader reader = {context, text, &parameter};
    char *copy = strdup(text);
    lam_status status = copy ? read_parameter(&reader, earlier, copy)
                             : lam_fail_memory(context, "a search space", strlen(text) + 1);
    free(copy);
    if (status == LAM_STATUS_OK)
        *ret_parameter = parameter;
    else
        free(parameter.values);
    return status;
}

lam_status lam_space_parse(lam_context *context, const char *const *texts, size_t count,
                           lam_space *ret_space)
{
    lam_space space = {0};
    lam_status status = LAM_STATUS_OK;
    if (count > LAM_MAX_PARAMETERS)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "a space of %zu parameters is too large; legal: up to %d", count,
                        LAM_MAX_PARAMETERS);
    while (status == LAM_STATUS_OK && space.count < count) {
        status = parse_parameter(context, texts[space.count], &space,
                                 &space.parameters[space.count]);
        if (status == LAM_STATUS_OK)
            space.count++;
    }
    if (status == LAM_STATUS_OK)
        *ret_space = space;
    else
        lam_space_free(&space);
    return status;
}

void lam_space_free(lam_space *space)
{
    for (size_t i = 0; i < space->count; i++)
        free(space->parameters[i].values);
    *space = (lam_space){0};
}

lam_status lam_space_copy(lam_context *context, const lam_space *space, lam_space *ret_copy)
{
    lam_space copy = {0};
    for (; copy.count < space->count; copy.count++) {
        const lam_parameter *from = &space->parameters[copy.count];
        lam_parameter *to = &copy.parameters[copy.count];
        size_t bytes = (size_t)from->value_count * sizeof *from->values;
        *to = *from;
        to->values = NULL;
        if (!from->values)
            continue;
        to->values = malloc(bytes);
        if (!to->values) {
            lam_space_free(&copy);
            return lam_fail_memory(context, "a search space", bytes);
        }
        memcpy(to->values, from->values, bytes);
    }
    *ret_copy = copy;
    return LAM_STATUS_OK;
}

static void format_range(const lam_parameter *parameter, lam_strbuf *text)
{
    char minimum[LAM_PARAMETER_VALUE_BYTES], maximum[LAM_PARAMETER_VALUE_BYTES];
    lam_number_format(parameter->minimum, minimum);
    lam_number_format(parameter->maximum, maximum);
    lam_strbuf_append(text, "%s..%s", minimum, maximum);
    if (parameter->grid_count > 0)
        lam_strbuf_append(text, "/%d", parameter->grid_count);
    if (parameter->has_zero)
        lam_strbuf_append(text, ",0");
}

lam_status lam_parameter_format(lam_context *context, const lam_parameter *parameter,
                                char **ret_text)
{
    lam_strbuf text = {0};
    lam_strbuf_append(&text, "%s=%s:", parameter->key, type_names[parameter->type]);
    if (!parameter->values)
        format_range(parameter, &text);
    for (int i = 0; i < parameter->value_count; i++)
        lam_strbuf_append(&text, "%s%s", i > 0 ? "," : "", parameter->values[i]);
    if (parameter->when_key[0] != '\0')
        lam_strbuf_append(&text, " if %s=%s", parameter->when_key, parameter->when_value);
    if (text.failed) {
        lam_strbuf_free(&text);
        return lam_fail_memory(context, "a search space", LAM_PARAMETER_VALUE_BYTES);
    }
    *ret_text = text.text;
    return LAM_STATUS_OK;
}
