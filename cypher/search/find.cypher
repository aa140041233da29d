// Find the tasks and last revisions that match a text best, by the full text of both.
// $text: in Lucene's syntax; $limit: how many
// Column: hits: [id, score] of each, in one row; the index follows what is written within a second or so
CALL () {
  CALL db.index.fulltext.queryNodes('spoken_text', $text, {limit: $limit})
  YIELD node, score
  RETURN collect([node.id, score]) AS hits
}
RETURN hits
