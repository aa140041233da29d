// Release: give back every claim of a process, and end its lease.
// $process
// Column: released: how many it gave back
// The SET of `lock` takes the write locks, in order of id; whose it is is asked again after it. The process is locked last.
MATCH (p:Process {id: $process})
CALL (p) {
  // The role is named since the index is over both: without it every deliberation there ever was would be read.
  MATCH (held:Deliberation)
  USING INDEX SEEK held:Deliberation(holder, role)
  WHERE held.holder = $process AND held.role IS NOT NULL
  WITH held.id AS id
  ORDER BY id
  MATCH (d:Deliberation {id: id})
  SET d.lock = true
  WITH d
  WHERE d.holder = $process AND d.status = 'RUNNING'
  SET d.holder = null, d.waiting = CASE d.priority WHEN 'HIGH' THEN 0 WHEN 'NORMAL' THEN 2 ELSE 4 END
  RETURN count(*) AS released
}
SET p.leaseUntil = datetime.realtime('Z')
RETURN released
