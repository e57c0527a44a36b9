/* As replay_cases.h: functions whose result has a size of its own, which take part in random graphs (way_graphs.h)
   beside those. */
CASE(as_strided, tarn_as_strided(x, TARN_SHAPE(3, 2), TARN_INTS(2, 1), .offset = 1))
CASE(arange, tarn_multiply(tarn_arange(0, 4, 1, TARN_FLOAT32), tarn_sum(x)))
CASE(linspace, tarn_add(tarn_linspace(0, 1, 5, TARN_FLOAT32), tarn_sum(x)))
CASE(eye, tarn_multiply(tarn_eye(3, 4, TARN_FLOAT32, .k = 1), tarn_sum(y)))
CASE(checked, tarn_take(tarn_flatten(y), in[ROW], .check = true))
CASE(updated, tarn_slice_update(tarn_square(x), tarn_slice_axis(x, 0, 0, 1), tarn_slice_axis(in[ROW], 0, -1, INT64_MAX),
                                TARN_AXES(0)))
CASE(stft, tarn_stft(tarn_flatten(x), .n = 4, .hop_length = 2))
CASE(istft, tarn_istft(tarn_expand_dims(x, TARN_AXES(0)), .hop_length = 1))
MANY_CASE(split_key, 2, tarn_random_next(in[KEY], &out[0], &out[1]))
CASE(bits, tarn_random_bits(in[KEY], TARN_SHAPE(3, 2), .width = 2))
CASE(uniform, tarn_multiply(tarn_random_uniform(in[KEY], TARN_SHAPE(5), TARN_FLOAT32), tarn_sum(x)))
CASE(normal, tarn_random_normal(in[KEY], TARN_SHAPE(2, 2), TARN_FLOAT16))
CASE(laplace, tarn_random_laplace(in[KEY], TARN_SHAPE(3), TARN_FLOAT32))
CASE(gumbel, tarn_random_gumbel(in[KEY], TARN_SHAPE(3), TARN_BFLOAT16))
CASE(randint,
     tarn_random_randint(in[KEY], tarn_scalar(-3, TARN_INT32), tarn_scalar(9, TARN_INT32), TARN_SHAPE(4), TARN_INT32))
CASE(bernoulli, tarn_random_bernoulli(in[KEY], tarn_sigmoid(x)))
CASE(truncated_normal,
     tarn_random_truncated_normal(in[KEY], tarn_scalar(-1, TARN_FLOAT32), tarn_exp(tarn_tanh(x)), TARN_FLOAT32))
/* A singular covariance has roots of what two decompositions round differently. */
CASE(multivariate_normal,
     tarn_random_multivariate_normal(in[KEY], tarn_sum(x, .axes = TARN_AXES(-1)),
                                     tarn_diag(tarn_exp(tarn_tanh(tarn_sum(x, .axes = TARN_AXES(-1)))))))
CASE(permutation, tarn_random_permutation(in[KEY], 6))
CASE(permute, tarn_random_permute(in[KEY], x, .axis = TARN_AXIS(-1)))
CASE(gradient, tarn_results_at(tarn_grad(TARN_FUNCTION(replayed_body, NULL), &x, 1), 0))
CASE(gradient_of_convolution, tarn_results_at(tarn_grad(TARN_FUNCTION(replayed_convolution, NULL), &x, 1), 0))
CASE(batch, tarn_results_at(tarn_vmap(TARN_FUNCTION(replayed_body, NULL), &x, 1), 0))
CASE(batch_of_gradients, tarn_results_at(tarn_vmap(TARN_FUNCTION(replayed_gradient, NULL), &x, 1), 0))
CASE(tangent, tarn_results_at(tarn_jvp(TARN_FUNCTION(replayed_gradient, NULL), &x, 1, &x), 0))
