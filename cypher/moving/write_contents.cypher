// Write what was said in turns that write_deliberations has written in the same transaction.
// $rows: [turn, contents] of each; turn: its id; contents: {content, reasoning}, or without what it has not
// returns: nothing
UNWIND $rows AS row
MATCH (t:Turn {id: row[0]})
SET t += row[1]
