# Modules, their parts and what is refused; losses, optimizers, initial values, trees.
import mlx.nn as nn
import mlx.optimizers as o
from mlx.utils import tree_flatten, tree_map_with_path, tree_merge, tree_reduce
mx.random.seed(0)
m = lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))

[k for k,_ in tree_flatten(m().freeze(keys='bias').trainable_parameters())]
m().freeze(keys='nope',strict=True)
m().freeze().unfreeze(keys=['bias','x'],strict=True)
[k for k,_ in tree_flatten(m().freeze().unfreeze(recurse=False).trainable_parameters())]
m().filter_and_map(nn.Module.valid_parameter_filter, lambda a:a.shape)
m().leaf_modules()
m().children()
[n for n,_ in m().named_modules()]
[v.dtype for _,v in tree_flatten(m().set_dtype(mx.float16).parameters())]
[v.dtype for _,v in tree_flatten(m().set_dtype(mx.float16,predicate=lambda d: False).parameters())]
m().update_modules({'layers':[{},nn.Tanh()]})
m().update_modules({'nope':nn.Tanh()})
m().update_modules({'layers':[3]})
m().load_weights([('a',mx.ones(1))])
m().load_weights('x.bin')
m().save_weights('x.bin')
nn.quantize(nn.Sequential(nn.Linear(64,64)),class_predicate=lambda p,m: 3)
tree_map_with_path(lambda p,x: (p,x),{'a':[1,{'b':2}]})
tree_map_with_path(lambda p,x,y: (p,x+y),{'a':[1]},{'a':[3]},prefix='q')
tree_reduce(lambda a,x:a+x,{'a':[1,2,{'b':3}]},10)
tree_reduce(lambda a,x:a+x,[])
tree_merge({'a':1},{'a':2})
tree_merge({'a':1},{'a':2},merge_fn=lambda x,y:x+y)
o.MultiOptimizer([o.SGD(.1),o.Adam(.1)],[])
o.join_schedules([lambda s:1,lambda s:2],[1,2])
o.join_schedules([],[])
o.Adam(1e-3,betas=[.9,1.2])
o.RMSprop(1e-3,alpha=-1)
o.Adagrad(1e-3,eps=-1)
o.AdaDelta(1e-3,rho=-1)
o.SGD(1e-3,nesterov=True)
o.Adamax(1e-3,eps=-1)
(lambda l: (m().apply_to_modules(lambda p,x:l.append(p)),l)[1])([])
nn.Linear(1,1).nope
nn.losses.cross_entropy(mx.zeros((2,3)),mx.zeros((3,),mx.int32))
nn.losses.cross_entropy(mx.zeros((2,3)),mx.array([0,1]),reduction='x')
nn.losses.cross_entropy(mx.zeros((2,3)),mx.array([0,1]),label_smoothing=1.5)
nn.losses.cross_entropy(mx.zeros((2,3),mx.float16),mx.array([0,1])).dtype
nn.losses.binary_cross_entropy(mx.zeros(3),mx.zeros(2))
nn.losses.mse_loss(mx.zeros(3),mx.zeros(2))
nn.losses.hinge_loss(mx.zeros(3,mx.bfloat16),mx.ones(3,mx.bfloat16))
nn.LayerNorm(4)(mx.ones((2,4),mx.float16)).dtype
nn.BatchNorm(4)(mx.ones((2,4),mx.float16)).dtype
nn.GRU(2,2)(mx.ones((1,3,2),mx.float16)).dtype
nn.Embedding(3,2).as_linear(mx.ones((1,2),mx.float16)).dtype
nn.average_gradients({'a':mx.ones(2)})
nn.Step(0.5)
nn.GLU(0)
nn.MultiHeadAttention(10,3)
nn.GroupNorm(3,8)(mx.ones((1,8)))
nn.Upsample(2,mode='x')
nn.Dropout(1.0)
nn.Dropout2d(-.1)
nn.Conv2d(3,5,2,groups=2)
nn.RoPE(8)(mx.ones((1,3,8),mx.bfloat16)).dtype
nn.ALiBi.create_alibi_matrix(2,3,2)
nn.init.glorot_uniform()(mx.zeros(3))
nn.init.he_normal()(mx.zeros((2,3)),mode='x')
nn.init.identity()(mx.zeros((2,3)))
