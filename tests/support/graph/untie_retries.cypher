// As an import leaves it that was cut off before the end.
MATCH (:Deliberation)-[r:RETRIES]->(:Deliberation)
DELETE r
