/* The steps. Reading them from JSON is in pretokenizer_read.c. */
#include "tokenizer/pretokenizer.h"

#include "tokenizer/byte_level.h"
#include "tokenizer/pretokenizer_steps.h"
#include "unicode/database.h"
#include "unicode/script.h"

bool cutting_set(cutting *c, const char *s, size_t length, size_t zero) {
    text_clear(&c->now);
    c->zero = zero;
    c->pieces.count = 0;
    return text_append(&c->now, s, length) && (length == 0 || vector_push(&c->pieces, ((range){0, length})));
}

void cutting_free(cutting *c) {
    text_free(&c->now);
    text_free(&c->next);
    vector_free(&c->pieces);
    vector_free(&c->next_pieces);
    vector_free(&c->matches);
}

static void take_pieces(cutting *c) {
    ranges swap = c->pieces;
    c->pieces = c->next_pieces;
    c->next_pieces = swap;
    c->next_pieces.count = 0;
}

static bool find_characters(const cut_step *step, const char *s, size_t length, ranges *out) {
    uint32_t c = 0;
    for (size_t at = 0, size; at < length; at += size) {
        size = utf8_decode(s + at, length - at, &c);
        if (step->matches(step, c) && !vector_push(out, ((range){at, at + size}))) return false;
    }
    return true;
}

bool cut_split(const cut_step *step, cutting *c) {
    for (size_t i = 0; i < c->pieces.count; i++) {
        range piece = c->pieces.items[i];
        const char *s = c->now.bytes + piece.start;
        size_t length = piece.end - piece.start;
        c->matches.count = 0;
        bool found = step->pattern ? regex_find_all(step->pattern, s, length, &c->matches)
                                   : find_characters(step, s, length, &c->matches);
        if (!found || !split_at(piece, &c->matches, step->invert, step->behavior, &c->next_pieces)) return false;
    }
    take_pieces(c);
    return true;
}

/* What becomes of a character. `state` is the step's own, anew for each piece; `index` counts its characters. */
typedef enum { LEFT_OUT, BEGINS_PIECE, JOINS_PIECE } character_fate;
typedef character_fate character_rule(const cut_step *step, uint32_t character, size_t index, int *state);

static bool cut_by(const cut_step *step, cutting *c, int state_at_first, character_rule *rule) {
    for (size_t i = 0; i < c->pieces.count; i++) {
        range piece = c->pieces.items[i];
        int state = state_at_first;
        for (size_t at = piece.start, size, index = 0; at < piece.end; at += size, index++) {
            uint32_t character = 0;
            size = utf8_decode(c->now.bytes + at, piece.end - at, &character);
            character_fate fate = rule(step, character, index, &state);
            if (fate == BEGINS_PIECE && !vector_push(&c->next_pieces, ((range){at, at}))) return false;
            if (fate != LEFT_OUT) c->next_pieces.items[c->next_pieces.count - 1].end = at + size;
        }
    }
    take_pieces(c);
    return true;
}

enum { SPACE, WORD, MARK };

/* Neighbours of one kind belong together. */
static character_fate by_kind(const cut_step *step, uint32_t c, size_t index, int *last) {
    (void)step, (void)index;
    int kind = unicode_is_space(c) ? SPACE : unicode_is_word(c) ? WORD : MARK, before = *last;
    *last = kind;
    return kind == SPACE ? LEFT_OUT : kind == before ? JOINS_PIECE : BEGINS_PIECE;
}

bool cut_whitespace(const cut_step *step, cutting *c) {
    return cut_by(step, c, SPACE, by_kind);
}

static character_fate by_count(const cut_step *step, uint32_t c, size_t index, int *state) {
    (void)c, (void)state;
    return index % step->length == 0 ? BEGINS_PIECE : JOINS_PIECE;
}

bool cut_fixed_length(const cut_step *step, cutting *c) {
    return cut_by(step, c, 0, by_count);
}

/* Japanese is written in three scripts, which count as one; a space and unassigned characters belong to any
 * (SCRIPT_NONE). */
static script cutting_script(uint32_t c) {
    script s = unicode_script(c);
    bool japanese = s == SCRIPT_HIRAGANA || s == SCRIPT_KATAKANA || c == 0x30FC;
    return c == ' ' ? SCRIPT_NONE : japanese ? SCRIPT_HAN : s;
}

static character_fate by_script(const cut_step *step, uint32_t c, size_t index, int *last) {
    (void)step, (void)index;
    script now = cutting_script(c);
    if (now == SCRIPT_NONE) return *last == SCRIPT_NONE ? LEFT_OUT : JOINS_PIECE;
    bool joins = (int)now == *last;
    *last = (int)now;
    return joins ? JOINS_PIECE : BEGINS_PIECE;
}

bool cut_scripts(const cut_step *step, cutting *c) {
    return cut_by(step, c, SCRIPT_NONE, by_script);
}

typedef bool piece_writer(const cut_step *step, cutting *c, range piece);

/* How much of a piece's new text stems from the first character of the input. */
static bool measure_zero(const cut_step *step, cutting *c, range piece, piece_writer *write, size_t *zero) {
    if (piece.start >= c->zero) return true;
    size_t start = c->next.length;
    range front = {piece.start, piece.end < c->zero ? piece.end : c->zero};
    bool ok = write(step, c, front);
    *zero = c->next.length;
    c->next.length = start;
    return ok;
}

/* Rewrites every piece: `write` appends the new text of one. */
static bool rewrite(const cut_step *step, cutting *c, piece_writer *write) {
    text_clear(&c->next);
    size_t zero = 0;
    for (size_t i = 0; i < c->pieces.count; i++) {
        range *piece = &c->pieces.items[i];
        if (!measure_zero(step, c, *piece, write, &zero)) return false;
        size_t start = c->next.length;
        if (!write(step, c, *piece)) return false;
        *piece = (range){start, c->next.length};
    }
    text swap = c->now;
    c->now = c->next;
    c->next = swap;
    c->zero = zero;
    return true;
}

static bool begins_with(const cutting *c, range piece, uint32_t character) {
    uint32_t first = UINT32_MAX;
    utf8_decode(c->now.bytes + piece.start, piece.end - piece.start, &first);
    return first == character;
}

static bool write_prefixed(const cut_step *step, cutting *c, range piece) {
    (void)step;
    if (!begins_with(c, piece, ' ')) text_add_char(&c->next, ' ');
    return text_append(&c->next, c->now.bytes + piece.start, piece.end - piece.start);
}

static bool write_bytes(const cut_step *step, cutting *c, range piece) {
    (void)step;
    return byte_level_write(c->now.bytes + piece.start, piece.end - piece.start, &c->next);
}

bool cut_byte_level(const cut_step *step, cutting *c) {
    return (!step->add_prefix_space || rewrite(step, c, write_prefixed)) && (!step->pattern || cut_split(step, c)) &&
           rewrite(step, c, write_bytes);
}

static bool write_metaspace(const cut_step *step, cutting *c, range piece) {
    char replacement[4];
    size_t size = utf8_encode(step->character, replacement);
    bool begins = begins_with(c, piece, ' ') || begins_with(c, piece, step->character);
    bool wanted = step->prepend == PREPEND_ALWAYS || (step->prepend == PREPEND_FIRST && piece.start < c->zero);
    if (wanted && !begins) text_append(&c->next, replacement, size);
    for (size_t at = piece.start; at < piece.end;) {
        size_t run = at;
        while (run < piece.end && c->now.bytes[run] != ' ') run++;
        text_append(&c->next, c->now.bytes + at, run - at);
        if (run < piece.end) text_append(&c->next, replacement, size);
        at = run + 1;
    }
    return !c->next.failed;
}

bool cut_metaspace(const cut_step *step, cutting *c) {
    return rewrite(step, c, write_metaspace) && (!step->split || cut_split(step, c));
}

bool pretokenizer_apply(const pretokenizer *t, cutting *c) {
    for (size_t i = 0; i < t->count; i++)
        if (!t->items[i].apply(&t->items[i], c)) return false;
    return true;
}

void pretokenizer_free(pretokenizer *t) {
    for (size_t i = 0; i < t->count; i++) regex_free(t->items[i].pattern);
    vector_free(t);
}
