"""mlx_lm_families.py RESULT [NAME ...]: makes a small random model of every architecture of mlx-lm whose arguments can
be guessed from their names, and writes down what it computes: a prompt at once, and the next tokens with a cache. Run
by test_mlx_lm.py under real mlx and under tarn.mlx."""

import dataclasses
import importlib
import inspect
import os
import pickle
import pkgutil
import resource
import signal
import sys

import mlx.core as mx
import mlx_lm.models
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.models.cache import make_prompt_cache

# Small values of the names that configurations have. What is not here keeps its default; a required one that is not
# gets SMALL by its type.
SIZES = {
    "hidden_size": 64, "d_model": 64, "n_embd": 64, "dim": 64, "model_dim": 64, "intermediate_size": 96,
    "hidden_dim": 96, "mlp_hidden_size": 96, "ffn_hidden_size": 96, "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32, "num_hidden_layers": 2, "n_layers": 2, "n_layer": 2, "num_layers": 2,
    "num_attention_heads": 4, "n_heads": 4, "n_head": 4, "num_heads": 4, "num_key_value_heads": 2, "num_kv_heads": 2,
    "n_kv_heads": 2, "head_dim": 16, "vocab_size": 100, "padded_vocab_size": 100, "n_vocab": 100,
    "max_position_embeddings": 256, "n_positions": 256, "n_ctx": 256, "max_seq_len": 256, "seq_length": 256,
    "rms_norm_eps": 1e-5, "norm_eps": 1e-5, "layer_norm_eps": 1e-5, "layernorm_epsilon": 1e-5,
    "layer_norm_epsilon": 1e-5, "norm_epsilon": 1e-5, "rope_theta": 10000.0, "rope_base": 10000.0, "num_experts": 4,
    "num_local_experts": 4, "n_routed_experts": 4, "num_experts_per_tok": 2, "num_experts_per_token": 2, "moe_topk": 2,
    "moe_top_k": 2, "n_shared_experts": 1, "num_shared_experts": 1, "first_k_dense_replace": 1, "n_group": 1,
    "topk_group": 1, "kv_lora_rank": 16, "q_lora_rank": 32, "qk_rope_head_dim": 16, "qk_nope_head_dim": 16,
    "v_head_dim": 16, "state_size": 16, "ssm_state_size": 16, "conv_kernel": 4, "expand": 2, "time_step_rank": 4,
    "sliding_window": 8, "sliding_window_pattern": 2, "rotary_pct": 0.5, "partial_rotary_factor": 0.5,
    "query_pre_attn_scalar": 16.0, "decoder_sparse_step": 1, "norm_topk_prob": True, "tie_word_embeddings": False,
    "attention_bias": False, "mlp_bias": False, "use_bias": False, "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0, "logits_scaling": 1.0, "embedding_multiplier": 1.0, "attention_multiplier": 0.25,
    "residual_multiplier": 1.0, "logit_scale": 0.25, "mlp_only_layers": [], "linear_num_value_heads": 4,
    "linear_num_key_heads": 2, "linear_key_head_dim": 16, "linear_value_head_dim": 16, "linear_conv_kernel_dim": 4,
    "full_attention_interval": 2, "routed_scaling_factor": 1.0, "scoring_func": "sigmoid", "topk_method": "noaux_tc",
    "moe_layer_freq": 1, "layer_types": ["full_attention",
                                         "full_attention"], "conv_L_cache": 3, "block_dim": 64, "block_ff_dim": 96,
    "block_multiple_of": 8, "block_ffn_dim_multiplier": 1.0, "block_auto_adjust_ff_dim": False, "full_attn_idxs": [
        1
    ], "intermediate_size_mlp": 96, "use_cache": True, "use_qk_norm": False, "multi_query": False, "hidden_act": "silu",
}  # fmt: skip
SMALL = {int: 4, float: 1.0, bool: False, str: "silu"}


def guessed(arguments, name):
    given = {}
    for field in dataclasses.fields(arguments):
        missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if field.name == "model_type":
            given[field.name] = name
        elif field.name in SIZES and (missing or isinstance(SIZES[field.name], int)
                                      and not isinstance(SIZES[field.name], bool)):
            given[field.name] = SIZES[field.name]
        elif missing:
            given[field.name] = SMALL.get(field.type, None)
    return given


def model_of(name):
    module = importlib.import_module(f"mlx_lm.models.{name}")
    arguments = module.ModelArgs(**guessed(module.ModelArgs, name))
    if "args" not in inspect.signature(module.Model.__init__).parameters and len(
            inspect.signature(module.Model.__init__).parameters) != 2:
        raise ValueError("no model of arguments")
    return module.Model(arguments)


def with_random_weights(model):
    """Weights that do not depend on the order in which layers draw theirs."""
    random = np.random.default_rng(0)
    weights = {}
    if sum(a.size for _, a in tree_flatten(model.parameters())) > 4e6:
        raise ValueError("some size was not guessed")
    for name, a in sorted(tree_flatten(model.parameters())):
        around = 1.0 if name.endswith(("norm.weight", "norm1.weight", "norm2.weight")) else 0.0
        weights[name] = mx.array(
            (around +
             random.standard_normal(a.shape) * 0.1).astype(np.float32)) if mx.issubdtype(a.dtype, mx.floating) else a
    model.load_weights(list(weights.items()))
    return model


def computed(name):
    model = with_random_weights(model_of(name))
    model.eval()
    tokens = mx.array([[3, 14, 15, 92, 65, 35, 89, 79, 32, 38]])
    whole = model(tokens)
    cache = make_prompt_cache(model)
    steps = [model(tokens[:, :7], cache=cache)] + [model(tokens[:, i : i + 1], cache=cache) for i in range(7, 10)]
    mx.eval(whole, steps)
    return np.array(whole.astype(mx.float32)), np.array(mx.concatenate(steps, 1).astype(mx.float32))


def in_a_child(name):
    """In a process of its own: some sizes that go together for nobody take real mlx down."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            made = computed(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001: arguments that do not go together are refused by both
            made = f"{type(error).__name__}: {error}"
        with os.fdopen(writer, "wb") as file:
            pickle.dump(made, file)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    return pickle.loads(data) if data else "the process ended"


def main():
    resource.setrlimit(resource.RLIMIT_DATA, (6 << 30, 6 << 30))  # sizes that were not guessed may be large
    names = sys.argv[2:] or [module.name for module in pkgutil.iter_modules(mlx_lm.models.__path__)]
    with open(sys.argv[1], "wb") as file:
        pickle.dump({name: in_a_child(name) for name in names}, file)


if __name__ == "__main__":
    main()
