/* CASE(name, "mlx expression", expression): layers, losses and optimizers beside mlx's. Both sides have v(seed, shape
   ...), float32 eighths that look random, and i(n, shape ...), int32 below n; trained(optimizer) is a parameter [4, 3]
   after five updates. tools/nn_vectors.py writes tests/data/nn.json. */
#define X                v(1, 4, 5)
#define ACTIVATION(name) CASE(name, "nn." #name "(X)", tarn_##name(X))
ACTIVATION(relu)
ACTIVATION(relu2)
ACTIVATION(relu6)
ACTIVATION(selu)
ACTIVATION(gelu)
ACTIVATION(gelu_approx)
ACTIVATION(gelu_fast_approx)
ACTIVATION(mish)
ACTIVATION(hardswish)
ACTIVATION(softplus)
ACTIVATION(softsign)
ACTIVATION(log_sigmoid)
ACTIVATION(softmin)
ACTIVATION(log_softmax)
CASE(leaky_relu, "nn.leaky_relu(X, 0.02)", tarn_leaky_relu(X, 0.02))
CASE(prelu, "nn.prelu(X, v(2, 5))", tarn_prelu(X, v(2, 5)))
CASE(elu, "nn.elu(X, 0.75)", tarn_elu(X, 0.75))
CASE(celu, "nn.celu(X, 0.75)", tarn_celu(X, 0.75))
CASE(hard_tanh, "nn.hard_tanh(X, -0.5, 0.75)", tarn_hard_tanh(X, -0.5, 0.75))
CASE(hard_shrink, "nn.hard_shrink(X, 0.5)", tarn_hard_shrink(X, 0.5))
CASE(soft_shrink, "nn.softshrink(X, 0.5)", tarn_soft_shrink(X, 0.5))
CASE(step, "nn.step(X, 0.25).astype(mx.float32)", tarn_step(X, 0.25))
CASE(glu, "nn.glu(X, axis=0)", tarn_glu(X, .axis = TARN_AXIS(0)))

CASE(linear, "layer(nn.Linear(5, 3), weight=v(2, 3, 5), bias=v(3, 3))(X)",
     tarn_linear_forward(&(tarn_linear){.weight = v(2, 3, 5), .bias = v(3, 3)}, X))
CASE(bilinear, "layer(nn.Bilinear(5, 2, 3), weight=v(2, 3, 2, 5), bias=v(3, 3))(X, v(4, 4, 2))",
     tarn_bilinear_forward(&(tarn_bilinear){v(2, 3, 2, 5), v(3, 3)}, X, v(4, 4, 2)))
CASE(embedding, "layer(nn.Embedding(6, 3), weight=v(2, 6, 3))(i(6, 2, 4))",
     tarn_embedding_forward(&(tarn_embedding){.weight = v(2, 6, 3)}, i(6, 2, 4)))
CASE(
    conv2d,
    "layer(nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), weight=v(2, 6, 3, 3, 2), bias=v(3, 6))(v(1, 2, 7, 6, 4))",
    conv(v(2, 6, 3, 3, 2), v(3, 6), v(1, 2, 7, 6, 4), TARN_INTS(3, 3), false, 2, 1, 2))
CASE(conv1d, "layer(nn.Conv1d(4, 6, 3), weight=v(2, 6, 3, 4), bias=v(3, 6))(v(1, 2, 7, 4))",
     conv(v(2, 6, 3, 4), v(3, 6), v(1, 2, 7, 4), TARN_INTS(3), false, 1, 0, 1))
CASE(conv_transpose2d,
     "layer(nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1), weight=v(2, 6, 3, 3, 4), bias=v(3, 6))(v(1, 2, 3, 4, 4))",
     conv(v(2, 6, 3, 3, 4), v(3, 6), v(1, 2, 3, 4, 4), TARN_INTS(3, 3), true, 2, 1, 1))
CASE(max_pool, "nn.MaxPool2d(3, 2, 1)(v(1, 2, 7, 6, 3))",
     tarn_max_pool(v(1, 2, 7, 6, 3), TARN_INTS(3), .stride = TARN_INTS(2), .padding = TARN_INTS(1)))
CASE(avg_pool, "nn.AvgPool2d((2, 3))(v(1, 2, 7, 6, 3))", tarn_avg_pool(v(1, 2, 7, 6, 3), TARN_INTS(2, 3)))
CASE(layer_norm, "layer(nn.LayerNorm(5), weight=v(2, 5), bias=v(3, 5))(X)",
     tarn_layer_norm_forward(&(tarn_layer_norm_layer){v(2, 5), v(3, 5), 1e-5}, X))
CASE(rms_norm, "layer(nn.RMSNorm(5), weight=v(2, 5))(X)",
     tarn_rms_norm_forward(&(tarn_rms_norm_layer){v(2, 5), 1e-5}, X))
CASE(group_norm, "layer(nn.GroupNorm(2, 6), weight=v(2, 6), bias=v(3, 6))(v(1, 2, 3, 4, 6))",
     tarn_group_norm_forward(&(tarn_group_norm){v(2, 6), v(3, 6), 1e-5, 2, false}, v(1, 2, 3, 4, 6)))
CASE(group_norm_neighbours,
     "layer(nn.GroupNorm(2, 6, pytorch_compatible=True), weight=v(2, 6), bias=v(3, 6))(v(1, 2, 3, 4, 6))",
     tarn_group_norm_forward(&(tarn_group_norm){v(2, 6), v(3, 6), 1e-5, 2, true}, v(1, 2, 3, 4, 6)))
CASE(instance_norm, "nn.InstanceNorm(6)(v(1, 2, 3, 4, 6))",
     tarn_group_norm_forward(&(tarn_group_norm){NULL, NULL, 1e-5, 6, true}, v(1, 2, 3, 4, 6)))
CASE(batch_norm, "layer(nn.BatchNorm(5), weight=v(2, 5), bias=v(3, 5))(X)", batch_norm(0))
CASE(batch_norm_mean, "batch_norm_after(2)[0]", batch_norm(1))
CASE(batch_norm_var, "batch_norm_after(2)[1]", batch_norm(2))
CASE(batch_norm_evaluated, "batch_norm_after(2)[2]", batch_norm(3))

CASE(cross_entropy, "losses.cross_entropy(X, i(5, 4), reduction='mean')", tarn_cross_entropy_loss(X, i(5, 4)))
CASE(cross_entropy_smooth, "losses.cross_entropy(X, i(5, 4), weights=v(2, 4), label_smoothing=0.25)",
     tarn_cross_entropy_loss(X, i(5, 4), .reduction = TARN_NONE, .weights = v(2, 4), .label_smoothing = 0.25))
CASE(cross_entropy_probabilities, "losses.cross_entropy(X, mx.softmax(v(2, 4, 5), -1), reduction='sum')",
     tarn_cross_entropy_loss(X, tarn_softmax(v(2, 4, 5), .axes = TARN_AXES(-1)), .reduction = TARN_SUM))
CASE(binary_cross_entropy, "losses.binary_cross_entropy(X, mx.sigmoid(v(2, 4, 5)))",
     tarn_binary_cross_entropy_loss(X, tarn_sigmoid(v(2, 4, 5))))
CASE(binary_cross_entropy_probabilities,
     "losses.binary_cross_entropy(mx.sigmoid(X), mx.sigmoid(v(2, 4, 5)), weights=v(3, 4, 5), with_logits=False)",
     tarn_binary_cross_entropy_loss(tarn_sigmoid(X), tarn_sigmoid(v(2, 4, 5)), .weights = v(3, 4, 5),
                                    .probabilities = true))
CASE(l1, "losses.l1_loss(X, v(2, 4, 5))", tarn_l1_loss(X, v(2, 4, 5)))
CASE(mse, "losses.mse_loss(X, v(2, 4, 5), reduction='sum')", tarn_mse_loss(X, v(2, 4, 5), .reduction = TARN_SUM))
CASE(nll, "losses.nll_loss(X, i(5, 4))", tarn_nll_loss(X, i(5, 4), .reduction = TARN_NONE))
CASE(kl_div, "losses.kl_div_loss(nn.log_softmax(X), nn.log_softmax(v(2, 4, 5)))",
     tarn_kl_div_loss(tarn_log_softmax(X), tarn_log_softmax(v(2, 4, 5)), .reduction = TARN_NONE))
CASE(smooth_l1, "losses.smooth_l1_loss(X, v(2, 4, 5), beta=0.75)", tarn_smooth_l1_loss(X, v(2, 4, 5), 0.75))
CASE(huber, "losses.huber_loss(X, v(2, 4, 5), delta=0.75)",
     tarn_huber_loss(X, v(2, 4, 5), 0.75, .reduction = TARN_NONE))
CASE(hinge, "losses.hinge_loss(X, v(2, 4, 5))", tarn_hinge_loss(X, v(2, 4, 5), .reduction = TARN_NONE))
CASE(log_cosh, "losses.log_cosh_loss(X, v(2, 4, 5))", tarn_log_cosh_loss(X, v(2, 4, 5), .reduction = TARN_NONE))
CASE(gaussian_nll, "losses.gaussian_nll_loss(X, v(2, 4, 5), mx.abs(v(3, 4, 5)), full=True)",
     tarn_gaussian_nll_loss(X, v(2, 4, 5), tarn_abs(v(3, 4, 5)), .full = true))
CASE(triplet, "losses.triplet_loss(X, v(2, 4, 5), v(3, 4, 5))",
     tarn_triplet_loss(X, v(2, 4, 5), v(3, 4, 5), .reduction = TARN_NONE))
CASE(cosine_similarity, "losses.cosine_similarity_loss(X, v(2, 4, 5))",
     tarn_cosine_similarity_loss(X, v(2, 4, 5), .reduction = TARN_NONE))
CASE(margin_ranking, "losses.margin_ranking_loss(X, v(2, 4, 5), mx.sign(v(3, 4, 5)), margin=0.25)",
     tarn_margin_ranking_loss(X, v(2, 4, 5), tarn_sign(v(3, 4, 5)), 0.25, .reduction = TARN_NONE))

CASE(sgd, "trained(opt.SGD(0.1))", trained(tarn_sgd(0.1)))
CASE(sgd_momentum, "trained(opt.SGD(0.1, momentum=0.5, weight_decay=0.25, dampening=0.125))",
     trained(tarn_sgd(0.1, .momentum = 0.5, .weight_decay = 0.25, .dampening = 0.125)))
CASE(sgd_nesterov, "trained(opt.SGD(0.1, momentum=0.5, nesterov=True))",
     trained(tarn_sgd(0.1, .momentum = 0.5, .nesterov = true)))
CASE(rmsprop, "trained(opt.RMSprop(0.1))", trained(tarn_rmsprop(0.1)))
CASE(adagrad, "trained(opt.Adagrad(0.1))", trained(tarn_adagrad(0.1)))
CASE(adadelta, "trained(opt.AdaDelta(0.1))", trained(tarn_adadelta(0.1)))
CASE(adam, "trained(opt.Adam(0.1))", trained(tarn_adam(0.1)))
CASE(adam_corrected, "trained(opt.Adam(0.1, betas=[0.8, 0.9], bias_correction=True))",
     trained(tarn_adam(0.1, .beta1 = TARN_VALUE(0.8), .beta2 = TARN_VALUE(0.9), .bias_correction = true)))
CASE(adamw, "trained(opt.AdamW(0.1, weight_decay=0.25))", trained(tarn_adamw(0.1, .weight_decay = TARN_VALUE(0.25))))
CASE(adamax, "trained(opt.Adamax(0.1))", trained(tarn_adamax(0.1)))
CASE(lion, "trained(opt.Lion(0.1, weight_decay=0.25))", trained(tarn_lion(0.1, .weight_decay = 0.25)))
CASE(adafactor, "trained(opt.Adafactor())", trained(tarn_adafactor(0)))
CASE(adafactor_absolute,
     "trained(opt.Adafactor(0.1, relative_step=False, scale_parameter=False, beta_1=0.5, weight_decay=0.25))",
     trained(tarn_adafactor(0.1, .no_parameter_scale = true, .beta1 = TARN_VALUE(0.5), .weight_decay = 0.25)))
CASE(adafactor_warmup, "trained(opt.Adafactor(warmup_init=True))", trained(tarn_adafactor(0, .warmup = true)))
CASE(muon, "trained(opt.Muon(0.1))", trained(tarn_muon(0.1)))
CASE(muon_plain, "trained(opt.Muon(0.1, nesterov=False, weight_decay=0, ns_steps=2))",
     trained(tarn_muon(0.1, .no_nesterov = true, .weight_decay = TARN_VALUE(0), .steps = 2)))
CASE(scheduled,
     "trained(opt.SGD(opt.join_schedules([opt.linear_schedule(0, 0.5, 2), opt.cosine_decay(0.5, 3, 0.125)], [2])))",
     trained(tarn_sgd(0, .schedule = {joined, NULL})))
CASE(exponential_decay, "opt.exponential_decay(0.5, 0.9)(mx.array(7))",
     tarn_exponential_decay(tarn_scalar_int(7, TARN_INT32), 0.5, 0.9))
CASE(step_decay, "opt.step_decay(0.5, 0.9, 3)(mx.array(7))",
     tarn_step_decay(tarn_scalar_int(7, TARN_INT32), 0.5, 0.9, 3))
CASE(clip, "opt.clip_grad_norm({'a': X, 'b': v(2, 3)}, 0.5)[0]['a']", clipped(0))
CASE(clip_norm, "opt.clip_grad_norm({'a': X, 'b': v(2, 3)}, 0.5)[1]", clipped(1))

#define S v(1, 2, 3, 4)
CASE(rnn, "layer(nn.RNN(4, 3), Wxh=v(2, 3, 4), Whh=v(3, 3, 3), bias=v(4, 3))(v(1, 2, 3, 4), v(5, 2, 3))",
     tarn_rnn_forward(&(tarn_rnn){v(2, 3, 4), v(3, 3, 3), v(4, 3)}, S, v(5, 2, 3)))
CASE(gru, "layer(nn.GRU(4, 3), Wx=v(2, 9, 4), Wh=v(3, 9, 3), b=v(4, 9), bhn=v(5, 3))(v(1, 2, 3, 4))",
     tarn_gru_forward(&(tarn_gru){v(2, 9, 4), v(3, 9, 3), v(4, 9), v(5, 3)}, S, NULL))
CASE(gru_continued, "layer(nn.GRU(4, 3), Wx=v(2, 9, 4), Wh=v(3, 9, 3), b=v(4, 9), bhn=v(5, 3))(v(1, 3, 4), v(6, 3))",
     tarn_gru_forward(&(tarn_gru){v(2, 9, 4), v(3, 9, 3), v(4, 9), v(5, 3)}, v(1, 3, 4), v(6, 3)))
CASE(lstm,
     "layer(nn.LSTM(4, 3), Wx=v(2, 12, 4), Wh=v(3, 12, 3), bias=v(4, 12))(v(1, 2, 3, 4), v(5, 2, 3), v(6, 2, 3))[0]",
     lstm(false))
CASE(lstm_cells,
     "layer(nn.LSTM(4, 3), Wx=v(2, 12, 4), Wh=v(3, 12, 3), bias=v(4, 12))(v(1, 2, 3, 4), v(5, 2, 3), v(6, 2, 3))[1]",
     lstm(true))
CASE(encoder,
     "stack(nn.TransformerEncoder(2, 4, 2))(v(1, 2, 3, 4), nn.MultiHeadAttention.create_additive_causal_mask(3))",
     encoder(false))
CASE(encoder_norm_last,
     "stack(nn.TransformerEncoder(2, 4, 2, mlp_dims=6, activation=nn.gelu, norm_first=False))(v(1, 2, 3, 4), None)",
     encoder(true))
CASE(decoder, "stack(nn.TransformerDecoder(2, 4, 2))(v(1, 2, 3, 4), v(2, 2, 5, 4), None, None)", decoder())
CASE(sinusoidal, "nn.SinusoidalPositionalEncoding(6)(v(1, 4))", tarn_sinusoidal_encoding(v(1, 4), 6))
CASE(sinusoidal_turns, "nn.SinusoidalPositionalEncoding(6, cos_first=True, full_turns=True, scale=0.5)(v(1, 4))",
     tarn_sinusoidal_encoding(v(1, 4), 6, .cos_first = true, .full_turns = true, .scale = TARN_VALUE(0.5)))
CASE(alibi, "nn.ALiBi()(mx.zeros((1, 4, 3, 5)), offset=2)[0]", tarn_alibi_bias(4, 3, 5))
CASE(upsample_nearest, "nn.Upsample((2, 1.5))(v(1, 1, 3, 4, 2))",
     tarn_upsample(v(1, 1, 3, 4, 2), ((double[]){2, 1.5}), 2))
CASE(upsample_linear, "nn.Upsample(2, mode='linear')(v(1, 1, 3, 4, 2))",
     tarn_upsample(v(1, 1, 3, 4, 2), &(double){2}, 1, .mode = TARN_LINEAR))
CASE(upsample_corners, "nn.Upsample(2, mode='linear', align_corners=True)(v(1, 1, 3, 4, 2))",
     tarn_upsample(v(1, 1, 3, 4, 2), &(double){2}, 1, .mode = TARN_LINEAR, .align_corners = true))
CASE(upsample_cubic, "nn.Upsample(2, mode='cubic')(v(1, 1, 3, 4, 2))",
     tarn_upsample(v(1, 1, 3, 4, 2), &(double){2}, 1, .mode = TARN_CUBIC))
