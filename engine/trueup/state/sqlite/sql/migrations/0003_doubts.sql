-- Changes in doubt, kept up to date: each plan needs them, and the journal grows for years.

-- The last entry of each change whose outcome is unknown.
CREATE TABLE doubts (
    run    TEXT    NOT NULL,
    change TEXT    NOT NULL,
    seq    INTEGER NOT NULL,  -- the entry
    PRIMARY KEY (run, change)
) WITHOUT ROWID;

INSERT INTO doubts (run, change, seq)
SELECT run, change, seq FROM journal AS line
WHERE kind = 'entry' AND step IN ('started', 'in doubt', 'answered', 'unclear') AND NOT EXISTS (
    SELECT 1 FROM journal AS later
    WHERE later.run = line.run AND later.change = line.change AND later.kind = 'entry' AND later.seq > line.seq);

CREATE TRIGGER journal_tells_doubts AFTER INSERT ON journal WHEN new.kind = 'entry'
BEGIN
    DELETE FROM doubts WHERE run = new.run AND change = new.change;
    INSERT INTO doubts (run, change, seq)
    SELECT new.run, new.change, new.seq WHERE new.step IN ('started', 'in doubt', 'answered', 'unclear');
END;
