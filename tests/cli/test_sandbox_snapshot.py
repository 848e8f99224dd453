"""`sandbox snapshot` never replaces a file that is no snapshot."""


def test_a_file_that_is_no_snapshot_is_left_alone(work, trueup):
    invoices = work / "invoices.csv"
    invoices.write_text("id,amount\n1,5.00\n", encoding="utf-8")
    assert trueup("sandbox", "reset")[0] == 0

    code, _, error = trueup("sandbox", "snapshot", "invoices.csv")

    assert code == 1
    assert "exists and is no snapshot of this sandbox: choose a file" in error
    assert invoices.read_text(encoding="utf-8") == "id,amount\n1,5.00\n"
    assert trueup("sandbox", "snapshot", "new.sqlite")[0] == 0
    assert trueup("sandbox", "snapshot", "new.sqlite")[0] == 0
