"""ONNX models made for tests, and what onnxruntime computes of them."""

import numpy as np
import onnxruntime
from onnx import helper, numpy_helper

import minigrad as mg

onnxruntime.set_default_logger_severity(4)


def model_of(nodes, inputs, outputs, initializers=(), opset=20, domains=(), **options):
    """A model of arrays, as examples of inputs whose axes may have any length and as initializers.

    ``outputs``: name -> (dtype, axes).
    """
    ports = [port(name, array.dtype, array.ndim) for name, array in inputs.items()]
    results = [port(name, *kind) for name, kind in outputs.items()]
    tensors = [numpy_helper.from_array(array, name) for name, array in dict(initializers).items()]
    graph = helper.make_graph(nodes, "g", ports, results, tensors)
    imports = [helper.make_opsetid("", opset), *domains]
    return helper.make_model(graph, opset_imports=imports, ir_version=8, **options)


def port(name, dtype, axes):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, [f"{name}{a}" for a in range(axes)])


def by_onnxruntime(model, feeds):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, feeds)


def by_minigrad(model, feeds, dtype=None):
    """The outputs as a tuple of Tensors."""
    result = mg.from_onnx(model, dtype=dtype)(**feeds)
    return result if isinstance(result, tuple) else (result,)


def assert_close(ours, theirs, atol=1e-5):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a.data, b, rtol=1e-4, atol=atol)
