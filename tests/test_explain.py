"""What goes wrong in the machine is told in one line of our words."""

import pytest
import tensorflow as tf

from autoencode.explain import explain

OOM = """Graph execution error:

Detected at node decoder_1/conv2d defined at (most recent call last):
  File "<stdin>", line 1, in <module>
OOM when allocating tensor with shape[512,320,6,9] and type float on /job:localhost/device:GPU:0 by allocator
\t [[{{node decoder_1/conv2d}}]]
Hint: If you want to see a list of allocated tensors when OOM happens, add report_tensor_allocations."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (tf.errors.ResourceExhaustedError(None, None, OOM), "tensor with shape[512,320,6,9] and type float)"),
        (tf.errors.AbortedError(None, None, "could not create a primitive"), "could not create a primitive"),
        (MemoryError("Unable to allocate 3.2 GiB for an array"), "Unable to allocate 3.2 GiB"),
        (MemoryError(), "--batch_size"),
    ],
)
def test_too_little_memory_says_what_to_lower(error, said):
    words = explain(error)
    assert words.startswith("not enough memory")
    assert "--batch_size" in words
    assert said in words
    assert "\n" not in words


def test_tensorflows_nodes_are_left_out():
    node = "{{function_node __wrapped__IteratorGetNext_output_types_1_device_/job:localhost/device:CPU:0}}"
    error = tf.errors.NotFoundError(
        None, None, f"{node} a.tfrecord; No such file [Op:IteratorGetNext] name: "
    )
    assert explain(error) == "a.tfrecord; No such file"


def test_faults_of_the_program_are_not_explained_away():
    assert explain(ValueError("shapes do not match")) is None
    assert explain(tf.errors.AbortedError(None, None, "something else")) is None
