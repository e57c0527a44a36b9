/* Trains a small transformer on generated stories, character by character, and compares how well it and a table of
   trigrams foresee new ones; then lets it tell one. */
#include <math.h>
#include <string.h>

#include "run.h"

enum { TRAIN = 200000, TEST = 20000, CONTEXT = 96, BATCH = 16, STEPS = 250, CHARACTERS = 128, DIMS = 64 };

/* ---- text */

static const char *const words[4][8] = {{"Anna", "Boris", "Clara", "David", "Elena", "Felix", "Greta", "Henry"},
                                        {"old", "red", "tiny", "heavy", "broken", "silver", "wooden", "strange"},
                                        {"box", "lamp", "book", "clock", "spoon", "mirror", "basket", "whistle"},
                                        {"well", "barn", "cellar", "garden", "church", "forest", "harbour", "kitchen"}};

static const char *word(int kind, uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return words[kind][*state >> 61];
}

static void tell(char *text, size_t size, uint64_t seed) {
    for (size_t at = 0; at + 256 < size;) {
        const char *who = word(0, &seed), *how = word(1, &seed), *what = word(2, &seed), *where = word(3, &seed);
        at += (size_t)sprintf(text + at, "%s had a %s %s. The %s was in the %s. So %s went to the %s.\n", who, how,
                              what, what, where, who, where);
    }
}

static char train_text[TRAIN], test_text[TEST];

/* ---- trigrams: the share of each character after two others, each seen a tenth of a time more often */

static double trigram_loss(void) {
    static float counts[CHARACTERS][CHARACTERS][CHARACTERS], sums[CHARACTERS][CHARACTERS];
    const char *t = train_text;
    for (; t[2]; t++) counts[(int)t[0]][(int)t[1]][(int)t[2]]++, sums[(int)t[0]][(int)t[1]]++;
    double loss = 0;
    for (t = test_text; t[2]; t++)
        loss -= log((counts[(int)t[0]][(int)t[1]][(int)t[2]] + 0.1) / (sums[(int)t[0]][(int)t[1]] + 0.1 * CHARACTERS));
    return loss / (double)(strlen(test_text) - 2);
}

/* ---- the network */

typedef struct {
    tarn_embedding characters, places;
    tarn_transformer_stack layers;
    tarn_linear output;
} network;
TARN_DEFINE_FIELDS(network, TARN_FIELD_LAYER(network, characters, tarn_embedding),
                   TARN_FIELD_LAYER(network, places, tarn_embedding), TARN_FIELD_LAYER(network, layers, tarn_encoder),
                   TARN_FIELD_LAYER(network, output, tarn_linear));

static bool network_init(network *n, tarn_array *key) {
    return tarn_embedding_init(&n->characters, CHARACTERS, DIMS, &key) &&
           tarn_embedding_init(&n->places, CONTEXT, DIMS, &key) &&
           tarn_encoder_init(&n->layers, 2, DIMS, 4, &key, .activation = tarn_gelu) &&
           tarn_linear_init(&n->output, DIMS, CHARACTERS, &key);
}

/* Scores [batch, length, CHARACTERS] of what comes after each of ids [batch, length]. */
static tarn_array *network_forward(const network *n, tarn_array *ids) {
    int64_t length = tarn_dim(ids, 1);
    tarn_array *places = tarn_embedding_forward(&n->places, tarn_arange(0, (double)length, 1, TARN_INT32));
    tarn_array *x = tarn_add(tarn_embedding_forward(&n->characters, ids), places);
    x = tarn_encoder_forward(&n->layers, x, tarn_causal_mask(length, TARN_FLOAT32), NULL);
    return tarn_linear_forward(&n->output, x);
}

/* inputs[0]: ids [batch, length + 1] */
static bool loss(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    int64_t length = tarn_dim(inputs[0], 1) - 1;
    tarn_array *scores = network_forward(context, tarn_slice_axis(inputs[0], 1, 0, length));
    tarn_array *next = tarn_slice_axis(inputs[0], 1, 1, length + 1);
    return count == 1 && tarn_result(results, tarn_cross_entropy_loss(scores, next));
}

/* Pieces of the text as rows, uint8 [rows, CONTEXT + 1]. */
static tarn_array *pieces(const char *text) {
    int64_t rows = (int64_t)strlen(text) / (CONTEXT + 1);
    return tarn_astype(tarn_from_data(text, TARN_SHAPE(rows, CONTEXT + 1), TARN_UINT8), TARN_INT32);
}

static bool train(const run_plan *plan, network *n) {
    tarn_optimizer *adam = tarn_adamw(2e-3);
    epochs e = {tarn_batches_new(TARN_ARRAYS(pieces(train_text)), 1, BATCH, .seed = plan->seed), false};
    tarn_trainer *trainer = tarn_trainer_new(TARN_FUNCTION(loss, n), TARN_TREE(network, n), adam, .max_norm = 1);
    bool ok = run_steps(plan, trainer, next_of_epochs, &e, 1);
    tarn_trainer_free(trainer);
    tarn_batches_free(e.batches);
    tarn_optimizer_free(adam);
    return ok;
}

/* The most likely characters after a beginning, to the end of the line. */
static void tell_on(const network *n, const char *beginning) {
    int32_t ids[CONTEXT];
    int64_t length = 0;
    for (; beginning[length]; length++) ids[length] = beginning[length];
    while (length < CONTEXT && ids[length - 1] != '\n' && tarn_ok()) {
        TARN_SCOPE;
        tarn_array *scores = network_forward(n, tarn_from_data(ids, TARN_SHAPE(1, length), TARN_INT32));
        ids[length] = (int32_t)tarn_item_int(tarn_argmax(tarn_slice_axis(scores, 1, length - 1, length)));
        length++;
    }
    for (int64_t i = 0; i < length; i++) putchar(ids[i]);
}

int main(int count, char **arguments) {
    TARN_SCOPE;
    run_plan plan = plan_of(count, arguments, STEPS);
    network n = {0};
    tell(train_text, TRAIN, 1);
    tell(test_text, TEST, 2);
    bool ok = network_init(&n, tarn_random_key(plan.seed)) && train(&plan, &n);
    tarn_array *rows = pieces(test_text);
    double found = ok ? tarn_item(tarn_results_at(tarn_call(TARN_FUNCTION(loss, &n), &rows, 1), 0)) : 0;
    if (ok) tell_on(&n, "Clara had a silver lamp. ");
    if (ok) printf("nats a character: transformer %.3f, trigrams %.3f\n", found, trigram_loss());
    if (ok && found < trigram_loss() - 0.3) printf("better by more than 0.3\n");
    if (!tarn_ok()) fprintf(stderr, "characters: %s\n", tarn_error());
    tarn_tree_free(TARN_TREE(network, &n));
    return tarn_ok() ? 0 : 1;
}
