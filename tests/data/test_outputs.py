import io
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy

from pryproof.attacks.evidence import evidence
from pryproof.checks import DataError, MachineError
from pryproof.data import peers
from pryproof.data.outputs import as_arrays, read_outputs

RUNS, SAMPLES, CLASSES = 3, 5, 4


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    draws = np.random.default_rng(0)
    return {
        "labels": draws.integers(CLASSES, size=SAMPLES),
        "logits": draws.normal(size=(RUNS, SAMPLES, CLASSES)).astype(np.float32),
        "phi": draws.normal(size=(RUNS, 2, SAMPLES)),
        "member": draws.random((RUNS, SAMPLES)) < 0.5,
    }


def same(found, expected):
    assert set(found) == set(expected)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_npz_and_safetensors_hold_the_arrays_by_name(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    safetensors.numpy.save_file(arrays, tmp_path / "a.safetensors")
    for name in ("a.npz", "a.safetensors"):
        same(read_outputs(tmp_path / name), arrays)


@pytest.mark.parametrize("fixed", [False, True])
def test_a_row_of_parquet_is_a_sample(tmp_path, arrays, fixed):
    def listed(values: np.ndarray) -> pa.Array:
        column = pa.array(values.reshape(-1))
        for size in values.shape[:0:-1]:
            if fixed:
                column = pa.FixedSizeListArray.from_arrays(column, size)
            else:
                offsets = np.arange(0, len(column) + 1, size, dtype=np.int32)
                column = pa.ListArray.from_arrays(pa.array(offsets), column)
        return column

    columns = {
        "labels": listed(arrays["labels"]),
        "logits": listed(np.moveaxis(arrays["logits"], 1, 0).copy()),
        "phi": listed(np.moveaxis(arrays["phi"], 2, 0).copy()),
        "member": listed(arrays["member"].T.copy()),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    same(read_outputs(tmp_path / "a.parquet"), arrays)


def test_parquet_of_one_run(tmp_path, arrays):
    table = {
        "labels": arrays["labels"],
        "logits": list(arrays["logits"][0]),
        "member": arrays["member"][0],
    }
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    expected = {"labels": arrays["labels"], "logits": arrays["logits"][0]}
    same(read_outputs(tmp_path / "a.parquet"), expected | {"member": arrays["member"][0]})


@pytest.mark.parametrize(
    ("column", "said"),
    [([[1.0], [1.0, 2.0]], "1 to 2 values"), ([[1.0, None], [1.0, 2.0]], "1 values are missing")],
)
def test_ragged_parquet_is_refused(tmp_path, column, said):
    pq.write_table(pa.table({"phi": column}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=said):
        read_outputs(tmp_path / "a.parquet")


def test_a_lira_tree_comes_back(tmp_path, arrays):
    given = evidence({name: arrays[name] for name in ("phi", "member", "labels")})
    for name, array in peers.lira_tree(given).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / name, array)
    same(read_outputs(tmp_path), {name: arrays[name] for name in ("phi", "member", "labels")})


def test_runs_of_a_lira_tree_are_in_the_order_of_their_numbers(tmp_path):
    for run in (10, 9, 1):
        folder = tmp_path / f"experiment-{run}_16"
        folder.mkdir()
        np.save(folder / "keep.npy", np.array([run == 10, True]))
        np.save(folder / "scores.npy", np.full((2, 1), float(run)))
    found = read_outputs(tmp_path)
    assert found["phi"][:, 0, 0].tolist() == [1.0, 9.0, 10.0]
    assert found["member"][:, 0].tolist() == [False, False, True]


def test_a_lira_tree_of_logits_takes_the_last_epoch(tmp_path, arrays):
    np.save(tmp_path / "y_train.npy", np.append(arrays["labels"], 0))
    for run in range(RUNS):
        folder = tmp_path / f"experiment-{run}" / "logits"
        folder.mkdir(parents=True)
        logits = arrays["logits"][run][:, None, None]  # [samples, 1, queries, classes]
        np.save(folder / "0000000010.npy", np.zeros_like(logits))
        np.save(folder / "0000000020.npy", logits)
        np.save(folder.parent / "keep.npy", np.append(arrays["member"][run], True))
    found = read_outputs(tmp_path)
    assert np.array_equal(found["logits"][:, 0], arrays["logits"])
    assert np.array_equal(found["labels"], arrays["labels"])
    assert np.array_equal(found["member"], arrays["member"])


def test_privacy_meters_files_come_back(tmp_path):
    draws = np.random.default_rng(1)
    given = {
        "p": draws.random((RUNS, SAMPLES)),
        "member": draws.random((RUNS, SAMPLES)) < 0.5,
        "population_p": draws.random((RUNS, 7)),
    }
    for name, array in peers.privacy_meter_files(evidence(given)).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / name, array)
    same(read_outputs(tmp_path), given)


def test_tensorflow_privacys_input_comes_back(tmp_path, arrays):
    given = evidence({name: arrays[name] for name in ("logits", "member", "labels")})
    fields = peers.tf_privacy_fields(given, 1)
    np.savez(tmp_path / "a.npz", **fields)
    found = read_outputs(tmp_path / "a.npz")
    order = np.argsort(~arrays["member"][1], kind="stable")
    assert np.array_equal(found["logits"], arrays["logits"][1][order])
    assert np.array_equal(found["labels"], arrays["labels"][order])
    assert found["member"].tolist() == sorted(arrays["member"][1], reverse=True)

    class AttackInputData:
        loss_train, loss_test, logits_train = [0.1, 0.2], [3.0], None

    assert as_arrays(AttackInputData())["loss"].tolist() == [0.1, 0.2, 3.0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"loss_train": [1.0]}, "both sides"),
        (
            {"loss_train": [1.0], "loss_test": [1.0], "labels_train": [1, 2], "labels_test": [1]},
            "loss has",
        ),
    ],
)
def test_half_an_attack_input_is_refused(fields, said):
    with pytest.raises(DataError, match=said):
        as_arrays(fields)


def test_nothing_is_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", phi=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="never pickled"):
        read_outputs(tmp_path / "a.npz")


def test_damage_is_named(tmp_path):
    np.savez(tmp_path / "a.npz", phi=np.zeros(1000))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cut.safetensors").write_bytes(b"\x00" * 20)
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 no")
    for ending in ("npz", "safetensors", "parquet"):
        with pytest.raises(DataError, match=rf"cut off.*cut\.{ending}"):
            read_outputs(tmp_path / f"cut.{ending}")


def test_an_archive_larger_than_memory_is_refused(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (2,)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("phi.npy", header.getvalue() + bytes(16))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    at = data.index(b"PK\x01\x02") + 24  # the size the directory claims
    data[at : at + 4] = (0xFFFFFF00).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pryproof.data.outputs.os.sysconf", lambda _: 1000)
        with pytest.raises(MachineError, match=r"4\.3 GB"):
            read_outputs(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("name", "said"),
    [("none.npz", "no such file"), ("a.csv", r"outputs are read from"), ("", "neither runs")],
)
def test_what_is_no_file_of_outputs(tmp_path, name, said):
    (tmp_path / "a.csv").write_text("phi\n1\n")
    with pytest.raises(DataError, match=said):
        read_outputs(tmp_path / name)
