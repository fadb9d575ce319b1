"""Makes small.onnx with the onnx package: every field that ONNXFile writes, in a graph of three nodes that runs.

    python make_onnx_fixtures.py [DIRECTORY]      (default: the directory of this script)

Needs onnx and numpy. The bytes are those of protobuf's own serialisation, fields in the order of their numbers;
ONNXFileTests builds the same graph and compares them.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
folder = folder if folder.is_dir() else folder.parent


def weight(name, values, shape, kind):
    values = np.asarray(values, {TensorProto.FLOAT: "<f4", TensorProto.INT64: "<i8"}[kind])
    return helper.make_tensor(name, kind, shape, values.tobytes(), raw=True)


graph = helper.make_graph(
    [
        # Attributes in the order of their names, which make_node sorts by.
        helper.make_node("Conv", ["images", "w"], ["conv"], "conv", group=1, pads=[0, 1, 0, 300]),
        helper.make_node("LeakyRelu", ["conv"], ["act"], "act", alpha=0.25),
        helper.make_node("Reshape", ["act", "sides"], ["features"], "features", allowzero=0),
    ],
    "small",
    [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 1, 2, 2])],
    [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 302])],
    [
        weight("w", [1.5, -2, 0.5, 4], [1, 1, 2, 2], TensorProto.FLOAT),
        weight("sides", [-1, 302], [2], TensorProto.INT64),
    ],
)
model = helper.make_model(
    graph, ir_version=8, producer_name="maker", producer_version="1", doc_string="Sch\u00f6n.",
    opset_imports=[helper.make_opsetid("", 17)])
helper.set_model_props(model, {"a": "1", "b": "two"})
onnx.checker.check_model(model)
(folder / "small.onnx").write_bytes(model.SerializeToString(deterministic=True))
