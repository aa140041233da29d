// Find who made and changed roles, councils, agents and endpoints, and who cancelled deliberations.
// $ids: of any of them
// returns: id, createdBy, updatedBy, cancelledBy: null where nobody was asked who he is, and where there is no such thing to do
MATCH (r:Role)
WHERE r.id IN $ids
RETURN r.id AS id, r.createdBy AS createdBy, null AS updatedBy, null AS cancelledBy
UNION ALL
MATCH (c:Council)
WHERE c.id IN $ids
RETURN c.id AS id, c.createdBy AS createdBy, c.updatedBy AS updatedBy, null AS cancelledBy
UNION ALL
MATCH (a:Agent)
WHERE a.id IN $ids
RETURN a.id AS id, a.createdBy AS createdBy, a.updatedBy AS updatedBy, null AS cancelledBy
UNION ALL
MATCH (e:Endpoint)
WHERE e.id IN $ids
RETURN e.id AS id, e.createdBy AS createdBy, e.updatedBy AS updatedBy, null AS cancelledBy
UNION ALL
// They are few, and in no index.
MATCH (e:RemovedEndpoint)
WHERE e.id IN $ids
RETURN e.id AS id, e.createdBy AS createdBy, e.updatedBy AS updatedBy, null AS cancelledBy
UNION ALL
MATCH (d:Deliberation)
WHERE d.id IN $ids
RETURN d.id AS id, d.createdBy AS createdBy, null AS updatedBy, d.cancelledBy AS cancelledBy
