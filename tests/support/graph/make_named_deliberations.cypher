// Make deliberations that have a caller's own name, and nothing else.
// $count: how many; $text: what each name begins with
// returns: nothing
UNWIND range(1, $count) AS n
CREATE (:Deliberation {id: 'dlb_' + n, externalId: $text + n})
