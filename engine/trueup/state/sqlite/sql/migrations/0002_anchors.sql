-- Anchors: a finished run keeps the hash at which the journal stood, so that a journal written anew
-- as a whole does not agree with the runs any more. And the journal is only ever added to.

ALTER TABLE runs ADD COLUMN anchor TEXT NOT NULL DEFAULT '';  -- '' while it was never finished

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
