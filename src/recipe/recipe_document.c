/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/internal.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/utf8.h"

/* Bytes of foreign text that a message shows. */
#define QUOTE_BYTES 60

static void append_printable(lam_strbuf *buffer, const char *text, size_t length)
{
    size_t shown = length > QUOTE_BYTES ? lam_utf8_cut(text, QUOTE_BYTES) : length;
    for (size_t i = 0; i < shown; i++) {
        bool control = (unsigned char)text[i] < 0x20 || text[i] == 0x7F;
        lam_strbuf_append_bytes(buffer, control ? " " : text + i, 1);
    }
    if (shown < length)
        lam_strbuf_append(buffer, "...");
}

void lam_recipe_quote(lam_strbuf *buffer, const char *text, size_t length)
{
    lam_strbuf_append(buffer, "'");
    append_printable(buffer, text, length);
    lam_strbuf_append(buffer, "'");
}

static void append_place(const lam_document *document, int source, int line, lam_strbuf *buffer)
{
    if (source >= 0) {
        const char *text = document->overrides[source];
        lam_strbuf_append(buffer, "--set ");
        append_printable(buffer, text, strlen(text));
    } else {
        lam_strbuf_append(buffer, "%s", document->origin);
        if (source == LAM_SOURCE_TEXT)
            lam_strbuf_append(buffer, ":%d", line);
    }
}

/* Takes the buffer: it is freed. */
static lam_status fail_with(const lam_document *document, lam_strbuf *message)
{
    lam_status status =
        lam_fail(document->context, LAM_STATUS_BAD_RECIPE, "%s", lam_strbuf_text(message));
    lam_strbuf_free(message);
    return status;
}

lam_status lam_recipe_fail_v(const lam_document *document, const lam_node *node,
                             const char *path, const char *format, va_list list)
{
    const lam_node *written = node && node->key ? node->key : node;
    lam_strbuf message = {0};
    append_place(document, written ? written->source : LAM_SOURCE_DEFAULT,
                 written ? written->line : 0, &message);
    lam_strbuf_append(&message, *path ? ": %s: " : ": %s", path);
    lam_strbuf_append_v(&message, format, list);
    return fail_with(document, &message);
}

lam_status lam_recipe_fail(const lam_document *document, const lam_node *node, const char *path,
                           const char *format, ...)
{
    va_list list;
    va_start(list, format);
    lam_status status = lam_recipe_fail_v(document, node, path, format, list);
    va_end(list);
    return status;
}

/* The same for a place without a node. */
LAM_PRINTF(4, 5)
static lam_status fail_at(const lam_document *document, int source, int line,
                          const char *format, ...)
{
    lam_strbuf message = {0};
    append_place(document, source, line, &message);
    lam_strbuf_append(&message, ": ");
    va_list list;
    va_start(list, format);
    lam_strbuf_append_v(&message, format, list);
    va_end(list);
    return fail_with(document, &message);
}

lam_status lam_node_create(lam_document *document, lam_node_kind kind, int source, int line,
                           const char *text, size_t length, lam_node **ret_node)
{
    if (document->node_count >= LAM_RECIPE_MAX_VALUES)
        return fail_at(document, source, line, "more than %d keys and values",
                       LAM_RECIPE_MAX_VALUES);
    lam_node *node = calloc(1, sizeof *node + length + 1);
    if (!node)
        return lam_fail_memory(document->context, document->origin, length);
    node->kind = kind;
    node->source = source;
    node->line = line;
    node->length = length;
    if (length > 0)
        memcpy(node->text, text, length);
    node->allocated = document->allocated;
    document->allocated = node;
    document->node_count++;
    *ret_node = node;
    return LAM_STATUS_OK;
}

void lam_document_free(lam_document *document)
{
    while (document->allocated) {
        lam_node *node = document->allocated;
        document->allocated = node->allocated;
        free(node);
    }
    document->root = NULL;
    document->node_count = 0;
}

lam_node *lam_node_find(const lam_node *mapping, const char *key)
{
    if (!mapping || mapping->kind != LAM_NODE_MAPPING)
        return NULL;
    for (lam_node *value = mapping->child; value; value = value->next)
        if (value->key->kind == LAM_NODE_SCALAR && strcmp(value->key->text, key) == 0)
            return value;
    return NULL;
}

bool lam_node_is_null(const lam_node *node)
{
    return node->kind == LAM_NODE_SCALAR && !node->quoted &&
           (node->length == 0 || strcmp(node->text, "~") == 0 ||
            strcasecmp(node->text, "null") == 0);
}

/* One pass over a text, whose nodes come from `source`. */
typedef struct loader {
    lam_document *document;
    const char *text;
    size_t length;
    int source;
    yaml_parser_t parser;
    yaml_document_t yaml;
} loader;

static lam_status open_parser(loader *load)
{
    if (!yaml_parser_initialize(&load->parser))
        return lam_fail_memory(load->document->context, load->document->origin, load->length);
    yaml_parser_set_encoding(&load->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&load->parser, (const unsigned char *)load->text,
                                 load->length);
    return LAM_STATUS_OK;
}

static int line_of_offset(const loader *load, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset && i < load->length; i++)
        line += load->text[i] == '\n';
    return line;
}

static lam_status fail_syntax(const loader *load)
{
    const yaml_parser_t *parser = &load->parser;
    const char *problem = parser->problem;
    /* libyaml 0.2.5 forgets to set an error in some places where memory is short. */
    if (parser->error == YAML_MEMORY_ERROR || !problem)
        return lam_fail_memory(load->document->context, load->document->origin, load->length);
    if (parser->error == YAML_READER_ERROR)
        return fail_at(load->document, load->source,
                       line_of_offset(load, parser->problem_offset), "not plain UTF-8 text: %s",
                       problem);
    int line = (int)parser->problem_mark.line + 1;
    if (!parser->context)
        return fail_at(load->document, load->source, line, "not valid YAML: %s", problem);
    return fail_at(load->document, load->source, line, "not valid YAML: %s, %s from line %d",
                   problem, parser->context, (int)parser->context_mark.line + 1);
}

/* What the events so far add up to. */
typedef struct survey {
    int documents;
    int depth;
    int values;
} survey;

static lam_status survey_event(const loader *load, const yaml_event_t *event, survey *counts)
{
    int line = (int)event->start_mark.line + 1;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++counts->documents > 1)
            return fail_at(load->document, load->source, line,
                           "a second YAML document starts; one is all that is read");
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        counts->values++;
        if (++counts->depth > LAM_RECIPE_MAX_DEPTH)
            return fail_at(load->document, load->source, line,
                           "nested more than %d levels deep", LAM_RECIPE_MAX_DEPTH);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        counts->depth--;
        break;
    case YAML_SCALAR_EVENT:
    case YAML_ALIAS_EVENT:
        counts->values++;
        break;
    default:
        break;
    }
    if (counts->values > LAM_RECIPE_MAX_VALUES)
        return fail_at(load->document, load->source, line, "more than %d keys and values",
                       LAM_RECIPE_MAX_VALUES);
    return LAM_STATUS_OK;
}

static lam_status survey_events(loader *load, survey *counts)
{
    for (bool at_end = false; !at_end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&load->parser, &event))
            return fail_syntax(load);
        at_end = event.type == YAML_STREAM_END_EVENT;
        lam_status status = survey_event(load, &event, counts);
        yaml_event_delete(&event);
        LAM_TRY(status);
    }
    return LAM_STATUS_OK;
}

/* libyaml 0.2.5 takes time quadratic in depth and in anchors (a megabyte of '[' runs for more
 * than ten minutes), so the text is walked by events before a document is made of it. */
static lam_status survey_text(loader *load)
{
    survey counts = {0};
    LAM_TRY(open_parser(load));
    lam_status status = survey_events(load, &counts);
    yaml_parser_delete(&load->parser);
    LAM_TRY(status);
    if (counts.documents == 0)
        return fail_at(load->document, load->source, 1,
                       "empty: nothing but blanks and comments");
    return LAM_STATUS_OK;
}

static lam_status convert(loader *load, int index, int depth, lam_node **ret_node);

static lam_status convert_list(loader *load, const yaml_node_t *from, int depth, lam_node *list)
{
    lam_node **end = &list->child;
    for (const int *item = from->data.sequence.items.start;
         item < from->data.sequence.items.top; item++) {
        LAM_TRY(convert(load, *item, depth + 1, end));
        end = &(*end)->next;
    }
    return LAM_STATUS_OK;
}

static lam_status convert_mapping(loader *load, const yaml_node_t *from, int depth,
                                  lam_node *mapping)
{
    lam_node **end = &mapping->child;
    for (const yaml_node_pair_t *pair = from->data.mapping.pairs.start;
         pair < from->data.mapping.pairs.top; pair++) {
        lam_node *key = NULL;
        LAM_TRY(convert(load, pair->key, depth + 1, &key));
        LAM_TRY(convert(load, pair->value, depth + 1, end));
        (*end)->key = key;
        end = &(*end)->next;
    }
    return LAM_STATUS_OK;
}

/* Aliases become copies, so an override changes one place only. A node that holds itself
 * runs into the limit of depth, a tower of aliases into the limit of nodes. */
static lam_status convert(loader *load, int index, int depth, lam_node **ret_node)
{
    lam_document *document = load->document;
    const yaml_node_t *from = yaml_document_get_node(&load->yaml, index);
    int line = (int)from->start_mark.line + 1;
    const char *tag = (const char *)from->tag;
    if (depth > LAM_RECIPE_MAX_DEPTH)
        return fail_at(document, load->source, line, "nested more than %d levels deep",
                       LAM_RECIPE_MAX_DEPTH);
    if (tag && strcmp(tag, YAML_STR_TAG) != 0 && strcmp(tag, YAML_SEQ_TAG) != 0 &&
        strcmp(tag, YAML_MAP_TAG) != 0)
        return fail_at(document, load->source, line,
                       "there are no tags here; write the value without its '!'");
    lam_node *node = NULL;
    if (from->type == YAML_SCALAR_NODE) {
        LAM_TRY(lam_node_create(document, LAM_NODE_SCALAR, load->source, line,
                                (const char *)from->data.scalar.value, from->data.scalar.length,
                                &node));
        node->quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    } else if (from->type == YAML_SEQUENCE_NODE) {
        LAM_TRY(lam_node_create(document, LAM_NODE_LIST, load->source, line, NULL, 0, &node));
        LAM_TRY(convert_list(load, from, depth, node));
    } else {
        LAM_TRY(
            lam_node_create(document, LAM_NODE_MAPPING, load->source, line, NULL, 0, &node));
        LAM_TRY(convert_mapping(load, from, depth, node));
    }
    *ret_node = node;
    return LAM_STATUS_OK;
}

static lam_status load_tree(loader *load, lam_node **ret_root)
{
    if (!yaml_parser_load(&load->parser, &load->yaml))
        return fail_syntax(load);
    lam_node *root = NULL;
    lam_status status = convert(load, 1, 1, &root); /* libyaml's first node is the root */
    yaml_document_delete(&load->yaml);
    if (status == LAM_STATUS_OK)
        *ret_root = root;
    return status;
}

lam_status lam_document_load(lam_document *document, const char *text, size_t length,
                             int source, lam_node **ret_root)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    if (length >= 3 && memcmp(text, byte_order_mark, 3) == 0) {
        text += 3;
        length -= 3;
    }
    loader load = {.document = document, .text = text, .length = length, .source = source};
    LAM_TRY(survey_text(&load));
    LAM_TRY(open_parser(&load));
    lam_status status = load_tree(&load, ret_root);
    yaml_parser_delete(&load.parser);
    return status;
}
