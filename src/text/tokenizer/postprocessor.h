/* Post-processors: the tokens put around an encoded text. */
#ifndef TOKENIZER_POSTPROCESSOR_H
#define TOKENIZER_POSTPROCESSOR_H

#include "tokenizer/bpe.h"
#include "tokenizer/part.h"

/* What stands in front of the text, what behind it. */
typedef struct {
    token_ids before, after;
    bool set; /* a processor has filled them */
} postprocessor;

/* Reads a post-processor, or nothing from a null. */
bool postprocessor_read(postprocessor *p, const part *from);
void postprocessor_free(postprocessor *p);

#endif
