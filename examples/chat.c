/* A conversation in the terminal: chat MODEL_FOLDER */
#include <stdio.h>
#include <string.h>
#include <tarn/tarn.h>

static bool print(void *context, const char *text, size_t length) {
    (void)context;
    return fwrite(text, 1, length, stdout) == length && !fflush(stdout);
}

static int failed(void) {
    fprintf(stderr, "chat: %s\n", tarn_error());
    return 1;
}

int main(int count, char **words) {
    char line[4096];
    tarn_model *model = tarn_model_load(count > 1 ? words[1] : "models/tiny");
    tarn_chat *chat = tarn_chat_new(model, .system = NULL);
    if (!chat) return failed();
    while (printf(">> "), fflush(stdout), fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!tarn_chat_say(chat, line, NULL, .on_text = print, .max_tokens = TARN_VALUE(200))) return failed();
        putchar('\n');
    }
    tarn_chat_free(chat);
    tarn_model_free(model);
    return 0;
}
