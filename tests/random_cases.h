/* CASE(name, "mlx expression", ulp, 0, least, expression): what real mlx draws with the key `k` of 7, written to
   tests/data/random.json by tools/random_vectors.py, and the same here. Differences are counted in units of the last
   place of the result's dtype, in numbers below `least` of those of `least`: where numbers near 1 were subtracted. In
   the mlx expression r is mx.random and a(...) makes a float32 array. */
CASE(split, "r.split(k, 5)", 0, 0, tarn_random_split(k, 5))
CASE(split_many, "mx.vmap(lambda q: r.split(q, 3))(r.split(k, 4))", 0, 0, tarn_random_split(tarn_random_split(k, 4), 3))
CASE(uniform, "r.uniform(shape=[33], key=k)", 0, 0, tarn_random_uniform(k, TARN_SHAPE(33), TARN_FLOAT32))
CASE(uniform_keys, "mx.vmap(lambda q: r.uniform(shape=[5], key=q))(r.split(k, 4))", 0, 0,
     tarn_random_uniform(tarn_random_split(k, 4), TARN_SHAPE(5), TARN_FLOAT32))
CASE(uniform_half, "r.uniform(-2, 5, [33], mx.float16, k)", 0, 0,
     tarn_random_uniform(k, TARN_SHAPE(33), TARN_FLOAT16, .low = TARN_VALUE(-2), .high = TARN_VALUE(5)))
CASE(uniform_bfloat, "r.uniform(-2, 5, [33], mx.bfloat16, k)", 0, 0,
     tarn_random_uniform(k, TARN_SHAPE(33), TARN_BFLOAT16, .low = TARN_VALUE(-2), .high = TARN_VALUE(5)))
CASE(uniform_bounds, "r.uniform(a([[1], [2]]), 10, [2, 9], key=k)", 0, 0,
     tarn_random_uniform(k, TARN_SHAPE(2, 9), TARN_FLOAT32, .lows = column(1, 2), .high = TARN_VALUE(10)))
CASE(normal, "r.normal([999], key=k)", 3, 0, tarn_random_normal(k, TARN_SHAPE(999), TARN_FLOAT32))
CASE(normal_half, "r.normal([99], mx.float16, key=k)", 1, 0, tarn_random_normal(k, TARN_SHAPE(99), TARN_FLOAT16))
CASE(normal_bfloat, "r.normal([99], mx.bfloat16, key=k)", 1, 0, tarn_random_normal(k, TARN_SHAPE(99), TARN_BFLOAT16))
CASE(normal_double, "r.normal([99], mx.float64, key=k)", 0x1.8p30, 0, /* they are numbers of float32 */
     /* the numbers of float32 */ tarn_random_normal(k, TARN_SHAPE(99), TARN_FLOAT64))
CASE(normal_complex, "r.normal([99], mx.complex64, key=k).view(mx.float32)", 3, 0,
     tarn_view(tarn_random_normal(k, TARN_SHAPE(99), TARN_COMPLEX64), TARN_FLOAT32))
CASE(normal_values, "r.normal([2, 50], loc=0, scale=a([[3], [0.7]]), key=k)", 3, 0,
     tarn_random_normal(k, TARN_SHAPE(2, 50), TARN_FLOAT32, .deviations = column(3, 0.7)))
CASE(normal_widened, "r.normal([5], loc=a([[100], [200]]), scale=0.25, key=k)", 2, 0,
     tarn_random_normal(k, TARN_SHAPE(5), TARN_FLOAT32, .means = column(100, 200), .deviation = TARN_VALUE(0.25)))
CASE(laplace, "r.laplace([99], key=k)", 2, 0, tarn_random_laplace(k, TARN_SHAPE(99), TARN_FLOAT32))
CASE(laplace_half, "r.laplace([99], mx.float16, key=k)", 1, 0, tarn_random_laplace(k, TARN_SHAPE(99), TARN_FLOAT16))
CASE(laplace_double, "r.laplace([99], mx.float64, key=k)", 2, 0, tarn_random_laplace(k, TARN_SHAPE(99), TARN_FLOAT64))
CASE(laplace_values, "r.laplace([99], loc=100, scale=0.7, key=k)", 2, 0,
     tarn_random_laplace(k, TARN_SHAPE(99), TARN_FLOAT32, .mean = TARN_VALUE(100), .scale = TARN_VALUE(0.7)))
CASE(gumbel, "r.gumbel([99], key=k)", 2, 1, tarn_random_gumbel(k, TARN_SHAPE(99), TARN_FLOAT32))
CASE(gumbel_half, "r.gumbel([99], mx.bfloat16, key=k)", 1, 1, tarn_random_gumbel(k, TARN_SHAPE(99), TARN_BFLOAT16))
CASE(truncated_normal, "r.truncated_normal(-1, 2, [99], key=k)", 2, 1,
     tarn_random_truncated_normal(k, tarn_scalar(-1, TARN_FLOAT32), tarn_scalar(2, TARN_FLOAT32), TARN_FLOAT32,
                                  .shape = TARN_SHAPE(99)))
CASE(truncated_normal_shape, "r.truncated_normal(a([[-1], [0]]), a([2, 3, 4]), key=k)", 2, 1,
     tarn_random_truncated_normal(k, column(-1, 0), tarn_arange(2, 5, 1, TARN_INT32), TARN_FLOAT32))
CASE(truncated_normal_crossed, "r.truncated_normal(2, -1, [9], key=k)", 0, 1,
     tarn_random_truncated_normal(k, tarn_scalar(2, TARN_FLOAT32), tarn_scalar(-1, TARN_FLOAT32), TARN_FLOAT32,
                                  .shape = TARN_SHAPE(9)))
CASE(randint, "r.randint(-5, 10, [99], key=k)", 0, 0, randint(-5, 10, 99, TARN_INT32))
CASE(randint_wide, "r.randint(0, 2**31 - 1, [99], key=k)", 0, 0, randint(0, 2147483647, 99, TARN_INT32))
CASE(randint_above, "r.randint(2**24, 2**24 + 100, [99], key=k)", 0, 0, randint(16777216, 16777316, 99, TARN_INT32))
CASE(randint_long, "r.randint(0, 2**40, [99], mx.int64, key=k)", 0, 0, randint(0, 1099511627776, 99, TARN_INT64))
CASE(randint_short, "r.randint(-100, 100, [99], mx.int8, key=k)", 0, 0, randint(-100, 100, 99, TARN_INT8))
CASE(randint_unsigned, "r.randint(0, 200, [99], mx.uint8, key=k)", 0, 0, randint(0, 200, 99, TARN_UINT8))
CASE(randint_bool, "r.randint(0, 2, [99], mx.bool_, key=k)", 0, 0, randint(0, 2, 99, TARN_BOOL))
CASE(randint_empty, "r.randint(5, 2, [9], key=k)", 0, 0, randint(5, 2, 9, TARN_INT32))
CASE(randint_floats, "r.randint(a([[1.75], [2.5]]), a([5.5, 9.9, 3]), [2, 3], key=k)", 0, 0,
     tarn_random_randint(k, column(1.75, 2.5), tarn_from_data((float[]){5.5F, 9.9F, 3}, TARN_SHAPE(3), TARN_FLOAT32),
                         TARN_SHAPE(2, 3), TARN_INT32))
CASE(bernoulli, "r.bernoulli(0.3, [99], key=k)", 0, 0,
     tarn_random_bernoulli(k, tarn_scalar(0.3, TARN_FLOAT32), .shape = TARN_SHAPE(99)))
CASE(bernoulli_array, "r.bernoulli(a([0, 0.2, 0.5, 0.9, 1]), key=k)", 0, 0,
     tarn_random_bernoulli(k, tarn_from_data((float[]){0, 0.2F, 0.5F, 0.9F, 1}, TARN_SHAPE(5), TARN_FLOAT32)))
CASE(bernoulli_half, "r.bernoulli(a([[0.25], [0.75]]).astype(mx.float16), [2, 50], key=k)", 0, 0,
     tarn_random_bernoulli(k, tarn_astype(column(0.25, 0.75), TARN_FLOAT16), .shape = TARN_SHAPE(2, 50)))
CASE(permutation, "r.permutation(99, key=k)", 0, 0, tarn_random_permutation(k, 99))
CASE(permutation_even, "r.permutation(64, key=k)", 0, 0, tarn_random_permutation(k, 64))
CASE(permute, "r.permutation(mx.arange(21).reshape(3, 7), axis=1, key=k)", 0, 0,
     tarn_random_permute(k, tarn_reshape(tarn_arange(0, 21, 1, TARN_INT32), TARN_SHAPE(3, 7)), .axis = TARN_AXIS(-1)))
CASE(permute_first, "r.permutation(mx.arange(21).reshape(7, 3), key=k)", 0, 0,
     tarn_random_permute(k, tarn_reshape(tarn_arange(0, 21, 1, TARN_INT32), TARN_SHAPE(7, 3))))
CASE(categorical_rows, "r.categorical(logits(8, 50), key=k)", 0, 0, tarn_random_categorical(k, logits(8, 50)))
CASE(categorical_axis, "r.categorical(logits(8, 50), axis=0, key=k)", 0, 0,
     tarn_random_categorical(k, logits(8, 50), .axis = TARN_AXIS(0)))
CASE(categorical_shape, "r.categorical(logits(8, 50), shape=[9, 8], key=k)", 0, 0,
     tarn_random_categorical(k, logits(8, 50), .shape = TARN_SHAPE(9, 8)))
CASE(categorical_count, "r.categorical(logits(8, 50), axis=0, num_samples=3, key=k)", 0, 0,
     tarn_random_categorical(k, logits(8, 50), .axis = TARN_AXIS(0), .count = TARN_AXIS(3)))
CASE(categorical_one, "r.categorical(logits(1, 50)[0], key=k)", 0, 0,
     tarn_random_categorical(k, tarn_squeeze(logits(1, 50))))
CASE(categorical_list, "r.categorical(logits(1, 50), key=k)", 0, 0, tarn_random_categorical(k, logits(1, 50)))
CASE(categorical_draws, "r.categorical(logits(1, 50), num_samples=99, key=k)", 0, 0,
     tarn_random_categorical(k, logits(1, 50), .count = TARN_AXIS(99)))
CASE(categorical_half, "r.categorical(logits(1, 50).astype(mx.bfloat16), num_samples=99, key=k)", 0, 0,
     tarn_random_categorical(k, tarn_astype(logits(1, 50), TARN_BFLOAT16), .count = TARN_AXIS(99)))
CASE(categorical_whole, "r.categorical(mx.arange(5), num_samples=99, key=k)", 0, 0,
     tarn_random_categorical(k, tarn_arange(0, 5, 1, TARN_INT32), .count = TARN_AXIS(99)))
CASE(multivariate_normal, "r.multivariate_normal(a([0, 1]), a([[1, 0.5], [0.5, 2]]), [9], key=k)", 16, 1,
     tarn_random_multivariate_normal(k, tarn_arange(0, 2, 1, TARN_FLOAT32), covariance(), .shape = TARN_SHAPE(9)))
CASE(multivariate_normal_batch, "r.multivariate_normal(a([[[0, 1]], [[2, 3]]]), a([[1, 0.5], [0.5, 2]]), key=k)", 16, 1,
     tarn_random_multivariate_normal(k, tarn_reshape(tarn_arange(0, 4, 1, TARN_FLOAT32), TARN_SHAPE(2, 1, 2)),
                                     covariance()))
