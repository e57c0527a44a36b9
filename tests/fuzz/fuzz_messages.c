/* Any bytes as messages and variables of a request, ended by a NUL each. What is accepted is JSON that a template can
   read. */
#include "folder_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char source[] = "{% for m in messages %}{{ m.role }}: {{ m.content | string }}\n{% endfor %}";
    const char *messages, *variables;
    size_t length = cut(&data, &size, &messages), more = cut(&data, &size, &variables);
    char *one = strndup(messages, length), *other = strndup(variables, more);
    require(one && other);
    char *object = tarn_template_variables(NULL, one, .variables_json = more ? other : NULL);
    require((object != NULL) == tarn_ok());
    tarn_template *t = tarn_template_parse(source, sizeof source - 1, "messages");
    require(t != NULL);
    char *text = object ? tarn_template_render(t, object, strlen(object), &length) : NULL;
    require(!object || text || !strstr(tarn_error(), "JSON"));
    tarn_free(text);
    tarn_template_free(t);
    tarn_free(object);
    free(one);
    free(other);
    tarn_clear_error();
    return 0;
}
