"""Work 365 as a folder of exported files. Start reading in `source`.

`documents` is the shape that both file formats share, `csv_document` and `json_document` are the
two formats, `edits` decides what a write-back changes, `atomic_write` replaces a file.
"""
