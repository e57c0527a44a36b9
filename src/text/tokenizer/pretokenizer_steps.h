/* The ways in which a step works, for the readers. */
#ifndef TOKENIZER_PRETOKENIZER_STEPS_H
#define TOKENIZER_PRETOKENIZER_STEPS_H

#include "tokenizer/pretokenizer.h"

/* Cuts at the pattern, or at the characters that `matches` names. */
bool cut_split(const cut_step *step, cutting *c);
/* Runs of word characters, and runs of what is neither word nor white space. */
bool cut_whitespace(const cut_step *step, cutting *c);
/* Pieces of so many characters, the last one shorter. */
bool cut_fixed_length(const cut_step *step, cutting *c);
/* Cuts where the script changes; what comes before the first character of a script is dropped. */
bool cut_scripts(const cut_step *step, cutting *c);
/* add_prefix_space, the pattern if there is one, then bytes as visible characters. */
bool cut_byte_level(const cut_step *step, cutting *c);
/* Spaces become the replacement, one is put in front, then a cut before each if `split`. */
bool cut_metaspace(const cut_step *step, cutting *c);

#endif
