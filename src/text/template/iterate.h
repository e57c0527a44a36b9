/* Walking values: for loops and the lazy filters. */
#ifndef TEMPLATE_ITERATE_H
#define TEMPLATE_ITERATE_H

#include "template/render.h"

typedef enum { STEP_FAILED, STEP_END, STEP_ITEM } step;
typedef step (*step_function)(render *r, iterator *it, value *item);

struct iterator {
    step_function next;
    value source; /* what is walked */
    size_t position;
    iterator *inner; /* lazy filters: where their items come from */
    void *state;     /* theirs */
    bool done;
};

/* A fresh iterator (an iterator value itself gives the one it holds); NULL with TypeError's message if v cannot be
 * walked. */
iterator *iterate(render *r, value v);
bool can_iterate(value v);
step iterator_next(render *r, iterator *it, value *item);
/* A new lazy iterator over v. */
value lazy(render *r, value v, step_function next, void *state);
/* An iterator value over a list (NULL gives FAILED). */
value walk_list(render *r, list *l);
/* All items as a new list, or NULL. */
list *list_of(render *r, value v);
/* len(); -1 for values without one. */
int64_t value_length(value v);

/* A running for loop; see execute.c. */
struct loop {
    iterator *items;
    value source;
    const node *of; /* the for node, and where it stands */
    scope *around;
    int64_t index, length; /* length -1: not known yet */
    int depth;
    bool peeked, at_end;
    bool completed; /* some pass went to its end: Jinja's condition for leaving out the else part */
    value after, current, before;
    list *changed;
};
step loop_peek(render *r, loop *l);
bool loop_length(render *r, loop *l, int64_t *length);

#endif
