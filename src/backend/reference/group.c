/* Fused groups of elementwise ops, a block of elements at a time. Every value is rounded to its dtype before the next
 * instruction reads it.
 */
#include <string.h>

#include "reference/elementwise.h"
#include "reference/reference.h"
#include "tarn/error.h"

enum { BLOCK = 32 };

typedef value block[BLOCK];

elementwise_function elementwise_function_of(op_id op, value_class class) {
    static const elementwise_function *const tables[CLASS_COUNT] = {
        [CLASS_BOOL] = elementwise_bool,     [CLASS_UNSIGNED] = elementwise_unsigned,
        [CLASS_SIGNED] = elementwise_signed, [CLASS_FLOAT] = elementwise_float,
        [CLASS_DOUBLE] = elementwise_double, [CLASS_COMPLEX] = elementwise_complex,
    };
    static const dtype_kind kinds[CLASS_COUNT] = {
        [CLASS_BOOL] = KIND_BOOL,   [CLASS_UNSIGNED] = KIND_INT, [CLASS_SIGNED] = KIND_INT,
        [CLASS_FLOAT] = KIND_FLOAT, [CLASS_DOUBLE] = KIND_FLOAT, [CLASS_COMPLEX] = KIND_COMPLEX,
    };
    bool accepted = op_is_elementwise(op) && (op_facts[op].kinds >> kinds[class] & 1);
    return accepted ? tables[class][op] : NULL;
}

static void convert_block(value *to, const value *from, value_class class, tarn_dtype dtype, int count) {
    for (int i = 0; i < count; i++) to[i] = value_convert(from[i], class, dtype);
}

/* The first argument of a choice (`where`) is bool whatever the others are; the tables want one class. */
static void run_instruction(const group_instruction *instruction, block *registers, int count) {
    op_id op = (op_id)instruction->op;
    value_class class = value_class_of((tarn_dtype)instruction->input_dtype);
    const value *x = registers[instruction->arguments[0]], *y = registers[instruction->arguments[1]],
                *z = registers[instruction->arguments[2]];
    block result, truths;
    if (op == OP_astype) {
        convert_block(registers[instruction->result], x, class, (tarn_dtype)instruction->dtype, count);
        return;
    }
    if (op_facts[op].inputs == INPUTS_CHOICE) {
        for (int i = 0; i < count; i++) truths[i] = value_widen(x[i], CLASS_BOOL, class);
        x = truths;
    }
    elementwise_function_of(op, class)(x, y, z, result, count);
    convert_block(registers[instruction->result], result, class, (tarn_dtype)instruction->dtype, count);
}

static void load_block(value *to, cursor *from, value_loader load, int count) {
    for (int i = 0; i < count; i++, cursor_next(from)) to[i] = load(from->at);
}

static void store_block(cursor *to, const value *from, value_storer store, int count) {
    for (int i = 0; i < count; i++, cursor_next(to)) store(to->at, from[i]);
}

static bool check_program(const call *c) {
    const group_program *program = c->program;
    if (program->register_count > GROUP_MAX_REGISTERS || program->input_count > GROUP_MAX_INPUTS ||
        program->output_count > GROUP_MAX_REGISTERS)
        return tarn_fail("group: %d inputs, %d outputs and %d registers are more than a kernel takes",
                         program->input_count, program->output_count, program->register_count);
    for (int i = 0; i < program->instruction_count; i++) {
        const group_instruction *instruction = &program->instructions[i];
        if (instruction->op != OP_astype &&
            !elementwise_function_of((op_id)instruction->op, value_class_of((tarn_dtype)instruction->input_dtype)))
            return tarn_fail("%s: not defined for %s", op_name((op_id)instruction->op),
                             dtype_facts[instruction->input_dtype].name);
    }
    return true;
}

static bool run(const call *c) {
    const group_program *program = c->program;
    if (!check_program(c)) return false;
    block registers[GROUP_MAX_REGISTERS];
    cursor inputs[GROUP_MAX_INPUTS], outputs[GROUP_MAX_REGISTERS];
    for (int i = 0; i < c->input_count; i++) inputs[i] = cursor_of(&c->inputs[i]);
    for (int i = 0; i < c->output_count; i++) outputs[i] = cursor_of(&c->outputs[i]);
    int64_t left = operand_size(&c->outputs[0]);
    for (int count; left > 0; left -= count) {
        count = left < BLOCK ? (int)left : BLOCK;
        for (int i = 0; i < c->input_count; i++)
            load_block(registers[program->input_registers[i]], &inputs[i], value_loader_of(c->inputs[i].dtype), count);
        for (int i = 0; i < program->instruction_count; i++)
            run_instruction(&program->instructions[i], registers, count);
        for (int i = 0; i < c->output_count; i++)
            if (c->outputs[i].data)
                store_block(&outputs[i], registers[program->output_registers[i]], value_storer_of(c->outputs[i].dtype),
                            count);
    }
    return true;
}

/* Each block is read whole before any of it is written. */
const kernel_row reference_group = {REFERENCE_ROW(group), .may_overwrite = (1u << GROUP_MAX_INPUTS) - 1, .run = run};
