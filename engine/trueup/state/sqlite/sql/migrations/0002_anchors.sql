-- Anchors: a finished run keeps the head of the journal, so that a journal that is rewritten as a whole
-- no longer agrees with the runs. And lines of the journal can only be added.

ALTER TABLE runs ADD COLUMN anchor TEXT NOT NULL DEFAULT '';  -- '' until the run is finished

UPDATE runs SET anchor = coalesce(
    (SELECT hash FROM journal WHERE journal.run = runs.id AND kind = 'finished' ORDER BY seq DESC LIMIT 1), '');

CREATE TRIGGER journal_keeps_its_lines BEFORE DELETE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is only ever added to');
END;

CREATE TRIGGER journal_keeps_its_words BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is only ever added to');
END;
