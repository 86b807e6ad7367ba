import pytest
from datasets import make_dataset

from autoencode.dataset.pipeline import frames_in_order
from autoencode.dataset.shards import shards_named
from autoencode.errors import UserError


def tear(shard):
    shard.write_bytes(shard.read_bytes()[:100])


def change(shard):
    raw = bytearray(shard.read_bytes())
    raw[60] ^= 1
    shard.write_bytes(raw)


def lose_its_last_record(shard):
    raw = shard.read_bytes()
    first = int.from_bytes(raw[:8], "little") + 16  # a length, two checksums, and the record itself
    shard.write_bytes(raw[:first])


@pytest.mark.parametrize("harm", [tear, change, lose_its_last_record, lambda shard: shard.unlink()])
def test_a_shard_that_cannot_be_read_is_named(tmp_path, harm):
    dataset = make_dataset(tmp_path, 40)
    shard = sorted(dataset.folder.glob("*.tfrecord*"))[3]
    harm(shard)
    with pytest.raises(UserError, match=f"{shard}: missing or damaged"), shards_named(dataset):
        list(frames_in_order(dataset, 8))
