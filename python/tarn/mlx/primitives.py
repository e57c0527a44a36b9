"""What export_function tells a callback, in MLX's words: its primitives, and their arguments where an operation is one
or two of them. Operations that MLX says with several others keep a name of their own."""

import string

# Names that are not the operation's in capitals.
NAMES = {
    "erfinv": "ErfInv", "logaddexp": "LogAddExp", "log2": "Log", "log10": "Log", "rsqrt": "Sqrt", "where": "Select",
    "astype": "AsType", "divmod": "DivMod", "argsort": "ArgSort", "searchsorted": "SearchSorted",
    "broadcast_to": "Broadcast", "broadcast_like": "Broadcast", "fft": "FFT", "rms_norm": "RMSNorm", "rope": "RoPE",
    "attention": "ScaledDotProductAttention", "conv": "Convolution", "hadamard_transform": "Hadamard",
    "gather_mm": "GatherMM", "gather_qmm": "GatherQMM", "segmented_mm": "SegmentedMM",
    "block_masked_mm": "BlockMaskedMM", "slice_array": "DynamicSlice", "to_fp8": "ToFP8", "from_fp8": "FromFP8",
    "linalg_inv": "Inverse", "linalg_qr": "QRF", "linalg_svd": "SVD", "linalg_lu_factor": "LUF", "arcsin": "ArcSin",
    "arccos": "ArcCos", "arctan": "ArcTan", "arcsinh": "ArcSinh", "arccosh": "ArcCosh", "arctanh": "ArcTanh",
    "arctan2": "ArcTan2",
}  # fmt: skip
BITWISE = ["bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"]
REDUCTIONS = {"all": 0, "any": 1, "sum": 2, "prod": 3, "min": 4, "max": 5}
SCANS = ["max", "min", "sum", "prod", "logaddexp"]
SAME = {"stop_gradient", "positive"}  # which MLX leaves out
BROADCAST = {
    "add", "subtract", "multiply", "divide", "remainder", "power", "maximum", "minimum", "logaddexp", "arctan2",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "floor_divide",
    "divmod", "where", *BITWISE,
}  # fmt: skip


def _axes(axes, ndim):
    return [axis % ndim for axis in (range(ndim) if axes is None else axes)]


def _transposed(a, shape):
    return [list(range(len(shape)))[::-1] if a["axes"] is None else _axes(a["axes"], len(shape))]


def _squeezed(a, shape):
    return [[i for i, size in enumerate(shape) if size == 1] if a["axes"] is None else _axes(a["axes"], len(shape))]


def _split(a, shape):
    axis, sections = a["axis"] % len(shape), a["sections"]
    even = tuple(shape[axis] * i // sections for i in range(1, sections))
    return [even if a["indices"] is None else a["indices"], axis]


def _taken(begin, end, step, size):
    """Where a slice begins and ends within an axis, and its step."""
    begin, end, step = slice(begin, None if step < 0 and end < -size else end, step).indices(size)
    count = len(range(begin, end, step))
    if count <= 1:
        return begin, begin + count, 1
    return begin, -size - 1 if step < 0 and end < 0 else end, step


def _slice(a, shape):
    rest = len(shape) - len(a["start"])
    steps = (*(a["step"] or (1,) * len(a["start"])), *(1,) * rest)
    bounds = zip((*a["start"], *(0,) * rest), (*a["stop"], *shape[len(a["stop"]) :]), steps, shape)
    return [tuple(column) for column in zip(*(_taken(*bound) for bound in bounds))] if shape else [(), (), ()]


# The arguments, from Tarn's by name and the shape of the first input.
ARGUMENTS = {
    "sqrt": lambda a, shape: [False],
    "rsqrt": lambda a, shape: [True],
    "equal": lambda a, shape: [False],
    "log": lambda a, shape: [2],
    "log2": lambda a, shape: [0],
    "log10": lambda a, shape: [1],
    "softmax": lambda a, shape: [False],
    "scan": lambda a, shape: [SCANS.index(a["kind"]), a["axis"] % len(shape), a["reverse"], not a["exclusive"]],
    "sort": lambda a, shape: [a["axis"] % len(shape)],
    "argsort": lambda a, shape: [a["axis"] % len(shape)],
    "concatenate": lambda a, shape: [a["axis"] % len(shape)],
    "flatten": lambda a, shape: _axes((a["first"], a["last"]), len(shape)) if shape else [0, 0],
    "transpose": _transposed,
    "squeeze": _squeezed,
    "split": _split,
    "slice": _slice,
    "arange": lambda a, shape: [a["start"], a["stop"], a["step"]],
    "fft": lambda a, shape: [[a["axis"] % len(shape)], a["inverse"], a["kind"] != "complex", False],
    "linalg_inv": lambda a, shape: [False, True],
    "linalg_qr": lambda a, shape: [],
    "linalg_svd": lambda a, shape: [not a["values"]],
    "linalg_eigh": lambda a, shape: ["U" if a["upper"] else "L", not a["values"]],
    "hadamard_transform": lambda a, shape: [a["scale"] or shape[-1] ** -0.5],
    "reduce": lambda a, shape: [REDUCTIONS.get(a["kind"], a["kind"]), _axes(a["axes"], len(shape))],
    "arg_reduce": lambda a, shape: [0 if a["least"] else 1, a["axis"] % len(shape)],
    **{name: lambda a, shape, i=i: [i] for i, name in enumerate(BITWISE)},
}  # fmt: skip


def _name(op):
    op = op.removeprefix("linalg_") if op not in NAMES else op
    return "BitwiseBinary" if op in BITWISE else NAMES.get(op) or "".join(word.capitalize() for word in op.split("_"))


class Translated:
    """A callback for Tarn's parts that tells them to another one as MLX would."""

    def __init__(self, callback):
        self.callback = callback
        self.names = {}

    def name(self, key):
        if key not in self.names:
            count, letters = len(self.names) + 1, ""
            while count:
                count, letter = divmod(count - 1, 26)
                letters = string.ascii_uppercase[letter] + letters
            self.names[key] = letters
        return self.names[key]

    def renamed(self, values):
        return [(self.name(value[0]), *value[1:]) for value in values if value is not None]

    def tell(self, name, inputs, outputs, arguments):
        self.callback({"type": "primitive", "inputs": inputs, "outputs": outputs, "name": name, "arguments": arguments})

    def between(self, shape, dtype):
        return self.name(object()), tuple(shape), dtype

    def broadcast(self, value, shape):
        if value[1] == shape:
            return value
        wide = self.between(shape, value[2])
        self.tell("Broadcast", [value], [wide], [shape])
        return wide

    def reduced(self, part, given, arguments):
        """MLX keeps the axes of a reduction, and takes them away afterwards."""
        inputs, outputs = self.renamed(part["inputs"]), self.renamed(part["outputs"])
        axes = arguments[1] if isinstance(arguments[1], list) else [arguments[1]]
        if given["keepdims"] or not axes:
            return self.tell(_name(part["name"]), inputs, outputs, arguments)
        kept = self.between([1 if i in axes else size for i, size in enumerate(inputs[0][1])], outputs[0][2])
        self.tell(_name(part["name"]), inputs, [kept], arguments)
        self.tell("Squeeze", [kept], outputs, [axes])

    def primitive(self, part):
        op, given = part["name"], dict(zip(part["argument_names"], part["arguments"]))
        if op in SAME:
            self.names[part["outputs"][0][0]] = self.name(part["inputs"][0][0])
            return
        shape = part["inputs"][0][1] if part["inputs"] else ()
        if op in ARGUMENTS:
            arguments = ARGUMENTS[op](given, shape)
        else:
            whole = range(len(shape))  # axes that are None
            arguments = [list(whole if value is None else value) if name == "axes" else value for name, value in given.items()]
        if op in ("reduce", "arg_reduce"):
            return self.reduced(part, given, arguments)
        inputs = self.renamed(part["inputs"])
        if op in BROADCAST:
            inputs = [self.broadcast(value, part["outputs"][0][1]) for value in inputs]
        if op in ("broadcast_to", "broadcast_like"):
            inputs, arguments = inputs[:1], [part["outputs"][0][1]]
        self.tell(_name(op), inputs, self.renamed(part["outputs"]), arguments)

    def __call__(self, part):
        kind = part["type"]
        if kind == "primitive":
            self.primitive(part)
        elif kind in ("inputs", "outputs"):
            self.callback({"type": kind, kind: self.renamed(part[kind])})
        elif kind == "keyword_inputs":
            self.callback({"type": kind, "keywords": [(word, self.name(key)) for word, key in part["keywords"]]})
        else:
            self.callback({"type": kind, "constants": [(self.name(key), value) for key, value in part["constants"]]})
