// Enter: write the node of a process with its first lease.
// $process, $host; $lease in milliseconds
// Column: process. The MERGE locks that one node.
MERGE (p:Process {id: $process})
ON CREATE SET p.host = $host, p.startedAt = datetime.realtime('Z')
SET p.leaseUntil = datetime.realtime('Z') + duration({milliseconds: $lease})
RETURN p.id AS process
