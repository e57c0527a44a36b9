#include "tokenizer/split.h"

#include <string.h>

#include "tarn/error.h"

bool split_read_behavior(const part *p, const char *key, int fallback, split_behavior *behavior) {
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
    part member = part_member(p, key);
    if (part_absent(&member) && fallback >= 0) return *behavior = (split_behavior)fallback, true;
    const char *name;
    size_t length;
    if (!part_string(p, key, &name, &length)) return false;
    for (int i = 0; i < 5; i++)
        if (strcmp(name, names[i]) == 0) return *behavior = (split_behavior)i, true;
    return part_fail(&member, "unknown behavior \"%.100s\"", name);
}

/* Files from before prepend_scheme say add_prefix_space instead; where both stand, "never" must agree with false. */
bool split_read_prepend_scheme(const part *p, prepend_scheme *scheme) {
    static const char *const names[] = {"always", "first", "never"};
    const char *name;
    size_t length;
    bool add_prefix_space;
    part old = part_member(p, "add_prefix_space"), member = part_member(p, "prepend_scheme");
    if (!part_boolean(p, "add_prefix_space", true, &add_prefix_space) ||
        !part_optional_string(p, "prepend_scheme", &name, &length))
        return false;
    *scheme = PREPEND_ALWAYS;
    bool known = !name;
    for (int i = 0; name && i < 3; i++)
        if (strcmp(name, names[i]) == 0) *scheme = (prepend_scheme)i, known = true;
    if (!known) return part_fail(&member, "unknown scheme \"%.100s\"", name);
    if (part_absent(&old) || add_prefix_space) return true;
    if (name && *scheme != PREPEND_NEVER) return part_fail(&old, "is false, but prepend_scheme is \"%s\"", name);
    *scheme = PREPEND_NEVER;
    return true;
}

bool split_read_pattern(const part *p, const char *key, regex **pattern) {
    part member = part_member(p, key);
    if (!part_known(&member, "String Regex")) return false;
    bool literal = json_get(member.value, "String") != NULL;
    if (json_count(member.value) != 1) return part_fail(&member, "must have one member, String or Regex");
    const char *string;
    size_t length;
    if (!part_string(&member, literal ? "String" : "Regex", &string, &length)) return false;
    text why = {0};
    *pattern = regex_new(string, length, literal, &why);
    if (!*pattern && why.length) part_fail(&member, "%s", text_string(&why));
    text_free(&why);
    return *pattern != NULL;
}

typedef struct {
    split_behavior behavior;
    ranges *pieces;
    size_t first; /* the pieces of this text begin here */
    bool previous_match;
} splitter;

/* Makes the last piece reach to `end` if there is one, else begins a piece. */
static bool extend(splitter *s, range r) {
    if (s->pieces->count == s->first) return vector_push(s->pieces, r);
    s->pieces->items[s->pieces->count - 1].end = r.end;
    return true;
}

/* One segment, match or text between matches, from left to right; for MergedWithNext from right to left with start and
 * end exchanged. */
static bool add_segment(splitter *s, range r, bool is_match) {
    bool previous = s->previous_match;
    s->previous_match = is_match;
    switch (s->behavior) {
    case SPLIT_REMOVED:
        return is_match || vector_push(s->pieces, r);
    case SPLIT_ISOLATED:
        return vector_push(s->pieces, r);
    case SPLIT_CONTIGUOUS:
        return is_match == previous ? extend(s, r) : vector_push(s->pieces, r);
    case SPLIT_MERGED_WITH_PREVIOUS:
    case SPLIT_MERGED_WITH_NEXT:
        return is_match && !previous ? extend(s, r) : vector_push(s->pieces, r);
    }
    return false;
}

static range mirrored(range r) {
    return (range){r.end, r.start};
}

static bool forwards(splitter *s, range whole, const ranges *matches, bool invert) {
    size_t at = 0, length = whole.end - whole.start;
    for (size_t i = 0; i < matches->count; i++) {
        range m = matches->items[i];
        if (at != m.start && !add_segment(s, (range){whole.start + at, whole.start + m.start}, invert)) return false;
        if (!add_segment(s, (range){whole.start + m.start, whole.start + m.end}, !invert)) return false;
        at = m.end;
    }
    return at == length || add_segment(s, (range){whole.start + at, whole.end}, invert);
}

static bool backwards(splitter *s, range whole, const ranges *matches, bool invert) {
    size_t at = whole.end - whole.start;
    for (size_t i = matches->count; i-- > 0;) {
        range m = matches->items[i];
        if (at != m.end && !add_segment(s, mirrored((range){whole.start + m.end, whole.start + at}), invert))
            return false;
        if (!add_segment(s, mirrored((range){whole.start + m.start, whole.start + m.end}), !invert)) return false;
        at = m.start;
    }
    return at == 0 || add_segment(s, mirrored((range){whole.start, whole.start + at}), invert);
}

/* Puts the pieces found from right to left into order. */
static void reverse(range *pieces, size_t count) {
    for (size_t i = 0, j = count; i < j--; i++) {
        range swap = mirrored(pieces[i]);
        pieces[i] = mirrored(pieces[j]);
        pieces[j] = swap;
    }
}

bool split_at(range whole, const ranges *matches, bool invert, split_behavior behavior, ranges *pieces) {
    if (whole.start == whole.end) return true;
    splitter s = {behavior, pieces, pieces->count, false};
    bool back = behavior == SPLIT_MERGED_WITH_NEXT;
    if (!(back ? backwards(&s, whole, matches, invert) : forwards(&s, whole, matches, invert))) return false;
    if (back) reverse(pieces->items + s.first, pieces->count - s.first);
    size_t kept = s.first;
    for (size_t i = s.first; i < pieces->count; i++)
        if (pieces->items[i].start != pieces->items[i].end) pieces->items[kept++] = pieces->items[i];
    pieces->count = kept;
    return true;
}
