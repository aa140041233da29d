// Give back a text, once for each number up to $rows.
// $text, $rows. Columns: i, text
UNWIND range(1, $rows) AS i
RETURN i, $text AS text
