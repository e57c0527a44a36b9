"""Tarn: arrays, function transforms and language models. `import tarn.core as mx` is where arrays are."""
