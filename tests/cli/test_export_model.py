from __future__ import annotations

import json


def test_export_model_writes_beside_the_model_and_says_how_near_it_is(cli, digits):
    done = cli("export-model", digits, "--format", "pt2", "--json")
    assert done.code == 0
    (record,) = json.loads(done.out)
    assert record["path"] == f"{digits}/best_model/model.pt2"
    assert 0.0 <= record["difference"] <= 1e-4
    assert record["checked_on"] == "256 test examples"
    done = cli("export-model", digits, "--format", "pt2")
    assert done.out.strip() == f"{digits}/best_model/model.pt2"
    assert "model.pt2: logits within" in done.err
