-- Version 4: what came to nothing of questions about what is worth keeping, so that a pause outlives the actor.

ALTER TABLE memory ADD COLUMN failing TEXT; -- JSON: how often in a row, until when nothing is asked, and of what
